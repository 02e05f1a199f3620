# SPDX-License-Identifier: GPL-3.0-or-later
"""A file that cannot be read is told by what it is, not by what its name promises."""

import errno
import io
import os
import struct
from pathlib import PurePosixPath

import numpy as np
import pytest
from PIL import Image

from scan.common.errors import PhotoError
from scan.photos import pixels
from scan.photos.photo import Photo
from scan.photos.pixels import make_proxy, open_photo


def reason_of(path):
    with pytest.raises(PhotoError) as error:
        make_proxy(Photo(PurePosixPath(path.name), path), 1024)
    return str(error.value)


def encoded(kind):
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48)).save(buffer, kind)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("1.jpg", b"\0\0\0\x18ftypheic" + bytes(99), "is a HEIC file named .jpg; rename it to .heic"),
        ("1.JPG", b"\0\0\0\x18ftypmif1" + bytes(99), "is a HEIC file named .JPG; rename it to .heic"),
        ("1.jpg", b"\0\0\0\x18ftypavif" + bytes(99), "is an AVIF file, which is not read; save it as JPEG, PNG or"),
        ("1.jpg", b"\xff\x0a" + bytes(99), "is a JPEG XL file, which is not read; save it as JPEG, PNG or TIFF"),
        ("1.png", encoded("BMP"), "is a BMP file, which is not read; save it as JPEG, PNG or TIFF"),
        ("1.jpg", b"BMW, a letter\n" * 9, "is not a JPEG, HEIC, PNG, TIFF or WebP picture; copy it from the camera"),
        ("1.jpg", b"\xff\xd8\xff" + bytes(99), "is a damaged JPEG file; copy it from the camera again"),
        ("1.jpg", b"", "is empty (0 bytes); copy it from the camera again"),
        ("1.tif", b"II*\0" + bytes(99), "is a damaged TIFF file; copy it from the camera again"),
    ],
)
def test_files_of_another_kind_than_their_names_say(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    assert reason_of(tmp_path / name).startswith(words)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_what_is_read_is_read_under_the_name_of_another(tmp_path, kind):
    (tmp_path / "1.jpg").write_bytes(encoded(kind))
    assert make_proxy(Photo(PurePosixPath("1.jpg"), tmp_path / "1.jpg"), 1024).size == (64, 48)


@pytest.mark.parametrize(
    ("channels", "bits", "form", "words"),
    [
        (3, 32, 3, "3 × 32 bits, floating point"),
        (3, 32, 1, "3 × 32 bits"),
        (1, 64, 3, "1 × 64 bits, floating point"),
        (7, 8, 1, "7 × 8 bits"),
    ],
)
def test_a_tiff_of_a_kind_that_is_not_read_is_told_from_a_damaged_one(tmp_path, channels, bits, form, words):
    at = 8 + 2 + 12 * 10 + 4
    tags = {256: 4, 257: 4, 259: 1, 262: 2 if channels == 3 else 1, 273: at + 64, 277: channels, 278: 4}
    tags |= {258: (bits,) * channels, 279: 16 * channels * bits // 8, 339: (form,) * channels}
    entries, values = b"", b""
    for tag, given in sorted(tags.items()):
        numbers = given if isinstance(given, tuple) else (given,)
        packed = struct.pack(f"<{len(numbers)}H", *numbers)
        entries += struct.pack("<HHI", tag, 3, len(numbers))
        entries += packed.ljust(4, b"\0") if len(packed) <= 4 else struct.pack("<I", at + len(values))
        values += packed if len(packed) > 4 else b""
    head = struct.pack("<2sHIH", b"II", 42, 8, len(tags)) + entries + bytes(4) + values.ljust(64, b"\0")
    (tmp_path / "1.tif").write_bytes(head + np.zeros(tags[279], np.uint8).tobytes())
    assert reason_of(tmp_path / "1.tif") == (
        f"is a kind of TIFF that is not read ({words}); save it as RGB with 8 bits a channel"
    )


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO])
def test_a_file_that_the_system_withholds_is_not_said_to_be_damaged(tmp_path, monkeypatch, number):
    (tmp_path / "1.jpg").write_bytes(encoded("JPEG"))

    def refuse(*_given, **_options):
        raise OSError(number, os.strerror(number), "1.jpg")

    monkeypatch.setattr(pixels.Image, "open", refuse)
    words = reason_of(tmp_path / "1.jpg")
    assert words.startswith(f"cannot be read ({os.strerror(number)}); ")
    assert "camera" not in words
    assert ("allow reading it" in words) == (number == errno.EACCES)


def test_too_little_memory_is_no_damage_either(tmp_path):
    (tmp_path / "1.jpg").write_bytes(encoded("JPEG"))
    words = "needs more memory than is free; close other programs or make it smaller"
    with pytest.raises(PhotoError, match=words), open_photo(Photo(PurePosixPath("1.jpg"), tmp_path / "1.jpg")):
        raise MemoryError
