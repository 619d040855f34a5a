"""Everything that leans on Gradio's inside, in one place. Each part names the version in which it was seen.

The rest of the page uses what Gradio documents. A test builds the page and fails where one of these parts has moved.
"""

import json
import struct
from dataclasses import dataclass
from hashlib import blake2s
from pathlib import Path
from typing import Any, Generic, TypeVar

import gradio as gr
from gradio.data_classes import FileData, ImageData
from gradio.processing_utils import save_bytes_to_cache, save_file_to_cache, save_pil_to_cache
from gradio.utils import get_upload_folder
from PIL import Image
from pydantic import TypeAdapter, ValidationError

from cifar_core.errors import ImageError
from cifar_core.image_files import SHRINK_TO, read_image

S = TypeVar("S")

MAX_FILE = "10mb"
"""of an upload, for launch()"""
MAX_STATE = 60_000
"""characters that are read of a page state: two images of a visitor's own fit in, and nothing much larger"""

OPEN_TAB = """(id, label) => {
    const bar = document.querySelector('#tabs > .tab-wrapper');
    // on a narrow page the tabs that have no room are in a menu, where they have nothing but their labels
    const inMenu = [...bar.querySelectorAll('.overflow-dropdown button')];
    (bar.querySelector(`[data-tab-id="${id}"]`) || inMenu.find((tab) => tab.textContent.trim() === label))?.click();
}"""
"""JavaScript function that opens a tab as a click would (the markup of gr.Tabs, seen in 6.31)"""

HIDE_TABS = """(selectors, labels) => {
    const style = document.createElement('style');
    style.textContent = `${selectors.join(', ')} { display: none !important; }`;
    document.head.append(style);
    const bar = document.querySelector('#tabs > .tab-wrapper');
    const hide = () => bar.querySelectorAll('.overflow-dropdown button').forEach((tab) => {
        tab.style.display = labels.includes(tab.textContent.trim()) ? 'none' : '';
    });
    hide();
    new MutationObserver(hide).observe(bar, {childList: true, characterData: true, subtree: true});
}"""
"""JavaScript function that hides what the selectors name, and the tabs with these labels in the menu of a narrow page
(the markup of gr.Tabs, seen in 6.31)"""

TOGGLE_SIDEBAR = "(element) => element.querySelector('.toggle-button').click()"
"""JavaScript function that opens a gr.Sidebar, and closes it where it is open (seen in 6.31)"""


def with_tabs(script: str) -> str:
    """Return JavaScript that may call openTab(id, label), hideTabs(selectors, labels) and toggleSidebar(element)."""
    return f"const openTab = {OPEN_TAB}, hideTabs = {HIDE_TABS}, toggleSidebar = {TOGGLE_SIDEBAR};\n{script}"


def _validated(codec: "TypeAdapter[S]", text: str) -> S:
    try:
        if len(text) > MAX_STATE:
            raise ValueError("too long")
        return codec.validate_json(text, strict=True)
    except (ValidationError, ValueError) as error:
        raise gr.Error("This page has lost its place: reload it.", print_exception=False) from error


class PageState(gr.JSON, Generic[S]):
    """What one tab knows: a frozen dataclass that lives in the browser, in one hidden component.

    A handler receives the dataclass and returns one. Whatever a browser sends is checked against the dataclass's types
    before a handler sees it; anything else is refused with a sentence. (`is_template`: the page uses the stock
    component's front; seen in 6.31.)
    """

    is_template = True

    def __init__(self, default: S, *, label: str, elem_id: str | None = None) -> None:
        self.codec: TypeAdapter[S] = TypeAdapter(type(default))
        super().__init__(self.written(default), visible="hidden", label=label, elem_id=elem_id)

    def get_config(self, cls: type | None = None) -> dict[str, Any]:
        return super().get_config(gr.JSON)

    def written(self, state: S) -> dict[str, Any]:
        """Return `state` as JSON: what a browser keeps."""
        content: dict[str, Any] = self.codec.dump_python(state, mode="json")
        return content

    def preprocess(self, payload: Any) -> S:  # type: ignore[override]
        return _validated(self.codec, json.dumps(payload))

    def postprocess(self, value: S | dict[str, Any] | None) -> Any:  # type: ignore[override]
        return super().postprocess(value if value is None or isinstance(value, dict) else self.written(value))


