# SPDX-License-Identifier: GPL-3.0-or-later
"""A solved scan as plain values.

World: the engine's own frame, of arbitrary origin, scale and direction, right-handed.
Camera axes (COLMAP's and OpenCV's): x to the right, y down, z forward, into the picture.
Pixels: of the picture as stored, EXIF orientation ignored; x to the right, y down, the upper left *corner* of the
picture is (0, 0), so that the centre of its first pixel is (0.5, 0.5).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Camera:
    """A lens and the size of its pictures, shared by the photos taken with it."""

    identifier: int
    model: str
    """One of ``camera_models.MODELS``."""
    width: int
    """In pixels, as the height."""
    height: int
    parameters: tuple[float, ...]
    """As the model names them: focal lengths and principal point in pixels, the others without a unit."""


@dataclass(frozen=True)
class Pinhole:
    """A camera without distortion and with square pixels: what Blender can show. All in pixels."""

    width: int
    height: int
    focal: float
    center_x: float
    center_y: float


@dataclass(frozen=True, eq=False)
class Photo:
    """A photo that was registered, and from where it was taken."""

    name: str
    """Relative to the photo folder, with forward slashes."""
    camera: int
    """The identifier of its camera."""
    rotation: Floats
    """3 × 3, from world to camera axes: a point p of the world is ``rotation @ p + translation`` to the camera."""
    translation: Floats
    """3, in units of the world."""

    @property
    def position(self) -> Floats:
        """Where it was taken from: 3, in the world."""
        return np.asarray(-self.rotation.T @ self.translation)


@dataclass(frozen=True, eq=False)
class Points:
    """The points that were triangulated, n of them."""

    positions: Floats
    """n × 3, in the world."""
    colors: npt.NDArray[np.uint8]
    """n × 3, red, green and blue in sRGB."""
    errors: Floats
    """n, the mean distance of a point's image to where it was seen, in pixels; negative where not known."""


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """One model: everything in it shares one frame."""

    cameras: dict[int, Camera]
    photos: tuple[Photo, ...]
    """In the order of their names; the camera of each is among ``cameras``."""
    points: Points
    lost_photos: int = 0
    """How many photos its files say to have beyond those that are in them."""
    lost_points: int = 0


@dataclass(frozen=True, eq=False)
class Mesh:
    """A closed triangle mesh in the world of a reconstruction."""

    vertices: Floats
    """n × 3."""
    faces: npt.NDArray[np.int32]
    """m × 3, indices of vertices, seen anticlockwise from outside."""
    normals: Floats
    """n × 3, outward, of length 1."""
    quality: Floats
    """n, 0 to 1: how far the photos agree about a vertex; 0 where none of them shows it."""
    colors: npt.NDArray[np.uint8] | None
    """n × 3, red, green and blue in sRGB; None where it has none."""
    uvs: npt.NDArray[np.float32] | None = None
    """M × 3 × 2, of the faces' corners: u to the right and v up, 0 to 1 over the texture; None where it has none."""
    polygons: npt.NDArray[np.int32] | None = None
    """m: which polygon each face is a part of, where several are; those are unwrapped together."""


def rotation_matrix(quaternion: Floats) -> Floats:
    """The rotation of a quaternion w, x, y, z of any length but 0, for which it is all NaN."""
    with np.errstate(invalid="ignore", divide="ignore"):
        w, x, y, z = quaternion / np.linalg.norm(quaternion)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )
