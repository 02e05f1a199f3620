# SPDX-License-Identifier: GPL-3.0-or-later
"""From photos, masks and a reconstruction to views: undistorted, cut to the object, at the working resolution.

The working resolution counts on the object's box, not on the photo: half the photos show the object at most ``edge``
pixels large (the root of their boxes' area). Photos are read one at a time and never enlarged.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from ..common.errors import PhotoError
from ..masks.solved import refuse_gone, solved_mask, solved_picture
from ..photos.photo import Photo as PhotoFile
from ..photos.profile import in_srgb
from ..reconstruction.pinhole import View as LensView
from ..reconstruction.pinhole import views
from ..reconstruction.types import Camera, Photo, Pinhole, Reconstruction
from ..reconstruction.types import Floats as Doubles
from ..reconstruction.undistort import undistortion
from .arrays import Arrays
from .frame import Frame
from .view import View

COLOR, GREY, MASK = "color", "grey", "mask"
"""Kinds of arrays, 8 bits: the photo's part in red, green and blue (height × width of the view × 3) and in grey, and
its mask, soft at the edge (height × width)."""
RANKS = 3
"""What so many masks cut away counts as cut away: one or two may be wrong."""
NEAREST_DEPTH = 1e-9
"""Of points that a photo does not show, since they are behind it, too."""
_MARGIN, _MARGIN_PIXELS = 0.03, 8


@dataclass(frozen=True)
class Source:
    """A photo that has a pose, and its files."""

    photo: Photo
    camera: Camera
    lens: LensView
    file: PhotoFile
    mask: Path | None
    """None in a scan that has no masks."""

    @property
    def pinhole(self) -> Pinhole:
        """The camera of the undistorted photo."""
        return self.lens.pinhole


def sources_of(reconstruction: Reconstruction, photos: Path, masks: Path | None, converted: Path) -> list[Source]:
    """The photos that have a camera, in the folder ``photos``, or as JPEGs of HEIC photos in ``converted``.

    The mask of a photo is ``<masks>/<photo>.png``, where there are any. What is not there is found out when it is
    read. Raises ModelError.
    """
    lenses = views(reconstruction)
    sources = []
    for photo in reconstruction.photos:
        file = photos / photo.name
        sources.append(
            Source(
                photo=photo,
                camera=reconstruction.cameras[photo.camera],
                lens=lenses[photo.camera],
                file=PhotoFile(PurePosixPath(photo.name), file if file.is_file() else converted / photo.name),
                mask=masks / f"{photo.name}.png" if masks else None,
            )
        )
    return sources


@dataclass(frozen=True)
class Box:
    """What of an undistorted photo the mask keeps. In pixels."""

    left: int
    upper: int
    right: int
    lower: int

    @property
    def edge(self) -> float:
        """The root of its area."""
        return math.sqrt((self.right - self.left) * (self.lower - self.upper))

    def around(self, other: "Box") -> "Box":
        """The least box around both."""
        left, upper = min(self.left, other.left), min(self.upper, other.upper)
        return Box(left, upper, max(self.right, other.right), max(self.lower, other.lower))


@dataclass(frozen=True)
class Part:
    """The rectangle of an undistorted photo that becomes a view. In its pixels; may reach beyond it."""

    left: int
    upper: int
    width: int
    height: int
    size: tuple[int, int]
    """Width and height of the view."""
    ends: tuple[bool, bool, bool, bool]
    """Whether the object reaches to the photo's left, upper, right and lower end."""

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, upper, right and lower edge in the photo, beyond which it may lie."""
        return self.left, self.upper, self.left + self.width, self.upper + self.height


def read_mask(source: Source, part: Part | None = None) -> Image.Image:
    """The undistorted mask, 0 and 255; with a ``part``, perhaps no more than that of it. Raises PhotoError.

    Without one, all of the photo is kept.
    """
    if source.mask is None:
        return Image.new("L", (source.pinhole.width, source.pinhole.height), 255)
    if not source.mask.exists():
        refuse_gone(source.file)  # whose mask went along, if it was renamed
    mask = solved_mask(source.mask, source.camera).binary()
    if not source.lens.undistorted:
        return mask
    return undistortion(source.camera, source.lens).apply_to_mask(mask, part.box if part else None)


def read_photo(source: Source, part: Part) -> Image.Image:
    """A part of the undistorted photo in mode RGB and in sRGB, perhaps with more around it. Raises PhotoError."""
    picture = in_srgb(solved_picture(source.file, source.camera))
    return undistortion(source.camera, source.lens).apply(picture, part.box) if source.lens.undistorted else picture


def box_of(source: Source) -> Box:
    """What the mask of a photo keeps. Raises PhotoError."""
    box = read_mask(source).getbbox()
    if box is None:
        raise PhotoError("has a mask that is all black and keeps nothing; strip it again with another model")
    return Box(*box)


def seen_at(source: Source, points: Doubles) -> tuple[Doubles, Doubles, Doubles]:
    """Where a photo shows points of the world (n × 3), in pixels, and their depth, at least ``NEAREST_DEPTH``."""
    seen = points @ source.photo.rotation.T + source.photo.translation
    depth = np.maximum(seen[:, 2], NEAREST_DEPTH)
    pinhole = source.pinhole
    return (
        seen[:, 0] / depth * pinhole.focal + pinhole.center_x,
        seen[:, 1] / depth * pinhole.focal + pinhole.center_y,
        depth,
    )


def working_scale(boxes: Sequence[Box], edge: float) -> float:
    """How much smaller the views are than the photos: 1, or less."""
    return min(1.0, edge / statistics.median(box.edge for box in boxes))


def part_of(source: Source, box: Box, scale: float) -> Part:
    """The part of a photo around the object, with a margin; its view's sides are multiples of 4."""
    width, height = source.pinhole.width, source.pinhole.height
    margin = int(_MARGIN * max(box.right - box.left, box.lower - box.upper)) + math.ceil(_MARGIN_PIXELS / scale)
    size = tuple(
        4 * math.ceil((length + 2 * margin) * scale / 4) for length in (box.right - box.left, box.lower - box.upper)
    )
    wide, high = (round(length / scale) for length in size)
    ends = (box.left <= 1, box.upper <= 1, box.right >= width - 1, box.lower >= height - 1)
    return Part(box.left - margin, box.upper - margin, wide, high, (size[0], size[1]), ends)


