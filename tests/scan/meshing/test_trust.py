# SPDX-License-Identifier: GPL-3.0-or-later
"""A mask that cuts away what all others keep is found out, and no other is."""

from dataclasses import replace
from functools import cache

import pytest
from mesh_scenes import SOLID, SPHERE, THREADS, shots

from scan.meshing.trust import wrong_masks
from scan.views.distances import signed_distances


def cut_off(mask, size):
    mask[:, int(0.6 * size) :] = 0


def all_black(mask, _size):
    mask[:] = 0


def blob(mask, size):
    mask[: size // 3, 2 * size // 3 :] = 255


def all_white(mask, _size):
    mask[:] = 255


def found(harm, numbers, solid=SOLID, count=28, size=112):
    """The views of which the masks are held to be wrong, after some were harmed."""
    outlines = list(outlines_of(solid, count, size))
    for number in numbers:
        mask = shots(solid, count, size)[number].mask
        harm(mask, size)
        outlines[number] = replace(outlines[number], distances=signed_distances(mask))
    return wrong_masks(outlines, THREADS)


@cache
def outlines_of(solid, count, size):
    return tuple(each.outline for each in shots(solid, count, size))


@pytest.mark.parametrize(
    ("solid", "count", "size"),
    [(SOLID, 28, 112), (SPHERE, 16, 160), (SOLID, 16, 160)],
    ids=["many photos", "ball", "few photos"],
)
def test_good_masks_are_all_trusted(solid, count, size):
    assert found(all_black, [], solid, count, size) == []


@pytest.mark.parametrize(("harm", "numbers"), [(cut_off, [4]), (all_black, [0, 7]), (cut_off, [18, 29])])
def test_masks_that_cut_away_are_found(harm, numbers):
    assert found(harm, numbers) == numbers


@pytest.mark.parametrize(("harm", "numbers"), [(blob, [0, 7, 18]), (all_white, [4])])
def test_masks_that_keep_too_much_do_no_harm_and_are_not_counted(harm, numbers):
    assert found(harm, numbers) == []
