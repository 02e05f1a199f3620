# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told of JPEGs and TIFFs whose pixels are coded in a way that nothing here decodes."""

import io
import struct
from pathlib import PurePosixPath

import pytest

from scan.common.errors import PhotoError
from scan.photos.file_types import kind_of, misnamed
from scan.photos.header import read_facts
from scan.photos.photo import Photo
from scan.photos.pixels import make_proxy
from speaking_photos import scene

AS_TIFF = "which is not read; save it as TIFF with LZW or Deflate, or as JPEG"
AS_JPEG = "which is not read; save it as a usual JPEG, with 8 bits a channel, or as PNG or TIFF"


@pytest.fixture
def photo(tmp_path):
    """Give a function that writes a photo."""

    def write(content, name="1.tif"):
        (tmp_path / name).write_bytes(content)
        return Photo(PurePosixPath(name), tmp_path / name)

    return write


def reason_of(photo):
    with pytest.raises(PhotoError) as error:
        make_proxy(photo, 1024)
    return str(error.value)


def tiff(compression=1, colours=2, bits=(8, 8, 8), pixels=bytes(48)):
    """A TIFF of 4 × 4 pixels, whatever its tags say of how they are coded."""
    tags = {256: (4,), 257: (4,), 258: bits, 259: (compression,), 262: (colours,), 277: (len(bits),), 278: (4,)}
    tags |= {273: (8 + 2 + 12 * 9 + 4 + 2 * len(bits),), 279: (len(pixels),)}
    head = struct.pack("<2sHIH", b"II", 42, 8, len(tags))
    for tag, numbers in sorted(tags.items()):
        is_apart = len(numbers) > 2
        value = struct.pack("<I", 122) if is_apart else struct.pack(f"<{len(numbers)}H", *numbers).ljust(4, b"\0")
        head += struct.pack("<HHI", tag, 3, len(numbers)) + value
    return head + bytes(4) + struct.pack(f"<{len(bits)}H", *bits) + pixels


def encoded(picture, kind, further=(), **options):
    buffer = io.BytesIO()
    first, *rest = (each.copy() for each in (picture, *further))  # Pillow keeps options with the picture that it saves
    more = {"save_all": True, "append_images": rest} if rest else {}
    first.save(buffer, kind, **more, **options)
    return buffer.getvalue()


def test_the_tiff_made_here_is_read_where_its_coding_is(photo):
    assert make_proxy(photo(tiff()), 1024).size == (4, 4)


@pytest.mark.parametrize(
    ("compression", "named"),
    [
        (33003, "compressed with JPEG 2000"),
        (33005, "compressed with JPEG 2000"),
        (34712, "compressed with JPEG 2000"),
        (50002, "compressed with JPEG XL"),
        (52546, "compressed with JPEG XL"),
        (34887, "compressed with LERC"),
        (34933, "compressed with PNG"),
        (34934, "compressed with JPEG XR"),
        (34661, "compressed with JBIG"),
        (50001, "compressed with WebP"),
        (50013, "with compression 50013"),
    ],
)
@pytest.mark.parametrize("bits", [(8, 8, 8), (16, 16, 16), (8,)])
def test_a_tiff_is_told_by_its_compression_and_not_by_bits_that_it_has(photo, compression, named, bits):
    written = photo(tiff(compression, 2 if len(bits) == 3 else 1, bits))
    assert reason_of(written) == f"is a TIFF {named}, {AS_TIFF}"
    with pytest.raises(PhotoError, match=named):  # told before a solve, too
        read_facts(written)


@pytest.mark.parametrize(
    "compression",
    ["raw", "packbits", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "jpeg", "lzma", "zstd"],
)
def test_a_tiff_in_a_usual_compression_is_read(photo, compression):
    written = photo(encoded(scene((64, 48)), "TIFF", compression=None if compression == "raw" else compression))
    assert make_proxy(written, 1024).size == (64, 48)


@pytest.mark.parametrize("compression", ["tiff_ccitt", "group3", "group4"])
def test_a_fax_is_read(photo, compression):
    written = photo(encoded(scene((64, 48)).convert("1"), "TIFF", compression=compression))
    assert make_proxy(written, 1024).size == (64, 48)


@pytest.mark.parametrize(
    ("colours", "words"),
    [
        (9, "has ICC Lab colours, which are not read; save it as RGB with 8 bits a channel"),
        (34892, "has RAW pixels, which are not read; save it as RGB with 8 bits a channel"),
        (1, "is a kind of TIFF that is not read (3 × 8 bits, called grey); save it as RGB with 8 bits a channel"),
        (77, "is a kind of TIFF that is not read (3 × 8 bits, not called RGB); save it as RGB with 8 bits a channel"),
    ],
)
def test_a_tiff_in_colours_that_are_not_read_is_told_by_them(photo, colours, words):
    assert reason_of(photo(tiff(colours=colours))) == words


def jpeg_with_frame(marker, bits=8, channels=3):
    """A JPEG whose frame header says another coding than its pixels have."""
    content = bytearray(encoded(scene((64, 48)), "JPEG"))
    at = content.index(b"\xff\xc0")
    content[at + 1], content[at + 4], content[at + 9] = marker, bits, channels
    return bytes(content)


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        ((0xC0, 12), f"is a JPEG with 12 bits a channel, {AS_JPEG}"),
        ((0xC1, 12), f"is a JPEG with 12 bits a channel, {AS_JPEG}"),
        ((0xC3, 16), f"is a JPEG with 16 bits a channel, {AS_JPEG}"),
        ((0xC0, 8, 2), f"is a JPEG with 2 channels, {AS_JPEG}"),
        ((0xC5,), f"is a hierarchical JPEG, {AS_JPEG}"),
        ((0xCF,), f"is a hierarchical JPEG, {AS_JPEG}"),
        ((0xCB,), f"is a lossless arithmetic JPEG, {AS_JPEG}"),
        ((0xF7,), "is a JPEG-LS file, which is not read; save it as JPEG, PNG or TIFF"),
    ],
)
def test_a_jpeg_of_a_coding_that_is_not_read_is_told_from_a_damaged_one(photo, frame, words):
    assert reason_of(photo(jpeg_with_frame(*frame), "1.jpg")) == words


