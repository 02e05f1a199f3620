# SPDX-License-Identifier: GPL-3.0-or-later
"""The camera without distortion that stands for a solved one: in Blender, and in the undistorted copy of its photos."""

from dataclasses import dataclass

import numpy as np

from ..common.errors import ModelError
from .camera_models import project
from .types import Camera, Flags, Floats, Pinhole, Reconstruction

TOLERANCE = 0.04
"""How far, in pixels, any part of a photo may be off what Blender's camera shows before the photo is undistorted. It is
far below what a solve is sure of; with what single precision adds in Blender it stays below 0.05."""

_GRID = 33
# A flat picture cannot show more than this to one side of its axis, in radians, without swelling.
_WIDEST = np.radians(60)
# A corner of such a picture lies further from the axis: as far as the lens must be looked at.
_FURTHEST = np.arctan(np.sqrt(2) * np.tan(_WIDEST))
_STEPS = 256
_BORDER_POINTS = 16
_HALVINGS = 20
# The copy of a photo is at most this many times as large, in pixels.
_LARGEST = 2.0


@dataclass(frozen=True)
class View:
    """How a camera's photos are shown."""

    pinhole: Pinhole
    undistorted: bool
    """Whether the photos have to be undistorted to fit ``pinhole``, or fit as they are."""
    reach: float
    """Where undistorted: how far from the axis (the tangent of the angle) the lens can be asked; beyond, it folds back
    and would show the picture's middle again."""


def view(camera: Camera) -> View:
    """The best camera that Blender can show for a solved one. Raises ModelError where it does not look ahead at all."""
    focal, center_x, center_y = _on_the_axis(camera)
    plain = Pinhole(camera.width, camera.height, focal, center_x, center_y)
    if _deviation(camera, plain) <= TOLERANCE:
        return View(plain, undistorted=False, reach=np.inf)
    return _flattened(camera, focal)


def views(reconstruction: Reconstruction) -> dict[int, View]:
    """The view of every camera that photos were taken with, by its identifier. Raises ModelError as ``view`` does."""
    used = {photo.camera for photo in reconstruction.photos}
    return {identifier: view(reconstruction.cameras[identifier]) for identifier in sorted(used)}


