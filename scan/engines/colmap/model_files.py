# SPDX-License-Identifier: GPL-3.0-or-later
"""What a solve needs of COLMAP's binary models: which photos are in one, how well it fits, and their names put right.

The format is that of COLMAP's ``doc/format.rst``, little-endian, as versions 3.8 to 4.2 write it. The whole model is
read elsewhere, in ``scan.reconstruction``, whose walk over the points is used here.
"""

import math
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...common.files import write_atomically
from ...reconstruction.readers.colmap_binary import point_offsets, points_anywhere
from ..engine import Model

_COUNT = struct.Struct("<Q")
_POSE = struct.Struct("<I4d3dI")  # image id, rotation, translation, camera id; then the name, ended by a zero byte
_OBSERVATION = np.dtype([("place", "<f8", 2), ("point", "<u8")])
NO_POINT = 0xFFFFFFFFFFFFFFFF
"""The point of an observation that belongs to none."""


def read_summary(folder: Path) -> Model:
    """What is in a model's folder. Raises OSError, and ValueError where a file is not whole."""
    content = (folder / "images.bin").read_bytes()
    names = [content[start:end].decode("utf-8", "surrogateescape") for start, end in _names(content)]
    records, places = points((folder / "points3D.bin").read_bytes())
    errors = records["error"][places]
    mean = math.fsum(errors) / len(errors) if len(errors) else math.nan
    return Model(folder, tuple(sorted(names)), len(errors), mean)


def rename_photos(folder: Path, own_names: Mapping[str, str]) -> None:
    """Give the photos of a model their own names, where the engine had them under others. Raises OSError."""
    path = folder / "images.bin"
    content = path.read_bytes()
    parts, at = [], 0
    for start, end in _names(content):
        name = content[start:end].decode("utf-8", "surrogateescape")
        parts += [content[at:start], own_names.get(name, name).encode("utf-8", "surrogateescape")]
        at = end
    write_atomically(path, b"".join([*parts, content[at:]]))


def observations(content: bytes) -> Iterator[tuple[str, npt.NDArray[np.float64], npt.NDArray[np.uint64]]]:
    """Each photo of ``images.bin``: its name, the places of its n features in pixels (n × 2), and their points (n).

    Raises ValueError where the content is not whole.
    """
    for start, end in _names(content):
        (number,) = _COUNT.unpack_from(content, end + 1)
        found = np.frombuffer(content, _OBSERVATION, number, end + 1 + _COUNT.size)
        yield content[start:end].decode("utf-8", "surrogateescape"), found["place"], found["point"]


def points(content: bytes | bytearray) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
    """Records of ``points3D.bin``, and at which of them the points are; see the reader's ``points_anywhere``.

    Raises ValueError where the content is not whole.
    """
    try:
        return points_anywhere(content), point_offsets(bytes(content))
    except ValueError as error:
        raise ValueError(f"points3D.bin is cut off, or of an unknown version ({error})") from error


def _names(content: bytes) -> Iterator[tuple[int, int]]:
    """Where each photo's name lies in the content of ``images.bin``."""
    try:
        (count,) = _COUNT.unpack_from(content)
        at = _COUNT.size
        for _ in range(count):
            start = at + _POSE.size
            end = content.index(b"\0", start)
            yield start, end
            (observations,) = _COUNT.unpack_from(content, end + 1)
            at = end + 1 + _COUNT.size + observations * _OBSERVATION.itemsize
    except (struct.error, ValueError) as error:
        raise ValueError("images.bin is cut off") from error
    if at != len(content):
        raise ValueError("images.bin is cut off, or of an unknown version")
