# SPDX-License-Identifier: GPL-3.0-or-later
"""Texels of which nothing is known have colors from around; the others stay."""

import numpy as np

from scan.texturing.fill import filled

RED, BLUE = (200, 10, 10), (10, 10, 200)


def halves(known):
    picture = np.zeros((32, 32, 3), np.uint8)
    picture[:, :16], picture[:, 16:] = RED, BLUE
    picture[~known] = 0
    return filled(picture, known), picture


def test_what_is_known_stays():
    known = np.random.default_rng(0).random((32, 32)) < 0.2
    found, before = halves(known)
    np.testing.assert_array_equal(found[known], before[known])
    assert (found.max(-1) >= 100).all()


def test_the_nearest_colors_count():
    known = np.zeros((32, 32), bool)
    known[4:28, 3] = known[4:28, 28] = True
    found, _ = halves(known)
    np.testing.assert_array_equal(found[12:20, 1], np.tile(RED, (8, 1)))
    np.testing.assert_array_equal(found[12:20, 30], np.tile(BLUE, (8, 1)))


def test_one_texel_fills_all():
    known = np.zeros((32, 32), bool)
    known[17, 5] = True
    found, _ = halves(known)
    assert (found == RED).all()


def test_where_nothing_is_known_all_is_grey():
    found, _ = halves(np.zeros((32, 32), bool))
    assert (found == 128).all()
