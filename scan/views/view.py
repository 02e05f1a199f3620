# SPDX-License-Identifier: GPL-3.0-or-later
"""A photo as meshing and texturing see it: the part around the object, without distortion, at the working resolution.

Pixels: x to the right, y down, the upper left corner of the part is (0, 0), so that the centre of its first pixel is
(0.5, 0.5). Camera axes: x to the right, y down, z forward (COLMAP's). World: the *unit frame* of ``frame.py``.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]

NEAREST = 1e-3
"""Points nearer to a camera than this, in units of the world, are as if they were there: nothing is divided by 0."""


@dataclass(frozen=True, eq=False)
class View:
    """A pinhole camera that shows the part of a photo around the object."""

    name: str
    """The photo's."""
    width: int
    """In pixels, as all the following; a multiple of 4, as the height, so that it can be halved twice."""
    height: int
    focal_x: float
    focal_y: float
    center_x: float
    center_y: float
    rotation: Floats
    """3 × 3, from world to camera axes."""
    translation: Floats
    """3: a point p of the world is ``rotation @ p + translation`` to the camera."""

    @property
    def position(self) -> Floats:
        """Where the camera is in the world."""
        return np.asarray(-self.rotation.T.astype(np.float64) @ self.translation, np.float32)

    @property
    def pixel_angle(self) -> float:
        """How large a pixel in the middle is at distance 1."""
        return 2.0 / (self.focal_x + self.focal_y)

    @property
    def pixel(self) -> float:
        """How large a pixel is at the world's origin, where the object is."""
        return float(np.linalg.norm(self.position)) * self.pixel_angle

    def towards(self, points: Floats, normals: Floats) -> tuple[Floats, Floats]:
        """N twice: the cosine between a normal (n × 3, of length 1) and the way from its point to the camera; how far.

        ``points`` are n × 3.
        """
        way = self.position - points
        distance = np.sqrt(np.einsum("ni,ni->n", way, way))
        return np.einsum("ni,ni->n", way, normals) / distance, distance

    def halved(self, times: int) -> "View":
        """The same part with its sides halved so many times (at most twice)."""
        share = 0.5**times
        return replace(
            self,
            width=self.width >> times,
            height=self.height >> times,
            focal_x=self.focal_x * share,
            focal_y=self.focal_y * share,
            center_x=self.center_x * share,
            center_y=self.center_y * share,
        )

    def to_camera(self, points: Floats) -> Floats:
        """Returns 3 × n: points of the world, n × 3, in the camera's axes."""
        seen = rotated(self.rotation, points)
        seen += self.translation[:, None]
        return seen

    def project(self, points: Floats) -> tuple[Floats, Floats, Floats]:
        """X and y in pixels and depth (along the axis) of points of the world, n × 3."""
        x, y, z = self.to_camera(points)
        depth = np.maximum(z, np.float32(NEAREST))
        inverse = 1 / depth
        x *= inverse
        x *= np.float32(self.focal_x)
        x += np.float32(self.center_x)
        y *= inverse
        y *= np.float32(self.focal_y)
        y += np.float32(self.center_y)
        return x, y, depth

    def pixel_of(self, x: Floats, y: Floats) -> tuple[Flags, Ints]:
        """Whether places in pixels are in the picture; and which pixel they are in, row by row, else 0."""
        inside = (x >= 0) & (y >= 0) & (x < self.width) & (y < self.height)
        at = np.floor(y)
        at *= np.float32(self.width)
        at += np.floor(x)
        return inside, np.where(inside, at, 0).astype(np.intp)

    def rays(self, rows: Ints | None = None, columns: Ints | None = None) -> Floats:
        """3 × rows × columns: the ray (x, y, 1) through the centre of each pixel, in camera axes.

        By default of all pixels. Rows and columns may lie beyond the picture.
        """
        x, y = self._slopes(
            np.arange(self.height) if rows is None else rows, np.arange(self.width) if columns is None else columns
        )
        rays = np.ones((3, len(y), len(x)), np.float32)
        rays[0], rays[1] = x, y[:, None]
        return rays

    def rays_at(self, rows: Ints, columns: Ints) -> Floats:
        """3 × n: the rays through the centres of pixels, by their rows and columns."""
        x, y = self._slopes(rows, columns)
        return np.stack([x, y, np.ones_like(x)])

    def to_world(self, depth: Floats, rows: Ints, columns: Ints) -> Floats:
        """Returns n × 3: the points of the world that pixels show, by their depth (n), row and column."""
        x, y = self._slopes(rows, columns)
        seen = np.stack([x * depth, y * depth, depth], axis=1)
        return np.ascontiguousarray(rotated(self.rotation.T, seen - self.translation).T)

    def _slopes(self, rows: Ints, columns: Ints) -> tuple[Floats, Floats]:
        """X and y, at depth 1, of the centres of pixels."""
        x = (columns.astype(np.float32) + np.float32(0.5 - self.center_x)) / np.float32(self.focal_x)
        y = (rows.astype(np.float32) + np.float32(0.5 - self.center_y)) / np.float32(self.focal_y)
        return x, y


def rotated(matrix: Floats, points: Floats) -> Floats:
    """Returns 3 × …: points, … × 3, times a matrix, 3 × 3.

    The products are added one by one. A library of matrices is quicker and adds them as each processor likes best, and
    what differs in the last digit here is another mesh in the end.
    """
    result = np.empty((3, *points.shape[:-1]), np.float32)
    x, y, z = (np.ascontiguousarray(points[..., axis]) for axis in range(3))
    part = np.empty_like(x)
    for row, (for_x, for_y, for_z) in zip(result, matrix, strict=True):
        np.multiply(x, for_x, out=row)
        for values, share in ((y, for_y), (z, for_z)):
            np.multiply(values, share, out=part)
            np.add(row, part, out=row)
    return result


def bilinear(image: Floats, x: Floats, y: Floats) -> Floats:
    """The values of an image between its pixels, at x and y of any shape; outside, those of its border."""
    height, width = image.shape
    x = np.clip(x - np.float32(0.5), 0, np.float32(width - 1.001))
    y = np.clip(y - np.float32(0.5), 0, np.float32(height - 1.001))
    left, upper = np.floor(x), np.floor(y)
    x -= left
    y -= upper
    upper *= np.float32(width)
    upper += left
    at = upper.astype(np.intp)  # exact up to 2 ** 24 pixels; other integers than these are ten times as slow here
    flat = image.ravel()
    above, right = flat[at], flat[1:][at]
    right -= above
    right *= x
    above += right
    below, right = flat[width:][at], flat[width + 1 :][at]
    right -= below
    right *= x
    below += right
    below -= above
    below *= y
    above += below
    return above


def halved(image: Floats, times: int) -> Floats:
    """Each pixel the mean of 2 × 2, so many times."""
    for _ in range(times):
        height, width = image.shape
        image = image.reshape(height // 2, 2, width // 2, 2).mean((1, 3), dtype=np.float32)
    return image
