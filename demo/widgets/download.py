"""Files that are made when they are asked for. Gradio serves them from its own cache, which is emptied now and then."""

import re

from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder

SAVE = """(file) => {
    if (!file) return;
    const link = document.createElement('a');
    link.href = file.url;
    link.download = file.orig_name;
    link.click();
}"""
"""JavaScript that saves the file of a hidden DownloadButton"""


def made_file(content: bytes | str, name: str) -> str:
    """The path of a file with this content, for a DownloadButton."""
    return save_bytes_to_cache(content.encode() if isinstance(content, str) else content, name, get_upload_folder())


def slug(name: str) -> str:
    """A run's name as the name of a file: run- and then small letters, digits and hyphens."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-").removeprefix("run-")
    return f"run-{plain or 'unnamed'}"
