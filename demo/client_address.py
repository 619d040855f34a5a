"""Whose request this is: the address that a visitor's events, sessions, uploads and runs are counted by."""

from collections.abc import Iterable
from ipaddress import IPv6Address, ip_address, ip_network

import gradio as gr

HOME = 64
"""leading bits of an IPv6 address that count: every home or phone has a whole network of this size to choose from"""


def address_of(request: gr.Request | None) -> str | None:
    """Return the address behind an event, or None where there is none, as in a test.

    It is the client's own, not a proxy's: the gate has put it into the request.
    """
    client = getattr(request, "client", None)
    return str(client.host) if client else None


def client_address(peer: str, forwarded: Iterable[str], proxies: int) -> str:
    """Return the address of the client of a request that came from `peer` through `proxies` trusted proxies.

    `forwarded` holds the request's X-Forwarded-For headers. Each proxy appends whom it was asked by, so that the last
    `proxies` entries are the trusted ones' and all before may be invented. Of IPv6 the network is returned.
    """
    hops = [hop.strip() for header in forwarded for hop in header.split(",") if hop.strip()]
    named = hops[-proxies:][0] if proxies and hops else peer
    try:
        found = ip_address(named.strip("[]"))
    except ValueError:
        return peer
    if isinstance(found, IPv6Address):
        return str(found.ipv4_mapped or ip_network((found.packed, HOME), strict=False))
    return str(found)
