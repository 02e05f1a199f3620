# SPDX-License-Identifier: GPL-3.0-or-later
"""Pixels that show nothing take the depth of those around them; what is seen stays, jumps included."""

import numpy as np
import pytest

from scan.meshing.semiglobal import winners

DEPTHS, HEIGHT, WIDTH = 12, 20, 24
ALL = np.ones((HEIGHT, WIDTH), bool)


def scores_for(wanted, sharp=0.9):
    """Scores that are highest at the wanted depths."""
    scores = np.zeros((DEPTHS, HEIGHT, WIDTH), np.float32)
    np.put_along_axis(scores, wanted[None], sharp, 0)
    return scores


def slope():
    """A surface that comes nearer from left to right, by less than a step a pixel."""
    return np.tile(np.arange(WIDTH) * (DEPTHS - 2) // WIDTH, (HEIGHT, 1))


def test_what_every_pixel_sees_is_what_wins():
    for wanted in (slope(), slope()[:, ::-1], np.full((HEIGHT, WIDTH), 5)):
        assert np.array_equal(winners(scores_for(wanted), ALL), wanted)


@pytest.mark.parametrize("level", [0.0, 0.4, -0.3], ids=["nothing", "alike", "unlike"])
def test_pixels_without_texture_get_their_neighbours_depth(level):
    wanted = np.full((HEIGHT, WIDTH), 7)
    scores = scores_for(wanted)
    scores[:, 6:14, 5:17] = level
    assert np.array_equal(winners(scores, ALL), wanted)


def test_on_a_slope_they_lie_between_those_around_them():
    scores = scores_for(slope())
    scores[:, 8:12, 9:14] = 0
    found = winners(scores, ALL)
    assert np.abs(found - slope()).max() <= 1
    assert (np.diff(found[8:12], axis=1) >= 0).all()


@pytest.mark.parametrize("turn", range(4))
def test_a_steep_slope_goes_on_over_what_shows_nothing(turn):
    """One depth further with each pixel, in any of the four directions."""
    wanted = np.rot90(np.tile(np.arange(20), (20, 1)), turn)
    scores = np.zeros((20, 20, 20), np.float32)
    np.put_along_axis(scores, wanted[None], 0.9, 0)
    nothing = np.rot90(np.tile((np.arange(20) >= 8) & (np.arange(20) < 12), (20, 1)), turn)
    scores[:, nothing] = 0
    assert np.array_equal(winners(scores, np.ones((20, 20), bool)), wanted)


def test_a_jump_stays_where_it_is():
    wanted = np.where(np.arange(WIDTH) < 10, 1, 10) + np.zeros((HEIGHT, 1), int)
    assert np.array_equal(winners(scores_for(wanted), ALL), wanted)


def test_one_pixel_that_errs_is_overruled_by_all_around_it():
    wanted = np.full((HEIGHT, WIDTH), 3)
    scores = scores_for(wanted, 0.8)
    scores[:, 9, 9] = 0.7
    scores[9, 9, 9] = 0.75
    assert winners(scores, ALL)[9, 9] == 3


def test_pixels_that_do_not_count_pass_nothing_on():
    counts = ALL.copy()
    counts[:, 12] = False
    scores = scores_for(np.where(np.arange(WIDTH) < 12, 2, 9) + np.zeros((HEIGHT, 1), int))
    scores[:, :, 12:] = 0
    scores[8, :, 13:] = 0.01  # hardly anything, and yet more than what is beyond the gap
    scores[5, :, 12] = 5.0
    found = winners(scores, counts)
    assert (found[:, :12] == 2).all()
    assert (found[:, 13:] == 8).all()
