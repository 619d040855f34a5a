"""The code of the PyTorch tutorial 'Training a classifier', for our results to be compared with.

It is left as it was written, but for three things: the images come from arrays, in an order that is given; each loss
is returned besides being printed; and `fast` makes the two settings of torch that our own step makes (see
`cifar_core/training/`), under which it has to give the same digits.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
import torchvision.transforms as transforms
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from cifar_core.data import ImageSet

transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))])


class Images(Dataset[tuple[Any, int]]):
    """Gives (image, label) as torchvision.datasets.CIFAR10 does."""

    def __init__(self, image_set: ImageSet) -> None:
        self.data: np.ndarray = image_set.images
        self.targets: list[int] = image_set.labels.tolist()

    def __getitem__(self, index: int) -> tuple[Any, int]:
        img, target = self.data[index], self.targets[index]
        img = Image.fromarray(img)
        img = transform(img)
        return img, target

    def __len__(self) -> int:
        return len(self.data)


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 5)
        self.pool = nn.MaxPool2d(2, 2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.pool(F.relu(self.conv1(x)))
        x = self.pool(F.relu(self.conv2(x)))
        x = x.view(-1, 16 * 5 * 5)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        x = self.fc3(x)
        return x


def train(
    net: nn.Module,
    image_set: ImageSet,
    orders: Sequence[Sequence[int]],
    *,
    batch_size: int = 4,
    print_every: int = 2000,
    lr: float = 0.001,
    momentum: float = 0.9,
    weight_decay: float = 0.0,
    label_smoothing: float = 0.0,
    fast: bool = True,
) -> list[float]:
    """Train `net` for one epoch an order, printing the tutorial's lines; the loss of every mini-batch."""
    losses = []
    trainset = Images(image_set)
    criterion = nn.CrossEntropyLoss(label_smoothing=label_smoothing)
    optimizer = optim.SGD(net.parameters(), lr=lr, momentum=momentum, weight_decay=weight_decay, fused=fast)

    torch.backends.mkldnn.enabled = not (fast and batch_size <= 4)  # type: ignore[assignment]

    for epoch, order in enumerate(orders):  # loop over the dataset multiple times
        trainloader = DataLoader(trainset, batch_size=batch_size, sampler=order)

        running_loss = 0.0
        for i, data in enumerate(trainloader, 0):
            # get the inputs
            inputs, labels = data

            # zero the parameter gradients
            optimizer.zero_grad()

            # forward + backward + optimize
            outputs = net(inputs)
            loss = criterion(outputs, labels)
            loss.backward()
            optimizer.step()

            losses.append(loss.item())

            # print statistics
            running_loss += loss.item()
            if i % print_every == print_every - 1:  # print every 2000 mini-batches
                print("[%d, %5d] loss: %.3f" % (epoch + 1, i + 1, running_loss / print_every))  # noqa: UP031
                running_loss = 0.0
    torch.backends.mkldnn.enabled = True  # type: ignore[assignment]
    return losses


def evaluate(net: nn.Module, image_set: ImageSet) -> tuple[int, int]:
    """How many of how many images `net` has right."""
    testloader = DataLoader(Images(image_set), batch_size=4, shuffle=False)
    correct = 0
    total = 0
    with torch.no_grad():
        for data in testloader:
            images, labels = data
            outputs = net(images)
            _, predicted = torch.max(outputs.data, 1)
            total += labels.size(0)
            correct += (predicted == labels).sum().item()
    return correct, total
