# SPDX-License-Identifier: GPL-3.0-or-later
"""Which way is up in a reconstruction, told from the rings in which an object was photographed.

Where the object turns on a plate before a camera that stands still, two photos i and j of a ring differ, seen from the
object, by a turn about the plate's axis: ``R_i^T R_j``, exactly, however the camera is tilted. Where somebody walks
around an object, the same is nearly so. Photos of different rings differ by turns about all kinds of axes. So the axis
on which most pairs agree is that of the rings, and up is that end of it which is up in the pictures.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt

from ..common.errors import BadUseError
from ..common.files import is_file
from ..common.names import find_name
from ..common.text import count, some
from .settings import PlacementSettings
from .types import Floats, Photo

_MOST = 300
"""Photos of a side that are looked at, evenly chosen."""
_STARTS = 500
"""Pairs whose axes are tried to begin with, evenly chosen."""
_LEAST_TURN = np.radians(5)
"""Pairs that differ by less say little: errors of their poses turn their axis by many times as much."""
_NEAR = np.radians(10)
"""Within this of each other axes may be one and the same."""
_NARROWEST = np.radians(0.2)
_BY_HAND = np.radians(1)
"""Axes that scatter more are not those of a plate."""
_TILTED = np.radians(15)
"""A picture that is tilted by more was not meant to be level."""
_LEAST_PAIRS = 3
_LEAST_SHARE = 0.15
"""Of all turns, what has to be about the axis: of turns at random 1.5 % are, of three rings at least a third."""
_LEAST_ROUND = np.radians(60)
"""A ring goes at least so far round. Steps sideways are none."""
_TELLING = 0.2
"""A mean of directions that is shorter along the axis tells nothing of its end."""

# EXIF orientation → where the top of the upright picture is in the stored one, in camera axes (x right, y down).
_TOPS = {1: (0, -1), 2: (0, -1), 3: (0, 1), 4: (0, 1), 5: (-1, 0), 6: (-1, 0), 7: (1, 0), 8: (1, 0)}


@dataclass(frozen=True, eq=False)
class Up:
    """Which way is up, as one side of a scan shows it."""

    side: str
    """The side's name."""
    photos: tuple[Photo, ...]
    """Its photos, in the order of their names."""
    direction: Floats | None
    """3, of length 1, in the reconstruction's world; None where its photos do not tell."""
    said: str
    """The same in words that go on a sentence about the scan."""


def side_of(name: str) -> str:
    """The side that a photo belongs to: its folder below the photo folder, whose own name is "."."""
    return str(PurePosixPath(name).parent)


def check_names(settings: PlacementSettings, names: Sequence[str]) -> None:
    """Refuse a side or a front that none of these photos, which have a camera, belongs to. Raises BadUseError."""
    sides = sorted({side_of(name) for name in names})
    if settings.up_side and find_name(settings.up_side, sides) is None:
        raise BadUseError(
            f"There are no photos with a camera in {settings.up_side}; the object may be upright in {some(sides, 8)}"
        )
    if settings.front and front_among(names, settings.front) is None:
        raise BadUseError(
            f"The front {settings.front} is no photo that has a camera; choose one such as {some(sorted(names))}"
        )


def front_among(names: Collection[str], front: str) -> str | None:
    """Returns the photo that shows the object's front, as a person has named it; None where it has no camera."""
    # A HEIC photo has its camera as the JPEG that it was handed over as.
    return find_name(front, names) or find_name(f"{front}.jpg", names)


def check_in_folder(settings: PlacementSettings, photos: Path) -> None:
    """Refuse a side or a front that is not in a photo folder, before any of its photos has a camera.

    Raises BadUseError.
    """
    if settings.up_side and not (photos / settings.up_side).is_dir():
        raise BadUseError(
            f"There is no folder {settings.up_side} in {photos}; name the one with the photos in which the object is "
            "upright"
        )
    # The JPEG of a HEIC photo has a name that ends with .HEIC.jpg.
    if settings.front and not any(is_file(photos / name) for name in (settings.front, settings.front[:-4])):
        raise BadUseError(f"There is no photo {settings.front} in {photos}; name one that shows the object's front")


def find_up(photos: Sequence[Photo], side: str = "", orientations: Mapping[str, int] | None = None) -> Up:
    """Tell which way is up from the photos of the side named, else of the one with the most.

    Of several with as many, it is the one whose first file has the first name, as cameras number what they take.

    ``orientations`` are the EXIF orientations, 1 to 8, of photos by their names, as far as they are known.
    """
    sizes = Counter(side_of(photo.name) for photo in photos)
    first = {
        name: min(PurePosixPath(each.name).name for each in photos if side_of(each.name) == name) for name in sizes
    }
    by_size = sorted(sizes, key=lambda name: (-sizes[name], first[name], name))
    chosen = (find_name(side, sizes) or side) if side else by_size[0]
    ring = tuple(sorted((photo for photo in photos if side_of(photo.name) == chosen), key=lambda photo: photo.name))
    which = count(len(ring), "photo") + (f" of {chosen}" if len(sizes) > 1 else "")
    turns = [_held((orientations or {}).get(photo.name, 1)) for photo in ring]
    rotations = np.array([turn @ photo.rotation for turn, photo in zip(turns, ring, strict=True)]).reshape(-1, 3, 3)
    axis = _axis(rotations)
    if axis is None:
        return Up(chosen, ring, None, f"left as it lay, since no ring was found in its {which}")
    return Up(chosen, ring, _upward(axis, rotations), f"upright as in the {which}")


