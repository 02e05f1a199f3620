# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenes made of formulas: a painted solid, cameras around it, and what they see of it, all known exactly.

The solid lies in meshing's unit frame; a scan on disk lies in a world of its own (``Place``).
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np
from built_models import ball
from PIL import Image

import colmap_text
from scan.meshing.extract import extract
from scan.meshing.fusion import fuse
from scan.meshing.hull import Outline, grid_around
from scan.meshing.sweep import Picture
from scan.reconstruction.types import Camera, Photo
from scan.views.distances import signed_distances
from scan.views.surface import Surface
from scan.views.threads import Workers
from scan.views.view import View

THREADS = Workers(2, threading.Event())
AWAY = 4.0
"""How far the cameras are from the middle."""
_FINE = 4
"""Rays along a pixel's side where the outline is."""


@dataclass(frozen=True)
class Ball:
    """A ball, in the unit frame."""

    center: tuple[float, float, float]
    radius: float

    def distances(self, points: np.ndarray) -> np.ndarray:
        """How far points are from its surface, negative inside."""
        return np.linalg.norm(points - np.array(self.center), axis=-1) - self.radius

    def crossings(self, origin: np.ndarray, rays: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where rays enter and leave it, in lengths of the rays; NaN where they pass."""
        away = origin - np.array(self.center)
        a, b = (rays * rays).sum(-1), rays @ away
        with np.errstate(invalid="ignore"):
            root = np.sqrt(b * b - a * (away @ away - self.radius**2))
        return (-b - root) / a, (-b + root) / a


@dataclass(frozen=True)
class Solid:
    """Balls, less other balls, with a paint that is the same from wherever it is seen."""

    balls: tuple[Ball, ...] = (Ball((0, 0, 0), 1.0), Ball((-0.55, -0.5, 0.35), 0.33))
    hollows: tuple[Ball, ...] = (Ball((0.85, 0.2, 0.15), 0.5),)
    contrast: float = 55.0
    """Of the paint, in grey values; 0 for none at all."""

    def distances(self, points: np.ndarray) -> np.ndarray:
        """How far points are from the surface, negative inside; exact near it but at its creases, else too little."""
        outside = np.min([each.distances(points) for each in self.balls], axis=0)
        return np.max([outside, *(-each.distances(points) for each in self.hollows)], axis=0)

    def depths(self, origin: np.ndarray, rays: np.ndarray) -> np.ndarray:
        """Where rays (n × 3) first meet it, in their lengths; infinite where they pass."""
        enter = [each.crossings(origin, rays)[0] for each in self.balls]
        leave = [each.crossings(origin, rays)[1] for each in self.hollows]
        nearest = np.full(len(rays), np.inf)
        for each in enter + leave:
            met = np.flatnonzero(each < nearest)
            met = met[np.abs(self.distances(origin + each[met, None] * rays[met])) < 1e-9]
            nearest[met] = each[met]
        return nearest

    def paint(self, points: np.ndarray) -> np.ndarray:
        """The grey value of points, 0 to 255."""
        directions, phases = _waves()
        mean = np.sin(points @ directions.T + phases).sum(-1) / np.sqrt(len(phases) / 2)
        return np.clip(128 + self.contrast * mean, 10, 245)


@cache
def _waves() -> tuple[np.ndarray, np.ndarray]:
    """Waves through space, their lengths from a seventh of the radius up."""
    random = np.random.default_rng(5)
    directions = random.normal(size=(24, 3))
    lengths = 0.15 * 5 ** random.random(24)
    directions *= (2 * np.pi / lengths / np.linalg.norm(directions, axis=1))[:, None]
    return directions, random.uniform(0, 2 * np.pi, 24)


SOLID = Solid()
PLAIN = Solid(contrast=0.0)
SPHERE = Solid(balls=(Ball((0, 0, 0), 1.0),), hollows=())


@dataclass(frozen=True)
class Lens:
    """A camera as COLMAP has it."""

    model: str
    width: int
    height: int
    parameters: tuple[float, ...]

    def rays(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """The rays (u, v, 1) at which points of the picture look, by going back against the distortion."""
        at = dict(zip(_NAMES[self.model], self.parameters, strict=True))
        focal_x, focal_y = (at.get(name, at.get("f")) for name in ("fx", "fy"))
        bent_u, bent_v = (x - at["cx"]) / focal_x, (y - at["cy"]) / focal_y
        u, v = bent_u, bent_v
        k1, k2, p1, p2 = bends = [at.get(name, 0.0) for name in ("k1", "k2", "p1", "p2")]
        for _ in range(30 if any(bends) else 0):
            square = u * u + v * v
            grown = k1 * square + k2 * square**2
            u, v = (
                bent_u - u * grown - 2 * p1 * u * v - p2 * (square + 2 * u * u),
                bent_v - v * grown - 2 * p2 * u * v - p1 * (square + 2 * v * v),
            )
        return np.stack([u, v, np.ones_like(u)], -1)


_NAMES = {
    "PINHOLE": ("fx", "fy", "cx", "cy"),
    "SIMPLE_RADIAL": ("f", "cx", "cy", "k1"),
    "OPENCV": ("fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2"),
}


@dataclass(frozen=True)
class Pose:
    """Where a camera is in the unit frame."""

    rotation: np.ndarray
    translation: np.ndarray

    @property
    def position(self) -> np.ndarray:
        """Of the camera."""
        return -self.rotation.T @ self.translation


def pose(azimuth: float, elevation: float, roll: float = 0.0) -> Pose:
    """A camera that looks at the middle from so many degrees; z is up."""
    a, e, r = np.radians([azimuth, elevation, roll])
    back = np.array([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)])
    right = np.array([-np.sin(a), np.cos(a), 0.0])
    down = np.cross(-back, right)
    turned = np.stack([np.cos(r) * right + np.sin(r) * down, np.cos(r) * down - np.sin(r) * right, -back])
    return Pose(turned, np.array([0.0, 0.0, AWAY]))


def ring(count: int, elevation: float = 0.0, first: float = 0.0, whole: float = 360.0) -> list[Pose]:
    """So many poses around the middle, evenly over ``whole`` degrees."""
    return [pose(first + whole * number / count, elevation) for number in range(count)]


def around(count: int = 16) -> list[Pose]:
    """A ring, and two more from above and from below: 4 more than ``count``."""
    return ring(count, 8.0) + ring(2, 55.0) + ring(2, -55.0, 90.0)


@dataclass(frozen=True)
class Seen:
    """What a camera sees. All height × width."""

    grey: np.ndarray
    cover: np.ndarray
    """How much of a pixel the solid covers, 0 to 1."""
    depth: np.ndarray
    """Along the axis, at the pixel's centre; infinite beside the solid."""


def look(solid: Solid, lens: Lens, at: Pose) -> Seen:
    """What a camera sees of a solid before a ground that does not turn with it."""

    def cast(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rays = lens.rays(x, y) @ at.rotation
        depth = solid.depths(at.position, rays)
        met = np.isfinite(depth)
        paint = np.zeros(len(x))
        paint[met] = solid.paint(at.position + depth[met, None] * rays[met])
        return depth, paint

    shape = (lens.height, lens.width)
    y, x = (each.ravel() + 0.5 for each in np.indices(shape))
    depth, paint = cast(x, y)
    met = np.isfinite(depth).reshape(shape)
    wide = np.pad(met, 1, mode="edge")
    near = [wide[i : i + lens.height, j : j + lens.width] for i in range(3) for j in range(3)]
    at_edge = np.flatnonzero(np.logical_or.reduce(near) & ~np.logical_and.reduce(near))
    steps = (np.arange(_FINE) + 0.5) / _FINE - 0.5
    fine_x = x[at_edge, None] + np.tile(steps, _FINE)
    fine_y = y[at_edge, None] + np.repeat(steps, _FINE)
    fine_depth, fine_paint = (each.reshape(fine_x.shape) for each in cast(fine_x.ravel(), fine_y.ravel()))
    cover = met.ravel().astype(float)
    cover[at_edge] = np.isfinite(fine_depth).mean(1)
    paint[at_edge] = fine_paint.mean(1)  # what is missed is black
    ground = np.random.default_rng(7).normal(60, 10, len(x))
    grey = paint + (1 - cover) * ground
    return Seen(*(each.reshape(shape).astype(np.float32) for each in (grey, cover, depth)))


@dataclass(frozen=True)
class Shot:
    """A view of the unit frame and what it shows."""

    view: View
    seen: Seen

    @property
    def mask(self) -> np.ndarray:
        """0 to 255, soft at the edge."""
        return self.seen.cover * np.float32(255)

    @property
    def outline(self) -> Outline:
        """Of the solid."""
        return Outline(self.view, signed_distances(self.mask))

    @property
    def picture(self) -> Picture:
        """In grey."""
        return Picture(self.view, self.seen.grey)


def view_from(at: Pose, name: str = "photo", width: int = 160, height: int = 160) -> View:
    """A view in which a ball of radius 1.2 just fits."""
    focal = min(width, height) / 2 * AWAY / 1.2
    return View(
        name=name,
        width=width,
        height=height,
        focal_x=focal,
        focal_y=focal * 1.01,
        center_x=width * 0.49,
        center_y=height * 0.52,
        rotation=at.rotation.astype(np.float32),
        translation=at.translation.astype(np.float32),
    )


def shot(solid: Solid, at: Pose, name: str = "photo", size: int = 160) -> Shot:
    """What a view shows of a solid."""
    view = view_from(at, name, size, size)
    lens = Lens("PINHOLE", size, size, (view.focal_x, view.focal_y, view.center_x, view.center_y))
    return Shot(view, look(solid, lens, at))


@cache
def shots(solid: Solid = SOLID, count: int = 16, size: int = 160) -> tuple[Shot, ...]:
    """Views all around (``around``), named in their order."""
    return tuple(shot(solid, at, f"{number:02}.png", size) for number, at in enumerate(around(count)))


def sphere(radius: float = 1.0, times: int = 4) -> Surface:
    """A closed surface with 8 · 4^times faces; the vertices lie on the sphere."""
    mesh = ball(radius, times)
    return Surface(mesh.vertices.astype(np.float32), mesh.faces.astype(np.int64))


def fans(surface: Surface) -> np.ndarray:
    """For each vertex of a closed surface how many fans of faces meet in it: 1 where it is a manifold."""
    corners = surface.faces.ravel()
    after, before = (np.roll(surface.faces, turn, 1).ravel() for turn in (-1, 1))
    # Each corner is linked with the one, in the same vertex, of the face across the edge that leads to it.
    leaving = {edge: number for number, edge in enumerate(zip(corners.tolist(), after.tolist(), strict=True))}
    linked = [leaving[edge] for edge in zip(corners.tolist(), before.tolist(), strict=True)]
    label = np.arange(len(corners))
    while True:
        least = np.minimum(label, label[linked])
        np.minimum.at(least, linked, label)
        if np.array_equal(least, label):
            break
        label = least
    pairs = np.unique(np.stack([corners, label], 1), axis=0)
    return np.bincount(pairs[:, 0], minlength=len(surface.vertices))


def hull_of(outlines: Sequence[Outline], samples: int) -> Surface:
    """The surface of what the masks alone leave: that of a fusion of no depths."""
    grid = grid_around(outlines, samples, THREADS)
    return extract(fuse(grid, outlines, [], 3 * grid.step, THREADS).field, grid)


@dataclass(frozen=True)
class Place:
    """The world of a scan on disk: p of the unit frame is ``size * turn @ p + middle`` there."""

    size: float = 0.37
    middle: tuple[float, float, float] = (5.0, -3.0, 11.0)

    @cached_property
    def turn(self) -> np.ndarray:
        """3 × 3."""
        matrix = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]
        return matrix * np.sign(np.linalg.det(matrix))

    def to_unit(self, points: np.ndarray) -> np.ndarray:
        """Points of the world, n × 3, in the unit frame."""
        return (points - np.array(self.middle)) @ self.turn / self.size

    def pose(self, at: Pose) -> Pose:
        """A pose in the world."""
        rotation = at.rotation @ self.turn.T
        return Pose(rotation, self.size * at.translation - rotation @ np.array(self.middle))


PLACE = Place()
LANDSCAPE = Lens("PINHOLE", 240, 180, (290.0, 290.0, 118.0, 93.0))


@dataclass(frozen=True)
class DiskScan:
    """A scan on disk."""

    root: Path
    names: tuple[str, ...]

    @property
    def photos(self) -> Path:
        """The folder of the photos."""
        return self.root / "photos"

    @property
    def masks(self) -> Path:
        """The folder of the masks, ``<photo>.png``."""
        return self.root / "masks"

    @property
    def cameras(self) -> Path:
        """The folder of the reconstruction."""
        return self.root / "sparse"

    def mask(self, number: int) -> Path:
        """The mask of a photo."""
        return self.masks / f"{self.names[number]}.png"


def write_scan(
    root: Path, poses: Sequence[Pose], lenses: Sequence[Lens] = (LANDSCAPE,), solid: Solid = SOLID
) -> DiskScan:
    """Write photos (the lenses take turns), masks and a COLMAP text model."""
    names = tuple(f"Side {number % 2}/IMG_{number:03}.jpg" for number in range(len(poses)))
    scan = DiskScan(root, names)
    images = []
    for number, (name, at) in enumerate(zip(names, poses, strict=True)):
        lens = lenses[number % len(lenses)]
        seen = look(solid, lens, at)
        for path in (scan.photos / name, scan.mask(number)):
            path.parent.mkdir(parents=True, exist_ok=True)
        colors = seen.grey[..., None] * np.array([1.0, 0.9, 0.8])
        Image.fromarray(np.rint(np.clip(colors, 0, 255)).astype(np.uint8)).save(scan.photos / name, quality=95)
        Image.fromarray(np.where(seen.cover >= 0.5, 255, 0).astype(np.uint8)).save(scan.mask(number))
        images.append((name, 1 + number % len(lenses), PLACE.pose(at)))
    write_model(scan.cameras, lenses, images)
    return scan


def write_model(folder: Path, lenses: Sequence[Lens], images: Sequence[tuple[str, int, Pose]]) -> None:
    """Write a COLMAP text model: the lenses are numbered from 1; an image is its name, lens and pose in the world."""
    cameras = [
        Camera(number, lens.model, lens.width, lens.height, lens.parameters) for number, lens in enumerate(lenses, 1)
    ]
    photos = [Photo(name, lens, at.rotation, at.translation) for name, lens, at in images]
    colmap_text.write_model(folder, cameras, photos, "1 5.0 -3.0 11.0 200 100 50 0.5 1 0\n")
