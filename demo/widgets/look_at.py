"""What the tab Inside is asked to open by another tab: a Net and an image, in the browser alone."""

from dataclasses import dataclass

from cifar_core.runs.refs import ImageRef, NetRef
from demo.gradio_compat import OPEN_TAB

OPEN_INSIDE = f"(lookAt) => {{ if (lookAt?.image) ({OPEN_TAB})('inside', 'Inside'); }}"
"""JavaScript that opens the tab Inside where a request is there"""


@dataclass(frozen=True)
class LookAt:
    """One image before one Net; without an image there is no request."""

    net: NetRef = NetRef()
    image: ImageRef | None = None
