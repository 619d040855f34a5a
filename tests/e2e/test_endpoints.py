"""The named endpoints, as a script uses them through gradio_client."""

import base64
import io
import json
import math
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from tests.helpers.serving import Server


@pytest.fixture(scope="module")
def client(server: Server) -> Client:
    return Client(server.url, verbose=False)


def wait_for(ask: Callable[[], Any], seconds: float = 60) -> Any:
    """What `ask` gives once it gives something."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := ask():
            return found
        time.sleep(0.05)
    raise AssertionError(f"nothing within {seconds} s")


def refused(client: Client, endpoint: str, **inputs: Any) -> str:
    """The sentence with which the endpoint refuses."""
    with pytest.raises(AppError) as told:
        client.predict(**inputs, api_name=endpoint)
    sentence = str(told.value)
    assert "Traceback" not in sentence and "Error(" not in sentence
    return sentence


def test_only_the_five_named_endpoints_are_public(client: Client) -> None:
    named = client.view_api(return_format="dict")["named_endpoints"]
    assert set(named) == {"/browse", "/start", "/snapshot", "/stop", "/classify"}


def test_browse_gives_the_bytes_of_the_data_set(client: Client, server: Server) -> None:
    page = client.predict(split="test", page=2, per_page=9, api_name="/browse")
    assert page["indices"] == list(range(9, 18)) and page["number"] == 2 and page["total"] == 400
    image_grid = np.asarray(Image.open(io.BytesIO(base64.b64decode(page["png"].split(",")[1]))))
    for place, index in enumerate(page["indices"]):
        row, column = divmod(place, page["columns"])
        seen = image_grid[32 * row : 32 * row + 32, 32 * column : 32 * column + 32]
        assert np.array_equal(seen, server.splits.test.images[index])
        assert page["names"][place] == server.splits.test.classes[server.splits.test.labels[index]]


def test_browse_shuffles_by_its_seed_and_keeps_to_the_classes(client: Client) -> None:
    first = client.predict(classes=["cat"], seed=5, per_page=100, api_name="/browse")
    again = client.predict(classes=["cat"], seed=5, per_page=100, api_name="/browse")
    other = client.predict(classes=["cat"], seed=6, per_page=100, api_name="/browse")
    assert first["indices"] == again["indices"] != other["indices"]
    assert set(first["names"]) == {"cat"}


def test_a_run_is_started_watched_and_stopped(client: Client) -> None:
    started = client.predict(epochs=100, seed=3, api_name="/start")
    run, owner = started["run"], started["owner"]
    seen = wait_for(lambda: (s := client.predict(run=run, api_name="/snapshot"))["points"] and s)
    assert seen["state"] == "running" and seen["config"]["epochs"] == 100 and seen["steps"] == 50_000
    last = seen["points"][-1][0]
    later = wait_for(lambda: (s := client.predict(run=run, since=last, api_name="/snapshot"))["points"] and s)
    assert all(step > last for step, _ in later["points"])

    assert "Only the one who started" in refused(client, "/stop", run=run, owner="x" * 32)
    client.predict(run=run, owner=owner, api_name="/stop")
    ended = wait_for(lambda: (s := client.predict(run=run, api_name="/snapshot"))["accuracy"] is not None and s)
    wait_for(lambda: client.predict(run=run, api_name="/snapshot")["state"] == "stopped")
    assert 0 <= ended["accuracy"] <= 1 and len(ended["per_class"]) == 10


def test_a_snapshot_does_not_tell_the_owners_key(client: Client) -> None:
    started = client.predict(epochs=1, batch_size=100, api_name="/start")
    told = client.predict(run=started["run"], api_name="/snapshot")
    assert started["owner"] not in json.dumps(told)


def test_classify_answers_with_the_pretrained_net_and_with_a_run(client: Client, tmp_path: Path) -> None:
    picture = tmp_path / "picture.png"
    Image.new("RGB", (300, 200), (90, 140, 220)).save(picture)
    told = client.predict(picture=handle_file(picture), net="pretrained", api_name="/classify")
    assert told["answer"] == told["scores"][0]["name"] and len(told["scores"]) == 10
    assert math.isclose(sum(score["probability"] for score in told["scores"]), 1, abs_tol=1e-6)

    run = client.predict(epochs=1, batch_size=50, api_name="/start")["run"]
    wait_for(lambda: client.predict(run=run, api_name="/snapshot")["state"] == "done")
    own = client.predict(picture=handle_file(picture), net=run, api_name="/classify")
    assert own["scores"] != told["scores"]


@pytest.mark.parametrize(
    ("setting", "value", "word"),
    [
        ("epochs", 0, "Epochs"),
        ("epochs", 2.5, "Epochs"),
        ("epochs", "many", "Epochs"),
        ("batch_size", 10**9, "Batch size"),
        ("lr", 5, "Learning rate"),
        ("seed", 10**15, "Seed"),
        ("schedule", "wild", "Schedule"),
        ("device", "cuda", "cuda"),
        ("owner", "short", "owner key"),
    ],
)
def test_a_bad_setting_is_refused_with_a_sentence_that_names_it(
    client: Client, setting: str, value: Any, word: str
) -> None:
    assert word in refused(client, "/start", **{setting: value})


@pytest.mark.parametrize(
    ("endpoint", "inputs", "word"),
    [
        ("/browse", {"split": "both"}, "train or test"),
        ("/browse", {"per_page": 101}, "100"),
        ("/browse", {"classes": ["dragon"]}, "dragon"),
        ("/browse", {"seed": -1}, "seed"),
        ("/snapshot", {"run": "none"}, "no such run"),
        ("/snapshot", {"run": "none", "since": "x"}, "whole number"),
        ("/snapshot", {"run": "none", "since": 10**15}, "whole number"),
        ("/stop", {"run": "none", "owner": "x" * 32}, "no such run"),
    ],
)
def test_a_bad_question_is_refused_with_a_sentence(
    client: Client, endpoint: str, inputs: dict[str, Any], word: str
) -> None:
    assert word in refused(client, endpoint, **inputs)


def raw_call(server: Server, endpoint: str, data: str) -> str:
    """What the endpoint answers to a body written by hand: gradio_client itself refuses to send NaN."""
    with urllib.request.urlopen(f"{server.url}/config") as answer:
        (number,) = [event["id"] for event in json.load(answer)["dependencies"] if event["api_name"] == endpoint]
    body = f'{{"data": {data}, "fn_index": {number}, "session_hash": "by-hand"}}'
    address = f"{server.url}/gradio_api/queue"
    request = urllib.request.Request(f"{address}/join", body.encode(), {"Content-Type": "application/json"})
    urllib.request.urlopen(request).close()
    with urllib.request.urlopen(f"{address}/data?session_hash=by-hand", timeout=20) as answer:
        return str(answer.read().decode())


def test_nan_and_infinity_are_refused_as_numbers_out_of_bounds(server: Server) -> None:
    assert "Learning rate must be a number from" in raw_call(
        server, "start", '[2, 4, NaN, 0.9, 0, 0, "none", "constant", "none", 5, 60, "auto", "", 0, "float32"]'
    )
    assert "Momentum must be a number from" in raw_call(
        server, "start", '[2, 4, 0.1, Infinity, 0, 0, "none", "constant", "none", 5, 60, "auto", "", 0, "float32"]'
    )
    assert "must be a whole number" in raw_call(server, "browse", '["train", NaN, 36, null, null]')


def test_a_picture_that_cannot_be_read_is_refused_with_a_sentence(client: Client, tmp_path: Path) -> None:
    for name, content in (("text.png", b"hello"), ("empty.jpg", b""), ("cut.png", b"\x89PNG\r\n\x1a\n" + b"\0" * 40)):
        path = tmp_path / name
        path.write_bytes(content)
        sentence = refused(client, "/classify", picture=handle_file(path), net="pretrained")
        assert str(tmp_path) not in sentence and "/" not in sentence
    assert "no such run" in refused(client, "/classify", picture=handle_file(_png(tmp_path)), net="nobody")


def test_a_private_handler_checks_the_owner_itself(client: Client, server: Server) -> None:
    started = client.predict(epochs=100, api_name="/start")
    with urllib.request.urlopen(f"{server.url}/config") as answer:
        config = json.load(answer)
    stop = next(component["id"] for component in config["components"] if component["props"].get("elem_id") == "stop")
    [event] = [event for event in config["dependencies"] if [stop, "click"] in event["targets"]]
    session = "anybody"
    followed = json.dumps({"run": started["run"], "state": "running", "commands": ["stop"], "new": False})
    body = {"data": ["x" * 32, followed], "fn_index": event["id"], "session_hash": session}
    request = urllib.request.Request(
        f"{server.url}/gradio_api/queue/join", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    urllib.request.urlopen(request).close()
    with urllib.request.urlopen(f"{server.url}/gradio_api/queue/data?session_hash={session}", timeout=20) as stream:
        told = next(line for line in stream if b"process_completed" in line)
    assert b"Only the one who started" in told
    assert client.predict(run=started["run"], api_name="/snapshot")["state"] in ("waiting", "running")
    client.predict(run=started["run"], owner=started["owner"], api_name="/stop")


def _png(folder: Path) -> Path:
    path = folder / "fine.png"
    Image.new("RGB", (40, 40), (1, 2, 3)).save(path)
    return path
