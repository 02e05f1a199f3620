# SPDX-License-Identifier: GPL-3.0-or-later
"""COLMAP's binary files, from bytes to plain types. Everything in them is little-endian and unaligned.

Each function raises ValueError where the bytes cannot be what they should be.
"""

import struct
from typing import Any

import numpy as np
import numpy.typing as npt

from ..camera_models import MODELS
from ..types import Camera, Photo, Points, rotation_matrix

_COUNT = struct.Struct("<Q")
_CAMERA = struct.Struct("<IiQQ")  # identifier, model, width, height; then the model's parameters
_PHOTO = struct.Struct("<I4d3dI")  # identifier, quaternion, translation, camera; then name, NUL, observations
_OBSERVATION_SIZE = 24
# The part of a point that always has the same size. The track's entries of 8 bytes each follow.
_POINT = np.dtype(
    [("identifier", "<u8"), ("position", "<f8", 3), ("color", "u1", 3), ("error", "<f8"), ("track", "<u8")]
)
_TRACK_AT = _POINT.fields["track"][1]  # type: ignore[index] # not every such type has fields; this has
_TRACK_ENTRY_SIZE = 8

_NUMBERS = {model.number: name for name, model in MODELS.items()}


def read_cameras(content: bytes) -> list[Camera]:
    """Read ``cameras.bin``."""
    count, offset = _count(content, _CAMERA.size)
    cameras = []
    for _ in range(count):
        identifier, number, width, height = _unpack(_CAMERA, content, offset)
        if number not in _NUMBERS:
            raise ValueError(f"camera {identifier} has the model number {number}, which COLMAP up to 4.2 does not know")
        name = _NUMBERS[number]
        doubles = struct.Struct(f"<{len(MODELS[name].names)}d")
        parameters = _unpack(doubles, content, offset + _CAMERA.size)
        cameras.append(Camera(identifier, name, width, height, parameters))
        offset += _CAMERA.size + doubles.size
    _expect_end(content, offset)
    return cameras


def read_photos(content: bytes) -> list[tuple[int, Photo]]:
    """Read ``images.bin``, each photo with its number, without the observations."""
    count, offset = _count(content, _PHOTO.size)
    photos = []
    for _ in range(count):
        identifier, *pose, camera = _unpack(_PHOTO, content, offset)
        offset += _PHOTO.size
        end = content.find(b"\0", offset)
        if end < 0:
            raise ValueError("it ends in the middle of a name")
        name = content[offset:end].decode("utf-8", "surrogateescape")  # as the system names files
        photo = Photo(name, camera, rotation_matrix(np.array(pose[:4])), np.array(pose[4:]))
        photos.append((identifier, photo))
        (observations,) = _unpack(_COUNT, content, end + 1)
        offset = end + 1 + _COUNT.size + observations * _OBSERVATION_SIZE
    _expect_end(content, offset)
    return photos


def read_points(content: bytes) -> Points:
    """Read ``points3D.bin``, without the tracks."""
    records = points_anywhere(content)[point_offsets(content)]
    return Points(records["position"].astype(float), records["color"].copy(), records["error"].astype(float))


def points_anywhere(content: bytes | bytearray) -> npt.NDArray[Any]:
    """A record of a point at every byte of ``points3D.bin``: only those at ``point_offsets`` are points.

    Its fields are identifier, position, color, error and track (the length); what is set in it changes a bytearray.
    """
    return np.ndarray((max(0, len(content) - _POINT.itemsize + 1),), _POINT, content, strides=(1,))


def point_offsets(content: bytes) -> npt.NDArray[np.int64]:
    """Where each point begins. Only the length of its track tells where the next one does, so this has to be walked."""
    count, offset = _count(content, _POINT.itemsize)
    offsets = [0] * count
    read = _COUNT.unpack_from
    fixed = _POINT.itemsize
    try:
        for index in range(count):
            offsets[index] = offset
            offset += fixed + _TRACK_ENTRY_SIZE * read(content, offset + _TRACK_AT)[0]
    except (struct.error, OverflowError) as error:
        raise ValueError("it ends in the middle of a point") from error
    _expect_end(content, offset)
    return np.array(offsets, dtype=np.int64)


def _count(content: bytes, least_size: int) -> tuple[int, int]:
    """How many records the file claims, if it can hold that many, and where they begin."""
    count: int = _unpack(_COUNT, content, 0)[0]
    if count * least_size > len(content):
        raise ValueError(f"it claims {count} entries, more than fit into its {len(content)} bytes")
    return count, _COUNT.size


def _unpack(form: struct.Struct, content: bytes, offset: int) -> tuple[Any, ...]:
    if offset + form.size > len(content):
        raise ValueError(f"it ends after {len(content)} bytes, in the middle of an entry")
    return form.unpack_from(content, offset)


def _expect_end(content: bytes, offset: int) -> None:
    if offset > len(content):
        raise ValueError(f"it ends after {len(content)} bytes, in the middle of an entry")
    if offset < len(content):
        raise ValueError(f"{len(content) - offset} bytes are left over behind its last entry")
