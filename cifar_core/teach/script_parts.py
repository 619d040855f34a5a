"""The parts of a run's script before its loop: data, Net, loss function and optimizer, each as a list of lines.

A line stands in the script only where the settings need it, and is marked where it is the mistake of the setting
`mistake`. Why each is as it is for the very digits of the run is told in `train.py`, `step.py` and `order.py`.
"""

from cifar_core.teach import script_texts as texts
from cifar_core.teach.script_recipe import ScriptSettings

MISTAKE = "  # <- the mistake"


def when(needed: bool, *lines: str) -> tuple[str, ...]:
    """These lines where they are needed."""
    return lines if needed else ()


def indented(levels: int, lines: list[str]) -> list[str]:
    """The lines further to the right; a text of several lines counts as so many."""
    return ["    " * levels + line if line else "" for line in "\n".join(lines).split("\n")] if lines else []


def data(recipe: ScriptSettings) -> list[str]:
    """What the script is and imports; the data sets, the loader of the test images and the classes."""
    math = recipe.cycles or recipe.patient or recipe.probed or recipe.diverged
    source = {"official": "", "repacked": texts.REPACKED, "pictures": texts.PICTURES}[recipe.data]
    return [
        texts.INTRODUCTION,
        *when(math, "import math"),
        *when(recipe.diverged, "import sys"),
        *when(math, ""),
        *when(recipe.data == "pictures" or recipe.probed, "import numpy as np"),
        "import torch",
        "import torch.nn as nn",
        "import torch.nn.functional as F",
        "import torch.optim as optim",
        *when(recipe.data != "pictures", "import torchvision"),
        "import torchvision.transforms as transforms",
        texts.ONE_THREAD,
        texts.TRANSFORM,
        *when(source != "", source),
        *_data_set(recipe, "train"),
        *_data_set(recipe, "test"),
        *_mixed_labels(recipe),
        texts.TESTLOADER,
        *when(recipe.probed, texts.PARTLOADER),
        "",
        *_classes(recipe.classes),
    ]


def _data_set(recipe: ScriptSettings, name: str) -> list[str]:
    """`trainset = ...` or `testset = ...`."""
    confused = name == "train" and recipe.made("test_data")
    unlike = name == "test" and recipe.made("no_normalize")
    split = "test" if confused else name
    kind = {"official": "torchvision.datasets.CIFAR10", "repacked": "Repacked", "pictures": "Pictures"}[recipe.data]
    arguments = {
        'root="./pictures"' if recipe.data == "pictures" else 'root="./data"': False,
        f'split="{split}"' if recipe.data == "pictures" else f"train={split == 'train'}": confused,
        **({"download=True": False} if recipe.data == "official" else {}),
        f"transform={'transforms.ToTensor()' if unlike else 'transform'}": unlike,
    }
    return _call(f"{name}set = {kind}", arguments)


def _call(function: str, arguments: dict[str, bool]) -> list[str]:
    """A call in one line, or three; with one argument a line where one of them is a mistake."""
    if True in arguments.values():
        lines = [f"{argument},{MISTAKE if wrong else ''}" for argument, wrong in arguments.items()]
        return [f"{function}(", *indented(1, lines), ")"]
    line = f"{function}({', '.join(arguments)})"
    return [line] if len(line) <= 88 else [f"{function}(", f"    {', '.join(arguments)}", ")"]


def _mixed_labels(recipe: ScriptSettings) -> list[str]:
    if not recipe.made("shuffled_labels"):
        return []
    return [
        f"random = torch.Generator().manual_seed({recipe.config.seed})",
        "mixed = torch.randperm(len(trainset), generator=random).tolist()",
        f"trainset.targets = [trainset.targets[k] for k in mixed]{MISTAKE}: somebody else's label",
    ]


def _classes(names: tuple[str, ...]) -> list[str]:
    line = f"classes = ({', '.join(_word(name) for name in names)})"
    if len(line) <= 96:
        return [line]
    ## Two strings side by side are one string in Python: so a long name can take several lines.
    words = [[_word(name[at : at + 12]) for at in range(0, len(name), 12)] for name in names]
    return ["classes = (", *(f"    {piece}{',' * (piece is word[-1])}" for word in words for piece in word), ")"]


def _word(text: str) -> str:
    """Text as code, in double quotes where that is as simple; nothing in it can end the string."""
    plain = text.isascii() and text.isprintable() and not set(text) & set('"\\')
    return f'"{text}"' if plain else ascii(text)


def net(recipe: ScriptSettings) -> list[str]:
    """The Net, and how it could be trained elsewhere."""
    device = "mps" if recipe.config.device == "mps" else "cuda"
    return [
        texts.NET,
        f"torch.manual_seed({recipe.config.seed})  # the seed decides the first weights",
        "net = Net()",
        *when(
            recipe.config.device != "cpu",
            "# This trains on the CPU. A GPU adds up in another order, so the last digits may differ there. To",
            f'# train on one: net.to("{device}") here, and below inputs.to("{device}") and labels.to("{device}")',
            "# wherever a loader gave them (in the test they are called images and labels).",
        ),
        *when(device == "mps", "# Leave fused=True out there, too."),
    ]


def optimizer(recipe: ScriptSettings) -> list[str]:
    """The loss function and the optimizer, and the functions that the loop calls."""
    config, ten, other = recipe.config, recipe.made("lr_ten"), recipe.made("other_parameters")
    arguments = {
        "Net().parameters()" if other else "net.parameters()": other,
        f"lr={'lr' if recipe.cycles else recipe.rate(config.lr)}": ten and not recipe.cycles,
        f"momentum={config.momentum!r}": False,
        **({f"weight_decay={config.weight_decay!r}": False} if config.weight_decay else {}),
        "fused=True": False,
    }
    smoothing = f"label_smoothing={config.label_smoothing!r}" if config.label_smoothing else ""
    return [
        "# %% 3. Define a loss function and an optimizer",
        f"criterion = nn.CrossEntropyLoss({smoothing})",
        *when(recipe.cycles, f"lr = {recipe.rate(config.lr)}" + (MISTAKE if ten else "  # the highest learning rate")),
        "# fused: all weights move in one call, which is faster; the last digits depend on it",
        *_call("optimizer = optim.SGD", arguments),
        *when(recipe.cycles, texts.LEARNING_RATE),
        *when(recipe.moves, texts.MOVED),
        *when(recipe.probed, "", "", "def count_right(loader):"),
        *(indented(1, [*counting(recipe, "loader"), "return right, total"]) if recipe.probed else []),
    ]


def counting(recipe: ScriptSettings, loader: str) -> list[str]:
    """Count right answers for each class, over the pictures in `loader`."""
    count = len(recipe.classes)
    return [
        f"right, total = [0] * {count}, [0] * {count}  # of each class",
        "# no gradients are needed to answer",
        "with torch.no_grad():",
        f"    for data in {loader}:",
        "        images, labels = data",
        "        outputs = net(images)",
        *when(count < 10, f"        outputs = outputs[:, :{count}]  # the Net has ten outputs, the data fewer classes"),
        "        _, predicted = torch.max(outputs, 1)  # the class with the highest score",
        "        for label, prediction in zip(labels.tolist(), predicted.tolist()):",
        "            total[label] += 1",
        "            right[label] += label == prediction",
    ]
