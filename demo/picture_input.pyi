"""The upload: Gradio's own image component, with our own reader behind it."""

from typing import Any

import gradio as gr
from gradio.data_classes import ImageData
from PIL import Image

from cifar_core.errors import PictureError
from cifar_core.pictures import read_picture

MAX_FILE = "10mb"

from gradio.events import Dependency

class PictureInput(gr.Image):
    """Upload, paste or webcam. A handler gets a PIL picture (RGB), None, or a PictureError that tells what is wrong.

    The stock component makes 16-bit pictures white, decodes bombs and shows server paths; so it only serves as the
    front here, and `read_picture` reads the file.
    """

    is_template = True  # so that the page uses the stock component's front

    def preprocess(self, payload: ImageData | None) -> Image.Image | PictureError | None:  # type: ignore[override]
        if payload is None:
            return None
        if not payload.path or (payload.url or "").startswith("data:"):
            return PictureError("This picture did not arrive as a file; upload it again.")
        try:
            return read_picture(payload.path)
        except PictureError as error:
            return error
    from typing import Callable, Literal, Sequence, Any, TYPE_CHECKING
    from gradio.blocks import Block
    if TYPE_CHECKING:
        from gradio.components import Timer
        from gradio.components.base import Component