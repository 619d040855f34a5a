"""Everything that leans on Gradio's inside, in one place. Each part names the version in which it was seen.

The rest of the page uses what Gradio documents. A test builds the page and fails where one of these parts has moved.
"""

import json
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from hashlib import blake2s
from pathlib import Path
from typing import Any, Generic, TypeVar

import gradio as gr
import gradio.state_holder
from gradio.data_classes import FileData, ImageData
from gradio.processing_utils import save_bytes_to_cache, save_file_to_cache, save_pil_to_cache
from gradio.utils import get_upload_folder
from PIL import Image
from pydantic import TypeAdapter, ValidationError

from cifar_core.errors import ImageError
from cifar_core.image_files import read_image

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


class CachedUpload(gr.File):
    """A hidden field with a visitor's photo. Give it a PIL image (RGB) or None; a handler gets an ImageFile or None.

    The file is BMP, which is written and read in 1 to 3 ms, where PNG takes 20 to 200. Like the uploads themselves, it
    is deleted after some hours.
    """

    is_template = True

    def preprocess(self, payload: Any) -> ImageFile | None:  # type: ignore[override]
        if payload is None:
            return None
        return ImageFile(payload.path or "" if isinstance(payload, FileData) else "")

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


class Page(gr.Blocks):
    """Blocks in which an output that a handler leaves out costs nothing, and loses nothing.

    Gradio 6.31 makes the component of every output anew that a dictionary leaves out: 3 to 5 ms each. And of a second
    yield it sends what differs from the first, which its page applies in place: to an object that it may not have shown
    yet, or that is the value of a page state. So objects are sent whole.

    At each turn of an event the page of Gradio 6.31 writes a status into every component that was ever an output of
    any event, and searches the whole tree for each: half of the browser's time. This page shows no progress of
    Gradio's, so there is no component to write it into.
    """

    def get_config_file(self) -> Any:
        config = super().get_config_file()
        for listener in config["dependencies"]:
            listener["show_progress_on"] = []
        return config

    async def postprocess_data(self, block_fn: Any, predictions: Any, state: Any) -> list[Any]:
        outputs = block_fn.outputs
        if not _by_component(predictions, outputs):
            return await super().postprocess_data(block_fn, predictions, state)
        part = copy(block_fn)
        part.outputs = [output for output in outputs if output in predictions]
        values = [predictions[output] for output in part.outputs]
        processed: list[Any] = []
        if values:
            processed = await super().postprocess_data(part, values[0] if len(values) == 1 else values, state)
        given = iter(processed)
        return [next(given) if output in predictions else gr.skip() for output in outputs]

    def handle_streaming_diffs(
        self,
        block_fn: Any,
        data: list[Any],
        session_hash: str | None,
        run: str | None,
        final: bool,
        simple_format: bool = False,
    ) -> list[Any]:
        values = list(data)
        later = session_hash is not None and run in self.pending_diff_streams[session_hash]
        sent = super().handle_streaming_diffs(block_fn, data, session_hash, run, final, simple_format)
        if final or simple_format or not later:
            return sent
        return [
            [["replace", [], value]] if edits and isinstance(value, dict) else edits
            for value, edits in zip(values, sent, strict=True)
        ]


def _by_component(predictions: Any, outputs: Sequence[Any]) -> bool:
    """Return whether a handler gave a dictionary of new values by component; an empty one changes nothing."""
    if not isinstance(predictions, dict):
        return False
    is_a_value = not predictions and len(outputs) == 1 and isinstance(outputs[0], gr.JSON | gr.BrowserState)
    return not is_a_value and set(predictions) <= set(outputs)


class _LightSession(gradio.state_holder.SessionState):
    """A session without a copy of every component's configuration.

    Gradio 6.31 keeps one for its deep links, which this page does not have: 0.6 MB and 20 ms a visitor.
    """

    def __init__(self, blocks: gr.Blocks) -> None:
        self.blocks_config = copy(blocks.default_config)
        self.config_values: dict[int, Any] = {}
        self.state_data: dict[int, Any] = {}
        self._state_ttl: dict[int, Any] = {}
        self.is_closed = False
        self.STATE_TTL_WHEN_CLOSED = 3600

    def __setitem__(self, key: int, value: Any) -> None:
        super().__setitem__(key, value)
        self.config_values.clear()

    def _update_config(self, key: int) -> None:
        pass

    def _update_value_in_config(self, key: int, value: Any) -> None:
        pass


def use_light_sessions() -> None:
    """Let this process make sessions without copies of the page (see `_LightSession`)."""
    gradio.state_holder.SessionState = _LightSession  # type: ignore[misc]
