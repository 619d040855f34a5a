"""The zip that a visitor takes home: the core's bundle of a run, and its curves as an image."""

import io
import zipfile

from cifar_core.runs.service import Service


def take_home(service: Service, owner: str, run_id: str) -> bytes:
    """Return the zip of one's own run (see `runs/bundle.py`) with curve.png; raise RunError if it is gone."""
    content = io.BytesIO(service.bundle(owner, run_id))
    from demo.widgets.figures import curve_png  # matplotlib takes a second, and few visitors take a run home

    drawn = curve_png(service.snapshot(run_id))
    with zipfile.ZipFile(content, "a") as archive:
        written = archive.infolist()[0].date_time
        archive.writestr(zipfile.ZipInfo("curve.png", written), drawn)
    return content.getvalue()
