"""Few combinations in place of all: every two values of two different settings stand together in at least one."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, product
from typing import Any


def pairwise(values: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Any]]:
    """Yield combinations of `values` (name: what it may be), the same every time, until all pairs were in one."""
    sizes = {name: range(len(choices)) for name, choices in values.items()}
    missing = {
        ((one, i), (other, j)): None
        for one, other in combinations(sizes, 2)
        for i, j in product(sizes[one], sizes[other])
    }
    while missing:
        chosen = dict(next(iter(missing)))  # a pair that was in no combination yet, completed by what covers most pairs
        for name in sizes:
            if name not in chosen:
                chosen[name] = max(sizes[name], key=lambda at: len(_pairs(chosen | {name: at}, sizes) & missing.keys()))
        for pair in _pairs(chosen, sizes):
            missing.pop(pair, None)
        yield {name: values[name][chosen[name]] for name in sizes}


def _pairs(chosen: Mapping[str, int], order: Mapping[str, range]) -> set[tuple[tuple[str, int], tuple[str, int]]]:
    return set(combinations([(name, chosen[name]) for name in order if name in chosen], 2))
