# SPDX-License-Identifier: GPL-3.0-or-later
"""A grid's blocks: which are computed, where their samples lie, and what touches what."""

import threading

import hypothesis_settings  # noqa: F401 - how property tests run
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mesh_scenes import THREADS

from scan.common.errors import Cancelled
from scan.meshing.grid import BLOCK, Grid
from scan.views.threads import Workers

GRID = Grid.over(np.float32([-1, -0.5, 2]), np.float32([1.3, 0.9, 2.2]), 0.07)


def every_sample(grid):
    places = np.stack(np.meshgrid(*map(np.arange, grid.shape), indexing="ij"), -1)
    return (grid.origin + grid.step * places).astype(np.float32)


def field(points):
    return np.sin(3 * points[:, 0]) + points[:, 1] * points[:, 2]


def test_it_reaches_from_corner_to_corner():
    last = GRID.origin + GRID.step * (np.array(GRID.shape) - 1)
    assert (last >= [1.3, 0.9, 2.2]).all()
    assert all(length % BLOCK == 0 for length in GRID.shape)
    assert np.array(GRID.blocks).prod() == len(GRID.centers())


def test_filled_everywhere_it_is_the_field_at_every_sample():
    everywhere = np.ones(len(GRID.centers()), bool)
    (filled,) = GRID.fill(np.zeros(len(everywhere), np.float32), everywhere, field, THREADS)
    expected = field(every_sample(GRID).reshape(-1, 3)).reshape(GRID.shape)
    np.testing.assert_allclose(filled, expected, atol=1e-5)


def test_a_block_that_is_not_near_is_even():
    random = np.random.default_rng(3)
    near = random.random(len(GRID.centers())) < 0.4
    coarse = random.normal(size=(len(near), 2)).astype(np.float32)
    filled = GRID.fill(coarse, near, lambda points: np.stack([field(points), -points[:, 0]], 1), THREADS)
    samples = every_sample(GRID)
    for number, place in enumerate(np.ndindex(GRID.blocks)):
        part = tuple(slice(BLOCK * each, BLOCK * (each + 1)) for each in place)
        points = samples[part].reshape(-1, 3)
        for values, given_one, computed in zip(filled, coarse[number], (field(points), -points[:, 0]), strict=True):
            np.testing.assert_allclose(values[part].ravel(), computed if near[number] else given_one, atol=1e-5)


def test_a_blocks_middle_lies_in_it_and_a_point_outside_in_none():
    numbers = np.arange(len(GRID.centers()))
    assert np.array_equal(GRID.block_of(GRID.centers()), numbers)
    for number in (0, 7, numbers[-1]):
        np.testing.assert_allclose(GRID.samples(np.array([number])).mean(0), GRID.centers()[number], atol=1e-5)
    outside = GRID.centers()[[0, -1]] + np.float32([[-9, 0, 0], [0, 9, 0]])
    assert len(GRID.block_of(outside)) == 0


@given(shape=st.tuples(*[st.integers(1, 5)] * 3), seed=st.integers(0, 2**32 - 1), share=st.sampled_from([0.02, 0.2]))
def test_neighbours_are_all_that_touch(shape, seed, share):
    grid = Grid(np.zeros(3, np.float32), 1.0, tuple(BLOCK * each for each in shape))
    marked = np.random.default_rng(seed).random(shape) < share
    found = grid.neighbouring(marked.ravel()).reshape(shape)
    for place in np.ndindex(shape):
        around = tuple(slice(max(0, each - 1), each + 2) for each in place)
        assert found[place] == marked[around].any()


def test_a_fill_ends_when_it_is_cancelled():
    cancel, asked = threading.Event(), []
    workers = Workers(1, cancel)

    def slow(points):
        asked.append(len(points))
        cancel.set()
        return field(points)

    grid = Grid(np.zeros(3, np.float32), 1.0, (10 * BLOCK,) * 3)
    everywhere = np.ones(1000, bool)
    with pytest.raises(Cancelled):
        grid.fill(np.zeros(1000, np.float32), everywhere, slow, workers)
    workers.close()
    assert 0 < sum(asked) < 1000 * BLOCK**3
