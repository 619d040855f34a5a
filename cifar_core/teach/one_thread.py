"""One core for whoever needs the digits that a worker gets: the last ones of a sum depend on how many share it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_ALONE = threading.Lock()  # torch has one number of threads for the whole process


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one core in the block; one block at a time."""
    with _ALONE:
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(before)
