# SPDX-License-Identifier: GPL-3.0-or-later
"""Tunnels up to six samples wide are filled where the object may be; furrows, pits and wider tunnels stay."""

import numpy as np
import pytest

from scan.meshing.extract import extract
from scan.meshing.grid import Grid
from scan.meshing.tunnels import fill_tunnels

INSIDE = np.float32(0.001)
NARROW = slice(10, 14)
STEP = 0.5


def plate(*holes):
    """A plate of eight samples' thickness, less some parts of it."""
    field = np.full((40, 40, 20), -1.0, np.float32)
    field[4:36, 4:36, 6:14] = 1.0
    for hole in holes:
        field[hole] = -1.0
    return field


def everywhere(places):
    return np.ones(len(places), bool)


def taken(filled):
    return sum(len(each.samples) for each in filled)


@pytest.mark.parametrize("width", [1, 2, 4, 6])
def test_a_narrow_tunnel_is_filled(width):
    hole = slice(12, 12 + width)
    field = plate((hole, hole))
    beside = plate() < 0
    assert taken(fill_tunnels(field, INSIDE, everywhere)) == int((field == INSIDE).sum()) > 0
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
    assert not fill_tunnels(field, INSIDE, everywhere)
    np.testing.assert_array_equal(field, before)


def test_a_tunnel_where_the_object_cannot_be_stays():
    field = plate((NARROW, NARROW), (slice(25, 28), slice(25, 28)))
    asked = []

    def may_be(places):
        asked.append(places)
        return places[:, 0] < 20

    assert fill_tunnels(field, INSIDE, may_be)
    assert (field[NARROW, NARROW, 10] > 0).all()
    assert (field[25:28, 25:28] == -1).all()
    assert all((np.array(field.shape) > places.max(0)).all() and places.min() >= 0 for places in asked)


def test_a_tunnel_at_the_grids_end_is_filled_within_the_grid():
    field = plate()[:, :, 6:14].copy()
    field[NARROW, NARROW] = -1.0
    assert fill_tunnels(field, INSIDE, everywhere)
    assert (field[NARROW, NARROW, 2:6] > 0).all()


def test_tunnels_that_cross_are_filled():
    field = plate((NARROW, NARROW), (NARROW, slice(None), slice(9, 11)))
    assert fill_tunnels(field, INSIDE, everywhere)
    assert (field[NARROW, NARROW, 10] > 0).all()
    assert (field[NARROW, 22:28, 9:11] > 0).all()
    assert not fill_tunnels(field, INSIDE, everywhere)


def test_of_a_furrow_only_what_the_object_cannot_be_stays():
    """The tunnel in its bottom is filled all the same."""
    furrow = (NARROW, slice(4, 36), slice(10, 14))
    field = plate(furrow, (NARROW, NARROW))
    assert fill_tunnels(field, INSIDE, lambda samples: samples[:, 1] < 25)
    assert (field[NARROW, NARROW, 8] > 0).all()
    assert (field[NARROW, 25:36, 10:14] == -1).all()


def euler(surface):
    return len(surface.vertices) - len(surface.faces) // 2


def grid_of(field):
    return Grid(np.array([1, -2, 3], np.float32), STEP, field.shape)


@pytest.mark.parametrize("left", [False, True])
def test_a_surface_has_no_tunnel_where_the_object_may_be(left):
    """Of two tunnels, one in either half of the plate."""
    field = plate((NARROW, NARROW), (slice(26, 30), NARROW))
    grid = grid_of(field)
    border = 1 + 20 * STEP

    def may_be(points):
        assert (points[:, 1] < -2 + 20 * STEP).all()
        return (points[:, 0] < border) == left

    surface = extract(field, grid, may_be)
    assert euler(surface) == 0
    hole = (28 if left else 12) * STEP + 1
    assert (np.abs(surface.vertices - [hole, 12 * STEP - 2, 10 * STEP + 3]).max(1) < 2.5 * STEP).any()


def bottle(neck):
    """A block with a large hollow, to which a neck leads."""
    field = np.full((40, 40, 48), -1.0, np.float32)
    field[4:36, 4:36, 4:40] = 1.0
    field[12:28, 12:28, 8:24] = -1.0
    field[18 : 18 + neck, 18 : 18 + neck, 24:40] = -1.0
    return field


@pytest.mark.parametrize("neck", [3, 4, 6])
def test_the_neck_of_a_hollow_stays_open(neck):
    field = bottle(neck)
    surface = extract(field, grid_of(field), everywhere)
    assert euler(surface) == 2
    floor = [20 * STEP + 1, 20 * STEP - 2, 7.5 * STEP + 3]
    assert (np.abs(surface.vertices - floor).max(1) < 2 * STEP).any()
    inner = slice(19, 18 + neck - 1)
    assert (field[inner, inner, 20:44] == -1).all()


def test_a_bubble_is_no_hollow():
    field = bottle(4)
    field[12:28, 12:28, 8:24] = 1.0
    field[17:24, 17:24, 20:24] = -1.0
    extract(field, grid_of(field), everywhere)
    assert (field[19:21, 19:21, 28:36] > 0).all()


def test_a_tunnel_is_filled_though_necks_elsewhere_stay_open():
    """It is in a bar between two bottles."""
    field = np.concatenate([bottle(4), bottle(4)])
    field[34:46, 6:34, 20:28] = 1.0
    field[38:42, NARROW, 20:28] = -1.0
    surface = extract(field, grid_of(field), everywhere)
    assert euler(surface) == 2
    assert (field[38:42, NARROW, 24] > 0).all()
    for start in (0, 40):
        assert (field[start + 19 : start + 21, 19:21, 20:44] == -1).all()