def pixel_rays(pinhole: Pinhole, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """The rays (u, v, 1) of the camera's frame that meet the picture at x and y, in pixels."""
    return (x - pinhole.center_x) / pinhole.focal, (y - pinhole.center_y) / pinhole.focal


def _on_the_axis(camera: Camera) -> tuple[float, float, float]:
    """Focal length and principal point in pixels, as a thin ray along the axis sees them."""
    h = 1e-5
    x, y = project(camera, np.array([0.0, h, -h, 0.0, 0.0]), np.array([0.0, 0.0, 0.0, h, -h]))
    area = (x[1] - x[2]) * (y[3] - y[4]) - (x[3] - x[4]) * (y[1] - y[2])
    focal = float(np.sqrt(area)) / (2 * h) if area > 0 else np.nan
    if not np.isfinite([focal, x[0], y[0]]).all():
        raise ModelError(
            f"Camera {camera.identifier} ({camera.model}) turns the picture inside out, so its solve went "
            "wrong; solve again"
        )
    return focal, float(x[0]), float(y[0])


def _deviation(camera: Camera, plain: Pinhole) -> float:
    """The largest distance, in pixels, between where the two cameras show the same ray, over the picture."""
    across, down = np.meshgrid(np.linspace(0, plain.width, _GRID), np.linspace(0, plain.height, _GRID))
    x, y = project(camera, *pixel_rays(plain, across, down))
    distance = np.hypot(x - across, y - down)
    return float(np.nan_to_num(distance, nan=np.inf).max())


def _flattened(camera: Camera, focal: float) -> View:
    """A picture that holds all the photo shows within ``_WIDEST``, with the photo's own scale in its middle."""
    angles, directions = np.linspace(0, _FURTHEST, _STEPS), _directions(camera)
    radius = np.tan(angles)[:, None]
    x, y = project(camera, radius * directions[0], radius * directions[1])
    last = _steps_before_folding(x, y)
    inside = _is_inside(camera, x, y) & (angles[:, None] <= _WIDEST)
    inside[last + 1 :] = False
    if not inside.any():
        raise ModelError(
            f"Camera {camera.identifier} ({camera.model}) shows nothing of what is ahead of it; solve again, or with "
            "another camera model"
        )
    u, v = _outline(camera, angles, directions[:, inside.any(axis=0)], inside[:, inside.any(axis=0)])
    left, right, top, bottom = u.min(), u.max(), v.min(), v.max()
    area = (right - left) * (bottom - top) * focal**2
    focal *= min(1.0, np.sqrt(_LARGEST * camera.width * camera.height / area))
    width, height = (max(1, round(float(extent * focal))) for extent in (right - left, bottom - top))
    # What rounding added or took is shared by both sides.
    center_x, center_y = width / 2 - focal * (left + right) / 2, height / 2 - focal * (top + bottom) / 2
    return View(
        Pinhole(width, height, float(focal), float(center_x), float(center_y)),
        undistorted=True,
        reach=float(radius[last, 0]),
    )


def _directions(camera: Camera) -> Floats:
    """2 × n, of length 1: from the axis to points all along the photo's border, corners included.

    Exact for lenses that are the same all round, near enough for the others.
    """
    share = np.linspace(0, 1, _BORDER_POINTS, endpoint=False)
    x = np.concatenate([share, np.ones_like(share), 1 - share, np.zeros_like(share)]) * camera.width
    y = np.concatenate([np.zeros_like(share), share, np.ones_like(share), 1 - share]) * camera.height
    h = 1e-5
    at_x, at_y = project(camera, np.array([0.0, h, 0.0]), np.array([0.0, 0.0, h]))
    slopes = np.array([at_x[1:] - at_x[0], at_y[1:] - at_y[0]])
    rays: Floats = np.linalg.solve(slopes, np.array([x - at_x[0], y - at_y[0]]))
    length = np.hypot(rays[0], rays[1])
    unit: Floats = rays[:, length > 0] / length[length > 0]
    return unit


def _steps_before_folding(x: Floats, y: Floats) -> int:
    """The last of the steps up to which the picture grows outward in every direction."""
    distance = np.hypot(x - x[0], y - y[0])
    grows = (np.diff(distance, axis=0) > 0).all(axis=1)  # False also for NaN
    last = int(np.logical_and.accumulate(grows).sum())
    return last if last == len(grows) else max(0, last - 1)  # the turn may lie within the last step that grew


def _is_inside(camera: Camera, x: Floats, y: Floats) -> Flags:
    slack = 1e-6
    inside: Flags = (x >= -slack) & (x <= camera.width + slack) & (y >= -slack) & (y <= camera.height + slack)
    return inside


def _outline(camera: Camera, angles: Floats, directions: Floats, inside: Flags) -> tuple[Floats, Floats]:
    """The rays at which the photo ends, and at which it begins where the axis is not in it, exact between two steps."""
    first = np.argmax(inside, axis=0)
    last = len(angles) - 1 - np.argmax(inside[::-1], axis=0)
    inner = _edge(camera, angles[first], angles[np.maximum(first - 1, 0)], directions)
    outer = _edge(camera, angles[last], angles[np.minimum(last + 1, len(angles) - 1)], directions)
    radius = np.tan(np.stack([inner, outer]))
    return radius * directions[0], radius * directions[1]


def _edge(camera: Camera, within: Floats, without: Floats, directions: Floats) -> Floats:
    """The angles at which the directions cross the photo's border, by halving what lies between."""
    for _ in range(_HALVINGS):
        middle = (within + without) / 2
        x, y = project(camera, np.tan(middle) * directions[0], np.tan(middle) * directions[1])
        fits = _is_inside(camera, x, y) & (middle <= _WIDEST)
        within, without = np.where(fits, middle, within), np.where(fits, without, middle)
    return within
