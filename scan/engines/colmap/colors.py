# SPDX-License-Identifier: GPL-3.0-or-later
"""The colors of a model's points, from the photos: COLMAP would decode each of them whole for that."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ...common.errors import EngineError, PhotoError
from ...common.files import write_atomically
from ...photos.pixels import reduced_pixels
from ..engine import ScanPhoto
from .model_files import NO_POINT, observations, points

_LONGEST_EDGE = 1600
"""A photo is decoded no larger than this takes: in a smaller picture, a pixel is the mean of its surroundings."""


def color_points(model: Path, photos: Mapping[str, ScanPhoto], on_photo: Callable[[int, int], None]) -> None:
    """Give each point of a model in COLMAP's binary files the mean color of the places where photos show it.

    ``photos`` is the name in the model → the photo; ``on_photo`` is called with how many photos are done, and of how
    many, and may raise. Raises OSError, EngineError where a photo cannot be read any more, and ValueError where a file
    of the model is not whole.
    """
    path = model / "points3D.bin"
    content = bytearray(path.read_bytes())
    records, offsets = points(content)
    identifiers = records["identifier"][offsets]
    order = np.argsort(identifiers)
    sums = np.zeros((len(offsets), 3))
    seen = np.zeros(len(offsets), int)
    shown = list(observations((model / "images.bin").read_bytes()))
    for done, (name, places, seen_there) in enumerate(shown, 1):
        is_used = seen_there != NO_POINT
        rows = order[np.searchsorted(identifiers, seen_there[is_used], sorter=order)]
        colors = _colors_at(photos[name], places[is_used])
        np.add.at(sums, rows, colors)
        np.add.at(seen, rows, 1)
        on_photo(done, len(shown))
    records["color"][offsets] = np.rint(sums / np.maximum(seen, 1)[:, None])
    write_atomically(path, bytes(content))


def _colors_at(photo: ScanPhoto, places: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    """The color of a photo at each of n places (n × 2, in stored pixels): n × 3."""
    longest_edge = max(photo.facts.size)
    try:
        picture, (across, down) = reduced_pixels(photo.photo, "RGB", min(1.0, _LONGEST_EDGE / longest_edge))
    except PhotoError as error:
        raise EngineError(f"{photo.name} {error}; put it back, then run again") from error
    pixels = np.asarray(picture)
    columns = np.clip((places[:, 0] * across).astype(int), 0, pixels.shape[1] - 1)
    rows = np.clip((places[:, 1] * down).astype(int), 0, pixels.shape[0] - 1)
    return np.asarray(pixels[rows, columns])
