# SPDX-License-Identifier: GPL-3.0-or-later
"""Every photo of ``images.txt`` comes, with or without a line of what it shows; what is neither is refused."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from scan.common.errors import ModelError
from scan.reconstruction.readers import registry
from scan.reconstruction.types import Reconstruction

SEEN = "2362.39 248.498 58396 1784.7 268.254 -1 10.5 1e-3 7"


def pose(number: int, name: str | None = None, camera: int = 1) -> str:
    return f"{number} 0.5 -0.5 0.5 0.5 0 0 {number} {camera} {name or f'IMG_{number}.jpg'}"


def read(folder: Path, images: str, points: str = "") -> Reconstruction:
    (folder / "cameras.txt").write_text("1 SIMPLE_PINHOLE 80 60 50 40 30\n")
    (folder / "images.txt").write_text(images)
    (folder / "points3D.txt").write_text(points)
    return registry.read(folder)


def names(model: Reconstruction) -> list[str]:
    return [photo.name for photo in model.photos]


@pytest.mark.parametrize(
    "between",
    ["\n", "\n\n", f"\n{SEEN}\n", "\r\n", "\r\n\r\n", "\n# a comment\n", f"\n{SEEN}\n\n"],
    ids=["none", "empty", "observations", "Windows' none", "Windows' empty", "comment", "observations and a gap"],
)
def test_every_photo_comes_whatever_is_between_them(tmp_path, between):
    model = read(tmp_path, between.join(pose(number) for number in range(1, 6)))
    assert names(model) == [f"IMG_{number}.jpg" for number in range(1, 6)]
    assert [photo.translation.tolist() for photo in model.photos] == [[0, 0, number] for number in range(1, 6)]


def test_some_photos_may_have_observations_and_others_no_line(tmp_path):
    lines = [pose(1), SEEN, pose(2), pose(3), "", pose(4), SEEN]
    assert len(read(tmp_path, "\n".join(lines)).photos) == 4


def test_names_with_numbers_and_spaces_are_no_observations(tmp_path):
    odd = ["12 13 14.jpg", "2", "1 2", "3 4 5 6.png"]
    lines = [pose(number, name) for number, name in enumerate(odd, 1)]
    assert sorted(names(read(tmp_path, "\n".join(lines)))) == sorted(odd)


def test_whole_numbers_below_a_photo_are_what_it_shows(tmp_path):
    """They are a pose as well, of a photo that is called 7 8 9; COLMAP takes them so, too."""
    seen = "1 2 3 4 5 6 7 8 9 7 8 9"
    assert names(read(tmp_path, "\n".join([pose(1), seen, pose(2), seen]))) == ["IMG_1.jpg", "IMG_2.jpg"]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([pose(1), SEEN, SEEN], "line 3 is neither"),
        ([pose(1), SEEN[:-2], pose(2)], "line 2 is neither"),
        ([pose(1), "", pose(2), "left.jpg right.jpg"], "line 4 is neither"),
        ([pose(1), pose(2).replace("0.5", "half")], "line 2 holds what is not a number"),
        ([SEEN, pose(1)], "line 1 is neither"),
        ([pose(1), pose(1, "other.jpg")], "photo number 1 is in it twice"),
        ([pose(1), pose(2, "IMG_1.jpg")], r"photo IMG_1\.jpg is in it twice"),
        ([pose(1), pose(2, camera=5)], r"IMG_2\.jpg was taken with camera 5"),
    ],
)
def test_what_cannot_be_placed_is_refused_with_its_line(tmp_path, lines, words):
    with pytest.raises(ModelError, match=words) as raised:
        read(tmp_path, "\n".join(lines))
    assert str(tmp_path / "images.txt") in str(raised.value)
    assert "solve again, or copy the file again" in str(raised.value)


def test_two_photos_of_one_number_are_refused_in_binary_files_as_well(tmp_path):
    entries = [struct.pack("<I7dI", 3, 1, 0, 0, 0, 0, 0, 4, 1) + name + b"\0" + bytes(8) for name in (b"a", b"b")]
    (tmp_path / "cameras.bin").write_bytes(struct.pack("<QIiQQ3d", 1, 1, 0, 80, 60, 50, 40, 30))
    (tmp_path / "images.bin").write_bytes(struct.pack("<Q", 2) + b"".join(entries))
    (tmp_path / "points3D.bin").write_bytes(bytes(8))
    with pytest.raises(ModelError, match=r"images\.bin .*photo number 3 is in it twice"):
        registry.read(tmp_path)


@pytest.mark.parametrize(("claimed", "lost"), [(2, 0), (5, 3), (0, 0)])
def test_what_the_file_says_to_have_is_held_against_what_is_in_it(tmp_path, claimed, lost):
    head = f"# Image list with two lines of data per image:\n# Number of images: {claimed}, mean observations: 3\n"
    points = f"# 3D point list\n# Number of points: {claimed}, mean track length: 2\n"
    points += "1 0 0 0 9 9 9 0.5 1 0\n2 1 0 0 9 9 9 0.5 1 0\n"
    model = read(tmp_path, head + "\n\n".join([pose(1), pose(2)]), points)
    assert (model.lost_photos, model.lost_points) == (lost, lost)
