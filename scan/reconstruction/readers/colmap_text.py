# SPDX-License-Identifier: GPL-3.0-or-later
"""COLMAP's text files, from bytes to plain types. Lines that begin with # are comments.

Each function raises ValueError where the text cannot be what it should be.
"""

import io
import re
import warnings
from collections.abc import Iterator

import numpy as np

from ..camera_models import MODELS
from ..types import Camera, Photo, Points, rotation_matrix

_CLAIM = re.compile(rb"^#\s*Number of \w+:\s*(\d+)", re.MULTILINE)


def read_cameras(content: bytes) -> list[Camera]:
    """Read ``cameras.txt``: identifier, model, width, height, parameters."""
    cameras = []
    for number, line in _lines(content):
        if not line:
            continue
        words = line.split()
        if len(words) < 4:
            raise ValueError(f"line {number} does not describe a camera")
        if words[1] not in MODELS:
            raise ValueError(f"line {number} names the camera model {words[1]}, which COLMAP up to 4.2 does not know")
        identifier, width, height = (_integer(word, number) for word in (words[0], *words[2:4]))
        cameras.append(Camera(identifier, words[1], width, height, _numbers(words[4:], number)))
    return cameras


def read_photos(content: bytes) -> list[tuple[int, Photo]]:
    """Read ``images.txt``, each photo with its number: number, quaternion, translation, camera, name.

    COLMAP writes a line of observations below each, which is left out: x, y and the point's number for each, and
    nothing where there are none. Files from other hands may do without these lines. A line that could be both is of
    observations where they are expected, as COLMAP has it.
    """
    photos: list[tuple[int, Photo]] = []
    may_be_seen = False  # observations of the photo above
    for number, line in _lines(content):
        words = line.split()
        if may_be_seen and (not words or _are_observations(line, words)):
            may_be_seen = False
        elif words:
            photos.append(_photo(line, number))
            may_be_seen = True
    return photos


def claimed(head: bytes) -> int | None:
    """How many entries a file has, as the comment says with which COLMAP begins it; None where it says nothing."""
    found = _CLAIM.search(head)
    return int(found[1]) if found else None


def read_points(content: bytes) -> Points:
    """Read ``points3D.txt``: identifier, position, color, error; then the track, left out."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "input contained no data": a model without points
        values = np.loadtxt(io.BytesIO(content), usecols=range(1, 8), ndmin=2, encoding="utf-8")
    if values.size == 0:
        values = values.reshape(0, 7)
    colors = values[:, 3:6]
    if not ((colors >= 0) & (colors <= 255)).all():
        raise ValueError("the color of a point is not from 0 to 255")
    return Points(values[:, :3].copy(), colors.astype(np.uint8), values[:, 6].copy())


def _photo(line: str, number: int) -> tuple[int, Photo]:
    words = line.split(maxsplit=9)
    if len(words) < 10:
        raise ValueError(
            f"line {number} is neither the pose of a photo (number, four of the rotation, three of the place, camera, "
            "name) nor what the photo above it shows (three numbers for each point)"
        )
    identifier, camera = _integer(words[0], number), _integer(words[8], number)
    pose = np.array(_numbers(words[1:8], number))
    return identifier, Photo(words[9], camera, rotation_matrix(pose[:4]), pose[4:])


def _are_observations(line: str, words: list[str]) -> bool:
    # There are many: of what holds nothing but digits each is a number, as far as it matters here.
    return len(words) % 3 == 0 and (not line.strip("0123456789+-.eE \t") or _are_numbers(words))


def _are_numbers(words: list[str]) -> bool:
    try:
        return bool([float(word) for word in words])
    except ValueError:
        return False


def _lines(content: bytes) -> Iterator[tuple[int, str]]:
    """Every line that is no comment, with its number."""
    if b"\0" in content:
        raise ValueError("it is not a text file")
    for number, line in enumerate(content.decode("utf-8-sig", "surrogateescape").split("\n"), 1):
        if not line.startswith("#"):
            yield number, line.strip()


def _integer(word: str, line: int) -> int:
    try:
        return int(word)
    except ValueError as error:
        raise ValueError(f"{word[:40]!r} in line {line} is not a whole number") from error


def _numbers(words: list[str], line: int) -> tuple[float, ...]:
    try:
        return tuple(float(word) for word in words)
    except ValueError as error:
        raise ValueError(f"line {line} holds what is not a number") from error
