# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files are one shot: a RAW file and what was developed of it, a HEIC and a JPEG of one camera."""

from pathlib import PurePosixPath

import pytest

from scan.photos.photo import find_photos, find_with_developed
from scan.photos.twins import about_developed, about_shots_twice, developed_twins


def twins(*names):
    found = developed_twins(map(PurePosixPath, names))
    return {str(raw): str(twin) for raw, twin in found.items()}


@pytest.mark.parametrize(
    ("raw", "developed"),
    [
        ("DSC_1.NEF", "DSC_1.JPG"),
        ("DSC_1.NEF", "dsc_1.jpeg"),
        ("DSC_1.nef", "DSC_1.heic"),
        ("DSC_1.NEF", "DSC_1.tif"),
        ("DSC_1.NEF", "DSC_1.png"),
        ("DSC_1.NEF", "DSC_1.NEF.jpg"),
        ("DSC_1.NEF", "dsc_1.nef.TIFF"),
        ("A/DSC_1.CR3", "A/DSC_1.JPG"),
        ("DSC_1.NEF", "darktable_exported/DSC_1.jpg"),
        ("A/DSC_1.NEF", "A/Output/DSC_1.tif"),
        ("RAW/DSC_1.NEF", "DSC_1.JPG"),
        ("RAW/DSC_1.NEF", "JPG/DSC_1.JPG"),
        ("A/nef/DSC_1.NEF", "A/jpeg/DSC_1.JPG"),
    ],
)
def test_a_raw_file_is_known_by_what_was_developed_of_it(raw, developed):
    assert twins(raw, developed) == {raw: developed}
    assert twins(developed, raw) == {raw: developed}


@pytest.mark.parametrize(
    ("raw", "other"),
    [
        ("DSC_1.NEF", "DSC_10.JPG"),
        ("DSC_1.NEF", "DSC_1.CR2"),
        ("DSC_1.NEF", "DSC_1.avif"),
        ("DSC_1.NEF", "DSC_1.NEF.xmp"),
        ("DSC_1.NEF", "DSC_1.NEF.png"),
        ("DSC_1.NEF", "masks/DSC_1.jpg"),
        ("DSC_1.NEF", "cutouts/DSC_1.png"),
        ("RAW/DSC_1.NEF", "masks/DSC_1.png"),
        ("A/DSC_1.NEF", "DSC_1.JPG"),
        ("A/DSC_1.NEF", "B/DSC_1.JPG"),
        ("RAW/DSC_1.NEF", "JPG/deep/DSC_1.JPG"),
    ],
)
def test_what_may_be_another_shot_is_none_of_it(raw, other):
    assert twins(raw, other) == {}


def test_raw_files_with_a_twin_are_no_photos(photos):
    for name in ("DSC_1.NEF", "DSC_1.JPG", "DSC_1.xmp", "DSC_2.NEF", "A/DSC_3.dng", "A/DSC_3.dng.jpg"):
        (photos / name).parent.mkdir(exist_ok=True)
        (photos / name).touch()
    assert [str(photo.name) for photo in find_photos(photos)] == ["A/DSC_3.dng.jpg", "DSC_1.JPG", "DSC_2.NEF"]
    developed = {str(raw): str(twin) for raw, twin in find_with_developed(photos)[1].items()}
    assert developed == {"DSC_1.NEF": "DSC_1.JPG", "A/DSC_3.dng": "A/DSC_3.dng.jpg"}


def test_of_named_files_only_those_named_count(photos):
    assert [str(photo.name) for photo in find_photos(photos, ("1.NEF", "1.JPG"))] == ["1.JPG"]
    assert [str(photo.name) for photo in find_photos(photos, ("1.NEF",))] == ["1.NEF"]
    assert find_with_developed(photos, ("1.NEF",))[1] == {}


def test_it_is_said_which_raw_files_are_passed_over():
    names = [PurePosixPath(f"{number}.{suffix}") for number in range(4) for suffix in ("NEF", "JPG")]
    assert about_developed({}) == ""
    assert about_developed(developed_twins(names)) == (
        "4 RAW files passed over, since what was developed of them is there (0.NEF as 0.JPG, 1.NEF as 1.JPG and 2 more)"
    )
    words = about_developed(developed_twins(names[:2]))
    assert words == "1 RAW file passed over, since what was developed of it is there (0.NEF as 0.JPG)"


def test_a_shot_that_is_there_as_two_photos_is_told():
    names = ["1.HEIC", "1.JPG", "2.heic", "2.jpg", "2.tif", "3.JPG", "3.png", "4.JPG", "A/4.HEIC", "5.webp", "5.jpg"]
    assert about_shots_twice(map(PurePosixPath, names)) == (
        "2 shots are there twice (1.HEIC and 1.JPG, 2.heic and 2.jpg and 2.tif), and each file counts as a photo of "
        "its own: move one kind out of the folder"
    )
    assert about_shots_twice(map(PurePosixPath, names[5:])) == ""
    words = about_shots_twice(map(PurePosixPath, ["6.DNG", "6.NEF"]))
    assert words.startswith("1 shot is there twice (6.DNG and 6.NEF)")
