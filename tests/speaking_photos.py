# SPDX-License-Identifier: GPL-3.0-or-later
"""Small photos with everything a camera says in them, and the second reader that is asked about them (exiftool)."""

from __future__ import annotations

import functools
import json
import os
import shutil
import struct
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageDraw
from PIL.PngImagePlugin import PngInfo
from PIL.TiffImagePlugin import ImageFileDirectory_v2

SIZE = (640, 480)
XMP = (
    b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    b'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/" xmp:Rating="4">'
    b"<dc:title><rdf:Alt><rdf:li xml:lang='x-default'>a  vase\xc3\xa9</rdf:li></rdf:Alt></dc:title>"
    b"</rdf:Description></rdf:RDF></x:xmpmeta>   \n<?xpacket end='w'?>"
)
# What a TIFF says about how its own pixels are coded, and no other file can say.
OF_THE_TIFF = frozenset(
    {"ImageWidth", "ImageHeight", "BitsPerSample", "Compression", "PhotometricInterpretation", "StripOffsets"}
    | {"SamplesPerPixel", "RowsPerStrip", "StripByteCounts", "PlanarConfiguration", "SubfileType", "JPEGTables"}
    | {"YCbCrSubSampling", "YCbCrPositioning", "ReferenceBlackWhite", "Predictor"}
)


@functools.cache
def icc(padding: int = 0) -> bytes:
    """A colour profile, made as long as wanted (profiles of printers reach a megabyte)."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    # Without the time at which it was made: the same bytes on every day.
    return profile[:24] + bytes(12) + profile[36:] + b"\x5a" * padding


@functools.cache
def scene(size: tuple[int, int] = SIZE) -> Image.Image:
    """A grainy red thing before a grainy green room."""
    random = np.random.default_rng(3)
    picture = np.empty((size[1], size[0], 3), dtype=np.float32)
    picture[:] = (40, 190, 60)
    thing = np.asarray(true_mask(size)) > 0
    picture[thing] = (200, 60, 50)
    coarse = random.normal(0, 18, (size[1] // 8 + 1, size[0] // 8 + 1)).astype(np.float32)
    picture += np.asarray(Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC))[..., None]
    picture += random.normal(0, 3, picture.shape)
    return Image.fromarray(np.uint8(np.clip(picture, 0, 255)))


@functools.cache
def true_mask(size: tuple[int, int] = SIZE) -> Image.Image:
    """Where the thing is: off the middle and lopsided, so that no turn of it fits by chance."""
    mask = Image.new("L", size)
    width, height = size
    draw = ImageDraw.Draw(mask)
    draw.ellipse((width * 0.2, height * 0.25, width * 0.6, height * 0.8), fill=255)
    draw.rectangle((width * 0.5, height * 0.6, width * 0.75, height * 0.7), fill=255)
    return mask


def exif(orientation: int = 1, order: str = "<") -> bytes:
    """EXIF as a camera writes it: a block with GPS, interoperability and Canon's maker notes."""
    made = Image.Exif()
    made.endian = order
    made._exif = None  # noqa: SLF001 - Pillow offers no other way to choose the byte order
    made.update({271: "Canon", 272: "Canon EOS R5", 274: orientation, 282: 72.0, 283: 72.0, 296: 2, 305: "scan"})
    made.update({315: "A. Photographer", 33432: "somebody", 306: "2026:11:22 10:00:00"})
    within = made.get_ifd(0x8769)
    within.update({33434: 1 / 160, 33437: 5.6, 34855: 200, 37386: 85.0, 36867: "2026:11:22 10:00:00"})
    within.update({40962: SIZE[0], 40963: SIZE[1], 42033: "0123456789", 42036: "RF85mm F2", 36864: b"0232"})
    within[37510] = b"ASCII\0\0\0a comment that is longer than four bytes"
    within[37500] = _note(order, 0)
    within[40965] = {1: "R98", 2: b"0100"}
    made.get_ifd(0x8825).update(
        {1: "N", 2: (48.0, 8.0, 14.5), 3: "E", 4: (11.0, 34.0, 31.25), 6: 519.5, 29: "2026:11:22"}
    )
    return _with_note(made.tobytes().removeprefix(b"Exif\0\0"), order)


def _with_note(block: bytes, order: str = "<") -> bytes:
    """The note counts its offsets from the block's begin, so it can be made only once its place is known."""
    place = block.index(_note(order, 0))
    return block.replace(_note(order, 0), _note(order, place))


