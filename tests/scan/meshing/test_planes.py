# SPDX-License-Identifier: GPL-3.0-or-later
"""The planes through sure pixels, and how they go on beside them."""

import numpy as np
import pytest

from scan.meshing.planes import PlaneField, slopes

HEIGHT, WIDTH = 40, 60
ROWS, COLUMNS = np.mgrid[:HEIGHT, :WIDTH]
ACROSS, DOWN = 2e-4, -5e-4
INVERSE = 0.25 + ACROSS * COLUMNS + DOWN * ROWS
PLANE = (1 / INVERSE).astype(np.float32)


def sure_but_for(*holes):
    sure = np.ones((HEIGHT, WIDTH), bool)
    for hole in holes:
        sure[hole] = False
    return sure


@pytest.mark.parametrize("half", [3, 7])
def test_on_a_plane_the_inverse_depth_has_one_slope_up_to_the_pictures_edge(half):
    across, down, error = slopes(PLANE, sure_but_for(), half)
    assert error.max() < 1e-5
    np.testing.assert_allclose(across, ACROSS, rtol=1e-3)
    np.testing.assert_allclose(down, DOWN, rtol=1e-3)


def test_what_is_not_sure_has_no_say_in_a_slope():
    hole = slice(10, 20), slice(20, 40)
    depth = PLANE.copy()
    depth[hole] = np.random.default_rng(0).uniform(1, 9, (10, 20))
    sure = sure_but_for(hole)
    across, down, _ = slopes(depth, sure, 3)
    np.testing.assert_allclose(across[sure], ACROSS, rtol=1e-2)
    np.testing.assert_allclose(down[sure], DOWN, rtol=1e-2)


def test_the_planes_on_all_four_sides_say_the_same_of_a_pixel_in_their_plane():
    hole = slice(10, 20), slice(20, 40)
    rows, columns = ROWS[hole].ravel(), COLUMNS[hole].ravel()
    sides = list(PlaneField(PLANE, sure_but_for(hole), 3).reached(sure_but_for(hole), rows, columns))
    assert len(sides) == 4
    for each in sides:
        assert each.which.all()
        np.testing.assert_allclose(1 / each.planes.value, PLANE[hole].ravel(), rtol=1e-3)
    sources = [np.stack(np.unravel_index(each.source, PLANE.shape), 1) for each in sides]
    right, left, below, above = (source[0] for source in sources)
    assert right.tolist() == [10, 40]
    assert left.tolist() == [10, 19]
    assert below.tolist() == [20, 20]
    assert above.tolist() == [9, 20]


def test_a_plane_does_not_reach_far():
    wide = np.full((3, 200), 4.0, np.float32)
    sure = np.zeros(wide.shape, bool)
    sure[:, :5] = True
    rows, columns = np.full(200, 1), np.arange(200)
    to_right, to_left, *_ = PlaneField(wide, sure, 3).reached(sure, rows, columns)
    assert np.nonzero(to_left.which)[0].tolist() == list(range(45))
    assert np.nonzero(to_right.which)[0].tolist() == list(range(5))


def test_a_pixel_put_in_another_plane_hands_it_on():
    field = PlaneField(PLANE, sure_but_for(), 3)
    at = np.array([5]), np.array([30])
    given = next(iter(field.reached(sure_but_for(), *at))).planes
    other = type(given)(np.float32([0.5]), np.float32([0.01]), np.float32([0.0]))
    field.put(*at, other)
    assert field.depth[at] == 2.0
    sure = np.zeros((HEIGHT, WIDTH), bool)
    sure[at] = True
    to_right, to_left, *_ = field.reached(sure, np.array([5, 5]), np.array([20, 34]))
    np.testing.assert_allclose(to_left.planes.value, [0.54], rtol=1e-5)
    np.testing.assert_allclose(to_right.planes.value, [0.4], rtol=1e-5)


def test_a_window_with_an_edge_in_it_is_no_plane_and_one_beside_it_is():
    depth = PLANE.copy()
    depth[:, 30:] += 0.2
    everywhere = np.ones(depth.shape, bool)
    at = np.full(WIDTH, 20), np.arange(WIDTH)
    to_right, *_ = PlaneField(depth, everywhere, 3).reached(everywhere, *at)
    sources = np.full(WIDTH, -1)
    sources[to_right.which] = to_right.source % WIDTH
    assert sources[:27].tolist() == list(range(27))
    assert sources[27:33].tolist() == [33] * 6
    assert sources[33:].tolist() == list(range(33, WIDTH))


def test_a_few_sure_pixels_make_no_plane():
    sure = np.zeros((HEIGHT, WIDTH), bool)
    sure[20, 20:26] = True
    at = np.full(WIDTH, 20), np.arange(WIDTH)
    assert not any(each.which.any() for each in PlaneField(PLANE, sure, 3).reached(sure, *at))
    sure[20, 26] = True
    assert any(each.which.any() for each in PlaneField(PLANE, sure, 3).reached(sure, *at))
