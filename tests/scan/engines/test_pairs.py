# SPDX-License-Identifier: GPL-3.0-or-later
"""Which photos are compared with which: neighbours all round, and a sample of all with each other."""

from itertools import combinations, pairwise

import hypothesis_settings  # noqa: F401 - how property tests run
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scan.engines.pairs import pairs

NEIGHBOURS, SAMPLE = 10, 120


def sides(*counts):
    return [[f"{side}/{number:04}" for number in range(count)] for side, count in enumerate(counts)]


def unordered(wanted):
    return {frozenset(pair) for pair in wanted}


def neighbours(side):
    """Pairs of names that are ten steps apart at most, whichever way round."""
    steps = range(-NEIGHBOURS, NEIGHBOURS + 1)
    return {frozenset((name, side[(at + step) % len(side)])) for at, name in enumerate(side) for step in steps} - {
        frozenset((name,)) for name in side
    }


few = st.lists(st.integers(0, 40), min_size=1, max_size=6)
many = st.lists(st.integers(0, 30) | st.integers(100, 160), min_size=1, max_size=3)


@settings(max_examples=40)
@given(counts=few | many)
@example(counts=[1])
@example(counts=[2])
@example(counts=[3, 1])
@example(counts=[11])
@example(counts=[21])
@example(counts=[60, 60])
@example(counts=[60, 61])
@example(counts=[400, 400])
def test_pairs_go_round_join_sides_and_are_each_wanted_once(counts):
    scan = sides(*counts)
    every = [name for side in scan for name in side]
    wanted = pairs(scan)
    found = unordered(wanted)
    assert len(wanted) == len(found)
    assert all(one != other for one, other in wanted)
    assert {name for pair in wanted for name in pair} <= {*every}
    rings = set().union(*map(neighbours, scan))
    assert rings <= found
    if len(every) <= SAMPLE:
        assert found == unordered(combinations(every, 2)), "of few photos, all there are"
        return
    # What joins the sides is a sample of all photos, each with each, evenly spread.
    across = {name for pair in found - rings for name in pair}
    places = [at for at, name in enumerate(every) if name in across]
    assert len(places) <= SAMPLE
    assert unordered(pair for pair in combinations(sorted(across), 2)) <= found
    step = len(every) / SAMPLE
    assert places[0] <= step
    assert len(every) - places[-1] <= step + 1
    assert all(behind - place <= step + 1 for place, behind in pairwise(places))


@settings(max_examples=30)
@given(counts=many, data=st.data())
def test_no_photo_and_no_side_is_left_out(counts, data):
    """Of a scan whose sides are none shorter than the steps of the sample: shorter ones it may pass over."""
    shortest = max(2, -(-sum(counts) // SAMPLE))
    scan = sides(*(max(count, shortest) for count in counts))
    scan = data.draw(st.permutations(scan))
    partners = {name: set() for side in scan for name in side}
    for one, other in pairs(scan):
        partners[one].add(other)
        partners[other].add(one)
    assert all(partners.values())
    reached, new = set(), {scan[0][0]}
    while new:
        reached |= new
        new = set().union(*(partners[name] for name in new)) - reached
    assert reached == {*partners}


@settings(max_examples=20)
@given(counts=few | many, data=st.data())
def test_where_a_ring_begins_which_way_it_goes_and_which_side_is_first_changes_no_neighbours(counts, data):
    scan = data.draw(st.permutations(sides(*counts)))
    turned = []
    for side in scan:
        begin = data.draw(st.integers(0, len(side)))
        turned.append((side[begin:] + side[:begin])[:: data.draw(st.sampled_from([1, -1]))])
    rings = set().union(*map(neighbours, sides(*counts)))
    assert rings <= unordered(pairs(turned))
    if sum(counts) <= SAMPLE:
        assert sorted(pairs(turned)) == sorted(pairs(sides(*counts)))


@pytest.mark.parametrize("counts", [(400, 400), (2500, 2500), (200, 1, 99)])
def test_pairs_of_thousands_stay_few(counts):
    wanted = pairs(sides(*counts))
    assert len(wanted) <= NEIGHBOURS * sum(counts) + SAMPLE * (SAMPLE - 1) // 2


def test_both_sides_are_sampled_alike():
    across = [pair for pair in pairs(sides(400, 400)) if pair[0][0] != pair[1][0]]
    assert len(across) == 60 * 60
