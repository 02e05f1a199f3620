# SPDX-License-Identifier: GPL-3.0-or-later
"""From sRGB to linear light and back."""

import numpy as np

from scan.texturing.color import linear, srgb
from scan.texturing.samples import linear_at


def test_there_and_back_every_value_stays():
    values = np.arange(256, dtype=np.uint8)
    np.testing.assert_allclose(srgb(linear(values)), values, atol=1e-3)


def test_light_is_as_the_standard_says():
    """IEC 61966-2-1: middle grey, and a value on the straight part."""
    np.testing.assert_allclose(linear(np.array([0, 5, 118, 255], np.uint8)), [0, 5 / 255 / 12.92, 0.1812, 1], atol=1e-4)
    np.testing.assert_allclose(srgb(np.float32([2, -1])), [255, 0])


def test_between_two_values_light_lies_between_theirs():
    found = linear_at(np.float32([[0, 117.5, 255]]))[0]
    both = linear(np.array([117, 118], np.uint8))
    np.testing.assert_allclose(found, [0, both.mean(), 1], rtol=1e-4)
