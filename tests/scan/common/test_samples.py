# SPDX-License-Identifier: GPL-3.0-or-later
"""A few of many, from all parts of them."""

import pytest

from scan.common.samples import spread


@pytest.mark.parametrize(
    ("number", "most", "wanted"),
    [(10, 3, [1, 5, 8]), (3, 1, [1]), (3, 3, [0, 1, 2]), (3, 12, [0, 1, 2]), (3, 0, []), (0, 3, [])],
)
def test_a_few_are_spread_over_all(number, most, wanted):
    assert spread(range(number), most) == wanted
