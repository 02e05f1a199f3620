# SPDX-License-Identifier: GPL-3.0-or-later
"""The larger the texture and the more memory there is, the more closely the photos are looked at; never enlarged."""

import itertools
import re

import numpy as np
import pytest

from scan.common.errors import NoModelError
from scan.texturing.planning import needed_on_disk, scale_for

AREA, PIXELS, PHOTOS, PLENTY = 9.0, 1500.0, 40, 1e12


def scale(size=2048, *, area=AREA, faces=60_000, pixels=PIXELS, photos=PHOTOS, memory=PLENTY):
    return scale_for(size, area, faces, pixels, photos, memory)


def least_memory(size, pixels=PIXELS):
    """The least that is enough, to a thousandth."""
    low, high = 1e6, PLENTY
    while high > low * 1.001:
        middle = (low * high) ** 0.5
        try:
            scale(size, pixels=pixels, memory=middle)
            high = middle
        except NoModelError:
            low = middle
    return high


def test_a_larger_texture_is_made_of_larger_photos():
    found = [scale(size) for size in (1024, 2048, 8192)]
    assert found[1] == pytest.approx(2 * found[0])
    assert found[2] == 1
    assert found[0] < 1


def test_a_photo_is_never_enlarged():
    for size, pixels in itertools.product((1024, 8192), (20.0, 400.0)):
        assert scale(size, pixels=pixels) <= 1


@pytest.mark.parametrize("size", [1024, 2048, 8192])
def test_texels_are_a_little_larger_than_pixels(size):
    """As many pixels of a view lie on the surface as would fill three fifths of the texture, and a few more."""
    pixels = scale(size, pixels=1e5) * 1e5
    assert size * 0.7 < pixels * AREA**0.5 < size * 1.3


def test_less_memory_is_less_closely_looked_at_and_at_last_not_at_all():
    found = []
    for memory in np.geomspace(4e9, 1e7, 60):
        try:
            found.append(scale(memory=memory))
        except NoModelError:
            found.append(0.0)
    assert all(later <= earlier for earlier, later in itertools.pairwise(found))
    assert found[0] == scale()
    assert found[-1] == 0
    assert any(0 < each < found[0] for each in found)


def test_more_photos_take_more_memory_and_disk():
    assert scale(photos=400, memory=9e8) < scale(photos=40, memory=9e8)
    assert scale(faces=500_000, memory=9e8) < scale(memory=9e8)
    assert needed_on_disk(500, 400) == 10 * needed_on_disk(500, 40)
    assert needed_on_disk(1000, 40) == 4 * needed_on_disk(500, 40)


@pytest.mark.parametrize(("size", "pixels"), [(1024, 5000.0), (2048, 1500.0), (4096, 300.0)])
def test_too_little_memory_is_told_in_numbers(size, pixels):
    enough = least_memory(size, pixels)
    with pytest.raises(NoModelError, match=f"{size:,} pixels from 40 photos") as raised:
        scale(size, pixels=pixels, memory=enough * 0.9)
    said = float(re.search(r"at least ([\d.]+) GB", str(raised.value))[1])
    assert said == pytest.approx(enough / 1e9, abs=0.06)
    assert f"{enough * 0.9 / 1e9:.1f} GB may be used" in str(raised.value)
