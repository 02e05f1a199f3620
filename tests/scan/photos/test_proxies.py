# SPDX-License-Identifier: GPL-3.0-or-later
"""From a photo file to what the server is sent: decoded, turned upright, scaled."""

import io
import struct
from collections import Counter
from pathlib import PurePosixPath

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis_settings import IN_ONE_FOLDER
from mutations import mutated
from PIL import Image, ImageOps

from scan.common.errors import PhotoError
from scan.masks.mask import make_mask
from scan.masks.settings import MaskSettings
from scan.photos.header import read_facts
from scan.photos.photo import Photo, find_photos
from scan.photos.pixels import make_proxy, stored_pixels, to_stored, to_upright
from speaking_photos import exif

ORIENTATIONS = range(1, 9)


def only_photo(folder):
    (photo,) = find_photos(folder)
    return photo


def sent(proxy):
    """What a rembg server makes of what it is sent."""
    return ImageOps.exif_transpose(Image.open(io.BytesIO(proxy.encode()[0]))).convert("RGB")


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


sizes = st.tuples(st.integers(1, 40), st.integers(1, 40))
orientations = st.sampled_from(ORIENTATIONS)


def noise(size, seed, mode="RGB"):
    """A picture of which no two turns are the same."""
    channels = {"L": (), "LA": (2,), "RGB": (3,), "RGBA": (4,)}[mode]
    values = np.random.default_rng(seed).integers(0, 256, (*size[::-1], *channels), np.uint8)
    return Image.fromarray(values, mode)


@given(sizes, orientations, st.sampled_from(["L", "LA", "RGB", "RGBA"]), st.integers(0, 99))
def test_turning_upright_and_back_changes_nothing(size, orientation, mode, seed):
    upright = noise(size, seed, mode)
    stored = stored_as(upright, orientation)
    for turned, expected in ((to_upright(stored, orientation), upright), (to_stored(upright, orientation), stored)):
        assert (turned.mode, turned.size, turned.tobytes()) == (mode, expected.size, expected.tobytes())


@settings(suppress_health_check=IN_ONE_FOLDER)
@given(
    size=sizes,
    orientation=orientations,
    suffix=st.sampled_from([".png", ".tif", ".webp"]),
    long_edge=st.sampled_from([0, 7, 16, 1024]),
    seed=st.integers(0, 99),
)
@example(size=(1, 40), orientation=1, suffix=".png", long_edge=7, seed=0)
@example(size=(40, 1), orientation=6, suffix=".tif", long_edge=7, seed=0)
def test_a_mask_lies_over_the_stored_pixels_of_what_was_seen_upright(
    tmp_path, size, orientation, suffix, long_edge, seed
):
    """From a file to its mask, as large as it may be sent: there to the pixel, and scaled as far as that goes."""
    upright = noise(size, seed)
    stored = stored_as(upright, orientation)
    path = tmp_path / f"photo{suffix}"
    stored.save(path, exif=b"Exif\0\0" + exif(orientation), **({"lossless": True} if suffix == ".webp" else {}))
    photo = Photo(PurePosixPath(path.name), path)
    assert stored_pixels(photo, "RGB").tobytes() == stored.tobytes()
    proxy = make_proxy(photo, long_edge)
    assert (proxy.orientation, proxy.stored_size) == (orientation, stored.size)
    mask = make_mask(proxy.picture.convert("L"), proxy.orientation, proxy.stored_size, MaskSettings()).image()
    assert mask.size == stored.size
    if long_edge in {0, 1024}:
        assert proxy.picture.tobytes() == upright.tobytes()
        kept = np.asarray(stored.convert("L")) >= MaskSettings().threshold
        assert np.array_equal(np.asarray(mask) == 255, kept)
    else:
        scale = min(1, long_edge / max(size))
        assert proxy.size == tuple(max(1, round(length * scale)) for length in size)


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


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize(
    ("mode", "suffix"), [("RGB", "jpg"), ("CMYK", "jpg"), ("P", "png"), ("RGBA", "png"), ("CMYK", "tif"), ("LA", "png")]
)
def test_a_server_makes_of_the_photo_file_what_is_made_of_it_here(
    photos, add_photo, corners, mode, suffix, orientation
):
    stored = stored_as(corners, orientation)
    image = stored.quantize(8) if mode == "P" else stored.convert(mode)
    if mode == "RGBA":
        image.putalpha(stored.convert("L"))
    path = add_photo(f"1.{suffix}", image, orientation=orientation)
    proxy = make_proxy(only_photo(photos), 0)
    assert proxy.encode()[0] == path.read_bytes()
    assert sent(proxy).tobytes() == proxy.picture.tobytes()


