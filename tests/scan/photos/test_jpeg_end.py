# SPDX-License-Identifier: GPL-3.0-or-later
"""JPEGs without the marker at their end: read where all of their pixels are there, and only there."""

import io
import struct
from pathlib import PurePosixPath

import numpy as np
import pytest
from PIL import Image

from scan.common.errors import PhotoError
from scan.cutouts.cutout import CutoutKind, make_cutout
from scan.photos.header import read_facts
from scan.photos.photo import Photo
from scan.photos.pixels import make_proxy, stored_pixels
from speaking_photos import exif, scene

SIZE = (640, 480)
CUT_SHORT = "cannot be decoded (it was cut short, and lacks its last rows); copy it from the camera again"
KINDS = [{}, {"progressive": True}, {"subsampling": 2, "quality": 60}, {"restart_marker_rows": 1}, {"optimize": True}]


@pytest.fixture
def photo(tmp_path):
    """Give a function that writes a photo."""

    def write(content, name="1.jpg"):
        (tmp_path / name).write_bytes(content)
        return Photo(PurePosixPath(name), tmp_path / name)

    return write


def jpeg(mode="RGB", **options):
    buffer = io.BytesIO()
    scene(SIZE).convert(mode).save(buffer, "JPEG", **options)
    content = buffer.getvalue()
    assert content.endswith(b"\xff\xd9")
    return content


def reason_of(photo):
    with pytest.raises(PhotoError) as error:
        make_proxy(photo, 0)
    return str(error.value)


@pytest.mark.parametrize("left", [b"", b"\xff", b"\0" * 5000, b"\n"])
@pytest.mark.parametrize("options", KINDS)
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_jpeg_that_lacks_only_its_end_is_read_to_the_last_pixel(photo, mode, options, left):
    content = jpeg(mode, **options)
    whole, endless = photo(content, "whole.jpg"), photo(content[:-2] + left, "endless.jpg")
    assert np.array_equal(stored_pixels(endless, "RGB"), stored_pixels(whole, "RGB"))
    for long_edge in (200, 0):
        assert np.array_equal(make_proxy(endless, long_edge).picture, make_proxy(whole, long_edge).picture)
    assert read_facts(endless) == read_facts(whole)


def test_it_is_cut_out_with_its_metadata(photo):
    content = jpeg(exif=b"Exif\0\0" + exif(6))
    mask = Image.new("L", SIZE, 255)
    whole = make_cutout(photo(content), mask, CutoutKind.JPEG)
    assert make_cutout(photo(content[:-2]), mask, CutoutKind.JPEG) == whole
    assert b"Exif\0\0" in whole


def test_a_server_is_not_sent_what_it_cannot_decode(photo):
    content = jpeg()
    assert make_proxy(photo(content), 0).original is not None
    proxy = make_proxy(photo(content[:-2]), 0)
    assert proxy.original is None
    Image.open(io.BytesIO(proxy.encode()[0])).load()


@pytest.mark.parametrize("filling", [b"", b"\0" * 70_000])
@pytest.mark.parametrize("kept", [0.4, 0.9, 0.999])
@pytest.mark.parametrize("options", KINDS)
def test_a_jpeg_that_was_cut_short_is_not_read(photo, options, kept, filling):
    content = jpeg(**options)
    cut = photo(content[: int(len(content) * kept)] + filling)
    assert reason_of(cut) == CUT_SHORT
    with pytest.raises(PhotoError, match="was cut short"):  # told before a solve, too
        read_facts(cut)


@pytest.mark.parametrize("length", [700, 4000])
def test_the_end_of_a_thumbnail_is_not_that_of_the_photo(photo, length):
    small = io.BytesIO()
    scene((64, 48)).save(small, "JPEG")
    note = b"Exif\0\0" + small.getvalue()
    content = jpeg()
    content = content[:2] + struct.pack(">BBH", 0xFF, 0xE1, len(note) + 2) + note + content[2:]
    assert content.count(b"\xff\xd9") == 2
    assert reason_of(photo(content[:-length])) == CUT_SHORT
    assert make_proxy(photo(content[:-2]), 1024).size == SIZE


@pytest.mark.parametrize(
    "behind",
    [
        *(b"\0" * 9, b"\0\0\0\x18ftypmp42" + b"\x9c\xff" * 4000, b"\xff\xd9", b"\xff" * 40),
        *(bytes((64 << 10) + by) for by in (-2, -1, 0)),  # the end lies where two pieces that are read meet
        bytes(200_000),
    ],
)
def test_what_lies_behind_the_end_does_not_matter(photo, behind):
    content = jpeg()
    whole = stored_pixels(photo(content), "RGB")
    assert np.array_equal(stored_pixels(photo(content + behind), "RGB"), whole)
    assert make_proxy(photo(content + behind), 0).original is not None


@pytest.mark.parametrize("kept", [0, 1, 2, 3, 30, 300])
def test_what_ends_before_its_pixels_is_no_jpeg_that_lacks_an_end(photo, kept):
    assert reason_of(photo(jpeg()[:kept])).endswith("copy it from the camera again")


@pytest.mark.engine
@pytest.mark.parametrize("options", [{}, {"progressive": True}])
def test_colmap_reads_it_too(photo, options):
    pycolmap = pytest.importorskip("pycolmap", reason="there is none for this system")
    content = jpeg(**options)
    whole, endless = photo(content, "whole.jpg"), photo(content[:-2], "endless.jpg")
    read = [pycolmap.Bitmap.read(str(each.path), as_rgb=True).to_array() for each in (whole, endless)]
    assert read[0].shape == (SIZE[1], SIZE[0], 3)
    assert np.array_equal(*read)
