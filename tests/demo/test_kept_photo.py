"""The photo that a visitor edits: read back at every move of a slider, so only as the page itself wrote it."""

import struct
from pathlib import Path

import pytest
from gradio.data_classes import FileData
from PIL import Image

from cifar_core.errors import ImageError
from demo.gradio_compat import CachedUpload


def test_a_photo_comes_back_as_it_was_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    photo, field = Image.effect_noise((300, 200), 60).convert("RGB"), CachedUpload()
    kept = field.preprocess(field.postprocess(photo))
    assert kept and kept.read().tobytes() == photo.tobytes()


@pytest.mark.parametrize("width, height", [(5000, 5000), (1025, 10), (10, -1025), (0, 10), (-5, 10)])
def test_a_file_that_the_page_did_not_write_is_refused_before_it_is_decoded(
    tmp_path: Path, width: int, height: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("demo.gradio_compat.read_image", lambda path: pytest.fail("it was decoded"))
    bomb = tmp_path / "bomb.bmp"
    bomb.write_bytes(b"BM" + bytes(16) + struct.pack("<ii", width, height) + bytes(100))
    for path in (bomb, tmp_path / "gone.bmp"):
        kept = CachedUpload().preprocess(FileData(path=str(path)))
        assert kept
        with pytest.raises(ImageError, match="upload it again"):
            kept.read()


def test_an_upload_of_another_kind_is_no_kept_photo(tmp_path: Path) -> None:
    Image.new("RGB", (10, 10)).save(tmp_path / "photo.png")
    kept = CachedUpload().preprocess(FileData(path=str(tmp_path / "photo.png")))
    assert kept
    with pytest.raises(ImageError, match="upload it again"):
        kept.read()
