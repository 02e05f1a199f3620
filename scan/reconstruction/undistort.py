# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos and masks as a camera without distortion would have taken them. Runs in the worker only."""

from functools import lru_cache

import numpy as np
from PIL import Image

from .camera_models import project
from .pinhole import View, pixel_rays
from .types import Camera, Flags, Floats

_PRECISION = 0.02
"""How far, in pixels, a cell of the net may be off in its middle, where it is only interpolated."""
_CELLS = (32, 16, 8, 4)

Rectangle = tuple[int, int, int, int]
"""Left, upper, right and lower edge, in pixels."""
_Net = list[tuple[Rectangle, tuple[float, ...]]]


class Undistortion:
    """For one camera: the net of small cells over the new picture, each with its four corners in the old one."""

    def __init__(self, camera: Camera, view: View) -> None:
        self._size = (view.pinhole.width, view.pinhole.height)
        self._net = _net(camera, view)

    def apply(self, image: Image.Image, within: Rectangle | None = None) -> Image.Image:
        """The new picture; black where the photo shows nothing, and what is not ``within`` need not be there.

        ``image`` has the camera's size and one or more channels of 8 bits, or one of floating-point numbers.
        """
        net = self._net if within is None else [each for each in self._net if _meet(each[0], within)]
        # Not bicubic: Pillow's, in a transform, moves the picture by up to a tenth of a pixel (measured, 12.3).
        return image.transform(self._size, Image.Transform.MESH, net, Image.Resampling.BILINEAR)

    def apply_to_mask(self, mask: Image.Image, within: Rectangle | None = None) -> Image.Image:
        """The same for a mask of 0 and 255, which stays one."""
        return self.apply(mask, within).point([0] * 128 + [255] * 128)


# Kept for the next photo of the same camera; but not for all cameras at once, of which each photo may have its own.
@lru_cache(maxsize=8)
def undistortion(camera: Camera, view: View) -> Undistortion:
    """The undistortion of a camera's photos. May be called from several threads."""
    return Undistortion(camera, view)


def _meet(some: Rectangle, other: Rectangle) -> bool:
    return some[0] < other[2] and other[0] < some[2] and some[1] < other[3] and other[1] < some[3]


def _net(camera: Camera, view: View) -> _Net:
    for cell in _CELLS:
        net, worst = _net_of(camera, view, cell)
        if worst <= _PRECISION:
            break
    return net


def _net_of(camera: Camera, view: View, cell: int) -> tuple[_Net, float]:
    """The net with cells of one size, in pixels, and how far it is off in the middle of the worst of them."""
    across, down = (_knots(length, cell) for length in (view.pinhole.width, view.pinhole.height))
    x, y, near = _in_photo(camera, view, *np.meshgrid(across, down))
    upper_left, lower_left, lower_right, upper_right = (
        (slice(None, -1), slice(None, -1)),
        (slice(1, None), slice(None, -1)),
        (slice(1, None), slice(1, None)),
        (slice(None, -1), slice(1, None)),
    )
    # In the order that Pillow wants the corners in.
    corners = [each[part] for part in (upper_left, lower_left, lower_right, upper_right) for each in (x, y)]
    quads = np.stack(corners, axis=-1)
    # A cell shows something if the lens reaches all of it and the photo some of it.
    shown = np.logical_and.reduce([near[part] for part in (upper_left, lower_left, lower_right, upper_right)])
    shown &= (quads[..., ::2].max(-1) > 0) & (quads[..., ::2].min(-1) < camera.width)
    shown &= (quads[..., 1::2].max(-1) > 0) & (quads[..., 1::2].min(-1) < camera.height)

    middles = np.meshgrid((across[:-1] + across[1:]) / 2, (down[:-1] + down[1:]) / 2)
    x, y, _ = _in_photo(camera, view, *middles)
    off = np.hypot(x - quads[..., ::2].mean(-1), y - quads[..., 1::2].mean(-1))[shown]
    rows, columns = np.nonzero(shown)
    edges = (across.astype(int).tolist(), down.astype(int).tolist())
    boxes = [
        (edges[0][column], edges[1][row], edges[0][column + 1], edges[1][row + 1])
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
    ]
    net = list(zip(boxes, map(tuple, quads[shown].tolist()), strict=True))
    return net, float(off.max(initial=0.0))


def _knots(length: int, cell: int) -> Floats:
    return np.append(np.arange(0, length, cell), length).astype(float)


def _in_photo(camera: Camera, view: View, x: Floats, y: Floats) -> tuple[Floats, Floats, Flags]:
    """Where points of the new picture are in the old one, and whether the lens reaches so far."""
    u, v = pixel_rays(view.pinhole, x, y)
    near = np.hypot(u, v) <= view.reach
    # Rays beyond are drawn in: they are not shown, and shall not upset the numbers.
    shrink = np.where(near, 1.0, view.reach / np.maximum(np.hypot(u, v), 1e-12))
    return *project(camera, u * shrink, v * shrink), near
