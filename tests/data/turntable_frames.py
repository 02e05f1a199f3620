# SPDX-License-Identifier: GPL-3.0-or-later
"""Where everything stands in each photo of the turntable scan: pure numpy, no bpy, no Pillow.

Axes and units, used by every script of this folder:

- *room* frame: metres, z up, origin on the turntable's axis at the height of its top; the camera stands at -y.
- *object* frame: metres, z up while the object stands upright, origin in the middle of its foot.
- *camera* frame: COLMAP's. x right, y down, z forward; in pixels, the centre of the upper-left one is (0.5, 0.5).

The camera and the room never move within a side; the plate turns the object by 18 degrees from photo to photo.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

PHOTOS_PER_SIDE = 20
STEP_DEGREES = 360.0 / PHOTOS_PER_SIDE

OBJECT_HEIGHT = 0.215
"""Foot to rim, metres. The rim is the object's highest plane, so that it can stand on it."""

SENSOR_HEIGHT_MM = 7.2
"""Of the imagined 9.6 x 7.2 mm sensor; a photo of another shape keeps the height."""
FULL_FRAME_DIAGONAL_MM = 43.2666153
FOCAL_IN_HEIGHTS = 50.0 / FULL_FRAME_DIAGONAL_MM * 5.0 / 3.0
"""Focal length in picture heights: exactly 50 mm equivalent (by diagonal, as CIPA defines it) in a 4:3 photo."""
FOCAL_MM = FOCAL_IN_HEIGHTS * SENSOR_HEIGHT_MM


@dataclass(frozen=True)
class Side:
    """One way of standing the object on the plate, and the tripod that goes with it."""

    name: str
    flipped: bool
    elevation_degrees: float  # of the camera, seen from the point looked at
    distance: float  # camera to that point, metres
    target: tuple[float, float, float]  # the point looked at, room frame
    start_degrees: float  # how the object happened to be put down
    offset: tuple[float, float]  # and how far from the axis, metres, in the plate's plane


SIDES = (
    Side("upright", False, 19.0, 0.660, (0.0, 0.0, 0.100), 28.0, (0.004, -0.003)),
    Side("flipped", True, 15.0, 0.650, (0.0, 0.0, 0.104), 143.0, (-0.003, 0.005)),
)


@dataclass(frozen=True)
class Photo:
    """One photo to be: its number (1 is the first), its side, its place in the side's turn."""

    number: int
    side: Side
    step: int

    @property
    def name(self) -> str:
        """Path below the photo folder, without extension."""
        return f"{self.side.name}/IMG_{self.number:04d}"


def all_photos() -> list[Photo]:
    """The forty photos in the order in which they were taken."""
    return [
        Photo(side_index * PHOTOS_PER_SIDE + step + 1, side, step)
        for side_index, side in enumerate(SIDES)
        for step in range(PHOTOS_PER_SIDE)
    ]


def _turn_z(degrees: float) -> np.ndarray:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    matrix = np.eye(4)
    matrix[:2, :2] = [[c, -s], [s, c]]
    return matrix


def room_from_object(photo: Photo) -> np.ndarray:
    """4x4 pose of the object in the room."""
    place = np.eye(4)
    if photo.side.flipped:
        place[1, 1] = place[2, 2] = -1.0  # half a turn about x
        place[2, 3] = OBJECT_HEIGHT  # and down onto its rim
    place = _turn_z(photo.side.start_degrees) @ place
    place[:2, 3] += photo.side.offset
    return _turn_z(photo.step * STEP_DEGREES) @ place


def room_from_camera(side: Side, away: float = 1.0) -> np.ndarray:
    """4x4 pose of the camera in the room, with the camera frame's own axes (x right, y down, z forward).

    It stands `away` times as far from the object as the side says.
    """
    elevation = np.radians(side.elevation_degrees)
    forward = np.array([0.0, np.cos(elevation), -np.sin(elevation)])
    right = np.array([1.0, 0.0, 0.0])
    matrix = np.eye(4)
    matrix[:3, 0], matrix[:3, 1], matrix[:3, 2] = right, np.cross(forward, right), forward
    matrix[:3, 3] = np.array(side.target) - away * side.distance * forward
    return matrix


def camera_from_object(photo: Photo, away: float = 1.0) -> np.ndarray:
    """4x4 that takes a point of the object frame to the camera frame: COLMAP's "world to camera"."""
    return np.linalg.inv(room_from_camera(photo.side, away)) @ room_from_object(photo)


def intrinsics(width: int, height: int, zoom: float = 1.0) -> dict[str, float]:
    """Pinhole without distortion, in pixels; the principal point is the middle of the picture."""
    focal = FOCAL_IN_HEIGHTS * zoom * height
    return {
        "model": "PINHOLE",
        "width": width,
        "height": height,
        "fx": focal,
        "fy": focal,
        "cx": width / 2.0,
        "cy": height / 2.0,
    }


def focal_35mm(width: int, height: int, zoom: float = 1.0) -> int:
    """The 35 mm equivalent as EXIF stores it: by diagonal, a whole number."""
    return round(FOCAL_IN_HEIGHTS * zoom * height / np.hypot(width, height) * FULL_FRAME_DIAGONAL_MM)


def camera_table(photos: list[Photo], width: int, height: int, zoom: float = 1.0, away: float = 1.0) -> dict:
    """What cameras.json holds: the ground truth of every photo, in the object's frame."""
    entries = []
    for photo in photos:
        matrix = camera_from_object(photo, away)
        entries.append(
            {
                "photo": f"{photo.name}.JPG",
                "camera_from_object": matrix.round(12).tolist(),
                "centre": (-matrix[:3, :3].T @ matrix[:3, 3]).round(12).tolist(),
            }
        )
    return {
        "convention": "camera_from_object is a 4x4 matrix, metres: a point of the object's frame (z up, origin in the"
        " middle of the foot, as in object.ply) goes to the camera's frame, x right, y down, z forward"
        " (COLMAP's world to camera). centre is the camera's place in the object's frame. Intrinsics are"
        " in pixels; the centre of the upper-left pixel is (0.5, 0.5).",
        "intrinsics": intrinsics(width, height, zoom),
        "photos": entries,
    }
