"""Everything about one run in a zip: what is needed to use its Net, plot its curve and train it again elsewhere."""

import csv
import io
import json
import time
import zipfile
from collections.abc import Iterable
from dataclasses import asdict, astuple
from typing import Any

from cifar_core.errors import RunError
from cifar_core.runs.images import images_of
from cifar_core.runs.records import Run, Snapshot
from cifar_core.runs.store import Store
from cifar_core.runs.weights import newest_weights

OLDEST = (1980, 1, 1, 0, 0, 0)
"""the first time that a zip can hold"""


def bundle(store: Store, run: Run) -> bytes:
    """Return the run as the content of a zip; the same run gives the same bytes.

    net.pth (the newest weights, absent before the first), curve.csv, accuracy.csv, log.txt and settings.json, in this
    order. Raises RunError if the run is gone, or is a quiz that is not solved yet.
    """
    run.check_solved()
    weights = newest_weights(store, run.id)  # before the curve, which then reaches at least as far
    snapshot = store.snapshot(run.id)
    if snapshot is None:
        raise RunError("There is no such run any more; it has been removed.")
    step, net = weights or (None, None)
    files: dict[str, bytes | str] = {"net.pth": net} if net is not None else {}
    files |= {
        "curve.csv": _table(("step", "images", "loss"), map(astuple, snapshot.points)),
        "accuracy.csv": _table(("step", "images", "correct", "total"), map(astuple, snapshot.validations)),
        "log.txt": "".join(f"{report.line}\n" for report in snapshot.reports),
        "settings.json": json.dumps(_settings(snapshot, step), indent=2, ensure_ascii=False) + "\n",
    }
    written = max(OLDEST, time.gmtime(run.created)[:6])
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, part in files.items():
            archive.writestr(zipfile.ZipInfo(name, written), part, zipfile.ZIP_DEFLATED)
    return content.getvalue()


def _table(names: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(rows)
    return text.getvalue()


def _settings(snapshot: Snapshot, weights_step: int | None) -> dict[str, Any]:
    """The content of settings.json."""
    run, result, test = snapshot.run, snapshot.result, None
    if result:
        test = {"step": result.step, "correct": result.correct, "total": result.total, "accuracy": result.accuracy}
    return {
        "name": run.name,
        "state": run.state,
        "message": run.message,
        "settings": run.config.to_json(),  # those of the start, except that epochs added later are counted in
        "changes": [asdict(change) for change in snapshot.changes],
        "steps_done": run.step,
        "images_seen": run.seen,
        "training_images": run.images,
        "seconds_of_work": round(run.busy, 1),
        "weights_of_step": weights_step,
        "test": test,
        "data": data_words(run),
    }


def data_words(run: Run) -> str:
    """Return name and note of the data set that the run trains on."""
    try:
        about = images_of(run).info
    except RunError:
        return "no longer on this server"
    return f"{about.name}. {about.note}" if about.note else about.name
