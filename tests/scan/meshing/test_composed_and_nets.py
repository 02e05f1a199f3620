# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever the field, its surface is closed, a manifold, and outward; that of a ball lies on the ball."""

import hypothesis_settings  # noqa: F401 - how property tests run
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mesh_scenes import fans

from scan.common.errors import NoModelError
from scan.meshing.composed import close, compose
from scan.meshing.extract import extract
from scan.meshing.grid import BLOCK, Grid
from scan.meshing.nets import surface_of
from scan.views.surface import face_normals, is_closed, parts, volume

INSIDE = 1e-3


@st.composite
def fields(draw):
    """Fields of noise, from a grain to blobs, of any share of inside, with zeros and very small values among them."""
    shape = draw(st.tuples(*[st.sampled_from([8, 16])] * 3))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    field = random.normal(size=shape)
    for _ in range(draw(st.integers(0, 2))):
        for axis in range(3):
            field = field + np.roll(field, 1, axis)
    field = field - np.quantile(field, draw(st.sampled_from([0.1, 0.4, 0.5, 0.7, 0.97])))
    if draw(st.booleans()):
        field = np.where(np.abs(field) < 0.1, draw(st.sampled_from([0.0, 1e-30, -1e-30])), field)
    return field.astype(np.float32)


def grid_of(field):
    return Grid(np.float32([-1, 2, 0.5]), 0.25, field.shape)


@settings(max_examples=80)
@given(field=fields())
def test_the_surface_is_always_closed_a_manifold_and_outward(field):
    before = field.copy()
    compose(field, INSIDE)
    assert ((field > 0) >= (before > 0)).all()
    np.testing.assert_array_equal(field[before > 0], before[before > 0])
    surface = surface_of(field, grid_of(field))
    if len(surface.faces) == 0:
        assert not (field[1:-1, 1:-1, 1:-1] > 0).any()
        return
    assert is_closed(surface)
    assert (fans(surface) == 1).all()
    assert volume(surface, surface.faces) > 0
    assert np.array_equal(np.unique(surface.faces), np.arange(len(surface.vertices)))


@given(field=fields())
def test_each_edge_of_the_grid_that_it_crosses_has_two_faces(field):
    compose(field, INSIDE)
    surface = surface_of(field, grid_of(field))
    solid = np.pad(field[1:-1, 1:-1, 1:-1] > 0, 1)
    assert len(surface.faces) == 2 * sum(int((np.diff(solid, axis=axis) != 0).sum()) for axis in range(3))


def test_what_touches_along_an_edge_or_at_a_corner_is_joined():
    for apart in ((1, 1, 0), (1, 0, 1), (0, 1, 1), (1, 1, 1), (1, -1, 1), (1, -1, 0)):
        field = np.full((8, 8, 8), -1, np.float32)
        field[3, 3, 3] = field[tuple(3 + np.array(apart))] = 1
        assert compose(field, INSIDE) > 0
        surface = surface_of(field, grid_of(field))
        assert is_closed(surface)
        assert (parts(surface) == 0).all()


def ball(grid, radius, center):
    places = np.stack(np.meshgrid(*map(np.arange, grid.shape), indexing="ij"), -1)
    return (radius - np.linalg.norm(grid.origin + grid.step * places - center, axis=-1)).astype(np.float32)


@pytest.mark.parametrize("step", [0.2, 0.1, 0.05])
def test_a_balls_vertices_lie_on_it_and_none_is_taken_in(step):
    center = np.float32([0.03, -0.01, 0.02])
    grid = Grid.over(np.full(3, -1.3, np.float32), np.full(3, 1.3, np.float32), step)
    field = ball(grid, 1.0, center)
    assert compose(field, INSIDE) == 0
    surface = surface_of(field, grid)
    away = np.linalg.norm(surface.vertices - center, axis=1) - 1
    assert np.abs(away).mean() < 0.05 * step
    assert np.abs(away).max() < 0.25 * step
    middles = surface.vertices[surface.faces].mean(1) - center
    assert ((face_normals(surface) * middles).sum(1) > 0).all()
    assert volume(surface, surface.faces) == pytest.approx(4 / 3 * np.pi, rel=3 * step**2)


def test_what_reaches_the_grids_end_is_cut_off_and_closed():
    grid = Grid(np.zeros(3, np.float32), 0.1, (16, 16, 16))
    surface = surface_of(ball(grid, 0.8, np.zeros(3)), grid)
    assert is_closed(surface)
    assert surface.vertices.min() >= 0


GRID = Grid.over(np.full(3, -1.5, np.float32), np.full(3, 1.5, np.float32), 3 / (4 * BLOCK))


def test_crumbs_and_cavities_are_left_out():
    big, crumb = ball(GRID, 0.9, np.float32([-0.3, 0, 0])), ball(GRID, 0.25, np.float32([1.1, 0, 0]))
    field = np.minimum(np.maximum(big, crumb), -ball(GRID, 0.4, np.float32([-0.3, 0, 0])))
    surface = extract(field, GRID)
    np.testing.assert_allclose(np.linalg.norm(surface.vertices - [-0.3, 0, 0], axis=1), 0.9, atol=GRID.step / 2)
    assert np.array_equal(np.unique(surface.faces), np.arange(len(surface.vertices)))


def test_large_parts_are_all_kept():
    field = np.maximum(*(ball(GRID, 0.5, np.float32([side, 0, 0])) for side in (-0.7, 0.7)))
    surface = extract(field, GRID)
    assert is_closed(surface)
    assert set(parts(surface)) == {0, 1}


def test_a_field_without_an_inside_makes_no_model():
    with pytest.raises(NoModelError, match="Nothing is left"):
        extract(np.full(GRID.shape, -1.0, np.float32), GRID)


def plate(*holes):
    """A plate of four samples' thickness with holes through it, in steps."""
    field = np.full((24, 24, 16), -1.0, np.float32)
    field[4:20, 4:20, 6:10] = 1.0
    for hole in holes:
        field[hole] = -1.0
    return field


@pytest.mark.parametrize(("width", "is_closed_up"), [(1, True), (2, True), (3, False), (5, False)])
def test_a_tunnel_of_one_or_two_samples_is_closed_and_a_wider_one_stays(width, is_closed_up):
    field = plate((slice(10, 10 + width), slice(10, 10 + width)))
    beside = plate() < 0
    assert close(field, 0.001) == int((field == np.float32(0.001)).sum()) > 0
    across = (field[10 : 10 + width, 10 : 10 + width, 7:9] > 0).all((0, 1))
    assert across.all() == is_closed_up
    assert (field[10 + width // 2, 10 + width // 2] > 0).any() == is_closed_up
    assert (field[beside] == -1).all()


def test_closing_leaves_what_has_no_gap():
    field = plate()
    before = field.copy()
    assert close(field, 0.001) == 0
    np.testing.assert_array_equal(field, before)
