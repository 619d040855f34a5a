"""The images of a run, which may have been replaced or removed since it was started."""

from functools import lru_cache
from pathlib import Path

from cifar_core.data import image_set
from cifar_core.data.image_set import Splits
from cifar_core.errors import DataError, RunError
from cifar_core.runs.records import Run


def images_of(run: Run) -> Splits:
    """Return the data set of a run; all who open it share its map into memory.

    Raises RunError, which does not name the folder, if it is gone or another one has taken its place.
    """
    folder = Path(run.data)
    try:
        splits = _opened(folder, (folder / "splits.json").stat().st_mtime_ns)
    except (OSError, DataError) as error:
        raise RunError("The images of this run are no longer on this server.") from error
    check_same(run, splits)
    return splits


def check_same(run: Run, splits: Splits) -> None:
    """Raise RunError if a run was started on other images than these; a run of an earlier program accepts any."""
    if run.data_sha256 not in (None, splits.sha256):
        raise RunError("The images of this run have been replaced by others since it was started.")


@lru_cache(4)
def _opened(folder: Path, written: int) -> Splits:
    return image_set.load(folder)
