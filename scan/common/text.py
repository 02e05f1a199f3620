# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers and names as they stand in sentences."""

from collections.abc import Sequence


def count(number: int, what: str) -> str:
    """Such as "1 photo" or "3 photos"."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def were(number: int, what: str) -> str:
    """Such as "1 photo was" or "3 photos were"."""
    return f"{count(number, what)} {'was' if number == 1 else 'were'}"


def some(names: Sequence[str], most: int = 3) -> str:
    """The first of many names, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def either(names: Sequence[str]) -> str:
    """Such as "a, b or c", of two names or more."""
    return f"{', '.join(names[:-1])} or {names[-1]}"
