# SPDX-License-Identifier: GPL-3.0-or-later
"""Real photos, a real server, a real model: the repository's own scan, and one of its photos in every disguise."""

import statistics

import numpy as np
import pytest
from PIL import Image, ImageOps

# A real model on every photo of the scan.
pytestmark = pytest.mark.timeout(300)
ORIENTATIONS = range(1, 9)
# EXIF orientation → what makes stored pixels of upright ones (the opposite of what a viewer does).
STORE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def stored_as(upright, orientation):
    """Give the stored pixels of an upright picture; Pillow's own viewer confirms them."""
    stored = upright.transpose(STORE[orientation]) if orientation in STORE else upright.copy()
    stored.getexif()[0x0112] = orientation
    assert ImageOps.exif_transpose(stored).tobytes() == upright.tobytes()
    return stored


def test_masks_of_the_scan_agree_with_the_true_ones(turntable, turntable_run, overlap):
    story, output = turntable_run
    assert (story.exit_code, len(story.made)) == (0, 40)
    agreement = {
        name: overlap(Image.open(output / "masks" / f"{name}.png"), Image.open(turntable / f"true_masks/{name}.png"))
        for name in story.made
    }
    assert statistics.median(agreement.values()) >= 0.98
    assert min(agreement.values()) >= 0.96, min(agreement.items(), key=lambda item: item[1])


def test_masks_of_the_scan_are_what_engines_read(turntable, turntable_run):
    _, output = turntable_run
    photos = {path.relative_to(turntable / "photos").as_posix(): path for path in turntable.glob("photos/*/*.JPG")}
    found = {path.relative_to(output / "masks").as_posix(): path for path in (output / "masks").rglob("*.*")}
    assert sorted(found) == sorted(f"{name}.png" for name in photos)
    for name, path in photos.items():
        mask = Image.open(found[f"{name}.png"])
        assert (mask.format, mask.mode, mask.size) == ("PNG", "L", Image.open(path).size)
        assert found[f"{name}.png"].read_bytes()[24:26] == b"\x08\x00"  # bit depth 8, colour type grey
        assert set(np.unique(np.asarray(mask))) == {0, 255}


def test_the_server_was_asked_once_for_every_photo_of_the_scan(turntable_run):
    story, output = turntable_run
    assert story.asked == story.made
    assert story.finished["photos"] == {"found": 40, "done": 40, "made": 40, "failed": []}
    assert len(list((output / "soft").rglob("*.png"))) == 40
    sheet = Image.open(output / "contact_sheet.jpg")
    assert sheet.size == (8 * 244 + 4, 5 * 244 + 4)


@pytest.fixture(scope="module")
def upright(turntable):
    """Give one photo of the scan, cropped so that no symmetry is left."""
    photo = Image.open(turntable / "photos/upright/IMG_0001.JPG").convert("RGB")
    return photo.crop((0, 0, photo.width - 160, photo.height))


@pytest.mark.parametrize("suffix", ["jpg", "tif"])
def test_every_orientation_gives_the_mask_of_the_upright_photo_over_the_stored_pixels(
    upright, add_photo, workers, rembg, output, overlap, suffix
):
    """TIFF as well, which Pillow turns by itself."""
    for orientation in ORIENTATIONS:
        options = {"quality": 95} if suffix == "jpg" else {}
        add_photo(f"{orientation}.{suffix}", stored_as(upright, orientation), orientation=orientation, **options)
    story = workers.strip(rembg.endpoint)
    assert len(story.made) == 8
    masks = {each: Image.open(output / "masks" / f"{each}.{suffix}.png").copy() for each in ORIENTATIONS}
    share = np.asarray(masks[1]).mean() / 255
    assert 0.02 < share < 0.9
    for orientation, mask in masks.items():
        expected = masks[1].transpose(STORE[orientation]) if orientation in STORE else masks[1]
        assert overlap(mask, expected) >= 0.97, f"orientation {orientation}"
    # Not by chance: laid over pixels that are turned another way, it does not fit.
    assert overlap(masks[3], masks[1]) < 0.9
    assert overlap(masks[4], masks[1]) < 0.9


def test_every_format_gives_the_same_mask(upright, add_photo, workers, rembg, output, overlap):
    grey16 = Image.fromarray(np.asarray(upright.convert("L"), np.uint16) * 257)
    alpha = upright.copy()
    alpha.putalpha(Image.linear_gradient("L").resize(upright.size))
    disguises = {
        "a.jpg": upright,
        "b.png": upright,
        "c.tif": upright,
        "d.webp": upright,
        "cmyk.jpg": upright.convert("CMYK"),
        "palette.png": upright.quantize(256),
        "alpha.png": alpha,
        "alpha.webp": alpha,
        "grey.jpg": upright.convert("L"),
        "grey16.png": grey16,
        "grey16.tif": grey16,
    }
    for name, image in disguises.items():
        add_photo(name, image, **({"quality": 95} if name.endswith("jpg") else {}))
    story = workers.strip(rembg.endpoint)
    assert (story.made, story.failed) == (sorted(disguises), {})
    masks = {name: Image.open(output / "masks" / f"{name}.png").copy() for name in disguises}
    for name, mask in masks.items():
        of_grey = name.startswith("grey")
        reference = masks["grey.jpg" if of_grey else "b.png"]
        assert overlap(mask, reference) >= 0.95, name


def test_full_resolution_gives_the_mask_of_the_proxy(upright, add_photo, workers, rembg, output, overlap):
    add_photo("6.jpg", stored_as(upright, 6), orientation=6, quality=95)
    assert workers.strip(rembg.endpoint).exit_code == 0
    proxy = Image.open(output / "masks" / "6.jpg.png").copy()
    assert workers.strip(rembg.endpoint, proxy_size=0).asked == ["6.jpg"]
    assert overlap(Image.open(output / "masks" / "6.jpg.png"), proxy) >= 0.97


def test_a_second_run_over_the_scan_asks_nobody(turntable, turntable_run, workers):
    _, output = turntable_run
    nobody = "http://127.0.0.1:9"
    story = workers.strip(nobody, photos=turntable / "photos", output=output)
    assert (story.made, story.exit_code, story.finished["photos"]["done"]) == ([], 0, 40)
