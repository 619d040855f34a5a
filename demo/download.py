"""Files that are made when they are asked for. Gradio serves them from its own cache, which is emptied now and then."""

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
