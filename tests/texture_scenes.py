# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenes for tests of texturing: solids of ``mesh_scenes`` with a known albedo, under a known light.

What a photo shows is albedo × light × exposure in linear light, before a ground of one color. Views lie in the unit
frame, in which the solid has a radius of about 1.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from built_models import box
from mesh_scenes import SPHERE, THREADS, Lens, Pose, Solid, around, look, sphere, view_from

from scan.texturing.atlas import texels_of
from scan.texturing.color import srgb
from scan.texturing.sights import Sight, sights_of
from scan.texturing.texture import Texture, texture_of, unwrapped
from scan.views.arrays import Arrays
from scan.views.raster import face_map
from scan.views.shots import COLOR, MASK
from scan.views.surface import Surface, face_normals
from scan.views.view import View

MAGENTA = (255, 0, 255)
SIZE = 256
"""Of textures, in texels."""
BALL = sphere(1.0, 5)

Shade = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""The light that falls on a point, n × 1 or n × 3: of its normal in the world and in the axes of the camera, n × 3."""


def albedo(points: np.ndarray) -> np.ndarray:
    """N × 3, in linear light, 0.1 to 0.6: waves through space, each channel its own."""
    waves = np.array([[3.1, 1.7, -2.3], [-1.9, 3.7, 2.9], [2.3, -2.9, 3.5]])
    return 0.35 + 0.15 * np.sin(points @ waves.T) + 0.1 * np.sin(2.7 * points @ waves + 1)


def even(normals: np.ndarray, _in_camera: np.ndarray) -> np.ndarray:
    """Light from everywhere."""
    return np.ones((len(normals), 1))


def lamp(normals: np.ndarray) -> np.ndarray:
    """What a large, warm lamp from the upper right gives, and a dark room; y is down."""
    towards = np.array([0.55, -0.65, -0.52])
    shone = 0.5 + 0.5 * normals @ (towards / np.linalg.norm(towards))
    return 0.25 + shone[:, None] * np.array([1.0, 0.9, 0.7])


def still(_normals: np.ndarray, in_camera: np.ndarray) -> np.ndarray:
    """A lamp that stands still while the object turns, as the camera does."""
    return lamp(in_camera)


def turning(normals: np.ndarray, _in_camera: np.ndarray) -> np.ndarray:
    """A lamp that turns with the object."""
    return lamp(normals)


@dataclass(frozen=True, eq=False)
class Photographed:
    """What a camera sees of a solid, without any color."""

    view: View
    points: np.ndarray
    """Height × width × 3; NaN beside the solid."""
    normals: np.ndarray
    cover: np.ndarray
    """Height × width, how much of a pixel the solid covers."""

    def color(
        self,
        shade: Shade = even,
        *,
        paint: Callable[[np.ndarray], np.ndarray] = albedo,
        ground: tuple[int, int, int] = MAGENTA,
        exposure: float = 1.0,
    ) -> np.ndarray:
        """Height × width × 3, in sRGB."""
        points, normals = self.points.reshape(-1, 3), self.normals.reshape(-1, 3)
        light = paint(points) * shade(normals, normals @ self.view.rotation.T.astype(float)) * exposure
        cover = self.cover.reshape(-1, 1)
        found = np.where(cover > 0, np.nan_to_num(srgb(light)) * cover, 0) + (1 - cover) * np.array(ground)
        return np.rint(found).astype(np.uint8).reshape(self.points.shape)

    @property
    def mask(self) -> np.ndarray:
        """Height × width, 0 and 255."""
        return np.where(self.cover >= 0.5, 255, 0).astype(np.uint8)


def photographed(solid: Solid, poses: Sequence[Pose], size: int = 240, folder: str = "") -> list[Photographed]:
    """What cameras see of a solid."""
    return [_photographed(solid, pose, f"{folder}{number:02}.png", size) for number, pose in enumerate(poses)]


@cache
def ball_photos(count: int = 12, size: int = 200) -> tuple[Photographed, ...]:
    """A ball from all around (``mesh_scenes.around``)."""
    return tuple(photographed(SPHERE, around(count), size))


def _photographed(solid: Solid, at: Pose, name: str, size: int) -> Photographed:
    view = view_from(at, name, size, size)
    seen = look(solid, Lens("PINHOLE", size, size, (view.focal_x, view.focal_y, view.center_x, view.center_y)), at)
    rows, columns = np.indices((size, size)).reshape(2, -1)
    # At the rim, the middle of a pixel lies beside the solid that it partly shows: there, it shows what is beside it.
    depth = seen.depth.copy()
    for _ in range(2):
        wide = np.pad(depth, 1, constant_values=np.inf)
        beside = np.min([wide[:-2, 1:-1], wide[2:, 1:-1], wide[1:-1, :-2], wide[1:-1, 2:]], axis=0)
        depth = np.where(np.isfinite(depth), depth, beside)
    met = np.isfinite(depth).ravel()
    points = np.full((size * size, 3), np.nan)
    points[met] = view.to_world(depth.ravel()[met], rows[met], columns[met])
    return Photographed(view, points.reshape(size, size, 3), normals_of(solid, points).reshape(-1, size, 3), seen.cover)


def photographed_mesh(surface: Surface, poses: Sequence[Pose], size: int = 96) -> list[Photographed]:
    """What cameras see of a mesh, whose faces are flat; its pixels are covered or not."""
    normals = face_normals(surface).astype(float)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-20
    found = []
    for number, pose in enumerate(poses):
        view = view_from(pose, f"{number:02}.png", size, size)
        depth, face = face_map(surface, view)
        rows, columns = np.nonzero(face >= 0)
        points, turned = np.full((2, size, size, 3), np.nan)
        points[rows, columns] = view.to_world(depth[rows, columns], rows, columns)
        turned[rows, columns] = normals[face[rows, columns]]
        found.append(Photographed(view, points, turned, (face >= 0).astype(float)))
    return found


def cube(side=1.2):
    """Of twelve triangles."""
    vertices, faces = box((side, side, side), step=side)
    _, first, back = np.unique(vertices.round(6), axis=0, return_index=True, return_inverse=True)
    return Surface(vertices[first].astype(np.float32), back.reshape(-1)[faces].astype(np.int64))


def normals_of(solid: Solid, points: np.ndarray) -> np.ndarray:
    """N × 3: the gradient of the distance from the solid, of length 1."""
    step = 1e-4
    slopes = [solid.distances(points + step * axis) - solid.distances(points - step * axis) for axis in np.eye(3)]
    normals = np.stack(slopes, -1)
    return normals / np.linalg.norm(normals, axis=-1, keepdims=True)


def seen_by(
    surface: Surface, views: Sequence[View], colors: Sequence[np.ndarray], masks: Sequence[np.ndarray]
) -> list[Sight]:
    """The sights of pictures, whose arrays lie in a folder that is gone when they are."""
    with tempfile.TemporaryDirectory() as folder:
        arrays = Arrays(Path(folder))
        for number, (color, mask) in enumerate(zip(colors, masks, strict=True)):
            arrays.put(COLOR, number, color)
            arrays.put(MASK, number, mask)
        sights = sights_of(views, arrays, surface, THREADS)
        return [replace(each, color=np.array(each.color), trust=np.array(each.trust)) for each in sights]


def sights(surface: Surface, photos: Sequence[Photographed], shade: Shade = even, **how: object) -> list[Sight]:
    """The sights of a scene."""
    colors = [each.color(shade, **how) for each in photos]
    return seen_by(surface, [each.view for each in photos], colors, [each.mask for each in photos])


def painted(surface: Surface, found: Sequence[Sight], size: int = SIZE, **how: object) -> Texture:
    """The texture of a surface."""
    wanted = {"places": None, "polygons": None, "without_light": False, **how}
    return texture_of(surface, found, size, workers=THREADS, tell=lambda _doing, _share: None, **wanted)


@cache
def ball_places(size: int = SIZE) -> np.ndarray:
    """How the ball of ``BALL`` is unwrapped."""
    return unwrapped(BALL, np.arange(len(BALL.faces)), sights(BALL, ball_photos()), size)


def painted_ball(found: Sequence[Sight], **how: object) -> Texture:
    """A texture of the ball; it is always unwrapped alike."""
    return painted(BALL, found, places=ball_places(), **how)


@dataclass(frozen=True, eq=False)
class Texels:
    """Where the texels of a texture lie on its surface, and what they show there."""

    points: np.ndarray
    """N × 3."""
    color: np.ndarray
    """N × 3, in sRGB, 0 to 255."""
    face: np.ndarray
    """n."""

    @classmethod
    def of(cls, surface: Surface, texture: Texture) -> Texels:
        """All that lie on the surface."""
        size = len(texture.picture)
        texels = texels_of(texture.places, size)
        corners = texture.places[texels.face].astype(float)
        at = np.stack([texels.at % size + 0.5, texels.at // size + 0.5], 1)
        one, other, off = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0], at - corners[:, 0]
        area = one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]
        second = (off[:, 0] * other[:, 1] - off[:, 1] * other[:, 0]) / area
        third = (one[:, 0] * off[:, 1] - one[:, 1] * off[:, 0]) / area
        vertices = surface.vertices[surface.faces[texels.face]].astype(float)
        points = vertices[:, 0] * (1 - second - third)[:, None]
        points += vertices[:, 1] * second[:, None] + vertices[:, 2] * third[:, None]
        return cls(points, texture.picture.reshape(-1, 3)[texels.at].astype(float), texels.face)


def error(texels: Texels, paint: Callable[[np.ndarray], np.ndarray] = albedo) -> float:
    """How far colors are from the paint, of which only the brightness is not known: 0 to 1, of linear light's root.

    The root of the mean square over all texels and channels, after each channel was scaled to fit.
    """
    true, found = paint(texels.points), linear_of(texels.color)
    found = found * ((true * found).sum(0) / (found * found).sum(0))
    return float(np.sqrt(((found - true) ** 2).mean()) / true.std())


def linear_of(color: np.ndarray) -> np.ndarray:
    """Linear light, 0 to 1, of sRGB from 0 to 255 (IEC 61966-2-1)."""
    values = color / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