class StreamedState(gr.Textbox, Generic[S]):
    """A page state that a stream sends several times a second, as text.

    Its `change` event comes only when the text has changed; that of a PageState comes with every update (gr.JSON
    compares objects by identity, seen in 6.31). (`is_template`: see PageState.)
    """

    is_template = True

    def __init__(self, default: S, *, label: str, elem_id: str | None = None) -> None:
        self.codec: TypeAdapter[S] = TypeAdapter(type(default))
        super().__init__(self.written(default), visible="hidden", label=label, elem_id=elem_id)

    def get_config(self, cls: type | None = None) -> dict[str, Any]:
        return super().get_config(gr.Textbox)

    def written(self, state: S) -> str:
        """Return `state` as JSON: what a stream sends."""
        return self.codec.dump_json(state).decode()

    def preprocess(self, payload: Any) -> S:  # type: ignore[override]
        return _validated(self.codec, str(payload))

    def postprocess(self, value: S | str | None) -> str | None:
        return value if value is None or isinstance(value, str) else self.written(value)


class Control(gr.HTML):
    """An HTML component that a visitor moves: its value is data for its script, and never becomes markup.

    That of a plain gr.HTML is inserted as markup wherever it goes; so it must never come from a browser, and a test
    looks that no event takes one as an input.
    """

    def __init__(self, value: str | None = None, *, html_template: str = "", **options: Any) -> None:
        if "${" in html_template or "{{" in html_template:
            raise ValueError("The template of a control inserts nothing.")
        super().__init__(value, html_template=html_template, **options)


@dataclass(frozen=True)
class ImageFile:
    """An image file in Gradio's cache, which a browser named and nobody has read yet.

    Gradio lets no name through but those of files in its own cache, and deletes them after some hours (seen in 6.31).
    """

    path: str
    """empty if the browser sent something that is no file"""

    @property
    def key(self) -> str:
        """Return a short text that differs from file to file and says nothing of the server."""
        return blake2s(self.path.encode(), digest_size=8).hexdigest()

    def read(self) -> Image.Image:
        """Decode it as RGB; raise ImageError, with a sentence, if that is not possible."""
        if not self.path:
            raise ImageError("This image did not arrive as a file; upload it again.")
        return read_image(self.path)


class ImageFileInput(gr.Image):
    """Upload, paste or webcam. A handler gets an ImageFile or None.

    The stock component makes 16-bit images white, decodes bombs and shows server paths (seen in 6.31); so it only
    serves as the front here, and `read_image` reads the file.
    """

    is_template = True

    def preprocess(self, payload: ImageData | None) -> ImageFile | None:  # type: ignore[override]
        return _image_file(payload)


class ImageInput(gr.Image):
    """The same for a handler that always reads the file: it gets a PIL image (RGB), None, or an ImageError."""

    is_template = True

    def preprocess(self, payload: ImageData | None) -> Image.Image | ImageError | None:  # type: ignore[override]
        file = _image_file(payload)
        try:
            return file.read() if file else None
        except ImageError as error:
            return error


def _image_file(payload: ImageData | None) -> ImageFile | None:
    if payload is None:
        return None
    return ImageFile("" if (payload.url or "").startswith("data:") else payload.path or "")


@dataclass(frozen=True)
class KeptPhoto(ImageFile):
    """A photo that a CachedUpload has written: a BMP of at most SHRINK_TO pixels a side, which is read in 3 ms."""

    def read(self) -> Image.Image:
        try:
            with open(self.path, "rb") as file:
                head = file.read(26)
        except OSError:
            head = b""
        width, height = struct.unpack_from("<ii", head, 18) if head[:2] == b"BM" and len(head) == 26 else (0, 0)
        # a browser may name any file of the cache: a large one would be decoded anew at every move of a slider
        if not (0 < width <= SHRINK_TO and 0 < abs(height) <= SHRINK_TO):
            raise ImageError("This photo is no longer on this server; upload it again.")
        return super().read()


class CachedUpload(gr.File):
    """A hidden field with a visitor's photo. Give it a PIL image (RGB) or None; a handler gets an ImageFile or None.

    The file is BMP, which is written and read in 1 to 3 ms, where PNG takes 20 to 200. Like the uploads themselves, it
    is deleted after some hours.
    """

    is_template = True

    def preprocess(self, payload: Any) -> KeptPhoto | None:  # type: ignore[override]
        if payload is None:
            return None
        return KeptPhoto(payload.path or "" if isinstance(payload, FileData) else "")

    def postprocess(self, value: Image.Image | None) -> FileData | None:  # type: ignore[override]
        if value is None:
            return None
        path = save_pil_to_cache(value, cache_dir=self.GRADIO_CACHE, name="photo", format="bmp")
        return FileData(path=path, orig_name="photo.bmp", size=0)


def cached_file(content: bytes | str, name: str) -> str:
    """Return the path of a file with this content, for a DownloadButton.

    Gradio serves files from its own cache only, and empties it now and then (seen in 6.31).
    """
    return save_bytes_to_cache(content.encode() if isinstance(content, str) else content, name, get_upload_folder())


def cached_copy(path: Path) -> str:
    """Return the path of a copy of the file, for a DownloadButton (see `cached_file`)."""
    return save_file_to_cache(path, get_upload_folder())