def test_more_pixels_in_a_row_than_can_be_sent_fail_the_photo(photos):
    Image.fromarray(np.zeros((1, 65_501), np.uint16)).save(photos / "1.png")
    with pytest.raises(PhotoError, match=r"cannot be sent at full resolution .*; choose a proxy size"):
        make_proxy(only_photo(photos), 0).encode()


@pytest.mark.parametrize("long_edge", [1024, 0])
@pytest.mark.parametrize(
    ("mode", "suffix"),
    [
        ("L", "jpg"), ("CMYK", "jpg"), ("L", "png"), ("P", "png"), ("RGBA", "png"), ("LA", "png"), ("1", "png"),
        ("I;16", "png"), ("I;16", "tif"), ("I", "tif"), ("F", "tif"), ("CMYK", "tif"), ("RGBA", "webp"),
    ],
)  # fmt: skip
def test_every_kind_of_pixels_is_sent_as_the_same_picture(photos, add_photo, mode, suffix, long_edge):
    ramp = np.tile(np.linspace(0, 255, 64).astype(np.uint8), (48, 1))
    if mode == "1":
        ramp = np.where(ramp > 127, 255, 0).astype(np.uint8)
    if mode == "I;16":
        image = Image.fromarray(ramp.astype(np.uint16) * 257)
    elif mode == "I":
        image = Image.fromarray(ramp.astype(np.int32) * 1_000_000)
    elif mode == "F":
        image = Image.fromarray(ramp.astype(np.float32) / 255 * 3.5)
    elif mode == "P":
        image = Image.fromarray(ramp).quantize(256)
    else:
        image = Image.merge("RGB", [Image.fromarray(ramp)] * 3).convert(mode)
    assert image.mode == mode
    add_photo(f"1.{suffix}", image)
    picture = sent(make_proxy(only_photo(photos), long_edge))
    assert np.abs(np.int16(picture.convert("L")) - ramp).mean() < 3


def test_alpha_is_dropped_and_what_lies_under_it_is_sent(photos, add_photo):
    add_photo("1.png", Image.new("RGBA", (32, 32), (200, 100, 50, 0)))
    colour = sent(make_proxy(only_photo(photos), 1024)).getpixel((16, 16))
    assert np.abs(np.subtract(colour, (200, 100, 50))).max() <= 4


