"""Starting the page: by path, without any data, and with what it cannot start with."""

import os
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from gradio_client import Client

from tests.helpers.serving import ROOT, free_port, start_server
from tests.helpers.tiny_data import write_archive


def end(process: "subprocess.Popen[str]") -> None:
    process.terminate()
    process.wait(20)


def test_the_page_starts_by_its_path_as_a_spaces_style_server_does_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write_archive(tmp_path / "data")
    url, process, _ = start_server(
        tmp_path, "--data", str(data), "--unverified", "--workers", "1", command=(str(ROOT / "demo" / "__main__.py"),)
    )
    try:
        with urllib.request.urlopen(url) as page:
            assert page.status == 200
    finally:
        end(process)


def test_without_data_and_network_the_page_is_up_on_the_drawn_set_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{free_port()}")  # nobody there: no network, at once
    monkeypatch.setenv("HTTP_PROXY", os.environ["HTTPS_PROXY"])
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    url, process, _ = start_server(tmp_path, "--workers", "1")
    try:
        client = Client(url, verbose=False)
        assert client.predict(split="train", api_name="/browse")["total"] == 10_000
        assert client.predict(split="test", api_name="/browse")["total"] == 2_000
        with urllib.request.urlopen(f"{url}/config") as config:
            assert "drawn by this program as a stand-in" in config.read().decode()
    finally:
        end(process)


def refusal(folder: Path, *options: str) -> str:
    """What `python -m demo` says on stderr when it will not start."""
    done = subprocess.run(
        [sys.executable, "-m", "demo", "--port", str(free_port()), "--workers", "1", *options],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if not name.startswith("CIFAR_")}
        | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2, done
    assert "Traceback" not in done.stderr and done.stderr.count("\n") <= 2, done.stderr
    return done.stderr


def test_a_data_folder_that_is_missing_or_empty_is_told_in_a_sentence(tmp_path: Path) -> None:
    assert "There is no folder" in refusal(tmp_path, "--data", "nowhere")
    (tmp_path / "empty").mkdir()
    assert "is empty" in refusal(tmp_path, "--data", "empty")


def test_data_with_other_md5_sums_is_told_in_a_sentence(tmp_path: Path) -> None:
    assert "--unverified" in refusal(tmp_path, "--data", str(write_archive(tmp_path / "data")))


def test_a_port_in_use_is_told_in_a_sentence(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        assert "--port" in refusal(tmp_path, "--port", str(other.getsockname()[1]))


def test_a_run_folder_that_cannot_be_written_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert "--runs" in refusal(tmp_path, "--runs", "file")


@pytest.mark.skipif(os.path.exists("/dev/nvidia0"), reason="there is a GPU here")
def test_a_device_that_is_not_there_is_told_in_a_sentence(tmp_path: Path) -> None:
    assert "no CUDA GPU" in refusal(tmp_path, "--device", "cuda")


def test_a_second_server_on_the_same_runs_is_told_in_a_sentence(tmp_path: Path) -> None:
    data = write_archive(tmp_path / "data")
    _, process, _ = start_server(tmp_path, "--data", str(data), "--unverified", "--workers", "1")
    try:
        said = refusal(tmp_path, "--runs", str(tmp_path / "runs"), "--data", str(data), "--unverified")
        assert "Another server" in said and said.strip().endswith("Choose another folder with --runs.")
    finally:
        end(process)
