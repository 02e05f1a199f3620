# SPDX-License-Identifier: GPL-3.0-or-later
"""From a server's answer to a mask."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from scan.masks.edges import refine
from scan.masks.greys import as_grey
from scan.masks.mask import Mask, make_mask, read_soft_mask
from scan.masks.regions import small_regions
from scan.masks.settings import MaskSettings, grow


def encoded(image, kind="PNG"):
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


def bomb(width, height):
    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(5000))) + chunk(b"IEND", b"")
    )


def test_a_soft_mask_is_read_as_it_was_sent():
    soft = Image.linear_gradient("L")
    assert read_soft_mask(encoded(soft), (256, 256)).tobytes() == soft.tobytes()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "cannot be decoded"),
        (b"<html>", "cannot be decoded"),
        (encoded(Image.effect_noise((64, 48), 50))[:-60], "cannot be decoded"),
        (encoded(Image.new("L", (64, 48)), "JPEG"), "cannot be decoded"),
        (encoded(Image.new("RGBA", (64, 48))), "channels RGBA"),
        (encoded(Image.new("RGB", (64, 48))), "channels RGB"),
        (encoded(Image.new("L", (48, 64))), "48 × 64 pixels, not 64 × 48"),
        (encoded(Image.new("L", (64, 144))), "3 masks stacked"),
        (bomb(60000, 60000), "60000 × 60000 pixels, not 64 × 48"),
    ],
)
def test_what_is_not_one_mask_of_the_picture_is_refused_with_the_reason(content, words):
    with pytest.raises(ValueError, match=words):
        read_soft_mask(content, (64, 48))


@pytest.mark.parametrize("threshold", [1, 128, 255])
def test_values_from_the_threshold_on_are_kept(threshold):
    soft = Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16))
    mask = np.asarray(make_mask(soft, 1, (16, 16), MaskSettings(threshold=threshold)).image()).ravel()
    assert mask.tolist() == [255 if value >= threshold else 0 for value in range(256)]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_mask_lies_over_the_stored_pixels_at_full_size(orientation):
    soft = Image.new("L", (100, 60))
    soft.paste(255, (0, 0, 50, 20))  # top left, seen upright
    stored = (500, 300) if orientation < 5 else (300, 500)
    mask = make_mask(soft, orientation, stored, MaskSettings()).image()
    assert (mask.size, mask.mode) == (stored, "L")
    assert set(mask.tobytes()) == {0, 255}
    # Where EXIF puts what is seen at the top left: (left or right, top or bottom) of the stored pixels.
    right = orientation in {2, 3, 7, 8}
    bottom = orientation in {3, 4, 6, 7}
    if orientation in {6, 8}:
        right, bottom = orientation == 8, orientation == 6
    width, height = stored
    corner = (width - 20 if right else 20, height - 20 if bottom else 20)
    opposite = (width - corner[0], height - corner[1])
    assert (mask.getpixel(corner), mask.getpixel(opposite)) == (255, 0)


def test_an_edge_scaled_up_is_smooth():
    """Thresholded last: a diagonal edge has no steps of the size of a proxy's pixel."""
    soft = Image.fromarray(np.fromfunction(lambda y, x: np.clip((x - y) * 64 + 128, 0, 255), (64, 64)).astype(np.uint8))
    mask = np.asarray(make_mask(soft, 1, (512, 512), MaskSettings()).image()) > 0
    edge = mask.argmax(axis=1)[64:448]
    assert np.abs(np.diff(edge)).max() <= 2


def test_a_mask_is_written_with_one_channel_of_eight_bits():
    mask = Mask((64, 48), (10, 5), np.full((20, 16), 255, np.uint8))
    back = Image.open(io.BytesIO(mask.encode()))
    assert (back.format, back.mode, back.size) == ("PNG", "L", (64, 48))
    assert back.tobytes() == mask.image().tobytes()
    assert back.getbbox() == (10, 5, 26, 25)
    assert mask.encode()[24:26] == b"\x08\x00"  # PNG's header: bit depth 8, colour type grey


def test_a_mask_of_16_bits_is_read_at_its_full_range(tmp_path):
    deep = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    Image.fromarray(deep).save(tmp_path / "mask.png")
    with Image.open(tmp_path / "mask.png") as mask:
        assert mask.mode == "I;16"
        assert np.array_equal(np.asarray(as_grey(mask)), deep >> 8)


def test_facts_say_how_much_is_kept_and_where():
    part = np.zeros((20, 16), np.uint8)
    part[4:8, 2:12] = 255
    assert Mask((64, 48), (10, 5), part).facts() == {
        "foreground": round(40 / (64 * 48), 4),
        "centroid": (17.0, 11.0),
        "box": (12, 9, 22, 13),
    }
    empty = Mask((64, 48), (0, 0), np.zeros((1, 1), np.uint8))
    assert empty.facts() == {"foreground": 0.0, "centroid": None, "box": None}


