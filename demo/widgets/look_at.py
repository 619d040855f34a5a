"""What the tab Inside is asked to open by another tab: a Net and an image, in the browser alone."""

from dataclasses import dataclass

from cifar_core.runs.refs import ImageRef, NetRef


@dataclass(frozen=True)
class LookAt:
    """One image before one Net; without an image there is no request."""

    net: NetRef = NetRef()
    image: ImageRef | None = None
