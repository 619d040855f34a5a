"""By which address a visitor is counted, and that nobody chooses it."""

from types import SimpleNamespace
from typing import Any

import pytest

from demo.client_address import address_of, client_address

PEER = "192.0.2.1"


@pytest.mark.parametrize(
    "forwarded, proxies, address",
    [
        ([], 0, PEER),
        (["203.0.113.7"], 0, PEER),  # no proxy is trusted: anybody can write this header
        (["203.0.113.7"], 1, "203.0.113.7"),
        (["1.1.1.1, 203.0.113.7"], 1, "203.0.113.7"),  # the client invented the first
        (["1.1.1.1", "203.0.113.7"], 1, "203.0.113.7"),  # the same in two headers
        (["1.1.1.1, 203.0.113.7, 10.0.0.1"], 2, "203.0.113.7"),
        (["203.0.113.7"], 2, "203.0.113.7"),
        ([], 1, PEER),
        (["unknown"], 1, PEER),
        (["x" * 9000], 1, PEER),
    ],
)
def test_the_address_is_the_one_that_the_outermost_trusted_proxy_saw(
    forwarded: list[str], proxies: int, address: str
) -> None:
    assert client_address(PEER, forwarded, proxies) == address


def test_all_addresses_of_one_ipv6_network_count_as_one() -> None:
    one, other = (client_address(peer, [], 0) for peer in ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"))
    assert one == other != client_address("2001:db8:1:3::1", [], 0)
    assert client_address("::ffff:192.0.2.1", [], 0) == PEER
    assert client_address(PEER, ["[2001:db8:1:2::1]"], 1) == one


def test_an_event_has_the_address_of_its_request_and_none_without_one() -> None:
    request: Any = SimpleNamespace(client=SimpleNamespace(host=PEER))
    assert address_of(request) == PEER
    assert address_of(None) is None
