# SPDX-License-Identifier: GPL-3.0-or-later
"""Where nobody is sure, what lies behind goes on: never what hides it, and never without end."""

import numpy as np
import pytest

from scan.meshing.occluded import filled
from scan.meshing.sweep import DepthMap

HEIGHT, WIDTH = 60, 80
BACK, FRONT = 4.2, 4.0
HOLE = slice(20, 40), slice(30, 50)


def scene(below=FRONT):
    """A wall, and before it from the hole's lower edge on something nearer; in the hole the depth is a guess."""
    depth = np.full((HEIGHT, WIDTH), BACK, np.float32)
    depth[40:] = below
    depth[HOLE] = 4.05
    score, weights = np.full(depth.shape, 0.9, np.float32), np.full(depth.shape, 0.8, np.float32)
    score[HOLE], weights[HOLE] = 0.4, 0.01
    return DepthMap(depth, score), weights


def test_what_lies_behind_goes_on_under_what_hides_it():
    found, weights = scene()
    result = filled(found, weights)
    np.testing.assert_allclose(result.depth[HOLE], BACK, atol=0.01)
    assert (result.score[HOLE] == np.float32(0.6)).all()


def test_what_is_sure_or_nearly_so_stays():
    found, weights = scene()
    weights[25:30, 35:40] = 0.35
    before = found.depth.copy()
    result = filled(found, weights)
    np.testing.assert_array_equal(result.depth[weights > 0.3], found.depth[weights > 0.3])
    np.testing.assert_array_equal(result.score[weights > 0.3], found.score[weights > 0.3])
    np.testing.assert_array_equal(found.depth, before)


def test_a_guess_behind_all_that_is_around_stays():
    found, weights = scene()
    found.depth[HOLE] = BACK + 0.1
    np.testing.assert_array_equal(filled(found, weights).depth, found.depth)


@pytest.mark.parametrize(("back", "is_taken"), [(4.3, True), (4.4, False)])
def test_nothing_goes_on_much_deeper_than_was_found(back, is_taken):
    found, weights = scene()
    found.depth[:40][found.depth[:40] == np.float32(BACK)] = back
    result = filled(found, weights)
    expected = back if is_taken else 4.05
    np.testing.assert_allclose(result.depth[HOLE], expected, atol=0.01)


def test_a_plane_on_one_side_alone_is_not_enough():
    found, weights = scene()
    weights[HOLE[0].start :] = 0.0
    weights[:, :30] = weights[:, 50:] = 0.0
    np.testing.assert_array_equal(filled(found, weights).depth[HOLE], found.depth[HOLE])


def test_no_depth_stays_none_and_without_anything_sure_nothing_changes():
    found, weights = scene()
    found.depth[HOLE] = 0
    assert not filled(found, weights).depth[HOLE].any()
    assert filled(found, 0 * weights) is found
    assert filled(found, np.full_like(weights, 0.8)) is found
