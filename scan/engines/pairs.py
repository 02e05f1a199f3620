# SPDX-License-Identifier: GPL-3.0-or-later
"""Which photos are compared with which, where every photo with every other would take too long."""

from collections.abc import Callable, Collection, Iterator, Sequence

import numpy as np
import numpy.typing as npt

ALL_PAIRS_UP_TO = 20
"""So many photos are compared each with each: 190 pairs."""
_NEIGHBOURS = 3
_FARTHEST = 1 / 8
"""Of a side: photos further apart, 45 degrees of a turn, show too little of the same."""
_ALIKE, _ALIKE_ACROSS = 6, 2
_MOST_PAIRS = 20_000
"""Of photos that are compared with all others."""
_LEAST_ALIKE = 4
"""Fewer common features than this are chance."""


Pairs = list[tuple[str, str]]
"""Names of photos, two by two."""


def all_pairs(names: Sequence[str]) -> Pairs:
    """Each with each, once."""
    return [(one, other) for index, one in enumerate(names) for other in names[index + 1 :]]


def choose_pairs(sides: Sequence[Sequence[str]], alike: npt.NDArray[np.int32]) -> Pairs:
    """Pairs of names, each once, for photos taken in sequence on each of the ``sides``.

    Each photo is paired with its next neighbours on its side, the last with the first again, since a turntable comes
    round, and on a long side with some further on; and with the photos most like it, which joins rings at different
    heights and passes that were taken one after the other: six of any side and two of others, since in a film its
    neighbours are all that is like it.
    ``alike`` is n × n: how many features two photos seem to have in common, in the order of the sides. A photo without
    a neighbour is paired with those most like it, however little that is.
    """
    names = [name for side in sides for name in side]
    side_of = [number for number, side in enumerate(sides) for _ in side]
    wanted: dict[tuple[int, int], None] = {}
    for one, other in _rings(sides):
        wanted[min(one, other), max(one, other)] = None
    paired = {number for pair in wanted for number in pair}
    for one in range(len(names)):
        order = [int(other) for other in np.argsort(-alike[one], kind="stable") if other != one]
        across = [other for other in order if side_of[other] != side_of[one]]
        for other in (*order[:_ALIKE], *across[:_ALIKE_ACROSS]):
            if alike[one, other] >= _LEAST_ALIKE or one not in paired:
                wanted[min(one, other), max(one, other)] = None
    return [(names[one], names[other]) for one, other in sorted(wanted)]


def pairs_with(some: Collection[str], every: Sequence[str], alike: Callable[[], npt.NDArray[np.int32]]) -> Pairs:
    """Pairs of each of ``some`` with all of ``every``, each once.

    Where they are very many, only the most alike: ``alike`` gives n × n numbers, in the order of ``every``.
    """
    places = [place for place, name in enumerate(every) if name in some]
    wanted = sorted(
        {(min(one, other), max(one, other)) for one in places for other in range(len(every)) if one != other}
    )
    if len(wanted) > _MOST_PAIRS:
        counts = alike()
        wanted = sorted(sorted(wanted, key=lambda pair: -int(counts[pair]))[:_MOST_PAIRS])
    return [(every[one], every[other]) for one, other in wanted]


def _rings(sides: Sequence[Sequence[str]]) -> Iterator[tuple[int, int]]:
    """Neighbours on each side, as places in the order of all photos."""
    first = 0
    for side in sides:
        for index in range(len(side)):
            for distance in _steps(len(side)):
                yield first + index, first + (index + distance) % len(side)
        first += len(side)


def _steps(photos: int) -> Iterator[int]:
    """How many photos on: 1, 2 and 3; then 6, 12, 24 …, since in a film the next ones hardly differ from it."""
    yield from range(1, min(_NEIGHBOURS, photos - 1) + 1)
    distance = 2 * _NEIGHBOURS
    while distance <= photos * _FARTHEST:
        yield distance
        distance *= 2
