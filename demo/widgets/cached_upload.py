"""A visitor's photo, kept on the server between two moves of a slider: as a file that his page knows by its name."""

from typing import Any

import gradio as gr
from gradio.data_classes import FileData
from gradio.processing_utils import save_pil_to_cache
from PIL import Image

from cifar_core.errors import ImageError
from cifar_core.images import read_image


class CachedUpload(gr.File):
    """A hidden field. Give it a PIL picture (RGB) or None; a handler gets that back, or a PictureError.

    The file is BMP, which is written and read in 1 to 3 ms, where PNG takes 20 to 200. Gradio lets no name through
    but those of files in its own cache, and deletes them after some hours, like the uploads themselves.
    """

    is_template = True  # so that the page uses the stock component's front

    def preprocess(self, payload: Any) -> Image.Image | ImageError | None:  # type: ignore[override]
        if payload is None:
            return None
        if not isinstance(payload, FileData) or not payload.path:
            return ImageError("This picture did not arrive as a file; upload it again.")
        try:
            return read_image(payload.path)
        except ImageError as error:
            return error

    def postprocess(self, value: Image.Image | None) -> FileData | None:  # type: ignore[override]
        if value is None:
            return None
        path = save_pil_to_cache(value, cache_dir=self.GRADIO_CACHE, name="photo", format="bmp")
        return FileData(path=path, orig_name="photo.bmp", size=0)
