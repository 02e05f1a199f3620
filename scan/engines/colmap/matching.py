# SPDX-License-Identifier: GPL-3.0-or-later
"""Which photos COLMAP compares, and the comparison."""

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ...common.text import count
from ..pairs import Pairs
from . import database
from .alike import common_features, largest
from .nearest import matches
from .running import Runner
from .steps import BLOCK_DONE, Match

_BLOCKS = 12
"""Pairs are matched in so many blocks: each ends with a line that tells progress."""


def photos_alike(runner: Runner, name: str, photos: Sequence[str]) -> npt.NDArray[np.int32]:
    """How many features each two of n photos seem to have in common: n × n, in their order.

    ``photos`` are their names in the database ``name``. Raises EngineError and Cancelled.
    """
    total = len(photos)
    runner.watch.step(f"Comparing {count(total, 'photo')}")
    features = database.each_with_features(runner.work / name, photos)
    return common_features(map(largest, features), lambda done: runner.progress(done, total))


def match(runner: Runner, name: str, pairs: Pairs, photos: int) -> None:
    """Match pairs of photos, by their names in the database ``name``; those that are matched already take no time.

    ``photos`` is how many photos the scan has. Raises EngineError, OutputError and Cancelled.
    """
    possible = photos * (photos - 1) // 2
    of = "each with each" if len(pairs) == possible else f"{len(pairs):,} of {possible:,} pairs"
    runner.watch.step(f"Matching {count(photos, 'photo')}, {of}")
    most = runner.commands.most_pairs
    for start in range(0, len(pairs), most):
        part = pairs[start : start + most]
        block = max(1, -(-len(part) // _BLOCKS))

        def matched(found: re.Match[str], start: int = start, block: int = block) -> tuple[int, int]:
            return min(start + int(found[1]) * block, len(pairs)), len(pairs)

        listed = runner.list("pairs.txt", [f"{one} {other}" for one, other in part])
        step = Match(name, listed, block)
        if runner.commands.is_slow_to_match:
            _compare(runner, name, part, (start, len(pairs)))
            runner.run(step, "matching photos")
        else:
            runner.run(step, "matching photos", BLOCK_DONE, matched)


def _compare(runner: Runner, name: str, pairs: Pairs, progress: tuple[int, int]) -> None:
    """Put the matches of pairs into the database; COLMAP goes on from them.

    ``progress`` is how many pairs were done before, and how many there are.
    """
    before, total = progress
    place = runner.work / name
    for number, pair in enumerate(database.pairs_without_matches(place, pairs), 1):
        one, other = database.each_with_features(place, pair)
        database.add_matches(place, pair, matches(one.descriptors, other.descriptors))
        runner.progress(before + number, total)
