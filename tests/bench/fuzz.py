"""Sends what no page would send to a real server: python tests/bench/fuzz.py --data DIR [--requests 10000] [--seed 0]

Over every event and every address: wrong types, other people's ids, huge and deep JSON, paths, addresses, NaN. The
requests come from many addresses of the loopback, so that the bounds of one do not hide what lies behind them.

Prints a table of the answers. The exit status is 1 if there was an answer of 500 or above, a trace in the server's log,
a change in a run that belongs to somebody else, or a server that does not answer any more.
"""

import argparse
import asyncio
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from gradio_client import Client  # noqa: E402

from tests.helpers.fuzzing import Attempt, Fuzzer  # noqa: E402
from tests.helpers.serving import own_trouble, start_server  # noqa: E402

ADDRESSES = 50
AT_ONCE = 8
"""requests under way"""
NO_ANSWER = 0


def main() -> int:
    """Fuzz and print; 1 where anything went wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--unverified", action="store_true")
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    more = ["--unverified"] if options.unverified else []
    with tempfile.TemporaryDirectory() as folder:
        url, process, log = start_server(
            Path(folder), "--data", str(options.data.resolve()), "--workers", "1", "--trusted-proxies", "1", *more
        )
        try:
            wrong = _fuzz(url, options)
        finally:
            process.terminate()
            process.wait(20)
        if "Traceback" in (text := own_trouble(log.read_text())):
            wrong.append(f"{text.count('Traceback')} traces in the log, the last: {text[-3000:]}")
    print("".join(f"\n- {line}" for line in wrong) or "\nNothing went wrong.")
    return 1 if wrong else 0


def _fuzz(url: str, options: argparse.Namespace) -> list[str]:
    client = Client(url, verbose=False, headers={"x-forwarded-for": "203.0.113.1"})
    runs = [_ended_run(client, seed) for seed in range(3)]
    before = [client.predict(run=run, api_name="/snapshot") for run in runs]
    fuzzer = Fuzzer(httpx.get(f"{url}/config").json(), options.seed, runs)
    answers, wrong = asyncio.run(_send_all(url, list(fuzzer.attempts(options.requests))))
    print("| status | answers |\n| --- | --- |")
    print("\n".join(f"| {status or 'none'} | {count} |" for status, count in sorted(answers.items())))
    after = [client.predict(run=run, api_name="/snapshot") for run in runs]
    if after != before:
        wrong.append(f"somebody else's runs have changed: {before} -> {after}")
    return wrong


def _ended_run(client: Client, seed: int) -> str:
    """Start a short run and stop it; return its id."""
    mine: Any = client.predict(epochs=1, batch_size=1024, seed=seed, api_name="/start")
    client.predict(run=mine["run"], owner=mine["owner"], api_name="/stop")
    while client.predict(run=mine["run"], api_name="/snapshot")["state"] not in ("done", "stopped"):
        pass
    return str(mine["run"])


async def _send_all(url: str, attempts: list[Attempt]) -> tuple[Counter[int], list[str]]:
    answers, wrong, left = Counter[int](), list[str](), iter(enumerate(attempts))

    async def send_on(http: httpx.AsyncClient) -> None:
        for number, attempt in left:
            status = await _send(http, url, attempt, f"198.51.100.{number // 5 % ADDRESSES}")
            answers[status] += 1
            if status >= 500:
                wrong.append(f"{status} for {attempt.method} {attempt.path[:80]} {attempt.body[:200]!r}")

    async with httpx.AsyncClient(timeout=httpx.Timeout(60, read=20)) as http:
        await asyncio.gather(*(send_on(http) for _ in range(AT_ONCE)))
        if (await http.get(url, timeout=60)).status_code != 200:
            wrong.append("the page is no longer served")
    return answers, wrong


async def _send(http: httpx.AsyncClient, url: str, attempt: Attempt, address: str) -> int:
    headers = {name.replace("_", "-"): value for name, value in attempt.headers.items()} | {"x-forwarded-for": address}
    try:
        async with http.stream(attempt.method, url + attempt.path, content=attempt.body, headers=headers) as answer:
            return answer.status_code  # a stream may last for ever
    except (httpx.TransportError, httpx.InvalidURL):
        return NO_ANSWER


if __name__ == "__main__":
    sys.exit(main())