def soft_disc(*holes_and_islands):
    """A soft disc of radius 60 around (128, 96) in 256 × 192, with discs set to a value: x, y, radius, value."""
    y, x = np.mgrid[:192, :256]
    values = np.clip((60 - np.hypot(x - 128, y - 96)) * 40 + 128, 0, 255)
    for left, top, radius, value in holes_and_islands:
        values[np.hypot(x - left, y - top) <= radius] = value
    return Image.fromarray(values.astype(np.uint8))


@pytest.mark.parametrize("size", [(256, 192), (1000, 750), (300, 100)])
@pytest.mark.parametrize("threshold", [5, 128, 250])
def test_only_the_part_around_the_object_is_made_and_nothing_is_lost(size, threshold):
    """The same as scaling the whole, also where faint values lie far from the object."""
    soft = soft_disc((20, 20, 6, 140), (240, 180, 3, 90))
    whole = np.asarray(soft.resize(size, Image.Resampling.BICUBIC)) >= threshold
    mask = make_mask(soft, 1, size, MaskSettings(threshold=threshold))
    # A part's filter may round otherwise in single pixels.
    assert ((np.asarray(mask.image()) > 0) != whole).mean() < 2e-4


def mended(soft, **settings):
    """What is kept of a soft mask of the photo's own size, and mended."""
    binary = np.where(np.asarray(soft) >= 128, np.uint8(255), np.uint8(0))
    return MaskSettings(**settings).mend(binary, binary.size)


def test_holes_up_to_an_area_are_filled_and_islands_dropped():
    soft = soft_disc((128, 96, 5, 0), (150, 96, 12, 0), (20, 20, 4, 255), (230, 170, 9, 255))
    percent = 100 / (256 * 192)
    small = mended(soft, fill_holes=150 * percent, drop_islands=150 * percent)
    assert small[96, 128] == 255, "the small hole is filled"
    assert small[96, 150] == 0, "the large one is a handle"
    assert small[20, 20] == 0, "the small island is dropped"
    assert small[170, 230] == 255, "the large one is a part of the object"
    assert np.array_equal(mended(soft), np.where(np.asarray(soft) >= 128, 255, 0))
    everything = mended(soft, fill_holes=5, drop_islands=5)
    assert everything[96, 150] == 255
    assert everything[170, 230] == 0


@pytest.mark.parametrize("refined", [False, True])
@pytest.mark.parametrize(("radius", "blur"), [(6, 3), (10, 4), (14, 6)])
def test_nothing_is_left_of_islands_and_holes_with_soft_edges(radius, blur, refined):
    """A model's islands fade out over many pixels; scaled up, their rims must not come back as specks."""
    soft = Image.new("L", (1024, 768))
    draw = ImageDraw.Draw(soft)
    for x, y, size, level in (
        (650, 400, 250, 255),
        (600, 400, radius, 0),
        (100, 100, radius, 255),
        (200, 600, radius, 170),
    ):
        draw.ellipse((x - size, y - size, x + size, y + size), level)
    soft = soft.filter(ImageFilter.GaussianBlur(blur))
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (1536, 2048), dtype=np.uint8))
    settings = MaskSettings(fill_holes=0.2, drop_islands=0.2, refine_edges=refined)
    mask = make_mask(soft, 1, noise.size, settings, noise if refined else None)
    kept = np.asarray(mask.image()) > 0
    assert not kept[:, :700].any(), "islands"
    assert not small_regions(kept, kept.size / 10, diagonal=True).any(), "specks"
    assert not small_regions(~kept, kept.size / 10, diagonal=False, enclosed=True).any(), "pinholes"


def test_a_hole_that_is_filled_joins_what_would_be_an_island():
    """First holes, then islands: a crumb inside a small hole is neither."""
    soft = soft_disc((128, 96, 8, 0), (128, 96, 2, 255))
    assert mended(soft, fill_holes=1, drop_islands=0.1)[96, 128] == 255


@pytest.mark.parametrize("corner", [(0, 0), (1, 0), (0, 1), (1, 1)])
def test_background_at_the_border_is_no_hole_and_an_island_there_is_one(corner):
    """Such as the corner of the room that a large object leaves free."""
    values = np.full((192, 256), 255, np.uint8)
    y, x = (slice(-24, None) if far else slice(24) for far in corner)
    values[y, x] = 0
    values[90:100, 100:110] = 0
    holes = mended(values, fill_holes=5)
    assert not holes[y, x].any()
    assert (holes == 0).sum() == 24 * 24, "the hole inside is filled"
    assert not mended(~values, drop_islands=5).any()


