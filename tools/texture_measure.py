# SPDX-License-Identifier: GPL-3.0-or-later
"""A texture, measured by the photos: rendered anew from each photo's own camera, and compared pixel by pixel.

The mesh is drawn with four rays a pixel; what they see of the texture is averaged in linear light, times the light that
was fitted to the photos (``scan/texturing/light.py``), if that was taken out. Counted are the pixels that are in the
mask and that the mesh covers: their mean squared difference in sRGB, of 8 bits, as peak signal-to-noise ratio in
decibels.
"""

from __future__ import annotations

import sys
import tempfile
import threading
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

import environments

sys.path.insert(0, str(environments.ROOT))
from scan.reconstruction.models import TextureFiles
from scan.reconstruction.ply import read_ply
from scan.reconstruction.readers import registry
from scan.texturing.color import srgb
from scan.texturing.light import Light, sides_of
from scan.texturing.pictures import frame_around, read_pictures
from scan.texturing.samples import linear_at
from scan.texturing.sights import Sight, bilinear_colors, sights_of
from scan.texturing.texture import light_of
from scan.views.arrays import Arrays
from scan.views.raster import face_map
from scan.views.shots import COLOR, MASK, sources_of
from scan.views.surface import Surface, corner_normals
from scan.views.threads import Workers
from scan.views.view import View, rotated

RAYS = 2
"""Along each side of a pixel."""


@dataclass(frozen=True)
class Measured:
    """How a texture looks beside photos."""

    decibels: float
    """Over all pixels of all photos."""
    worst: float
    """Of the photo that is worst."""
    covered: float
    """The share of the masks that the mesh covers."""
    light_is_removed: bool


def measure(
    photos: Path, masks: Path, cameras: Path, files: TextureFiles, *, held_out: frozenset[str], without_light: bool
) -> Measured:
    """Measure a texture by the photos that were held out of it, or where none were by all."""
    workers = Workers(2, threading.Event())
    reconstruction = registry.read(registry.find(cameras))
    sources = sources_of(reconstruction, photos, masks, cameras)
    mesh = read_ply(files.mesh)
    with tempfile.TemporaryDirectory() as folder:
        arrays = Arrays(Path(folder))
        frame = frame_around(mesh.vertices)
        pictures = read_pictures(sources, mesh.vertices, frame, 1.0, arrays, workers)
        surface = Surface(frame.to_unit(mesh.vertices), mesh.faces.astype(np.int64))
        sights = sights_of(pictures.views, arrays, surface, workers)
        names = [view.name for view in pictures.views]
        light, is_lit = _light(surface, sights, held_out, without_light, workers)
        texture = _Textured(
            surface, corner_normals(surface), mesh.uvs, np.asarray(Image.open(files.picture).convert("RGB"))
        )

        def compared(number: int) -> tuple[float, int, int]:
            at, color = texture.seen(pictures.views[number], number, light if is_lit else None)
            mask = arrays.bytes(MASK, number).ravel() > 127
            counted = mask[at]
            photo = arrays.bytes(COLOR, number).reshape(-1, 3)[at[counted]].astype(np.float64)
            return float(((color[counted] - photo) ** 2).mean(1).sum()), int(counted.sum()), int(mask.sum())

        chosen = [number for number, name in enumerate(names) if not held_out or name in held_out]
        found = np.array(list(workers.map(compared, chosen)))
    workers.close()
    squares, counted, all_of_it = found.sum(0)
    return Measured(
        decibels=_decibels(squares / counted),
        worst=min(_decibels(each) for each in found[:, 0] / found[:, 1]),
        covered=float(counted / all_of_it),
        light_is_removed=is_lit,
    )


def _light(
    surface: Surface, sights: list[Sight], held_out: frozenset[str], without_light: bool, workers: Workers
) -> tuple[Light, bool]:
    """The light of the photos that were not held out, for all of them: those held out are as bright as the others."""
    names = [sight.view.name for sight in sights]
    used = [number for number, name in enumerate(names) if name not in held_out]
    chosen = [sights[number] for number in used]
    light, is_lit, _ = light_of(surface, corner_normals(surface), chosen, without_light=without_light, workers=workers)
    exposure = np.zeros((len(names), 3), np.float32)
    exposure[used] = light.exposure
    return replace(light, side=sides_of(names), exposure=exposure), is_lit


@dataclass(frozen=True, eq=False)
class _Textured:
    """A surface and the texture that lies on it."""

    surface: Surface
    normals: np.ndarray
    """M × 3 × 3, of the faces' corners."""
    uvs: np.ndarray
    picture: np.ndarray

    def seen(self, view: View, number: int, light: Light | None) -> tuple[np.ndarray, np.ndarray]:
        """Which pixels of a view show the surface, row by row, and their colors, n × 3, in sRGB."""
        fine = _finer(view, RAYS)
        depth, faces = face_map(self.surface, fine)
        at = np.nonzero(faces.ravel() >= 0)[0]
        face = faces.ravel()[at]
        points = fine.to_world(depth.ravel()[at], at // fine.width, at % fine.width)
        weights = self._weights(face, points)
        size = len(self.picture)
        places = (self.uvs[face] * weights[..., None]).sum(1)
        x = np.clip(places[:, 0] * size, 1, size - 1.01).astype(np.float32)
        y = np.clip((1 - places[:, 1]) * size, 1, size - 1.01).astype(np.float32)
        shone = linear_at(bilinear_colors(self.picture, x, y))
        if light is not None:
            normals = (self.normals[face] * weights[..., None]).sum(1)
            normals /= np.linalg.norm(normals, axis=1, keepdims=True)
            shone = shone * light.at(number, rotated(view.rotation, normals).T, rotated(view.rotation, points).T)
        sums = np.zeros((fine.height * fine.width, 4))
        sums[at, :3], sums[at, 3] = np.clip(shone, 0, 1), 1
        sums = sums.reshape(view.height, RAYS, view.width, RAYS, 4).sum((1, 3)).reshape(-1, 4)
        pixels = np.nonzero(sums[:, 3])[0]
        return pixels, srgb(sums[pixels, :3] / sums[pixels, 3:])

    def _weights(self, face: np.ndarray, points: np.ndarray) -> np.ndarray:
        """The weights of the faces' corners at points on them, n × 3."""
        a, b, c = (self.surface.vertices[self.surface.faces[face, corner]].astype(np.float64) for corner in range(3))
        normal = np.cross(b - a, c - a)
        size = (normal * normal).sum(1)
        first = (np.cross(c - b, points - b) * normal).sum(1) / size
        second = (np.cross(a - c, points - c) * normal).sum(1) / size
        return np.stack([first, second, 1 - first - second], 1).astype(np.float32)


def _finer(view: View, times: int) -> View:
    return replace(
        view,
        width=view.width * times,
        height=view.height * times,
        focal_x=view.focal_x * times,
        focal_y=view.focal_y * times,
        center_x=view.center_x * times,
        center_y=view.center_y * times,
    )


def _decibels(square: float) -> float:
    return float(10 * np.log10(255**2 / square))
