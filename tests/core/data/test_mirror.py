"""The addresses of mirrors."""

import pytest

from cifar_core.data import mirror
from cifar_core.errors import DataError


def test_the_named_mirrors_stand_in_front_of_the_built_in_ones() -> None:
    assert mirror.mirrors_from("") == mirror.MIRRORS
    assert mirror.mirrors_from("http://a/x, https://b/y") == ("http://a/x", "https://b/y", *mirror.MIRRORS)
    assert mirror.mirrors_from(mirror.MIRRORS[2]) == (mirror.MIRRORS[2], *mirror.MIRRORS[:2])


@pytest.mark.parametrize("url", ["ftp://a/x", "file:///etc/passwd", "a/x", "http://", "http://[a/x", "http://a:port/x"])
def test_an_address_that_is_no_mirror_is_refused(url: str) -> None:
    with pytest.raises(DataError, match="is not the address of a mirror"):
        mirror.mirrors_from(f"http://good/x {url}")


def test_a_password_in_an_address_is_not_shown() -> None:
    assert mirror.host_of("https://me:secret@mirror.example:8080/x") == "mirror.example:8080"
