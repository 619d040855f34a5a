"""What the tab Classify knows beyond what its controls show."""

from dataclasses import dataclass

from cifar_core.runs.refs import NetRef
from demo.widgets.look_at import LookAt


@dataclass(frozen=True)
class ClassifyState:
    """Lives in the browser. Each part may have been written by anybody, so that handlers check it like any input."""

    page: int = 1
    """of the test images"""
    seed: int | None = None
    """that shuffled them; None: in stored order"""
    test_index: int | None = None
    """the test image that was clicked"""
    test_net: NetRef | None = None
    """the Net, with its step, whose prediction for it is shown"""
    test: LookAt | None = None
    """what "Look inside" opens for it"""
    upload_key: str = ""
    """of the visitor's own image; empty: none"""
    upload: LookAt | None = None
    """what "Look inside" opens for it: the 32x32 pixels that the Net sees"""
    compared: NetRef | None = None
    """the Net, with its step, whose evaluation the visitor's own image is compared with"""
