# SPDX-License-Identifier: GPL-3.0-or-later
"""From a photo file to what the server is sent: decoded, turned upright, scaled."""

import io
import random
from pathlib import PurePosixPath

import numpy as np
import pytest
from PIL import Image

from scan.errors import PhotoError
from scan.photos import Photo, find_photos, make_proxy, stored_pixels, to_stored, to_upright

ORIENTATIONS = range(1, 9)


def only_photo(folder):
    (photo,) = find_photos(folder)
    return photo


def sent(proxy):
    return Image.open(io.BytesIO(proxy.encode()[0])).convert("RGB")


@pytest.fixture
def corners():
    """Give an upright picture that tells its corners apart: red, green, blue, white from top left, clockwise."""
    image = Image.new("RGB", (64, 48), "black")
    for colour, corner in (("red", (0, 0)), ("lime", (48, 0)), ("blue", (48, 32)), ("white", (0, 32))):
        image.paste(colour, (*corner, corner[0] + 16, corner[1] + 16))
    return image


def stored_as(upright, orientation):
    """Lay out an upright picture by the words of the EXIF standard: where row 0 and column 0 of the store are seen."""
    pixels = np.asarray(upright)
    if orientation in {5, 6, 7, 8}:
        pixels = pixels.swapaxes(0, 1)
    rows_from_the_end = orientation in {3, 4, 7, 8}
    columns_from_the_end = orientation in {2, 3, 6, 7}
    # In the swapped ones, a stored row is a seen column: 0 is left in 5 and 8, right in 6 and 7.
    if orientation in {5, 6, 7, 8}:
        rows_from_the_end, columns_from_the_end = orientation in {6, 7}, orientation in {7, 8}
    return Image.fromarray(
        np.ascontiguousarray(pixels[:: -1 if rows_from_the_end else 1, :: -1 if columns_from_the_end else 1])
    )


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("suffix", ["png", "tif", "webp", "jpg"])
def test_every_orientation_of_every_format_is_sent_upright(photos, add_photo, corners, orientation, suffix):
    lossless = {"lossless": True} if suffix == "webp" else {"quality": 95} if suffix == "jpg" else {}
    stored = stored_as(corners, orientation)
    add_photo(f"1.{suffix}", stored, orientation=orientation, **lossless)
    proxy = make_proxy(only_photo(photos), 1024)
    assert (proxy.orientation, proxy.stored_size, proxy.size) == (orientation, stored.size, corners.size)
    assert np.abs(np.int16(sent(proxy)) - np.int16(corners)).mean() < 6
    assert np.abs(np.int16(to_stored(proxy.picture, orientation)) - np.int16(stored)).mean() < 6


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_turning_upright_and_back_changes_nothing(corners, orientation):
    stored = stored_as(corners, orientation)
    assert to_upright(stored, orientation).tobytes() == corners.tobytes()
    assert to_stored(corners, orientation).tobytes() == stored.tobytes()


@pytest.mark.parametrize("value", [0, 9, 77])
def test_an_orientation_that_does_not_exist_is_none(photos, add_photo, corners, value):
    add_photo("1.png", corners, orientation=value)
    assert make_proxy(only_photo(photos), 1024).orientation == 1


@pytest.mark.parametrize(
    ("size", "long_edge", "proxy_size"),
    [
        ((1900, 1425), 1024, (1024, 768)),
        ((1425, 1900), 1024, (768, 1024)),
        ((2016, 1512), 1024, (1008, 756)),  # what JPEG's own reduced decoding gives, taken as it comes
        ((800, 600), 1024, (800, 600)),
        ((3000, 2), 1024, (1024, 1)),
        ((2000, 1500), 0, (2000, 1500)),
    ],
)
def test_a_proxy_is_as_large_as_asked_and_never_larger_than_the_photo(photos, add_photo, size, long_edge, proxy_size):
    add_photo("1.jpg", Image.new("RGB", size))
    proxy = make_proxy(only_photo(photos), long_edge)
    assert (proxy.size, proxy.stored_size) == (proxy_size, size)
    assert sent(proxy).size == proxy_size


