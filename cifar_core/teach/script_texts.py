"""The passages of a run's script that no setting changes; each ends where the next line of the script begins."""

INTRODUCTION = '''\
"""Training a classifier: one run of the Net of the PyTorch tutorial, to do it again at home.

It needs torch and torchvision (pip install torch torchvision). On the CPU, with the same data and
the same versions of both, it prints the run's very digits and gives its very weights.
"""

# %% 1. Load and normalize the pictures'''

ONE_THREAD = """
# One thread, as the run had: several would add up the same numbers in another order, and the last
# digits would differ. Mini-batches of a few small pictures are too little work to be shared anyway.
torch.set_num_threads(1)
"""

TRANSFORM = """\
transform = transforms.Compose(
    [transforms.ToTensor(), transforms.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))]
)
"""

REPACKED = '''
class Repacked(torchvision.datasets.CIFAR10):
    """A copy of CIFAR-10 that was packed again, so its md5 sums are not the official ones."""

    train_list = [[name, None] for name, _ in torchvision.datasets.CIFAR10.train_list]
    test_list = [[name, None] for name, _ in torchvision.datasets.CIFAR10.test_list]
    meta = {**torchvision.datasets.CIFAR10.meta, "md5": None}


# It is read from ./data/cifar-10-batches-py. Its files are pickles, which can hold programs: take
# only a copy that you trust.'''

PICTURES = '''
class Pictures(torch.utils.data.Dataset):
    """The pictures of the run; the folder root holds them as the program keeps them, in four files.

    They are train_images.npy, train_labels.npy and the same of test. To run this at home, copy them
    from the folder .cifar_core beside the data (of drawn pictures: from data/drawn).
    """

    def __init__(self, root, split, transform):
        self.data = np.load(f"{root}/{split}_images.npy")  # bytes (N, 32, 32, 3)
        self.targets = np.load(f"{root}/{split}_labels.npy").tolist()
        self.transform = transform

    def __getitem__(self, index):
        return self.transform(self.data[index]), self.targets[index]

    def __len__(self):
        return len(self.data)

'''

TESTLOADER = """\
# The loaders have no worker processes (num_workers=0, which is usual): with some, the whole code
# would have to stand in an `if __name__ == "__main__":`. Testing 500 pictures at once is faster.
testloader = torch.utils.data.DataLoader(testset, batch_size=500, shuffle=False, num_workers=0)"""

PARTLOADER = """\
# a part of the test images, evenly spread, to follow the accuracy on
places = np.linspace(0, len(testset) - 1, min(1000, len(testset))).astype(int).tolist()
part = torch.utils.data.Subset(testset, places)
partloader = torch.utils.data.DataLoader(part, batch_size=500, shuffle=False, num_workers=0)"""

NET = """\
# %% 2. Define the Net
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 5)
        self.pool = nn.MaxPool2d(2, 2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        x = self.pool(F.relu(self.conv1(x)))
        x = self.pool(F.relu(self.conv2(x)))
        x = x.view(-1, 16 * 5 * 5)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.fc3(x)

"""

LEARNING_RATE = '''

def learning_rate(done):
    """One cycle: up in a straight line over the first quarter, then down half a cosine to zero."""
    if done < 0.25:
        return lr * (0.04 + 0.96 * done / 0.25)
    return lr * 0.5 * (1 + math.cos(math.pi * (done - 0.25) / 0.75))'''

MOVED = '''

def moved(picture, flip, shift):
    """The picture (3, 32, 32), mirrored or not, seen a little further down and right."""
    rows = (torch.arange(32) + shift[0]).clamp(0, 31)  # the edges are repeated
    columns = (torch.arange(32) + shift[1]).clamp(0, 31)
    if flip:
        columns = columns.flip(0)
    return picture[:, rows[:, None], columns]'''