@pytest.mark.parametrize("pixels", [1, 2, 5, 20])
def test_growing_is_about_a_disc_and_shrinking_undoes_it(pixels):
    dot = np.zeros((81, 81), np.uint8)
    dot[40, 40] = 255
    grown = grow(dot, pixels) > 0
    y, x = np.mgrid[-40:41, -40:41]
    distance = np.hypot(x, y)
    assert grown[40, 40 + pixels]
    assert not grown[40, 40 + pixels + 1]
    assert distance[grown].max() <= pixels * 1.1 + 0.5
    assert distance[~grown].min() > pixels * 0.92 - 0.5
    assert np.array_equal(grow(grown.astype(np.uint8) * 255, -pixels), dot)


def test_the_border_of_the_picture_is_no_edge_to_shrink_from():
    half = np.zeros((40, 40), np.uint8)
    half[:, :20] = 255
    assert np.array_equal(grow(half, -3)[:, :17], half[:, :17])
    assert not grow(half, -3)[:, 17:].any()


def test_growing_reaches_beyond_the_part_that_was_scaled():
    plain, grown = (make_mask(soft_disc(), 1, (1024, 768), MaskSettings(grow=pixels)).facts() for pixels in (0, 40))
    assert [after - before for before, after in zip(plain["box"], grown["box"], strict=True)] == [-40, -40, 40, 40]


def test_refined_edges_follow_the_photo():
    """The model's edge is blurred and 3 pixels off; the photo's is sharp."""
    y, x = np.mgrid[:768, :1024]
    true = np.hypot(x - 512, y - 384) < 250
    photo = Image.fromarray(np.where(true, 200, 60).astype(np.uint8))
    rough = np.clip((253 - np.hypot(x - 512, y - 384)) * 20 + 128, 0, 255)
    soft = Image.fromarray(rough.astype(np.uint8)).resize((512, 384))
    wrong = [
        ((np.asarray(make_mask(soft, 1, (1024, 768), MaskSettings(), guide).image()) > 0) != true).sum()
        for guide in (None, photo)
    ]
    assert wrong[1] < wrong[0] / 3


@pytest.mark.parametrize("region", [(0, 0, 90, 40), (100, 130, 333, 290), (311, 200, 640, 480), (0, 0, 640, 480)])
def test_a_part_is_refined_as_it_is_within_the_whole(region):
    noise = np.random.default_rng(0)
    soft = Image.fromarray(noise.integers(0, 256, (240, 320), dtype=np.uint8)).resize((250, 190))
    photo = Image.fromarray(noise.integers(0, 256, (480, 640), dtype=np.uint8))
    left, top, right, bottom = region
    # But for the rounding of one level, up or down.
    some, most = (refine(soft, photo, (0, 0, 640, 480), level)[top:bottom, left:right] for level in (129, 127))
    part = refine(soft, photo, region, 128)
    assert (some <= part).all()
    assert (part <= most).all()
    assert 0 < part.mean() < 255


@pytest.mark.parametrize("refined", [False, True])
@pytest.mark.parametrize(("size", "proxy"), [((1456, 1092), (1024, 768)), ((1649, 1099), (1024, 682))])
def test_an_object_may_touch_every_border_of_a_photo_of_any_size(size, proxy, refined):
    """Of sizes for which rounding puts the far border beyond the proxy: 1092 · (768 / 1092) is more than 768."""
    photo = Image.new("L", size, 100) if refined else None
    mask = make_mask(Image.new("L", proxy, 255), 1, size, MaskSettings(), photo)
    assert (mask.size, mask.facts()["foreground"]) == (size, 1)


@pytest.mark.parametrize("scale", [1, 2, 4, 3.97])
@pytest.mark.parametrize("threshold", [1, 128, 255])
@pytest.mark.parametrize("blur", [1, 2, 9])
def test_scaling_only_near_the_edge_gives_what_scaling_all_of_it_gives(scale, threshold, blur):
    """But for the rounding of Pillow, which passes over a small picture in another order than over a large one."""
    random = np.random.default_rng(3)
    soft = Image.fromarray(random.integers(0, 256, (150, 210), np.uint8)).filter(ImageFilter.GaussianBlur(blur))
    soft = ImageOps.autocontrast(soft).point([min(max(2 * value - 128, 0), 255) for value in range(256)])
    size = (round(210 * scale), round(150 * scale))
    whole = np.asarray(soft.resize(size, Image.Resampling.BICUBIC), int)
    made = np.asarray(make_mask(soft, 1, size, MaskSettings(threshold=threshold)).image())
    differs = (made == 255) != (whole >= threshold)
    assert differs.mean() < 0.01
    assert (np.abs(whole[differs] - threshold) <= 20).all()
