# SPDX-License-Identifier: GPL-3.0-or-later
"""What RAW files say of themselves, in the three kinds of file that cameras of today write."""

import io
import struct

import pytest
from PIL import Image
from raw_files import dng

from scan.photos.exif import TiffTags
from scan.photos.raw_exif import read_exif
from speaking_photos import exif

CANON = bytes.fromhex("85c0b687820f11e08111f4ce462b6a48")
SAID = {"make": "Canon", "model": "Canon EOS R5", "focal": 85.0, "lens": "RF85mm F2", "north": "N"}


def box(kind, *content, is_long=False):
    inner = b"".join(content)
    if is_long:
        return struct.pack(">I4sQ", 1, kind, 16 + len(inner)) + inner
    return struct.pack(">I4s", 8 + len(inner), kind) + inner


def directory(tags, order="<"):
    """A TIFF block whose main directory has these tags and no others."""
    content = bytearray((b"II" if order == "<" else b"MM") + struct.pack(order + "HIH", 42, 8, len(tags)))
    values = bytearray()
    at = len(content) + 12 * len(tags) + 4
    for tag, entry in sorted(tags.items()):
        field = entry.value.ljust(4, b"\0")
        if len(entry.value) > 4:
            field = struct.pack(order + "I", at + len(values))
            values += entry.value + bytes(len(entry.value) % 2)
        content += struct.pack(order + "HHI", tag, entry.kind, entry.count) + field
    return bytes(content) + bytes(4) + bytes(values)


def cr3(sensor=b"values" * 99, before=b""):
    """A file as Canon's cameras lay it out, without what is not read here."""
    tags = TiffTags(io.BytesIO(exif(6)))
    main, within, gps = (box(b"CMT" + number, directory(each)) for number, each in directories(tags).items())
    uuid = box(b"uuid", CANON, box(b"CNCV", b"CanonCR3"), main, within, box(b"CMT3", b"note"), gps)
    other = box(b"uuid", b"another program's", box(b"CMT1", b"junk"))
    return (
        box(b"ftyp", b"crx \0\0\0\1crx isom") + before + box(b"moov", other, uuid) + box(b"mdat", sensor, is_long=True)
    )


def directories(tags):
    return {b"1": tags.main, b"2": tags.exif, b"4": tags.gps}


def raf(sensor=b"values" * 99):
    """A file as Fujifilm's cameras lay it out."""
    jpeg = io.BytesIO()
    Image.new("RGB", (64, 48)).save(jpeg, "JPEG", exif=b"Exif\0\0" + exif(6))
    places = struct.pack(">IIIIII", 148, jpeg.tell(), 0, 0, 148 + jpeg.tell(), len(sensor))
    return (b"FUJIFILMCCD-RAW 0201FF".ljust(84, b"\0") + places).ljust(148, b"\0") + jpeg.getvalue() + sensor


def said(block):
    """What of a block of EXIF a photogrammetry program and a person look for."""
    found = Image.Exif()
    found.load(b"Exif\0\0" + block)
    within, gps = found.get_ifd(0x8769), found.get_ifd(0x8825)
    assert 37500 not in within, "the maker's note"
    assert found.keys() <= {270, 271, 272, 274, 305, 306, 315, 33432, 34665, 34853}, "how it is to be developed"
    return {
        "make": found.get(271),
        "model": found.get(272),
        "focal": float(within.get(37386, 0)),
        "lens": within.get(42036),
        "north": gps.get(1),
    }


def test_the_exif_of_each_container_is_read(tmp_path):
    path = tmp_path / "photo"
    for content, camera in (
        (dng(Image.new("RGB", (32, 32)), exif=exif(6)), {"make": "Acme", "model": "Acme One"}),
        (dng(Image.new("RGB", (32, 32)), exif=exif(6, ">")), {"make": "Acme", "model": "Acme One"}),
        (cr3(), {}),
        (cr3(before=box(b"free", bytes(9), is_long=True)), {}),
        (raf(), {}),
    ):
        path.write_bytes(content)
        block, left_behind = read_exif(path)
        assert (said(block), left_behind) == (SAID | camera, [])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"FOVb, of Sigma" + bytes(999), "no TIFF header"),
        (b"FUJIFILMCCD-RAW ", "unpack requires a buffer"),
        (box(b"ftyp", b"crx ") + box(b"moov", box(b"trak", b"nothing")), "no directory of Canon's"),
        (cr3(before=struct.pack(">I4s", 0, b"mdat")), "no directory of Canon's"),
        (cr3().replace(b"CMT1\x49\x49", b"CMT1\x4d\x4d"), "no TIFF header"),
    ],
)
def test_a_file_whose_exif_cannot_be_read_has_none(tmp_path, content, words):
    (tmp_path / "photo").write_bytes(content)
    block, (left_behind,) = read_exif(tmp_path / "photo")
    assert block == b""
    assert left_behind.startswith("its JPEG has no EXIF, since that of the photo cannot be read (")
    assert words in left_behind