@pytest.mark.parametrize("long_edge", [256, 175, 108])
@pytest.mark.parametrize("size", [(1009, 755), (999, 667), (2001, 500), (257, 2049), (505, 379), (1008, 756)])
def test_what_is_seen_in_a_proxy_lies_where_it_lies_in_the_photo(photos, add_photo, size, long_edge):
    """Up to the far borders, also where JPEG's reduced decoding goes beyond the photo's last column and row."""
    picture = Image.new("L", size)
    box = (size[0] * 4 // 5, size[1] * 4 // 5, size[0] - 20, size[1] - 20)
    picture.paste(255, box)
    add_photo("1.jpg", picture.convert("RGB"))
    proxy = make_proxy(only_photo(photos), long_edge)
    mask = make_mask(proxy.picture.convert("L"), 1, size, MaskSettings())
    grain = max(size) / max(proxy.size)  # pixels of the photo that one of the proxy shows
    assert np.abs(np.subtract(mask.facts()["box"], box)).max() <= max(1, grain / 5)


def test_a_size_that_jpeg_halves_evenly_is_taken_as_it_comes(photos, add_photo, monkeypatch):
    """4032 × 3024 decodes straight to 1008 × 756: to scale that would take longer than to decode it."""
    add_photo("1.jpg", Image.new("RGB", (2016, 1512)))
    monkeypatch.setattr(Image.Image, "resize", None)
    assert make_proxy(only_photo(photos), 1024).size == (1008, 756)


def test_damaged_metadata_costs_no_photo(photos, add_photo, corners):
    path = add_photo("1.jpg", corners, exif=b"Exif\0\0II*\0\xff\xff\xff\x7f" + bytes(range(64)))
    assert b"Exif" in path.read_bytes()
    assert make_proxy(only_photo(photos), 1024).orientation == 1


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, of damaged metadata
@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
def test_a_damaged_file_is_a_failed_photo_or_a_picture_and_nothing_else(photos, add_photo, corners, suffix):
    """Of what went wrong with it in whatever way: Pillow then raises nearly anything."""
    path = add_photo(f"1.{suffix}", corners.resize((200, 150)), orientation=6)
    whole = path.read_bytes()
    outcomes = Counter()

    @given(st.randoms(use_true_random=False))
    def damage(chance):
        path.write_bytes(mutated(whole, chance))
        try:
            proxy = make_proxy(only_photo(photos), 1024)
        except PhotoError:
            outcomes["failed"] += 1
        else:
            assert max(proxy.size) <= 1024
            outcomes["seen"] += 1

    damage()
    assert min(outcomes["failed"], outcomes["seen"]) >= 5, "all the same was tested"


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


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("packing", ["raw", "tiff_lzw"])
def test_a_tiff_that_only_xmp_turns_is_stored_as_its_header_says(photos, corners, orientation, packing):
    """Engines read the stored pixels: whatever turns them to be looked at, the mask has their width and height."""
    stored = stored_as(corners, orientation)
    xmp = b'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="%d"/>' % orientation
    stored.save(photos / "1.tif", compression=packing, tiffinfo={700: xmp})
    photo = only_photo(photos)
    proxy = make_proxy(photo, 1024)
    assert (proxy.orientation, proxy.stored_size, proxy.size) == (orientation, stored.size, corners.size)
    assert sent(make_proxy(photo, 0)).tobytes() == proxy.picture.tobytes() == corners.tobytes()
    assert stored_pixels(photo, "RGB").tobytes() == stored.tobytes()
    assert read_facts(photo).size == stored.size


def planar_tiff(channels, bits):
    """An unpacked TIFF of 96 × 72 pixels with one channel after the other, in words of ``bits``."""
    height, width = channels[0].shape
    planes = [(channel.astype("<u2") * 257 if bits == 16 else channel).tobytes() for channel in channels]
    tags = {256: (width,), 257: (height,), 258: (bits,) * 3, 259: (1,), 262: (2,), 277: (3,), 278: (height,), 284: (2,)}
    tags |= {273: (), 279: tuple(map(len, planes))}
    values_at = 8 + 2 + 12 * len(tags) + 4
    starts = np.cumsum([values_at + 36, *map(len, planes[:-1])]).tolist()
    tags[273] = tuple(starts)
    entries, values = b"", b""
    for tag, numbers in sorted(tags.items()):
        entries += struct.pack("<HHI", tag, 4, len(numbers))
        entries += struct.pack("<I", numbers[0] if len(numbers) == 1 else values_at + len(values))
        values += struct.pack(f"<{len(numbers)}I", *numbers) if len(numbers) > 1 else b""
    return struct.pack("<2sHIH", b"II", 42, 8, len(tags)) + entries + bytes(4) + values + b"".join(planes)


def test_planes_of_16_bits_that_would_be_misread_are_refused(photos, corners):
    red = np.asarray(corners)[..., 0]
    (photos / "1.tif").write_bytes(planar_tiff([red, red // 2, red // 3], 8))
    assert np.abs(np.int16(make_proxy(only_photo(photos), 0).picture)[..., 0] - red).max() == 0
    (photos / "1.tif").write_bytes(planar_tiff([red, red // 2, red // 3], 16))
    with pytest.raises(PhotoError, match=r"16 bits a channel and its channels one after the other, .* interleaved"):
        make_proxy(only_photo(photos), 0)


def test_lab_colours_are_refused_in_words(photos):
    Image.new("LAB", (32, 32)).save(photos / "1.tif")
    with pytest.raises(PhotoError, match="has LAB colours, which are not read; save it as RGB"):
        make_proxy(only_photo(photos), 1024)
