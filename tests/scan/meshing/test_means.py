# SPDX-License-Identifier: GPL-3.0-or-later
"""Sums and shares in squares, compared with what they are by their definition."""

import numpy as np
import pytest

from scan.meshing.means import share_around, sums_around


def squares(shape, half):
    """Each pixel, and the part of the picture that is its square."""
    for row, column in np.ndindex(shape):
        part = (slice(max(0, row - half), row + half + 1), slice(max(0, column - half), column + half + 1))
        yield (row, column), part


@pytest.mark.parametrize("half", [1, 2, 7, 40])
def test_it_is_the_sum_over_the_square(half):
    values = np.random.default_rng(0).normal(0, 50, (23, 31)).astype(np.float32)
    found = sums_around(values, half)
    for pixel, part in squares(values.shape, half):
        assert found[pixel] == pytest.approx(values[part].sum(dtype=float), abs=1e-6)


@pytest.mark.parametrize("half", [1, 5, 40])
def test_it_is_the_share_of_those_that_are_asked(half):
    random = np.random.default_rng(0)
    flags, among = random.random((23, 31)) < 0.5, random.random((23, 31)) < 0.7
    among[:, 18:] = False
    found = share_around(flags, among, half)
    assert found.dtype == np.float32
    for pixel, part in squares(flags.shape, half):
        asked = among[part]
        share = flags[part][asked].mean() if asked.any() else 0
        assert found[pixel] == pytest.approx(share, abs=1e-6)
