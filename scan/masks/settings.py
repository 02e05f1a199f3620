# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of a mask, and what those do that work on the pixels of a mask alone."""

import math
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..common.declared import Choice, Home, Unit, first_values, later_values, own_settings, setting
from ..common.hashes import short_hash
from .regions import small_regions

# A disc is grown by steps of one pixel, so many of them through the corners too (tan 22.5°: a regular octagon).
_CORNER_STEPS = math.tan(math.radians(22.5))
_OWN = "The masks of one scan are not those of the next"


def _objects() -> tuple[Choice, ...]:
    return (
        Choice("ASK", "Ask", "White, unless the masks look inverted: then nothing is done before it is said"),
        Choice("WHITE", "White", "White is the object, as in the masks that are made here"),
        Choice("BLACK", "Black", "Black is the object: the masks are turned"),
    )


@dataclass(frozen=True, kw_only=True)
class ObjectInMasks:
    """How somebody's own masks are read."""

    mask_object: str = setting(
        "ASK",
        label="Object in Masks",
        help="What the object is in masks of your own that are adopted",
        choices=_objects,
        since="0.2.0",
        no_home=_OWN,
    )


@dataclass(frozen=True, kw_only=True)
class AdoptingMasks(ObjectInMasks):
    """Whether a strip takes somebody's own masks first."""

    adopt_masks: bool = setting(
        default=False,
        label="Adopt Masks",
        help="Take the masks of your own that lie among or beside the photos; the rest is stripped",
        since="0.2.0",
        no_home=_OWN,
    )


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """From where on a soft mask keeps what it shows."""

    threshold: int = setting(
        128,
        label="Threshold",
        help="How sure the model must be of a pixel for it to be kept",
        home=Home.SCENE,
        low=1,
        high=255,
        metavar="N",
    )


@dataclass(frozen=True, kw_only=True)
class MaskSettings(Threshold):
    """What is made of a soft mask, in this order, without asking the model again."""

    fill_holes: float = setting(
        0.0,
        label="Fill Holes",
        help="Holes in the mask of up to this share of the picture are filled",
        home=Home.SCENE,
        unit=Unit.PERCENT,
        low=0,
        high=100,
        soft=(0, 5),
        metavar="PERCENT",
    )
    drop_islands: float = setting(
        0.0,
        label="Drop Islands",
        help="Patches beside the object of up to this share of the picture are dropped",
        home=Home.SCENE,
        unit=Unit.PERCENT,
        low=0,
        high=100,
        soft=(0, 5),
        metavar="PERCENT",
    )
    grow: int = setting(
        0,
        label="Grow",
        help="Pixels of the photo by which the mask is grown, or shrunk where negative",
        home=Home.SCENE,
        unit=Unit.PIXELS,
        low=-200,
        high=200,
        soft=(-20, 20),
        metavar="PIXELS",
    )
    refine_edges: bool = setting(
        default=False,
        label="Refine Edges",
        help="Snap the mask's edge to the edges in the photo, at full resolution; takes longer",
        home=Home.SCENE,
    )

    @property
    def needs_all_pixels(self) -> bool:
        """Whether some of them look at the whole mask at the photo's full size."""
        return bool(self.fill_holes or self.drop_islands or self.grow or self.refine_edges)

    def at_scale(self, scale: float) -> Self:
        """The same settings for a picture that many times as large as the photo, in whose pixels some are given."""
        pixels = [each.name for each in own_settings(MaskSettings) if each.declaration.unit is Unit.PIXELS]
        return replace(self, **{name: round(getattr(self, name) * scale) for name in pixels})

    def mask_key(self, soft_key: str) -> str:
        """Names the mask that these settings make of a soft mask."""
        return short_hash(soft_key, *first_values(self, MaskSettings), *later_values(self, MaskSettings))

    def mend(self, binary: NDArray[np.uint8], pixels: int) -> NDArray[np.uint8]:
        """Fill the small holes of a mask of 0 and 255, drop its small islands, then grow it.

        ``binary`` has the shape (height, width) and may be changed; ``pixels`` is how many the whole picture has, of
        which ``binary`` may be just the part around the object. A gap at the border is no hole: it is background, which
        goes on beyond. Done at full size: of what is smoothed away from a soft mask, scaling up leaves specks.
        """
        one_percent = pixels / 100
        if self.fill_holes:
            holes = small_regions(binary == 0, self.fill_holes * one_percent, diagonal=False, enclosed=True)
            binary[holes] = 255
        if self.drop_islands:
            binary[small_regions(binary != 0, self.drop_islands * one_percent, diagonal=True)] = 0
        return grow(binary, self.grow)


def grow(binary: NDArray[np.uint8], pixels: int) -> NDArray[np.uint8]:
    """Grow what is set by so many pixels in all directions, or shrink it by as many where negative.

    ``binary`` has the shape (height, width) and the values 0 and 255. The border of the picture is no edge: what it
    cuts off is taken to go on beyond.
    """
    if not pixels:
        return binary
    grown = ~binary if pixels < 0 else binary.copy()
    for step in range(abs(pixels)):
        corners = math.floor((step + 1) * _CORNER_STEPS) > math.floor(step * _CORNER_STEPS)
        before = grown.copy()
        _spread(before, grown, axis=0)
        # Spreading what was spread already reaches the corners; spreading what was there before does not.
        _spread(grown.copy() if corners else before, grown, axis=1)
    return ~grown if pixels < 0 else grown


def _spread(source: NDArray[np.uint8], target: NDArray[np.uint8], axis: int) -> None:
    """Set in ``target`` what is set in ``source`` one pixel before or behind along an axis."""
    source, target = np.moveaxis(source, axis, 0), np.moveaxis(target, axis, 0)
    np.maximum(target[1:], source[:-1], out=target[1:])
    np.maximum(target[:-1], source[1:], out=target[:-1])
