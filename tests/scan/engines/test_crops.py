# SPDX-License-Identifier: GPL-3.0-or-later
"""Features are looked for in crops: what is cut out, how large, and that keypoints come back to where they were."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath

import numpy as np
import pytest
from PIL import Image

from scan.common.errors import EngineError
from scan.engines.colmap.crops import Crop, crop_of, most_error, write_crop
from scan.engines.colmap.settings import Effort
from scan.engines.engine import ScanPhoto
from scan.photos.header import PhotoFacts, read_facts
from scan.photos.photo import Photo

EFFORT = Effort(least_edge=300, most_edge=500, kept=100, whole_edge=400, whole_features=100)


def masked(size, box):
    facts = PhotoFacts("JPEG", size, 1)
    photo = Photo(PurePosixPath("1.jpg"), PurePosixPath("1.jpg"))
    return ScanPhoto(photo, facts, (1, 1), b"\1" if box else None, None, box)


@pytest.mark.parametrize(
    ("size", "mask_box", "box", "cut_to"),
    [
        # 3 % of 350 and 8 pixels on each side, as it is.
        ((2000, 1500), (800, 600, 1150, 900), (782, 582, 1168, 918), (386, 336)),
        # Scaled down to the most.
        ((2000, 1500), (100, 100, 1100, 800), (62, 62, 1138, 838), (500, 361)),
        # Scaled up to the least, and to twice its size at most.
        ((2000, 1500), (500, 500, 700, 600), (486, 486, 714, 614), (300, 168)),
        ((2000, 1500), (500, 500, 550, 530), (491, 491, 559, 539), (136, 96)),
        # Never beyond the photo.
        ((400, 300), (0, 2, 400, 300), (0, 0, 400, 300), (400, 300)),
        # Without a mask, the whole photo.
        ((2000, 1500), None, (0, 0, 2000, 1500), (400, 300)),
        ((200, 150), None, (0, 0, 200, 150), (200, 150)),
    ],
)
def test_a_crop_is_the_masks_box_with_a_margin(size, mask_box, box, cut_to):
    crop = crop_of(masked(size, mask_box), EFFORT)
    assert (crop.box, crop.size) == (box, cut_to)


@pytest.mark.parametrize(("widths", "error"), [((100, 100), 2), ((50, 100), 2), ((150, 150), 3), ((400, 400), 4)])
def test_the_largest_error_goes_by_the_pixels_that_were_looked_at(widths, error):
    assert most_error([Crop(0, 0, width, 90, size=(100, 90)) for width in widths]) == error


def blob(size, spot):
    """A picture of a soft round spot, and nothing else."""
    y, x = np.mgrid[: size[1], : size[0]] + 0.5
    return np.uint8(np.round(250 * np.exp(-((x - spot[0]) ** 2 + (y - spot[1]) ** 2) / (2 * 20**2))))


def middle(picture):
    """The middle of what is bright, in pixels, where that of the first is (0.5, 0.5): COLMAP's own measure."""
    weights = np.asarray(picture, float)
    y, x = np.mgrid[: weights.shape[0], : weights.shape[1]] + 0.5
    return (x * weights).sum() / weights.sum(), (y * weights).sum() / weights.sum()


@pytest.mark.parametrize("longest", [1200, 480, 300, 150, 90])
@pytest.mark.parametrize("suffix", ["jpg", "png", "tif"])
@pytest.mark.parametrize("turn", [1, 6])
def test_what_is_found_in_a_crop_comes_back_to_its_place_in_the_photo(tmp_path, longest, suffix, turn):
    """Stored pixels count, however EXIF turns them; JPEGs are decoded at a half or a quarter on the way."""
    size, spot = (1203, 917), (700.3, 411.8)
    path = tmp_path / f"1.{suffix}"
    exif = Image.Exif()
    exif[0x0112] = turn
    Image.fromarray(blob(size, spot)).convert("RGB").save(
        path, exif=exif, **({"quality": 97} if suffix == "jpg" else {})
    )
    mask = tmp_path / "mask.png"
    kept = np.zeros(size[::-1], np.uint8)
    kept[251:601, 501:990] = 255
    Image.fromarray(kept).save(mask)
    photo = Photo(PurePosixPath(path.name), path)
    scan_photo = ScanPhoto(photo, read_facts(photo), (1, 1), b"\1", mask, (501, 251, 990, 601))
    crop = crop_of(scan_photo, replace(EFFORT, least_edge=longest, most_edge=longest))
    write_crop(scan_photo, crop, tmp_path / "crop.bmp", tmp_path / "crop.png")
    with Image.open(tmp_path / "crop.bmp") as cut, Image.open(tmp_path / "crop.png") as cut_mask:
        assert cut.size == cut_mask.size == crop.size
        assert cut.mode == cut_mask.mode == "L"
        assert set(np.unique(np.asarray(cut_mask))) == {0, 255}
        there = middle(cut)
        mask_there = middle(cut_mask)
    keypoints = np.array([[*there, 1, 0, 0, 1], [*mask_there, 1, 0, 0, 1]], np.float32)
    back = crop.to_photo(keypoints)
    assert np.allclose(back[0, :2], spot, atol=0.1)
    assert np.allclose(back[1, :2], middle(kept), atol=1203 / longest)


def test_shapes_of_keypoints_are_scaled_by_the_axis_they_lie_in():
    crop = Crop(10, 20, 200, 300, size=(100, 100))
    moved = crop.to_photo(np.array([[1, 2, 3, 4, 5, 6]], np.float32))
    assert moved.tolist() == [[12, 26, 6, 8, 15, 18]]


def test_a_photo_that_cannot_be_decoded_any_more_is_named(tmp_path):
    path = tmp_path / "1.jpg"
    path.write_bytes(b"not a photo any more")
    photo = ScanPhoto(Photo(PurePosixPath("1.jpg"), path), PhotoFacts("JPEG", (400, 300), 1), (1, 1), None, None)
    with pytest.raises(EngineError, match=r"1\.jpg or its mask cannot be read any more \(.*\); run again"):
        write_crop(photo, crop_of(photo, EFFORT), tmp_path / "crop.bmp", tmp_path / "crop.png")
