"""What the tab Judge knows, in the browser: which test is on screen, and which of its images."""

import hashlib
from dataclasses import dataclass
from typing import Literal

from cifar_core.data.image_set import Splits
from cifar_core.inspect.judge import Order
from cifar_core.runs.refs import NetRef

Outcome = Literal["wrong", "right", "any"]


@dataclass(frozen=True)
class Question:
    """Which test images are asked for, and in which order."""

    truth: str = ""
    """their class; empty for any"""
    predicted: str = ""
    """the class that the Net predicts for them; empty for any"""
    outcome: Outcome = "wrong"
    order: Order = "most_confident"


@dataclass(frozen=True)
class JudgeState:
    """Which test is on screen. Its run may train on, be deleted, or lose its cached evaluation meanwhile."""

    chosen: str = ""
    """the Net that the visitor chose (pretrained or a run's id); empty before their first choice"""
    tested: NetRef | None = None
    """the Net of the test on screen; None before the first"""
    data: str = ""
    """fingerprint of the images of that test"""
    question: Question = Question()
    """which of them are shown"""
    page: int = 1
    """of those, from 1"""


def fingerprint(splits: Splits) -> str:
    """Return a text that differs for different test images, and does not tell where they are stored."""
    test = splits.test
    content = hashlib.sha256(repr((test.classes, len(test))).encode())
    for part in (test.labels, test.images[:20], test.images[-20:]):
        content.update(part.tobytes())
    return content.hexdigest()[:16]