def _note(order: str, place: int) -> bytes:
    """Maker notes like Canon's: a directory at once, values behind it, offsets counted from the begin of the EXIF."""
    texts = {
        6: b"Canon EOS R5 picture\0",
        7: b"Firmware Version 1.8.1\0",
        9: b"A. Photographer of vases\0",
        149: b"RF85mm F2 MACRO\0",
    }
    at = 2 + 12 * len(texts) + 4
    entries, values = b"", b""
    for tag, text in texts.items():
        entries += struct.pack(order + "HHII", tag, 2, len(text), place + at + len(values))
        values += text + bytes(len(text) % 2)
    return struct.pack(order + "H", len(texts)) + entries + bytes(4) + values


def save(path: Path, *, orientation: int = 1, picture: Image.Image | None = None, **options: Any) -> Path:
    """Save a picture with all that it can say in its format; ``options`` go to Pillow, None leaves one out."""
    picture = picture or scene()
    says: dict[str, Any] = {
        "exif": b"Exif\0\0" + exif(orientation),
        "xmp": XMP,
        "icc_profile": icc(),
        "dpi": (300, 300),
    }
    if path.suffix == ".png":
        says["pnginfo"] = PngInfo()
        says["pnginfo"].add_itxt("XML:com.adobe.xmp", XMP.decode())
        says["pnginfo"].add_text("Comment", "kept too")
        del says["xmp"]
    elif path.suffix == ".tif":
        says = _said_in_tiff(orientation)
    picture.save(path, **{key: value for key, value in {**says, **options}.items() if value is not None})
    if path.suffix == ".tif" and "tiffinfo" not in options:
        path.write_bytes(_with_note(path.read_bytes()))
    return path


def _said_in_tiff(orientation: int) -> dict[str, Any]:
    tags = ImageFileDirectory_v2()
    tags.tagtype.update({700: 1, 34675: 7, 33723: 7})
    tags[271], tags[272], tags[274], tags[305] = "Canon", "Canon EOS R5", orientation, "scan"
    tags[315], tags[33432] = "A. Photographer", "somebody"
    tags[700], tags[34675], tags[33723] = XMP, icc(), b"\x1c\x02\x78\x00\x06a vase"
    source = Image.Exif()
    source.load(exif(orientation))
    source.get_ifd(0x8769)[37500] = _note("<", 0)
    tags[34665] = dict(source.get_ifd(0x8769))
    tags[34665].pop(40965)  # which Pillow cannot write in a TIFF
    tags[34853] = dict(source.get_ifd(0x8825))
    return {"tiffinfo": tags, "dpi": (300, 300)}


def needs_exiftool() -> str:
    """The path of exiftool; without it the test is skipped, or fails where everything has to be there (CI)."""
    found = shutil.which("exiftool")
    if found is None:
        words = "exiftool reads the results a second time and is not on PATH (Debian: libimage-exiftool-perl)"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(words)
    return found


def tags_of(path: Path, *groups: str, coding: bool = False) -> dict[str, Any]:
    """What exiftool reads in a file, "group:copy:name" → value; how a TIFF's pixels are coded left out."""
    (tags,) = tags_of_each((path,), *groups, coding=coding)
    return tags


def tags_of_each(paths: Iterable[Path], *groups: str, coding: bool = False) -> list[dict[str, Any]]:
    """The same of several files, for which exiftool is started once: that is most of the time it takes."""
    command = [needs_exiftool(), "-j", "-a", "-G0:1:4", "-s", "-u", *(f"-{group}:all" for group in groups)]
    done = subprocess.run([*command, *map(str, paths)], capture_output=True, text=True, check=True)
    every = json.loads(done.stdout)
    for tags in every:
        assert not [key for key in tags if key.endswith(("Warning", "Error"))], tags
        del tags["SourceFile"]
    return [
        {key: value for key, value in tags.items() if coding or key.split(":")[-1] not in OF_THE_TIFF} for tags in every
    ]


def block_of(path: Path, tag: str) -> bytes:
    """The bytes of a block (XMP, ICC_Profile, EXIF) as exiftool takes them out."""
    return subprocess.run([needs_exiftool(), "-b", f"-{tag}", str(path)], capture_output=True, check=True).stdout
