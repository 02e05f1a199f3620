# SPDX-License-Identifier: GPL-3.0-or-later
"""Which photos are compared with which: neighbours all round, and those most alike, of any side."""

from __future__ import annotations

import hypothesis_settings  # noqa: F401 - how property tests run
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scan.engines import pairs as module
from scan.engines.pairs import all_pairs, choose_pairs, pairs_with

ALIKE = 6
MOST = 3 + ALIKE + 2
"""Pairs for each photo of a side of up to 47."""


def sides(*counts):
    return [[f"{side}/{number:04}" for number in range(count)] for side, count in enumerate(counts)]


def unordered(wanted):
    return {frozenset(pair) for pair in wanted}


def apart(side, *steps):
    """Pairs of names that are so many steps apart, whichever way round."""
    return {frozenset((name, side[(at + step) % len(side)])) for at, name in enumerate(side) for step in steps} - {
        frozenset((name,)) for name in side
    }


def neighbours(side):
    return apart(side, 1, 2, 3)


def nothing_alike(scan):
    number = sum(map(len, scan))
    return np.zeros((number, number), np.int32)


counts_of_sides = st.lists(st.integers(0, 40), min_size=1, max_size=6)


@settings(max_examples=60)
@given(counts=counts_of_sides, seed=st.integers(0, 1 << 30), most=st.sampled_from([1, 5, 200]))
@example(counts=[1], seed=0, most=1)
@example(counts=[2], seed=0, most=1)
@example(counts=[3, 1], seed=0, most=1)
@example(counts=[40, 1, 0, 1], seed=0, most=1)
def test_pairs_go_round_take_the_most_alike_and_leave_no_photo_alone(counts, seed, most):
    scan = sides(*counts)
    every = [name for side in scan for name in side]
    half = np.triu(np.random.default_rng(seed).integers(0, most, (len(every), len(every))), 1)
    alike = (half + half.T).astype(np.int32)
    wanted = choose_pairs(scan, alike)
    found = unordered(wanted)
    assert len(wanted) == len(found)
    assert all(one != other for one, other in wanted)
    assert set().union(*map(neighbours, scan)) <= found
    assert len(wanted) <= MOST * len(every)
    if len(every) > 1:
        assert {name for pair in wanted for name in pair} == {*every}
    for place, name in enumerate(every):
        partners = sorted((int(count) for other, count in enumerate(alike[place]) if other != place), reverse=True)
        least = max(4, *partners[ALIKE - 1 : ALIKE]) if len(partners) >= ALIKE else 4
        better = {every[other] for other, count in enumerate(alike[place]) if count > least and other != place}
        assert {frozenset((name, other)) for other in better} <= found


@pytest.mark.parametrize(
    ("photos", "steps"),
    [(47, [1, 2, 3]), (48, [1, 2, 3, 6]), (120, [1, 2, 3, 6, 12]), (500, [1, 2, 3, 6, 12, 24, 48])],
)
def test_on_a_long_side_photos_are_compared_further_on(photos, steps):
    (side,) = scan = sides(photos)
    assert unordered(choose_pairs(scan, nothing_alike(scan))) == apart(side, *steps)


def test_sides_are_joined_by_what_is_alike():
    scan = sides(20, 20)
    alike = nothing_alike(scan)
    alike[3, 27] = alike[27, 3] = 9
    across = [pair for pair in choose_pairs(scan, alike) if pair[0][0] != pair[1][0]]
    assert across == [("0/0003", "1/0007")]


def test_sides_are_joined_where_a_photo_is_most_like_many_of_its_own_side():
    """As in a film, or where each photo was taken ten times."""
    scan = sides(40, 40)
    alike = nothing_alike(scan)
    alike[:40, :40] = 90
    alike[7, 50:55] = alike[50:55, 7] = [5, 9, 6, 8, 7]
    across = {other for one, other in choose_pairs(scan, alike) if (one, other[0]) == ("0/0007", "1")}
    assert {"1/0011", "1/0013"} <= across


def test_what_is_little_alike_is_no_pair():
    scan = sides(30)
    alike = nothing_alike(scan)
    alike[0, 15] = alike[15, 0] = 3
    assert frozenset(("0/0000", "0/0015")) not in unordered(choose_pairs(scan, alike))


def test_a_side_of_one_photo_is_compared_with_others_even_if_nothing_is_alike():
    wanted = choose_pairs(sides(400, 1, 30), nothing_alike(sides(400, 1, 30)))
    assert len([pair for pair in wanted if "1/0000" in pair]) == ALIKE


def test_of_few_photos_each_is_compared_with_each():
    assert all_pairs(["a", "b", "c"]) == [("a", "b"), ("a", "c"), ("b", "c")]


def test_photos_that_were_left_out_are_compared_with_all():
    def never():
        raise AssertionError

    wanted = pairs_with({"b", "d"}, ["a", "b", "c", "d"], never)
    assert wanted == [("a", "b"), ("a", "d"), ("b", "c"), ("b", "d"), ("c", "d")]


def test_of_very_many_such_pairs_those_most_alike_are_taken(monkeypatch):
    monkeypatch.setattr(module, "_MOST_PAIRS", 2)
    alike = np.array([[0, 1, 7, 0], [1, 0, 8, 3], [7, 8, 0, 9], [0, 3, 9, 0]], np.int32)
    assert pairs_with({"b", "d"}, ["a", "b", "c", "d"], lambda: alike) == [("b", "c"), ("c", "d")]


@pytest.mark.parametrize("counts", [(400, 400), (500, 1, 499)])
def test_pairs_of_a_thousand_stay_few(counts):
    scan = sides(*counts)
    alike = np.full((sum(counts), sum(counts)), 50, np.int32)
    assert len(choose_pairs(scan, alike)) <= (MOST + 4) * sum(counts)
