# SPDX-License-Identifier: GPL-3.0-or-later
"""A few of many."""

from collections.abc import Sequence
from typing import TypeVar

_Each = TypeVar("_Each")


def spread(items: Sequence[_Each], most: int) -> list[_Each]:
    """Returns so many of them, or all if there are no more, spread evenly, in their order."""
    number = min(most, len(items))
    return [items[(2 * index + 1) * len(items) // (2 * number)] for index in range(number)]