def _held(orientation: int) -> Floats:
    """From the camera's axes of a photo as it is stored to those of one that is upright, by its EXIF: 3 × 3."""
    x, y = _TOPS.get(orientation, _TOPS[1])
    return np.array([[-y, x, 0.0], [-x, -y, 0.0], [0.0, 0.0, 1.0]])


def _axis(rotations: Floats) -> Floats | None:
    """The line about which most of the turns are by which photos differ: 3, of length 1, either end.

    ``rotations`` are n × 3 × 3, world to cameras that are held upright. None where there is no ring.
    """
    rotations = rotations[_evenly(len(rotations), _MOST)]
    one, other = np.triu_indices(len(rotations), 1)
    turns = _half_turns(np.swapaxes(rotations[one], 1, 2) @ rotations[other])
    turns = turns[np.linalg.norm(turns, axis=1) > np.sin(_LEAST_TURN / 2)]
    if len(turns) < _LEAST_PAIRS:
        return None
    # Where a turn is large, errors of the poses matter least to its axis.
    weights = np.linalg.norm(turns, axis=1)
    axes = turns / weights[:, None]
    starts = axes[_evenly(len(axes), _STARTS)]
    agreement = np.exp(-(1 - (starts @ axes.T) ** 2) / (2 * _NEAR**2)) @ weights
    axis = starts[np.argmax(agreement)]
    for _ in range(12):
        sines = np.sqrt(np.maximum(0.0, 1 - (axes @ axis) ** 2))
        near = sines < np.sin(_NEAR)
        # As wide as those scatter that agree best: for a plate's one exact axis next to nothing, for a hand's some.
        width = np.clip(3 * np.quantile(sines[near], 0.25), _NARROWEST, _NEAR)
        kept = axes * (weights * np.exp(-(sines**2) / (2 * width**2)))[:, None] ** 0.5
        axis = np.linalg.eigh(kept.T @ kept)[1][:, -1]
    sines = np.sqrt(np.maximum(0.0, 1 - (axes @ axis) ** 2))
    near = sines < np.sin(_NEAR)
    is_ring = (
        np.count_nonzero(near) >= _LEAST_PAIRS
        and weights[near].sum() >= _LEAST_SHARE * weights.sum()
        and weights[near].max() >= np.sin(_LEAST_ROUND / 2)
    )
    if not is_ring:
        return None
    return axis if width < _BY_HAND else _level(axis, rotations)


def _level(axis: Floats, rotations: Floats) -> Floats:
    """The axis for cameras in a hand, which go up and down more than they are tilted to a side.

    What is level in the pictures, as that of its sides which is most nearly so, is level in the world: the axis is what
    is upright on all of it.
    """
    sides = rotations[:, :2]
    level = np.take_along_axis(sides, np.abs(sides @ axis).argmin(axis=1)[:, None, None], axis=1)[:, 0]
    level = level[np.abs(level @ axis) < np.sin(_TILTED)]
    found = np.asarray(np.linalg.eigh(level.T @ level)[1][:, 0])
    return found if len(level) >= _LEAST_PAIRS and abs(found @ axis) > np.cos(_NEAR) else axis


def _half_turns(rotations: Floats) -> Floats:
    """Axis × sine of half the angle of each of n rotations: n × 3, either end of the axis.

    The vector part of the rotation's quaternion, which is the foremost eigenvector of a matrix made of its entries and
    so as exact for half a turn as for any other (Bar-Itzhack, "New method for extracting the quaternion from a rotation
    matrix", 2000).
    """
    r = np.moveaxis(rotations, 0, -1)
    rows = [
        [r[0, 0] - r[1, 1] - r[2, 2], r[1, 0] + r[0, 1], r[2, 0] + r[0, 2], r[2, 1] - r[1, 2]],
        [r[1, 0] + r[0, 1], r[1, 1] - r[0, 0] - r[2, 2], r[2, 1] + r[1, 2], r[0, 2] - r[2, 0]],
        [r[2, 0] + r[0, 2], r[2, 1] + r[1, 2], r[2, 2] - r[0, 0] - r[1, 1], r[1, 0] - r[0, 1]],
        [r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1], r[0, 0] + r[1, 1] + r[2, 2]],
    ]
    return np.asarray(np.linalg.eigh(np.moveaxis(np.array(rows), -1, 0))[1][:, :3, -1])


def _upward(axis: Floats, rotations: Floats) -> Floats:
    """The end of the axis that is up in the pictures; where these do not tell, the one from which they look down."""
    up = -rotations[:, 1].mean(axis=0) @ axis
    if abs(up) < _TELLING:  # photos on their side of which EXIF does not say so, or a ring high above
        up = -rotations[:, 2].mean(axis=0) @ axis
    return axis if up >= 0 else -axis


def _evenly(number: int, most: int) -> npt.NDArray[np.int64]:
    """At most so many indices of ``number``."""
    return np.linspace(0, number - 1, min(number, most)).round().astype(np.int64)
