# SPDX-License-Identifier: GPL-3.0-or-later
"""COLMAP's sparse models: recognised, read from binary or text files, and checked as a whole.

The format is that of COLMAP's own ``doc/format.rst``, as versions 3.8 to 4.2 write it. The rigs and frames that are
beside it since 3.12 are not needed: ``images`` holds every photo's own pose even so.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from ...common.errors import ModelError
from ...common.names import place_of
from ..camera_models import MODELS
from ..types import Camera, Photo, Points, Reconstruction
from . import colmap_binary, colmap_text

_PARTS = ("cameras", "images", "points3D")
_LARGEST_SIDE = 1_000_000
_HEAD = 4096
"""Bytes at the beginning of a text file in which COLMAP's comments are."""
_T = TypeVar("_T")


@dataclass(frozen=True)
class _Format:
    suffix: str
    read_cameras: Callable[[bytes], list[Camera]]
    read_photos: Callable[[bytes], list[tuple[int, Photo]]]
    read_points: Callable[[bytes], Points]


# In COLMAP's own order of preference.
_FORMATS = (
    _Format(".bin", colmap_binary.read_cameras, colmap_binary.read_photos, colmap_binary.read_points),
    _Format(".txt", colmap_text.read_cameras, colmap_text.read_photos, colmap_text.read_points),
)
_FILES = frozenset(part + form.suffix for form in _FORMATS for part in (*_PARTS, "rigs", "frames"))


class _Colmap:
    """See ``Reader``. A place is the folder of a sparse model."""

    label = "COLMAP"
    holds = "cameras.bin, images.bin and points3D.bin, or the same as .txt"
    suffixes = tuple(form.suffix for form in _FORMATS)

    def place_of(self, path: Path) -> Path | None:
        """See ``Reader.place_of``."""
        if path.name in _FILES and path.is_file():
            return path.parent
        return path if _begun(path) else None

    def written(self, place: Path) -> int:
        """See ``Reader.written``. The folder's own time changes with whatever else is put there."""
        return max(path.stat().st_mtime_ns for path in place.iterdir() if path.name in _FILES)

    def size(self, place: Path) -> int:
        """Bytes of the observations: the model with the most photos has the most of them."""
        files = (place / ("images" + form.suffix) for form in _FORMATS)
        return next((file.stat().st_size for file in files if file.is_file()), 0)

    def read(self, place: Path) -> Reconstruction:
        """See ``Reader.read``. Binary files go before text."""
        present = [form for form in _FORMATS if _begun(place, form)]
        if not present:
            raise ModelError(f"There is no COLMAP model in {place}; a cameras.bin or cameras.txt would begin one")
        form = next((form for form in present if _complete(place, form)), present[0])
        cameras, photos, points = (place / (part + form.suffix) for part in _PARTS)
        by_number = _read_cameras(cameras, form)
        registered, seen = _read_photos(photos, form, by_number), _read_points(points, form)
        return Reconstruction(
            by_number,
            registered,
            seen,
            lost_photos=_lost(photos, form, len(registered)),
            lost_points=_lost(points, form, len(seen.positions)),
        )


READER = _Colmap()


def _begun(folder: Path, form: _Format | None = None) -> bool:
    return any((folder / ("cameras" + each.suffix)).is_file() for each in ([form] if form else _FORMATS))


def _complete(folder: Path, form: _Format) -> bool:
    return all((folder / (part + form.suffix)).is_file() for part in _PARTS)


def _read_cameras(path: Path, form: _Format) -> dict[int, Camera]:
    cameras = _parse(path, form.read_cameras)
    for camera in cameras:
        _check_camera(path, camera)
    if not cameras:
        raise _damaged(path, "it holds no camera")
    _refuse_doubles(path, "camera", [camera.identifier for camera in cameras])
    return {camera.identifier: camera for camera in cameras}


def _check_camera(path: Path, camera: Camera) -> None:
    names = MODELS[camera.model].names
    if len(camera.parameters) != len(names):
        raise _damaged(path, f"camera {camera.identifier} has {len(camera.parameters)} parameters, not {len(names)}")
    if not (0 < camera.width <= _LARGEST_SIDE and 0 < camera.height <= _LARGEST_SIDE):
        raise _damaged(path, f"camera {camera.identifier} has pictures of {camera.width} × {camera.height} pixels")
    if not np.isfinite(camera.parameters).all():
        raise _damaged(path, f"a parameter of camera {camera.identifier} is not a number")
    sizes = {"f", "fx", "fy", "w", "h"}
    if any(value <= 0 for name, value in zip(names, camera.parameters, strict=True) if name in sizes):
        raise _damaged(path, f"camera {camera.identifier} has a focal length that is not more than 0")


def _read_photos(path: Path, form: _Format, cameras: dict[int, Camera]) -> tuple[Photo, ...]:
    numbered = _parse(path, form.read_photos)
    if not numbered:
        raise ModelError(f"{path} holds no photo: nothing was registered; there is nothing to import")
    photos = [_in_place(path, photo) for _, photo in numbered]
    for photo in photos:
        if photo.camera not in cameras:
            lacking = path.with_stem("cameras")
            raise _damaged(path, f"{photo.name} was taken with camera {photo.camera}, which {lacking} does not hold")
        if not (np.isfinite(photo.rotation).all() and np.isfinite(photo.translation).all()):
            raise _damaged(path, f"the pose of {photo.name} is not a number")
    _refuse_doubles(path, "photo", [photo.name for photo in photos])
    _refuse_doubles(path, "photo number", [number for number, _ in numbered])
    return tuple(sorted(photos, key=lambda photo: photo.name.split("/")))


def _in_place(path: Path, photo: Photo) -> Photo:
    """A photo under its name as it is below a folder: copies are written there."""
    place = place_of(photo.name)
    if place is None:
        raise ModelError(
            f"{path} names a photo {photo.name!r}, and no file inside a photo folder can have that name here; rename "
            "the photo or its folder, then solve again"
        )
    return replace(photo, name=str(place))


def _read_points(path: Path, form: _Format) -> Points:
    points = _parse(path, form.read_points)
    if not np.isfinite(points.positions).all():
        raise _damaged(path, "the position of a point is not a number")
    return points


def _lost(path: Path, form: _Format, found: int) -> int:
    """How many entries a text file says to have beyond those in it; 0 for binary ones, which are refused then."""
    if form.suffix != ".txt":
        return 0
    with path.open("rb") as file:
        said = colmap_text.claimed(file.read(_HEAD))
    return max(0, (said or 0) - found)


def _parse(path: Path, read: Callable[[bytes], _T]) -> _T:
    try:
        return read(path.read_bytes())
    except FileNotFoundError as error:
        raise ModelError(f"The model lacks {path}; solve again, or copy the whole folder") from error
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror})") from error
    except MemoryError as error:
        raise ModelError(f"{path} needs more memory than there is") from error
    except ValueError as error:
        raise _damaged(path, str(error)) from error


def _refuse_doubles(path: Path, what: str, names: list[int] | list[str]) -> None:
    seen: set[int | str] = set()
    for name in names:
        if name in seen:
            raise _damaged(path, f"{what} {name} is in it twice")
        seen.add(name)


def _damaged(path: Path, reason: str) -> ModelError:
    return ModelError(f"{path} is damaged or not COLMAP's: {reason}; solve again, or copy the file again")
