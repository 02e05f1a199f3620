# SPDX-License-Identifier: GPL-3.0-or-later
"""What the photos do not show is told from where they were taken, with the photos that border on it."""

import pytest
from mesh_scenes import pose, ring, view_from

from scan.meshing.gaps import findings, have_neighbours


def views(poses):
    return [view_from(at, f"side/{number:02}.jpg") for number, at in enumerate(poses)]


def degrees_of(gap):
    """How far the middle of a gap is said to be from the photos at its border."""
    return int(gap.partition("up to ")[2].partition("°")[0])


ROUND = ring(24, 30) + ring(24, -30)
"""A ring from above and one from below, 13 degrees from photo to photo."""


def test_photos_all_around_leave_nothing_to_say():
    assert findings(views(ROUND)) == []


def test_a_scan_that_stands_and_lies_leaves_nothing_to_say():
    assert findings(views(ring(20, 18) + ring(20, -20) + [pose(0, 80)])) == []


@pytest.mark.parametrize("count", [8, 12])
def test_photos_too_far_apart_are_told_with_the_degrees(count):
    (said,) = [each for each in findings(views(ring(count, 30) + ring(count, -30))) if "apart" in each]
    apart = 360 / count * 0.87
    assert any(f"{degrees}°" in said for degrees in range(int(apart) - 2, int(apart) + 3))
    assert "more photos" in said


def test_half_a_ring_names_the_photos_at_the_gap():
    said = findings(views(ring(13, 25, whole=150) + ring(13, -25, whole=150)))
    (gap,) = [each for each in said if "one side" in each]
    assert not any("apart" in each for each in said)
    ends = {f"side/{number:02}.jpg" for number in (0, 12, 13, 25)}
    assert len([name for name in ends if name in gap]) == 2
    assert gap.count(".jpg") == 2


def test_a_ring_from_above_leaves_the_underside():
    (gap,) = findings(views(ring(24, 40)))
    assert 125 <= degrees_of(gap) <= 130


def test_the_larger_the_gap_the_more_degrees_it_has():
    def degrees(whole):
        (gap,) = [each for each in findings(views(ring(18, 0, whole=whole))) if "one side" in each]
        return degrees_of(gap)

    assert degrees(60) > degrees(120) > degrees(180)


def test_photos_that_show_the_same_part_are_neighbours():
    assert have_neighbours(views(ring(8)))
    assert have_neighbours(views([*ring(3), pose(20, 0)]))
    assert not have_neighbours(views(ring(4)))
    assert not have_neighbours(views([pose(0, 0), pose(120, 0), pose(240, 0), pose(0, 88)]))
