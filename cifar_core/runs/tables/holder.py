"""Who a run belongs to, without the secret: the store knows digests of keys and addresses, and nobody can turn back."""

import hashlib
from typing import NamedTuple


def digest(secret: str) -> str:
    """Return what the store keeps of a key or an address: its SHA-256.

    An owner's key is long and random, so that this is as hard to guess as the key itself.
    """
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


class Holder(NamedTuple):
    """The visitor who started a run, and from where; both as digests."""

    owner: str
    address: str
    """empty if it is not known"""

    @classmethod
    def of(cls, owner: str, address: str | None) -> "Holder":
        """Return the holder with this key, at this address if that is known."""
        return cls(digest(owner), digest(address) if address else "")

    @property
    def household(self) -> str:
        """What those have in common who share one connection; a visitor from an unknown address is on their own."""
        return self.address or self.owner
