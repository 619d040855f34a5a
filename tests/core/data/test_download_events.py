"""Every event of a download has a sentence for people."""

from pathlib import Path

from cifar_core.data.download_events import (
    DownloadEvent,
    Downloading,
    MirrorFailed,
    Ready,
    Trying,
    UnpackingArchive,
    VerifyingArchive,
    sentence,
)


def test_events_have_sentences_for_people(tmp_path: Path) -> None:
    expected: dict[DownloadEvent, str] = {
        Trying("zenodo.org"): "Asking zenodo.org for CIFAR-10.",
        Downloading(0, 170_498_071, "h", 0.0): "Downloading CIFAR-10: 0 of 170 MB.",
        Downloading(34_000_000, 170_498_071, "h", 2_100_000.0): (
            "Downloading CIFAR-10: 34 of 170 MB at 2.1 MB/s, about 1 minute left."
        ),
        Downloading(34_000_000, 170_498_071, "h", 60_000.0): (
            "Downloading CIFAR-10: 34 of 170 MB at 60 kB/s, about 38 minutes left."
        ),
        Downloading(160_000_000, 170_498_071, "h", 2e6): (
            "Downloading CIFAR-10: 160 of 170 MB at 2.0 MB/s, less than a minute left."
        ),
        MirrorFailed("h", "h is away."): "h is away.",
        VerifyingArchive(): "Checking that every byte of CIFAR-10 arrived.",
        UnpackingArchive(): "Unpacking CIFAR-10.",
        Ready(tmp_path): f"CIFAR-10 is ready in {tmp_path}.",
    }
    assert {event: sentence(event) for event in expected} == expected
