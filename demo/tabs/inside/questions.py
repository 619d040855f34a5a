"""What a pupil asks at each stage, answered with the numbers of the picture that is shown."""

import html
import math

import numpy as np

from demo.tabs.inside.inspection import Look

Answered = tuple[str, str]
"""a question, and its answer as HTML"""


def questions(look: Look) -> dict[str, list[Answered]]:
    """The questions at each stage, under its name. All of the picture's numbers must be finite."""
    asked = (_input, _conv1, _relu1, _pool1, _conv2, _flatten, _fc1, _fc2, _logits, _probabilities)
    return {answer.__name__[1:]: answer(look) for answer in asked}


def _values(look: Look, stage: str) -> np.ndarray:
    return look.inside.stage(stage).values


def _input(look: Look) -> list[Answered]:
    byte = int(look.shown.image[0, 0, 0])
    share = byte / 255
    return [
        (
            "Where do these numbers come from?",
            f"The pixel in the upper left corner has {byte} as its red byte. <code>ToTensor</code> divides it by 255: "
            f"{byte} / 255 = {share:.3f}. <code>Normalize</code> subtracts 0.5 and divides by 0.5: "
            f"({share:.3f} − 0.5) / 0.5 = {_said(2 * share - 1)}. So black becomes −1 and white becomes 1.",
        )
    ]


def _conv1(look: Look) -> list[Answered]:
    return [
        (
            "Why does 32 become 28?",
            "A filter of 5 × 5 must lie on the picture as a whole. Its left edge can stand at the columns 0 to 27: "
            "32 − 5 + 1 = 28 places. It is the same downwards. This Net puts no border around the picture "
            "(<code>padding=0</code>).",
        ),
        (
            "Why six maps, and why only 456 parameters?",
            "<code>nn.Conv2d(3, 6, 5)</code>: 3 channels in, 6 filters, each 5 × 5. One filter has 3 × 5 × 5 = 75 "
            "weights and one bias. 6 × 3 × 5 × 5 + 6 = 456. The same 76 numbers make all 28 × 28 = 784 numbers of a "
            "map: a filter looks for the same pattern everywhere.",
        ),
    ]


def _relu1(look: Look) -> list[Answered]:
    values = _values(look, "conv1")
    below = int((values < 0).sum())
    return [
        (
            "Why ReLU?",
            f"ReLU writes 0 in place of every negative number: here in place of {below:,} of {values.size:,} "
            f"({100 * below / values.size:.0f}\N{NO-BREAK SPACE}%). Multiplying and adding twice in a row could be "
            "done by multiplying and adding once. Without something in between that is no straight line, all five "
            "layers together could do no more than a single one.",
        )
    ]


def _pool1(look: Look) -> list[Answered]:
    before, after = _values(look, "relu1"), _values(look, "pool1")
    empty = int((after == 0).sum())
    share = float(after.sum() / before.sum()) if before.any() else 0.0
    kept = (
        f"Here these {after.size:,} numbers hold {100 * share:.0f}\N{NO-BREAK SPACE}% of the sum of all "
        f"{before.size:,}. "
    )
    return [
        (
            "What does max-pool throw away?",
            f"Of each square of 2 × 2 it keeps the largest number: {after.size:,} of {before.size:,} remain, three of "
            f"four are gone. {kept}In {empty:,} squares all four were 0. Where in its square the largest number stood "
            "is forgotten too: a pattern that moves by one pixel often gives the same number. What follows has a "
            "quarter of the work.",
        )
    ]


def _conv2(look: Look) -> list[Answered]:
    return [
        (
            "Why has each of these filters 150 weights?",
            "Each of the 16 filters looks at all six maps at once: 6 × 5 × 5 = 150 weights and one bias. "
            "16 × 6 × 5 × 5 + 16 = 2,416. So it can look for a pattern of patterns: an edge of this kind here with "
            "one of that kind beside it. And 14 − 5 + 1 = 10 places.",
        )
    ]


def _flatten(look: Look) -> list[Answered]:
    row = _values(look, "flatten")
    at = int(row.argmax())
    channel, down, across = at // 25, at % 25 // 5, at % 5
    return [
        (
            "Why 16 * 5 * 5?",
            "After the second pool there are 16 maps with 5 rows and 5 columns: 16 × 5 × 5 = 400 numbers. The next "
            "layer, <code>nn.Linear(16 * 5 * 5, 120)</code>, takes exactly so many. With another kernel, or larger "
            "pictures, it would be another number, and PyTorch would say <i>mat1 and mat2 shapes cannot be "
            "multiplied</i>.",
        ),
        (
            "What does view(-1, 16 * 5 * 5) do?",
            "It computes nothing. The same numbers are laid out as one row for each picture. The −1 means: work this "
            "one out yourself. It is the number of pictures in the mini-batch, here 1. The largest number of this row, "
            f"{row[at]:.3f}, has place {at}: map {channel}, row {down}, column {across}, for "
            f"{channel} × 25 + {down} × 5 + {across} = {at}. <code>torch.flatten(x, 1)</code> does the same.",
        ),
    ]


def _fc1(look: Look) -> list[Answered]:
    return [
        (
            "What does one of the 120 do?",
            "It multiplies each of the 400 numbers by a weight of its own, adds all up, and adds its bias. That makes "
            "120 × 400 + 120 = 48,120 parameters, more than three quarters of the Net's 62,006. After ReLU "
            f"{_zeros(_values(look, 'fc1'))} of the 120 are 0 for this picture.",
        )
    ]


def _fc2(look: Look) -> list[Answered]:
    return [
        (
            "What are these 84 numbers good for?",
            "They are the Net's last description of the picture; only the ten scores come after them. Pictures whose "
            "84 numbers are alike look alike to the Net: <i>Why this answer</i>, below, finds such pictures. "
            f"{_zeros(_values(look, 'fc2'))} of the 84 are 0 here.",
        )
    ]


def _logits(look: Look) -> list[Answered]:
    best, score = html.escape(look.classes[look.answer]), float(_values(look, "logits")[look.answer])
    loss = ""
    if look.shown.label is not None:
        share = float(_values(look, "probabilities")[look.shown.label])
        if share > 0:
            loss = (
                f" For this picture it is −ln(probability of {html.escape(look.truth)}) = −ln({share:.4f}) = "
                f"{_said(-math.log(share))}."
            )
    return [
        (
            "Why is there no softmax at the end?",
            f"The answer is the class with the largest score: {best} with {_said(score)}. "
            "Softmax does not change which one is the largest. In training, <code>CrossEntropyLoss</code> takes these "
            f"scores and does the softmax itself, in a way that is more exact.{loss} A softmax in the Net would then "
            "be done twice, and the Net would learn badly.",
        )
    ]


def _probabilities(look: Look) -> list[Answered]:
    logits = _values(look, "logits")[: len(look.classes)].astype(float)
    powers = np.exp(logits)
    best, total = float(powers[look.answer]), float(powers.sum())
    return [
        (
            "How does softmax make probabilities of scores?",
            f"It takes e to the power of each score, which is always above 0: e<sup>{_said(logits[look.answer])}</sup> "
            f"= {best:.4g} for {html.escape(look.classes[look.answer])}. The sum of all "
            f"{len(look.classes)} is {total:.4g}. Then it divides: {best:.4g} / {total:.4g} = {best / total:.4f}. So "
            "all together give 1.",
        )
    ]


def _zeros(values: np.ndarray) -> int:
    return int((values == 0).sum())


def _said(value: float) -> str:
    return f"{value:.3f}".replace("-", "−")
