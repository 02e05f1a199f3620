# SPDX-License-Identifier: GPL-3.0-or-later
"""Which photos are compared with which, where every photo with every other would take too long."""

from collections.abc import Iterator, Sequence

ALL_PAIRS_UP_TO = 300
"""So many photos are compared each with each: 44,850 pairs."""
_NEIGHBOURS = 10
_SAMPLE = 120


def pairs(sides: Sequence[Sequence[str]]) -> list[tuple[str, str]]:
    """Pairs of names, each once, for photos taken in sequence on each of the ``sides``.

    Each photo is paired with its next neighbours on its side, the last with the first again, since a turntable comes
    round; and an even sample of all photos is paired each with each, which joins sides, rings at different heights,
    and passes that were taken one after the other. About 10 n + 7,000 pairs instead of n² / 2.
    """
    every = [name for side in sides for name in side]
    wanted: dict[tuple[str, str], None] = {}
    for one, other in (*_rings(sides), *_each_with_each(_even_sample(every))):
        wanted[min(one, other), max(one, other)] = None
    return list(wanted)


def _rings(sides: Sequence[Sequence[str]]) -> Iterator[tuple[str, str]]:
    for side in sides:
        for index, name in enumerate(side):
            for distance in range(1, min(_NEIGHBOURS, len(side) - 1) + 1):
                yield name, side[(index + distance) % len(side)]


def _each_with_each(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    for index, name in enumerate(names):
        for other in names[index + 1 :]:
            yield name, other


def _even_sample(names: Sequence[str]) -> Sequence[str]:
    most = min(_SAMPLE, len(names))
    return [names[index * len(names) // most] for index in range(most)]
