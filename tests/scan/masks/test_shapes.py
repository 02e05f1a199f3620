# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures that can be the same one, scaled."""

import pytest

from scan.masks.shapes import has_same_shape


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ((4000, 3000), (4000, 3000), True),
        ((4000, 3000), (400, 301), True),
        ((4000, 3000), (400, 302), False),
        ((4000, 3000), (3000, 4000), False),
        ((4000, 3002), (1000, 750), True),
        ((64, 48), (8, 7), False),  # a pixel is much of it
        ((3, 3000), (1, 990), True),
    ],
)
def test_sides_may_be_rounded(one, other, same):
    assert has_same_shape(one, other) == has_same_shape(other, one) == same
