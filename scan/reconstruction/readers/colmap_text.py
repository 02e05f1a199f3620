# SPDX-License-Identifier: GPL-3.0-or-later
"""COLMAP's text files, from bytes to plain types. Lines that begin with # are comments.

Each function raises ValueError where the text cannot be what it should be.
"""

import io
import warnings
from collections.abc import Iterator

import numpy as np

from ..camera_models import MODELS
from ..types import Camera, Photo, Points, rotation_matrix


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


def read_photos(content: bytes) -> list[Photo]:
    """Read ``images.txt``: identifier, quaternion, translation, camera, name; then a line of observations, left out."""
    photos = []
    lines = _lines(content)
    for number, line in lines:
        if not line:
            continue
        words = line.split(maxsplit=9)
        if len(words) < 10:
            raise ValueError(f"line {number} does not describe a photo")
        _integer(words[0], number)
        pose = np.array(_numbers(words[1:8], number))
        photos.append(Photo(words[9], _integer(words[8], number), rotation_matrix(pose[:4]), pose[4:]))
        # The line of observations is empty where there are none, and at the end of the file it may be missing.
        next(lines, None)
    return photos


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
