"""The one folder for what visitors upload and download: our own, private, empty at start, and kept small."""

import hashlib
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from cifar_core.errors import CifarError

MAX_AGE = 2 * 3600.0
"""seconds that a file stays"""
MAX_BYTES = 2_000_000_000
"""of all files together; of more, the oldest go first"""
FREE_BYTES = 1_000_000_000
"""that the disk must still have before an upload"""
SWEEP_EVERY = 30.0


class UploadFolder:
    """A folder below the system's temporary one, for the server whose runs are in `runs`.

    Its name says nothing of the server, because the addresses of files in it reach browsers. A server finds the same
    folder again, so that what it left when it was killed goes at the next start.
    """

    def __init__(self, runs: Path) -> None:
        name = hashlib.sha256(str(runs.resolve()).encode()).hexdigest()[:12]
        self.path = Path(os.environ.get("GRADIO_TEMP_DIR") or tempfile.gettempdir()).resolve() / f"cifar-demo-{name}"

    def prepare(self) -> None:
        """Make it, or empty it; raise CifarError if it is somebody else's or cannot be made."""
        try:
            if self.path.is_symlink() or (self.path.exists() and self.path.stat().st_uid != os.getuid()):
                raise CifarError(f"{self.path} belongs to somebody else; set GRADIO_TEMP_DIR to another folder.")
            if self.path.exists():
                shutil.rmtree(self.path)
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.mkdir(mode=0o700)
        except OSError as error:
            raise CifarError(f"{self.path} cannot be made ({error}); set GRADIO_TEMP_DIR to another folder.") from error

    def has_room(self) -> bool:
        """Return whether the disk has room for an upload."""
        try:
            return shutil.disk_usage(self.path).free >= FREE_BYTES
        except OSError:
            return False

    def sweep(self, now: float | None = None, most: int = MAX_BYTES) -> None:
        """Remove what is older than MAX_AGE, whoever made it, the oldest beyond `most` bytes, and empty folders."""
        now, left = time.time() if now is None else now, 0
        for age, size, path in sorted(self._files(now)):
            left += size
            if age > MAX_AGE or left > most:
                path.unlink(missing_ok=True)
        for folder, _, _ in os.walk(self.path, topdown=False):
            if Path(folder) != self.path and now - _changed(Path(folder)) > SWEEP_EVERY:
                try:
                    os.rmdir(folder)
                except OSError:
                    continue  # it is not empty

    def keep_small(self, afterwards: Callable[[], None]) -> None:
        """Sweep now and then, in a thread of its own, and call `afterwards` each time; return at once."""

        def sweep_again_and_again() -> None:
            while True:
                time.sleep(SWEEP_EVERY)
                try:
                    self.sweep()
                    afterwards()
                except Exception as error:  # the next time may do better, and nobody else does it
                    print(f"demo: {self.path} could not be swept: {error}", flush=True)

        threading.Thread(target=sweep_again_and_again, name="upload folder", daemon=True).start()

    def _files(self, now: float) -> list[tuple[float, int, Path]]:
        found = []
        for folder, _, names in os.walk(self.path):
            for path in (Path(folder, name) for name in names):
                try:
                    found.append((now - _changed(path), path.lstat().st_size, path))
                except FileNotFoundError:
                    continue
        return found


def _changed(path: Path) -> float:
    """Return when the file came to be here: a copy keeps the time at which its original was written."""
    return path.lstat().st_ctime