def test_full_resolution_sends_the_photo_file_itself(photos, add_photo, corners):
    path = add_photo("1.png", corners, orientation=6)
    proxy = make_proxy(only_photo(photos), 0)
    assert proxy.encode()[0] == path.read_bytes()
    assert proxy.size == corners.size[::-1]


@pytest.mark.parametrize(
    ("mode", "suffix"),
    [
        ("L", "jpg"), ("CMYK", "jpg"), ("L", "png"), ("P", "png"), ("RGBA", "png"), ("LA", "png"), ("1", "png"),
        ("I;16", "png"), ("I;16", "tif"), ("F", "tif"), ("CMYK", "tif"), ("RGBA", "webp"),
    ],
)  # fmt: skip
def test_every_kind_of_pixels_is_sent_as_the_same_picture(photos, add_photo, mode, suffix):
    ramp = np.tile(np.linspace(0, 255, 64).astype(np.uint8), (48, 1))
    if mode == "1":
        ramp = np.where(ramp > 127, 255, 0).astype(np.uint8)
    if mode == "I;16":
        image = Image.fromarray(ramp.astype(np.uint16) * 257)
    elif mode == "F":
        image = Image.fromarray(ramp.astype(np.float32) / 255 * 3.5)
    elif mode == "P":
        image = Image.fromarray(ramp).quantize(256)
    else:
        image = Image.merge("RGB", [Image.fromarray(ramp)] * 3).convert(mode)
    assert image.mode == mode
    add_photo(f"1.{suffix}", image)
    picture = sent(make_proxy(only_photo(photos), 1024))
    assert np.abs(np.int16(picture.convert("L")) - ramp).mean() < 3


def test_alpha_is_dropped_and_what_lies_under_it_is_sent(photos, add_photo):
    add_photo("1.png", Image.new("RGBA", (32, 32), (200, 100, 50, 0)))
    colour = sent(make_proxy(only_photo(photos), 1024)).getpixel((16, 16))
    assert np.abs(np.subtract(colour, (200, 100, 50))).max() <= 4


def test_damaged_metadata_costs_no_photo(photos, add_photo, corners):
    path = add_photo("1.jpg", corners, exif=b"Exif\0\0II*\0\xff\xff\xff\x7f" + bytes(range(64)))
    assert b"Exif" in path.read_bytes()
    assert make_proxy(only_photo(photos), 1024).orientation == 1


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
def test_a_damaged_file_is_a_failed_photo_or_a_picture_and_nothing_else(photos, add_photo, corners, suffix):
    """Truncated anywhere or with bytes turned over: Pillow then raises nearly anything."""
    path = add_photo(f"1.{suffix}", corners.resize((200, 150)))
    whole = path.read_bytes()
    dice = random.Random(suffix)  # noqa: S311 - no secret
    failed = 0
    for _ in range(60):
        damaged = bytearray(whole[: dice.randrange(len(whole))] if dice.random() < 0.5 else whole)
        for _ in range(dice.randrange(8)):
            if damaged:
                damaged[dice.randrange(len(damaged))] ^= 1 << dice.randrange(8)
        path.write_bytes(damaged)
        try:
            make_proxy(only_photo(photos), 1024)
        except PhotoError:
            failed += 1
    assert failed > 10


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("mode", ["RGB", "L", "P", "RGBA", "CMYK", "I;16"])
def test_a_tiff_of_any_kind_is_turned_as_its_tag_says(tmp_path, mode, orientation):
    """Unpacked ones among them, which Pillow would map into memory, and mix up their sides."""
    grey = Image.linear_gradient("L").resize((96, 72)).rotate(30, fillcolor=90)
    stored = grey.convert(mode) if mode != "I;16" else Image.fromarray(np.asarray(grey, np.uint16) * 257)
    stored.save(tmp_path / "photo.tif", tiffinfo={0x0112: orientation})
    photo = Photo(PurePosixPath("photo.tif"), tmp_path / "photo.tif")
    proxy = make_proxy(photo, 1024)
    assert (proxy.stored_size, proxy.orientation) == ((96, 72), orientation)
    for picture in (stored_pixels(photo, "L"), to_stored(proxy.picture, orientation).convert("L")):
        assert picture.size == (96, 72)
        assert np.abs(np.asarray(picture, np.int16) - np.asarray(grey, np.int16)).max() <= 4
