# SPDX-License-Identifier: GPL-3.0-or-later
"""Tunnels up to six samples wide are filled where the object may be; furrows, pits and wider tunnels stay."""

import numpy as np
import pytest

from scan.meshing.tunnels import fill_tunnels

INSIDE = np.float32(0.001)
NARROW = slice(10, 14)


def plate(*holes):
    """A plate of eight samples' thickness, less some parts of it."""
    field = np.full((40, 40, 20), -1.0, np.float32)
    field[4:36, 4:36, 6:14] = 1.0
    for hole in holes:
        field[hole] = -1.0
    return field


def everywhere(places):
    return np.ones(len(places), bool)


@pytest.mark.parametrize("width", [1, 2, 4, 6])
def test_a_narrow_tunnel_is_filled(width):
    hole = slice(12, 12 + width)
    field = plate((hole, hole))
    beside = plate() < 0
    assert fill_tunnels(field, INSIDE, everywhere) == int((field == INSIDE).sum()) > 0
    assert (field[hole, hole, 8:12] > 0).any((0, 1)).all()
    assert (field[hole, hole, 10] > 0).all()
    assert (field[beside] == -1).all()


@pytest.mark.parametrize(
    "part",
    [
        pytest.param((slice(10, 18), slice(10, 18)), id="a wide tunnel"),
        pytest.param((NARROW, NARROW, slice(9, 14)), id="a pit"),
        pytest.param((NARROW, slice(4, 36), slice(9, 14)), id="a furrow"),
        pytest.param((NARROW, slice(4, 36)), id="a gap between two parts"),
        pytest.param((NARROW, NARROW, slice(9, 11)), id="a hollow inside"),
    ],
)
def test_what_is_no_narrow_tunnel_stays(part):
    field = plate(part)
    before = field.copy()
    assert fill_tunnels(field, INSIDE, everywhere) == 0
    np.testing.assert_array_equal(field, before)


def test_a_tunnel_through_which_a_photo_sees_stays():
    field = plate((NARROW, NARROW), (slice(25, 28), slice(25, 28)))
    asked = []

    def may_be(places):
        asked.append(places)
        return places[:, 0] < 20

    assert fill_tunnels(field, INSIDE, may_be) > 0
    assert (field[NARROW, NARROW, 10] > 0).all()
    assert (field[25:28, 25:28] == -1).all()
    assert all((np.array(field.shape) > places.max(0)).all() and places.min() >= 0 for places in asked)


def test_a_tunnel_at_the_grids_end_is_filled_within_the_grid():
    field = plate()[:, :, 6:14].copy()
    field[NARROW, NARROW] = -1.0
    assert fill_tunnels(field, INSIDE, everywhere) > 0
    assert (field[NARROW, NARROW, 2:6] > 0).all()


def test_tunnels_that_cross_are_filled():
    field = plate((NARROW, NARROW), (NARROW, slice(None), slice(9, 11)))
    assert fill_tunnels(field, INSIDE, everywhere) > 0
    again = field.copy()
    assert fill_tunnels(again, INSIDE, everywhere) == 0
