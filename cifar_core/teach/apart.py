"""`verifying` in a process of its own, at low priority: so that a server can offer it and still never trains itself.

    for event in verifying_apart(receipt, splits.folder):
        ...                                    # as from verifying

The process is started as python -m cifar_core.teach.apart FOLDER, gets the receipt as its input and prints one JSON
event a line.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import cifar_core
from cifar_core.data import image_set
from cifar_core.errors import CifarError, ReceiptError
from cifar_core.teach.receipt import Receipt
from cifar_core.teach.receipt_reading import from_json
from cifar_core.teach.verify import Verified, Verifying, verifying


def verifying_apart(receipt: Receipt, folder: Path) -> Iterator[Verifying | Verified]:
    """Put `receipt` to the test on the decoded data in `folder` (Splits.folder). Dropping the iterator ends it.

    Raises ReceiptError where the data cannot be opened, or the process ends before its work is done.
    """
    root = str(Path(cifar_core.__file__).parent.parent)
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    process = subprocess.Popen(
        [sys.executable, "-m", "cifar_core.teach.apart", str(folder.resolve())],
        env=os.environ | {"PYTHONPATH": path, "PYTHONIOENCODING": "utf-8"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
    )
    assert process.stdin is not None and process.stdout is not None, "it is started with pipes"
    try:
        process.stdin.write(receipt.to_json())
        process.stdin.close()
        for line in process.stdout:
            told = json.loads(line)
            if "error" in told:
                raise ReceiptError(told["error"])
            yield Verified(**told) if "agrees" in told else Verifying(**told)
            if "agrees" in told:
                return
    except BrokenPipeError:
        pass  # it ended before it had read everything
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    raise ReceiptError("The verification ended before its time; the server may be short of memory. Try again.")


def main(folder: str) -> None:
    """The process: a receipt in, events out."""
    os.nice(10)
    try:
        for event in verifying(from_json(sys.stdin.read()), image_set.load(Path(folder))):
            print(json.dumps(asdict(event)), flush=True)
    except CifarError as error:
        print(json.dumps({"error": str(error)}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
