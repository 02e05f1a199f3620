# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pictures are masks of others, by their names; and which are photos all the same."""

from pathlib import PurePosixPath

import pytest

from scan.photos.mask_names import owners_of, split


def told(*names):
    """Photos, and mask → its photos, as texts."""
    photos, masks = split([PurePosixPath(name) for name in names])
    return [str(name) for name in photos], {str(mask): [str(name) for name in each] for mask, each in masks.items()}


@pytest.mark.parametrize(
    "mask",
    [
        "IMG_1_mask.png",  # Metashape
        "IMG_1_mask.JPG",  # OpenDroneMap
        "IMG_1.JPG.mask.png",  # RealityScan
        "IMG_1.mask.png",  # OpenMVS
        "IMG_1-Mask.tif",
        "IMG_1 mask.webp",
        "mask_IMG_1.png",
        "img_1_MASK.PNG",
        "masks/IMG_1.JPG.png",  # COLMAP
        "masks/IMG_1.png",  # Meshroom
        "Masks/IMG_1.jpg",
        "mask/img_1.tif",
        "_mask/IMG_1.png",
        "masks/IMG_1_mask.png",
        "masks/IMG_1.JPG.mask.png",
        "masks/mask_IMG_1.tif",
    ],
)
def test_a_mask_is_told_from_its_photo_in_every_usual_naming(mask):
    assert told("IMG_1.JPG", "IMG_2.JPG", mask) == (["IMG_1.JPG", "IMG_2.JPG"], {mask: ["IMG_1.JPG"]})


@pytest.mark.parametrize(
    ("mask", "photo"),
    [
        ("A/IMG_1_mask.png", "A/IMG_1.JPG"),
        ("A/masks/IMG_1.png", "A/IMG_1.JPG"),
        ("masks/A/IMG_1.png", "A/IMG_1.JPG"),
        ("MASKS/a/IMG_1.JPG.png", "A/IMG_1.JPG"),
        ("masks/IMG_7.png", "B/IMG_7.JPG"),  # no side has another of this name
        ("masks/deep/er/IMG_1.png", "deep/er/IMG_1.JPG"),
        ("deep/masks/er/IMG_1.png", "deep/er/IMG_1.JPG"),
        ("masks/IMG_8.HEIC.jpg.png", "A/IMG_8.HEIC"),
        ("masks/IMG_8.png", "A/IMG_8.HEIC"),
        ("masks/IMG_8.jpg", "A/IMG_8.HEIC"),
    ],
)
def test_sides_are_kept_apart(mask, photo):
    photos = ["A/IMG_1.JPG", "A/IMG_8.HEIC", "B/IMG_1.JPG", "B/IMG_7.JPG", "deep/er/IMG_1.JPG"]
    assert told(*photos, mask) == (photos, {mask: [photo]})


def test_folders_for_photos_and_masks_side_by_side_are_one_scan():
    photos = ["images/A/1.png", "images/B/1.png"]
    masks = ["masks/A/1.png", "masks/B/1.png"]
    assert told(*photos, *masks) == (photos, {masks[0]: [photos[0]], masks[1]: [photos[1]]})


def test_a_mask_of_more_than_one_photo_is_none_of_either_and_no_photo():
    assert told("A/1.JPG", "B/1.JPG", "masks/1.png")[1] == {"masks/1.png": ["A/1.JPG", "B/1.JPG"]}
    assert told("1.HEIC", "1.JPG", "1_mask.png")[1] == {"1_mask.png": ["1.HEIC", "1.JPG"]}
    assert told("1.HEIC", "1.JPG", "1.JPG.mask.png")[1] == {"1.JPG.mask.png": ["1.JPG"]}


def test_of_a_raw_file_and_its_jpeg_the_jpeg_is_the_photo():
    assert told("1.JPG", "1.NEF", "masks/1.png")[1] == {"masks/1.png": ["1.JPG"]}
    assert told("1.NEF", "masks/1.png")[1] == {"masks/1.png": ["1.NEF"]}


@pytest.mark.parametrize(
    "names",
    [
        ["IMG_1.JPG", "IMG_1.png"],  # both photos, as a camera's and an editor's
        ["IMG_1.JPG", "IMG_1.JPG.png"],
        ["masks/IMG_1.JPG", "masks/IMG_2.JPG"],  # a side of photos of carnival masks
        ["mask/IMG_1.JPG", "mask/IMG_1.png"],
        ["front/IMG_1.JPG", "mask/IMG_1.JPG"],  # two sides, whose camera began anew
        ["front/IMG_1.tif", "front/IMG_2.tif", "masks/IMG_1.TIFF", "masks/IMG_2.TIFF"],
        ["venice_mask.JPG", "other.JPG"],
        ["mask_1.JPG", "mask_2.JPG", "2_mask.JPG"],
        ["A/IMG_1.JPG", "B/IMG_1_mask.png"],
        ["A/IMG_1.JPG", "A/masks/B/IMG_1.png"],
        ["unmasked/IMG_1.JPG", "masks2/IMG_1.png"],
        ["IMG_1.JPG", "IMG_1_masked.JPG"],
        ["IMG_1.JPG", "IMG_1mask.JPG"],
    ],
)
def test_photos_stay_photos(names):
    assert told(*names) == (names, {})


def test_a_photo_that_is_named_like_a_mask_may_have_one_itself():
    names = ["mask/1.JPG", "mask/1.JPG.mask.png", "venice_mask.JPG", "masks/venice_mask.png"]
    assert told(*names) == ([names[0], names[2]], {names[1]: [names[0]], names[3]: [names[2]]})


def test_names_in_a_folder_elsewhere():
    photos = [PurePosixPath(name) for name in ("1.JPG", "A/2.JPG", "A/3.JPG")]

    def found(*names, **how):
        owners = owners_of([PurePosixPath(name) for name in names], photos, **how)
        return {str(mask): [str(photo) for photo in each] for mask, each in owners.items()}

    assert found("1.png", "A/2.JPG.png", "3.png", "9.png", "B/2.png") == {
        "1.png": ["1.JPG"],
        "A/2.JPG.png": ["A/2.JPG"],
        "3.png": ["A/3.JPG"],
    }
    assert found("1.jpg", "1_mask.jpg", "A/2.jpeg", "A/2.tif") == {"1_mask.jpg": ["1.JPG"], "A/2.tif": ["A/2.JPG"]}
    assert found("1.jpg", only_beside=True) == {"1.jpg": ["1.JPG"]}
    assert found("1.png", "3.png", "A/3_mask.png", only_beside=True) == {
        "1.png": ["1.JPG"],
        "A/3_mask.png": ["A/3.JPG"],
    }
