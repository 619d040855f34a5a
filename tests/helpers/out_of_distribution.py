"""Pictures of none of the ten classes, made by code, and how a Net takes them.

`python tests/helpers/out_of_distribution.py --data DIR [NET.pth ...]` prints the shares that
`cifar_core/inspect/judge.py` names.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageDraw, ImageFont

from cifar_core.images import to_net_input

ROWS, COLUMNS = np.mgrid[0:32, 0:32]


def out_of_distribution_images(each: int) -> dict[str, np.ndarray]:
    """`each` pictures of every kind, the same every time: uint8 (each, 32, 32, 3) under the kind's name."""
    rng = np.random.default_rng(0)
    return {kind.__name__: np.stack([kind(rng) for _ in range(each)]) for kind in KINDS}


def flat(rng: Generator) -> np.ndarray:
    return _between(np.zeros((32, 32)), rng)


def gradient(rng: Generator) -> np.ndarray:
    angle = rng.uniform(0, 2 * np.pi)
    slope = COLUMNS * np.cos(angle) + ROWS * np.sin(angle)
    return _between((slope - slope.min()) / np.ptp(slope), rng)


def stripes(rng: Generator) -> np.ndarray:
    angle, width = rng.uniform(0, np.pi), rng.uniform(1.5, 8)
    return _between(np.sin(np.pi * (COLUMNS * np.cos(angle) + ROWS * np.sin(angle)) / width) > 0, rng)


def checkerboard(rng: Generator) -> np.ndarray:
    side = rng.integers(2, 9)
    return _between((COLUMNS // side + ROWS // side) % 2, rng)


def noise(rng: Generator) -> np.ndarray:
    return rng.integers(0, 256, (32, 32, 3), np.uint8)


def soft_noise(rng: Generator) -> np.ndarray:
    side = rng.integers(3, 9)
    return to_net_input(Image.fromarray(rng.integers(0, 256, (side, side, 3), np.uint8)))


def text(rng: Generator) -> np.ndarray:
    picture = Image.new("RGB", (128, 128), _colour(rng))
    size = int(rng.integers(14, 70))
    lines = ["".join(map(chr, rng.integers(65, 91, 14))) for _ in range(0, 128, size)]
    ImageDraw.Draw(picture).multiline_text((0, 0), "\n".join(lines), _colour(rng), ImageFont.load_default(size))
    return to_net_input(picture)


def dots(rng: Generator) -> np.ndarray:
    picture = Image.new("RGB", (128, 128), _colour(rng))
    for _ in range(rng.integers(3, 20)):
        ImageDraw.Draw(picture).circle(tuple(rng.integers(0, 128, 2)), int(rng.integers(4, 24)), _colour(rng))
    return to_net_input(picture)


KINDS: tuple[Callable[[Generator], np.ndarray], ...]
KINDS = flat, gradient, stripes, checkerboard, noise, soft_noise, text, dots


def _colour(rng: Generator) -> tuple[int, ...]:
    return tuple(rng.integers(0, 256, 3).tolist())


def _between(share: np.ndarray, rng: Generator) -> np.ndarray:
    """One random colour where `share` (32, 32) is 0, another where it is 1."""
    first, second = np.array(_colour(rng)), np.array(_colour(rng))
    return (first + share[..., None] * (second - first)).round().astype(np.uint8)


def main() -> None:
    import torch

    from cifar_core.data import open_splits
    from cifar_core.evaluate import evaluate
    from cifar_core.inspect.judge import confidence_rank
    from cifar_core.net import load_net
    from cifar_core.predict import predict
    from cifar_core.pretrained import pretrained_net

    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--photos", type=Path, nargs="*", default=[], help="photographs of none of the ten")
    parser.add_argument("nets", type=Path, nargs="*", default=[])
    options = parser.parse_args()
    torch.set_num_threads(1)
    test = open_splits(options.data, unverified=True).test
    kinds = out_of_distribution_images(500)
    kinds = {"made by code": np.concatenate(list(kinds.values()))} | kinds
    if options.photos:
        kinds["photographs"] = np.concatenate([_cuttings(path) for path in options.photos])
    for net in [load_net(path) for path in options.nets] or [pretrained_net()]:
        found = evaluate(net, test)
        print(f"\nA Net of {100 * found.accuracy:.1f} %")
        print("above a test image (largest logit, largest probability); typical, low, atypical")
        for name, images in kinds.items():
            answers = [predict(net, image, test.classes) for image in images]
            found_of = [confidence_rank(answer, found) for answer in answers]
            by_logit = np.mean([one.fraction for one in found_of])
            by_probability = np.mean([(found.confidence > answer.best.probability).mean() for answer in answers])
            verdicts = [one.verdict for one in found_of]
            shares = [verdicts.count(verdict) / len(verdicts) for verdict in ("typical", "low", "atypical")]
            print(f"{name:15}", *(f"{100 * share:4.0f} %" for share in (by_logit, by_probability, *shares)))


def _cuttings(path: Path) -> np.ndarray:
    """100 random squares of a photograph, as the Net sees them."""
    rng = np.random.default_rng(0)
    picture = Image.open(path).convert("RGB")
    cuttings = []
    for _ in range(100):
        side = rng.uniform(0.4, 1) * min(picture.size)
        left, top = (rng.uniform(0, whole - side) for whole in picture.size)
        cuttings.append(to_net_input(picture.crop((int(left), int(top), int(left + side), int(top + side)))))
    return np.stack(cuttings)


if __name__ == "__main__":
    main()