@pytest.mark.parametrize("options", [{"progressive": True}, {"subsampling": 2}, {"restart_marker_blocks": 1}])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_jpeg_in_a_usual_coding_is_read(photo, mode, options):
    written = photo(encoded(scene((64, 48)).convert(mode), "JPEG", **options), "1.jpg")
    assert make_proxy(written, 1024).size == (64, 48)


def box(*brands):
    return struct.pack(">I", 8 + 4 * len(brands) + 4) + b"ftyp" + brands[0] + bytes(4) + b"".join(brands[1:])


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (encoded(scene((64, 48)), "JPEG2000"), "JPEG 2000"),
        (encoded(scene((64, 48)), "JPEG2000", no_jp2=True), "JPEG 2000"),
        (encoded(scene((64, 48)), "AVIF"), "AVIF"),
        (encoded(scene((64, 48)), "GIF"), "GIF"),
        (encoded(scene((64, 48)), "PDF"), "PDF"),
        (box(b"mif1", b"mif1", b"avif", b"miaf"), "AVIF"),
        (box(b"mif1", b"mif1", b"heic", b"hevc"), "HEIC"),
        (box(b"msf1", b"msf1", b"hevc"), "HEIC"),
        (b"II\xbc\x01" + bytes(99), "JPEG XR"),
        (b"\x76\x2f\x31\x01" + bytes(99), "OpenEXR"),
        (box(b"crx ", b"crx ", b"isom"), "RAW"),
    ],
)
def test_a_picture_under_the_name_of_another_is_told_by_what_it_is(photo, content, kind):
    written = photo(content + bytes(99), "1.jpg")
    assert kind_of(written.path) == kind
    assert reason_of(written) == misnamed(kind, PurePosixPath("1.jpg"))
    assert f"{kind} file" in misnamed(kind, PurePosixPath("1.jpg"))


@pytest.mark.parametrize("brand", [b"isom", b"mp42", b"qt  "])
def test_a_film_under_the_name_of_a_photo_is_told(photo, brand):
    written = photo(box(brand, brand, b"heic") + bytes(99), "1.JPG")
    assert reason_of(written) == "is a video named .JPG; save its frames as JPEG or PNG files"


@pytest.mark.parametrize("options", [{}, {"big_tiff": True}])
def test_a_tiff_that_begins_with_a_thumbnail_is_refused(photo, options):
    large, small = scene((64, 48)), scene((64, 48)).resize((16, 12))
    words = (
        "holds 2 pictures, and the first of them, which programs read, has 16 × 12 pixels, the largest 64 × 48; save "
        "the largest as a file of its own"
    )
    written = photo(encoded(small, "TIFF", further=[large], **options))
    assert reason_of(written) == words
    with pytest.raises(PhotoError, match="the largest 64 × 48"):
        read_facts(written)
    written = photo(encoded(large, "TIFF", further=[small], **options))
    assert make_proxy(written, 1024).size == (64, 48)


def below(picture, other):
    """A TIFF with another picture below its first one, where cameras and programs keep previews, or RAW pixels."""
    content = bytearray(encoded(picture, "TIFF", tiffinfo={330: 1}))
    second = tiff()
    shift = len(content) + len(content) % 2
    content += bytes(len(content) % 2)
    (first,) = struct.unpack_from("<I", content, 4)
    (count,) = struct.unpack_from("<H", content, first)
    for at in range(first + 2, first + 2 + 12 * count, 12):
        if struct.unpack_from("<H", content, at) == (330,):
            struct.pack_into("<HHII", content, at, 330, 13, 1, shift)
    moved = bytearray(second[8:122])
    for at in range(2, 2 + 12 * 9, 12):
        tag = struct.unpack_from("<H", moved, at)[0]
        if tag in other:
            struct.pack_into("<H", moved, at + 8, other[tag])
    return bytes(content + moved)


def test_pictures_below_the_first_are_looked_at_too(photo):
    picture = scene((64, 48))
    assert make_proxy(photo(below(picture, {256: 64, 257: 48})), 1024).size == (64, 48)
    words = reason_of(photo(below(picture, {256: 65, 257: 48})))
    assert words.startswith("holds 2 pictures, and the first of them, which programs read, has 64 × 48 pixels, the ")


def test_a_mask_among_a_tiffs_pictures_is_none_and_a_row_that_leads_back_ends(photo):
    small, large = scene((16, 12)), scene((64, 48))
    content = bytearray(encoded(small, "TIFF", further=[large], tiffinfo={254: 0}))
    (first,) = struct.unpack_from("<I", content, 4)
    (count,) = struct.unpack_from("<H", content, first)
    (second,) = struct.unpack_from("<I", content, first + 2 + 12 * count)
    (count,) = struct.unpack_from("<H", content, second)
    assert struct.unpack_from("<H", content, second + 2) == (254,)
    struct.pack_into("<I", content, second + 2 + 12 * count, second)  # leads back
    assert reason_of(photo(content)).startswith("holds 2 pictures, and the first")
    struct.pack_into("<I", content, second + 2 + 8, 4)
    assert make_proxy(photo(content), 1024).size == (16, 12)
    struct.pack_into("<I", content, second + 2 + 12 * count, len(content) + 9)  # leads out of the file
    assert make_proxy(photo(content), 1024).size == (16, 12)
