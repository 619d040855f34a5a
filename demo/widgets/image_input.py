"""The upload: Gradio's own image component, with our own reader behind it."""

import gradio as gr
from gradio.data_classes import ImageData
from PIL import Image

from cifar_core.errors import ImageError
from cifar_core.images import read_image

MAX_FILE = "10mb"


class ImageInput(gr.Image):
    """Upload, paste or webcam. A handler gets a PIL picture (RGB), None, or a PictureError that tells what is wrong.

    The stock component makes 16-bit pictures white, decodes bombs and shows server paths; so it only serves as the
    front here, and `read_picture` reads the file.
    """

    is_template = True  # so that the page uses the stock component's front

    def preprocess(self, payload: ImageData | None) -> Image.Image | ImageError | None:  # type: ignore[override]
        if payload is None:
            return None
        if not payload.path or (payload.url or "").startswith("data:"):
            return ImageError("This picture did not arrive as a file; upload it again.")
        try:
            return read_image(payload.path)
        except ImageError as error:
            return error
