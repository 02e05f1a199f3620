# SPDX-License-Identifier: GPL-3.0-or-later
"""RAW files for tests: what a sensor behind a Bayer filter has of a picture, in a DNG (DNG 1.4; TIFF 6.0).

Its colors are such that white is ``NEUTRAL`` to the sensor: developed with the balance that the file names, in sRGB and
with nothing made brighter, it shows the picture again.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence

import numpy as np
from PIL import Image

from scan.photos.exif import TiffTags

NEUTRAL = (0.5, 1.0, 0.7)
BLACK, WHITE = 512, 15872
"""The sensor's value without light, and the most that it can have."""
# CIE XYZ → linear sRGB (IEC 61966-2-1), both with the white of D65.
_SRGB_OF_XYZ = np.array(
    [[3.2404542, -1.5371385, -0.4985314], [-0.9692660, 1.8760108, 0.0415560], [0.0556434, -0.2040259, 1.0572252]]
)
_CFA, _LINEAR_RAW = 32803, 34892  # photometric interpretations
_FORMS = {1: "B", 3: "H", 4: "I"}


def linear(picture: Image.Image) -> np.ndarray:
    """The light that an sRGB picture shows, 0 to 1, height × width × channels (IEC 61966-2-1)."""
    values = np.asarray(picture, np.float64) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def dng(
    picture: Image.Image,
    *,
    exposure: float = 1.0,
    orientation: int = 1,
    exif: bytes = b"",
    packed: bool = False,
) -> bytes:
    """A DNG of a picture as stored: RGB through the filter RGGB, L without one.

    ``exposure`` is what its light is multiplied by; ``exif`` is a block whose directories EXIF and GPS are taken,
    and its order of bytes; ``packed`` has it stored as lossless JPEG, as cameras do.
    """
    described = TiffTags(io.BytesIO(exif)) if exif else None
    order = described.order if described else "<"
    light = linear(picture) * exposure
    if picture.mode == "RGB":
        light *= NEUTRAL
        through = np.empty(light.shape[:2])
        for row, column, channel in ((0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 2)):
            through[row::2, column::2] = light[row::2, column::2, channel]
        light = through
    sensor = np.clip(np.round(BLACK + light * (WHITE - BLACK)), 0, 65535).astype(order + "u2")
    pixels = _lossless_jpeg(sensor) if packed else sensor.tobytes()
    height, width = sensor.shape
    tags: list[tuple[int, int, Sequence[float] | bytes]] = [
        (254, 4, [0]),
        (256, 4, [width]),
        (257, 4, [height]),
        (258, 3, [16]),
        (259, 3, [7 if packed else 1]),
        (262, 3, [_CFA if picture.mode == "RGB" else _LINEAR_RAW]),
        (271, 2, b"Acme\0"),
        (272, 2, b"Acme One\0"),
        (274, 3, [orientation]),
        (277, 3, [1]),
        (278, 4, [height]),
        (279, 4, [len(pixels)]),
        (50706, 1, [1, 4, 0, 0]),
        (50708, 2, b"Acme One\0"),
        (50714, 3, [BLACK]),
        (50717, 3, [WHITE]),
        (50740, 7, b"of the maker" * 9000),
    ]
    if picture.mode == "RGB":
        tags += [(33421, 3, [2, 2]), (33422, 1, [0, 1, 1, 2]), (50778, 3, [21])]
        tags += [(50721, 10, (np.diag(NEUTRAL) @ _SRGB_OF_XYZ).ravel()), (50728, 5, NEUTRAL)]
    return _tiff(order, tags, pixels, described)


def _tiff(
    order: str, tags: list[tuple[int, int, Sequence[float] | bytes]], pixels: bytes, described: TiffTags | None
) -> bytes:
    """A TIFF of one picture in one strip, which lies last in the file."""
    below = [(34665, described.exif), (34853, described.gps)] if described else []
    rows = [(tag, kind, *_value(order, kind, value)) for tag, kind, value in tags]
    rows += [(tag, 4, 1, bytes(4)) for tag in (273, *(tag for tag, _ in below))]
    content = bytearray((b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 8))

    def lay(entries: Sequence[tuple[int, int, int, bytes]]) -> dict[int, int]:
        at = len(content)
        content.extend(struct.pack(order + "H", len(entries)) + bytes(12 * len(entries) + 4))
        places = {}
        for index, (tag, kind, count, value) in enumerate(sorted(entries)):
            place = at + 2 + 12 * index
            places[tag] = place + 8
            if len(value) <= 4:
                field = value.ljust(4, b"\0")
            else:
                field = struct.pack(order + "I", len(content))
                content.extend(value + bytes(len(value) % 2))
            content[place : place + 12] = struct.pack(order + "HHI", tag, kind, count) + field
        return places

    places = lay(rows)
    for tag, directory in below:
        struct.pack_into(order + "I", content, places[tag], len(content))
        lay([(each, entry.kind, entry.count, entry.value) for each, entry in directory.items()])
    struct.pack_into(order + "I", content, places[273], len(content))
    return bytes(content) + pixels


def _value(order: str, kind: int, value: Sequence[float] | bytes) -> tuple[int, bytes]:
    if isinstance(value, bytes):
        return len(value), value
    if kind in _FORMS:
        return len(value), struct.pack(f"{order}{len(value)}{_FORMS[kind]}", *map(int, value))
    form = order + ("II" if kind == 5 else "ii")
    return len(value), b"".join(struct.pack(form, round(each * 1_000_000), 1_000_000) for each in value)


def _lossless_jpeg(values: np.ndarray) -> bytes:
    """Values of 16 bits as lossless JPEG (ITU T.81, annex H): predictor 1, one channel, codes of five bits each."""
    height, width = values.shape
    signed = values.astype(np.int64)
    before = np.empty_like(signed)
    before[:, 1:] = signed[:, :-1]
    before[1:, 0] = signed[:-1, 0]
    before[0, 0] = 1 << 15
    bits = []
    for difference in (signed - before).ravel().tolist():
        wrapped = (difference + 32768) % 65536 - 32768
        length = abs(wrapped).bit_length()
        bits.append(f"{length:05b}")
        if 0 < length < 16:
            bits.append(f"{wrapped if wrapped > 0 else wrapped + (1 << length) - 1:0{length}b}")
    stream = "".join(bits)
    stream += "1" * (-len(stream) % 8)
    scan = int(stream, 2).to_bytes(len(stream) // 8, "big").replace(b"\xff", b"\xff\0")
    codes = bytes([0, 0, 0, 0, 17, *[0] * 11, *range(17)])
    return b"".join(
        (
            b"\xff\xd8",
            b"\xff\xc4" + struct.pack(">HB", 3 + len(codes), 0) + codes,
            b"\xff\xc3" + struct.pack(">HBHHBBBB", 11, 16, height, width, 1, 1, 0x11, 0),
            b"\xff\xda" + struct.pack(">HBBBBBB", 8, 1, 1, 0, 1, 0, 0),
            scan,
            b"\xff\xd9",
        )
    )