def view_of(source: Source, part: Part, frame: Frame) -> View:
    """The camera of a part, in the unit frame."""
    across, down = part.size[0] / part.width, part.size[1] / part.height
    pinhole = source.pinhole
    rotation, translation = frame.pose(source.photo.rotation, source.photo.translation)
    return View(
        name=source.photo.name,
        width=part.size[0],
        height=part.size[1],
        focal_x=pinhole.focal * across,
        focal_y=pinhole.focal * down,
        center_x=(pinhole.center_x - part.left) * across,
        center_y=(pinhole.center_y - part.upper) * down,
        rotation=rotation,
        translation=translation,
    )


def cut(image: Image.Image, part: Part) -> Image.Image:
    """A part of an undistorted picture at the size of its view; black where it reaches beyond."""
    piece = image.crop(part.box)
    return piece if piece.size == part.size else piece.resize(part.size, Image.Resampling.BOX)


def keep(source: Source, part: Part, number: int, arrays: Arrays) -> None:
    """Read a photo and its mask and keep their parts, the photo's in grey, too. Raises PhotoError, OutputError."""
    arrays.put(GREY, number, np.asarray(keep_colors(source, part, number, arrays).convert("L")))


def keep_colors(source: Source, part: Part, number: int, arrays: Arrays) -> Image.Image:
    """Read a photo and its mask, keep their parts, and return the photo's. Raises PhotoError, OutputError."""
    picture = cut(read_photo(source, part), part)
    arrays.put(COLOR, number, np.asarray(picture))
    arrays.put(MASK, number, np.asarray(cut(read_mask(source, part), part)))
    return picture
