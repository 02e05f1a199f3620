# SPDX-License-Identifier: GPL-3.0-or-later
"""Paint for the four things of render_objects.py: turntable_paint.py's motifs, stamped onto the surface in space.

Pure numpy. Each pair of triangles gets a square of the texture, and each texel knows its place and normal in space: so
no seam shows, nothing is stretched, and no two places of the surface share their paint.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from turntable_object import COBALT, CREAM, LEAF, NIGHT, OCHRE, ON_DARK, ON_LIGHT, PLUM, RED, RUST, SKY, WHITE
from turntable_paint import Colour, disc, motif, rgb

CELL = 20
"""Texels along the square of two triangles."""
BIN = 4.0
"""Millimetres of the grid by which texels are found."""


class Skin:
    """The painted surface of a triangle mesh in millimetres. `random` and `stamp` are what a motif needs of a sheet."""

    def __init__(self, points: np.ndarray, faces: np.ndarray, ground: Callable, seed: int):
        self.random = np.random.default_rng(seed)
        corners = points[faces].astype(np.float64)
        across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        doubled = np.linalg.norm(across, axis=1)
        self.area = doubled.sum() / 2
        self._corners, self._share = corners, np.cumsum(doubled) / doubled.sum()
        self._normals = across / np.maximum(doubled, 1e-12)[:, None]
        self._columns = int(np.ceil(np.sqrt((len(faces) + 1) // 2)))
        place, face = self._texels()
        grid = np.floor(place / BIN).astype(np.int64) + 64
        order = np.argsort((grid[:, 0] * 128 + grid[:, 1]) * 128 + grid[:, 2], kind="stable")
        self._order, self._bins = order, ((grid[:, 0] * 128 + grid[:, 1]) * 128 + grid[:, 2])[order]
        self.place, self.normal = place[order].astype(np.float32), self._normals[face][order].astype(np.float32)
        self.pixels = np.empty((len(order), 3), np.float32)
        self.pixels[:] = ground(self.place)
        self.spots, self.ways = np.empty((0, 3)), np.empty((0, 3))

    def _texels(self) -> tuple[np.ndarray, np.ndarray]:
        """The place of each texel and its triangle, square by square. Past an edge the triangle's plane goes on."""
        i, j = np.meshgrid(np.arange(CELL), np.arange(CELL))
        lower = (i + j < CELL - 1).ravel()
        across, up = (np.where(lower, n.ravel(), CELL - 1 - n.ravel()) for n in (i, j))
        share = np.stack([across - 1, up - 1], axis=1) / (CELL - 5)
        face = np.arange(0, len(self._corners), 2)[:, None] + np.where(lower, 0, 1)
        face = np.minimum(face, len(self._corners) - 1)
        a, b, c = (self._corners[face][:, :, k] for k in range(3))
        return (a + share[None, :, :1] * (b - a) + share[None, :, 1:] * (c - a)).reshape(-1, 3), face.ravel()

    def corners(self) -> np.ndarray:
        """Texture coordinates of the triangles' corners, (3 m, 2)."""
        face = np.arange(len(self._corners))
        at = np.array([(1, 1), (CELL - 4, 1), (1, CELL - 4)])
        local = np.where((face % 2 == 0)[:, None, None], at, CELL - 1 - at)
        square = np.stack([face // 2 % self._columns, face // 2 // self._columns], axis=1)
        uv = (square[:, None] * CELL + local + 0.5) / (self._columns * CELL)
        return np.stack([uv[..., 0], 1.0 - uv[..., 1]], axis=-1).reshape(-1, 2)

    def eight_bit(self) -> np.ndarray:
        """The square texture as bytes, (rows, columns, 3)."""
        side = self._columns
        squares = np.full((side * side, CELL, CELL, 3), 127, np.uint8)
        flat = squares.reshape(-1, 3)
        flat[self._order] = (np.clip(self.pixels, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)
        return squares.reshape(side, side, CELL, CELL, 3).swapaxes(1, 2).reshape(side * CELL, side * CELL, 3)

    def throw(self, count: int) -> None:
        """Choose `count` spots, even over the surface; `stamp` is given their numbers."""
        face = np.searchsorted(self._share, self.random.uniform(0, 1, count)).clip(0, len(self._share) - 1)
        u, v = self.random.uniform(0, 1, (2, count, 1))
        u, v = np.where(u + v > 1, 1 - u, u), np.where(u + v > 1, 1 - v, v)
        a, b, c = (self._corners[face, k] for k in range(3))
        self.spots, self.ways = a + u * (b - a) + v * (c - a), self._normals[face]

    def near(self, spot: np.ndarray, reach: float) -> np.ndarray:
        """Texels within `reach` of a spot, and some more."""
        low = np.floor((spot - reach) / BIN).astype(np.int64) + 64
        high = np.floor((spot + reach) / BIN).astype(np.int64) + 64
        rows = np.add.outer(np.arange(low[0], high[0] + 1) * 128, np.arange(low[1], high[1] + 1)).ravel() * 128
        first, last = np.searchsorted(self._bins, rows + low[2]), np.searchsorted(self._bins, rows + high[2] + 1)
        return np.concatenate([np.arange(a, b) for a, b in zip(first, last, strict=True)])

    def stamp(self, x: float, _y: float, reach: float, angle: float, layers: list) -> None:
        """Paint `layers` as a sheet does, in the plane that touches the surface at spot number `x`."""
        spot, way = self.spots[int(x)], self.ways[int(x)]
        near = self.near(spot, reach)
        off = self.place[near] - spot.astype(np.float32)
        meant = (np.linalg.norm(off, axis=1) < 1.2 * reach) & (self.normal[near] @ way.astype(np.float32) > 0.25)
        near, off = near[meant], off[meant]
        aside = np.cross(way, (0.0, 0.0, 1.0) if abs(way[2]) < 0.9 else (1.0, 0.0, 0.0))
        aside /= np.linalg.norm(aside)
        other = np.cross(way, aside)
        c, s = np.cos(angle), np.sin(angle)
        px, py = off @ (c * aside + s * other).astype(np.float32), off @ (c * other - s * aside).astype(np.float32)
        for distance, colour in layers:
            cover = np.clip(0.5 - distance(px, py) * 3.0, 0.0, 1.0)[:, None]
            self.pixels[near] += cover * (np.float32(colour) - self.pixels[near])

    def shade(self, cell: float, strength: float) -> None:
        """Make lighter and darker by smooth noise with one random value every `cell` millimetres."""
        at = (self.place - self.place.min(axis=0)) / np.float32(cell)
        low = np.floor(at).astype(np.int64)
        part = at - low
        part = part * part * (3 - 2 * part)
        values = self.random.uniform(-1.0, 1.0, low.max(axis=0) + 2).astype(np.float32)
        total = np.zeros(len(at), np.float32)
        for corner in np.ndindex(2, 2, 2):
            weight = np.prod(np.where(corner, part, 1 - part), axis=1)
            total += weight * values[tuple((low + corner).T)]
        self.pixels *= (1.0 + strength * total)[:, None]


# ---- what is painted -------------------------------------------------------------------------------------------------


def _palette(skin: Skin, number: int) -> list[Colour]:
    """Light colours on a dark ground and dark ones on a light ground."""
    near = skin.near(skin.spots[number], 1.0)
    return ON_LIGHT if len(near) and skin.pixels[near].mean() > 0.5 else ON_DARK


def _decorate(skin: Skin, largest: tuple[float, float]) -> None:
    """Large motifs first, then ever smaller ones in the gaps, then spots."""
    taken = np.empty((0, 4))
    big, small = largest
    steps = (
        (big, small, 900, 1.0),
        (big * 0.4, big * 0.65, 3000, 1.05),
        (big * 0.16, big * 0.3, 7000, 1.1),
        (0.6, 1.1, 6000, 1.1),
    )
    for least, most, tries, gap in steps:
        skin.throw(int(tries * skin.area / 1e5))
        for number, spot in enumerate(skin.spots):
            size = skin.random.uniform(least, most)
            if (np.linalg.norm(taken[:, :3] - spot, axis=1) < (taken[:, 3] + size) * gap).any():
                continue
            taken = np.vstack([taken, (*spot, size)])
            palette = _palette(skin, number)
            if most > 1.2:
                motif(skin, number, 0.0, size, palette)
            else:
                skin.stamp(number, 0.0, size + 0.3, 0.0, [(disc(size), palette[skin.random.integers(len(palette))])])


def _glaze(skin: Skin, per_square_cm: float) -> None:
    """Small specks and mottling at every scale, as on the jug."""
    skin.throw(int(per_square_cm * skin.area / 100))
    palette = [NIGHT, PLUM, WHITE, CREAM, RUST]
    for number in range(len(skin.spots)):
        radius = skin.random.uniform(0.25, 0.7)
        skin.stamp(number, 0.0, radius + 0.3, 0.0, [(disc(radius), palette[skin.random.integers(5)])])
    for cell, strength in ((31, 0.10), (9, 0.10), (3.1, 0.10), (1.3, 0.10)):
        skin.shade(cell, strength)


def _wavering(place: np.ndarray) -> np.ndarray:
    """Millimetres by which the edge of a ground colour strays."""
    return 3 * np.sin(place[:, 1] / 9) + 2 * np.sin(place[:, 0] / 5 + 1)


def _idol_ground(place: np.ndarray) -> np.ndarray:
    """Cap, face, ears, neck and foot in colours of their own; light in the sockets, which have little light."""
    x, y, z = place.T
    stray = _wavering(place)
    colour = np.empty_like(place)
    colour[:] = CREAM
    colour[(z + stray > 178) | (x + stray < -22)] = COBALT
    colour[z + stray < 56] = OCHRE
    colour[z + stray < 20] = RED
    colour[(np.abs(y) > 60) & (np.abs(x + 10) < 40) & (z > 95) & (z < 170)] = RUST
    colour[(np.hypot((np.abs(y) - 26) / 19, (z - 136) / 17) < 1) & (x > 15)] = SKY
    colour[(np.hypot(y / 23, (z - 85) / 10) < 1) & (x > 25)] = WHITE
    return colour


def _thin_ground(place: np.ndarray) -> np.ndarray:
    """A leaf in two greens, its wire red, its foot blue."""
    z = place[:, 2]
    colour = np.empty_like(place)
    colour[:] = rgb("#8fbf6a")
    colour[np.hypot(place[:, 1] / 80, (z - 141) / 76) + 0.01 * _wavering(place) > 0.72] = LEAF
    colour[z < 64] = RED
    colour[z < 7] = COBALT
    return colour


def paint(name: str, points: np.ndarray, faces: np.ndarray) -> Skin:
    """The painted skin of one of the four."""
    if name in ("idol", "thin"):
        skin = Skin(points, faces, _idol_ground if name == "idol" else _thin_ground, 51 if name == "idol" else 54)
        _decorate(skin, (7.0, 12.0) if name == "idol" else (6.0, 10.0))
        _glaze(skin, 14)
        return skin
    ground = rgb("#b9643f") if name == "plain" else rgb("#2f7d8c")
    skin = Skin(points, faces, lambda place: np.broadcast_to(np.float32(ground), place.shape), 52)
    for cell, strength in (
        ((40, 0.03), (7, 0.015), (1.6, 0.012)) if name == "plain" else ((45, 0.10), (12, 0.05), (3, 0.03))
    ):
        skin.shade(cell, strength)
    return skin
