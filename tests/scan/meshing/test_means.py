# SPDX-License-Identifier: GPL-3.0-or-later
"""Means over squares, compared with what they are by their definition."""

import numpy as np
import pytest

from scan.meshing.means import mean_around


def by_definition(values, weights, half):
    result = np.zeros(values.shape)
    for row in range(values.shape[0]):
        for column in range(values.shape[1]):
            part = (slice(max(0, row - half), row + half + 1), slice(max(0, column - half), column + half + 1))
            if weights[part].sum() > 0:
                result[row, column] = (values[part] * weights[part]).sum() / weights[part].sum()
    return result


@pytest.mark.parametrize("half", [1, 2, 7, 40])
def test_it_is_the_weighted_mean_of_the_square(half):
    random = np.random.default_rng(0)
    values = random.normal(0, 50, (23, 31)).astype(np.float32)
    weights = random.random(values.shape).astype(np.float32)
    weights[:, 20:] = 0
    result = mean_around(values, weights, half)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, by_definition(values, weights, half), atol=1e-3)


def test_it_is_0_where_nothing_counts():
    values = np.full((9, 9), 5, np.float32)
    assert not mean_around(values, np.zeros_like(values), 3).any()
