# SPDX-License-Identifier: GPL-3.0-or-later
"""A small painter in numpy: sheets of paper measured in millimetres, with motifs, bands and grain.

Every shape is given in millimetres and every random number is drawn without regard to the resolution, so the same
sheet can be painted at any density and only gets sharper. Colours are sRGB, 0..1.
"""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np

Colour = tuple[float, float, float]


def rgb(code: str) -> Colour:
    """'#1d3f8a' to three floats."""
    return tuple(int(code[i : i + 2], 16) / 255.0 for i in (1, 3, 5))


class Sheet:
    """A rectangle of `width` x `height` millimetres; x to the right, y down. `wrap`: left and right edge are one."""

    def __init__(self, width: float, height: float, density: float, ground: Colour, seed: int, wrap: bool = False):
        self.width, self.height, self.density, self.wrap = width, height, density, wrap
        self.columns, self.rows = round(width * density), round(height * density)
        self.pixels = np.empty((self.rows, self.columns, 3), np.float32)
        self.pixels[:] = ground
        self.random = np.random.default_rng(seed)

    def _blend(self, rows: slice, columns: np.ndarray, cover: np.ndarray, colour: Colour) -> None:
        area = self.pixels[rows, columns]
        self.pixels[rows, columns] = area + cover[..., None] * (np.float32(colour) - area)

    def stamp(self, x: float, y: float, reach: float, angle: float, layers: list) -> None:
        """Paint `layers` of (distance function of local millimetres, colour) round (x, y), within `reach`."""
        first_row = max(0, int((y - reach) * self.density))
        last_row = min(self.rows, int((y + reach) * self.density) + 2)
        columns = np.arange(int(np.floor((x - reach) * self.density)), int((x + reach) * self.density) + 2)
        local_x = (columns + 0.5) / self.density - x
        if self.wrap:
            columns = columns % self.columns
        else:
            inside = (columns >= 0) & (columns < self.columns)
            columns, local_x = columns[inside], local_x[inside]
        if last_row <= first_row or not len(columns):
            return
        local_y = (np.arange(first_row, last_row) + 0.5) / self.density - y
        c, s = np.float32(np.cos(angle)), np.float32(np.sin(angle))
        gx, gy = np.meshgrid(local_x.astype(np.float32), local_y.astype(np.float32))
        px, py = c * gx + s * gy, c * gy - s * gx
        for distance, colour in layers:
            cover = np.clip(0.5 - distance(px, py) * self.density, 0.0, 1.0)
            self._blend(slice(first_row, last_row), columns, cover, colour)

    def noise(self, cell: float, cell_y: float | None = None) -> np.ndarray:
        """Smooth noise, about -1..1, with one random value every `cell` (x) by `cell_y` (y) millimetres."""
        cell_y = cell_y or cell
        grid_x, grid_y = int(np.ceil(self.width / cell)), int(np.ceil(self.height / cell_y)) + 1
        grid = self.random.uniform(-1.0, 1.0, (grid_y + 1, grid_x + 1)).astype(np.float32)
        if self.wrap:
            grid[:, -1] = grid[:, 0]

        def steps(count: int, cells: int, length: float, cell_size: float):
            at = (np.arange(count) + 0.5) / count * (cells if self.wrap and cells == grid_x else length / cell_size)
            low = np.minimum(at.astype(int), cells - 1)
            part = (at - low).astype(np.float32)
            return low, part * part * (3 - 2 * part)

        ix, fx = steps(self.columns, grid_x, self.width, cell)
        iy, fy = steps(self.rows, grid_y, self.height, cell_y)
        across = grid[:, ix] * (1 - fx) + grid[:, ix + 1] * fx
        return across[iy] * (1 - fy[:, None]) + across[iy + 1] * fy[:, None]

    def shade(self, field: np.ndarray, strength: float) -> None:
        """Make lighter and darker by a field of about -1..1."""
        self.pixels *= (1.0 + strength * field)[..., None]

    def band(self, top: float, bottom: float, colour: Colour, waviness: float = 0.0, cell: float = 24.0) -> None:
        """A stripe across the sheet whose edges waver as a brush does."""
        y = ((np.arange(self.rows) + 0.5) / self.density)[:, None]
        waver = self.noise(cell, self.height)[:1] * waviness if waviness else 0.0
        cover = np.clip(0.5 + np.minimum(y - top - waver, bottom + waver - y) * self.density, 0.0, 1.0)
        cover = np.broadcast_to(cover, (self.rows, self.columns)).astype(np.float32)
        self._blend(slice(0, self.rows), np.arange(self.columns), cover, colour)

    def eight_bit(self) -> np.ndarray:
        """The sheet as bytes."""
        return (np.clip(self.pixels, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)


# ---- distance functions: negative inside, millimetres ----------------------------------------------------------------


def disc(radius, x=0.0, y=0.0):
    """A filled circle."""
    return lambda px, py: np.hypot(px - x, py - y) - radius


def ring(radius, thickness, x=0.0, y=0.0):
    """A circle drawn with a pen."""
    return lambda px, py: np.abs(np.hypot(px - x, py - y) - radius) - thickness / 2


def flower(radius, petals, depth, phase=0.0):
    """A rosette with rounded petals."""

    def distance(px, py):
        turn = np.abs(np.cos(0.5 * petals * np.arctan2(py, px) + phase))
        return (np.hypot(px, py) - radius * (1 - depth + depth * np.sqrt(turn))) * 0.8

    return distance


def leaf(length, breadth):
    """Two arcs meeting in points at +-length/2 on the x axis."""
    half, wide = length / 2, breadth / 2
    radius = (half * half + wide * wide) / (2 * wide)
    return lambda px, py: np.hypot(px, np.abs(py) + radius - wide) - radius


def stroke(length, thickness, bend=0.0):
    """A rounded brush stroke along x, bent like a bow."""

    def distance(px, py):
        at = np.clip(px, -length / 2, length / 2)
        return np.hypot(px - at, py - bend * (1 - (2 * at / length) ** 2)) - thickness / 2

    return distance


def box(width, height, x=0.0, y=0.0):
    """A rectangle."""
    return lambda px, py: np.maximum(np.abs(px - x) - width / 2, np.abs(py - y) - height / 2)


def spiral(radius, thickness, turns):
    """A curl, from its middle outwards."""

    def distance(px, py):
        r, a = np.hypot(px, py), np.arctan2(py, px) / (2 * np.pi)
        pitch = radius / turns
        off = np.abs((r / pitch - a + 0.5) % 1.0 - 0.5) * pitch
        return np.maximum(off - thickness / 2, r - radius)

    return distance


# ---- motifs ----------------------------------------------------------------------------------------------------------


def motif(sheet: Sheet, x: float, y: float, size: float, palette: list[Colour]) -> None:
    """One motif of about `size` millimetres radius, its kind, colours and proportions drawn from the sheet's dice."""
    dice = sheet.random
    first, second, third = (palette[i] for i in dice.choice(len(palette), 3, replace=False))
    angle, kind = dice.uniform(0, 2 * np.pi), dice.integers(0, 7)
    dark = tuple(0.35 * value for value in first)
    line = max(0.35, size * 0.07)
    if kind in (0, 1):
        petals, depth, phase = int(dice.integers(4, 10)), dice.uniform(0.25, 0.6), dice.uniform(0, 3)
        layers = [
            (flower(size, petals, depth, phase), dark),
            (flower(size - line, petals, depth, phase), first),
            (flower(size * 0.62, petals, depth, phase), second),
            (disc(size * dice.uniform(0.2, 0.34)), third),
            (disc(size * 0.12), dark),
        ]
    elif kind == 2:
        broad = size * dice.uniform(0.6, 1.0)
        layers = [
            (leaf(2 * size, broad), dark),
            (leaf(2 * size - 3 * line, broad - 2 * line), first),
            (stroke(1.5 * size, line), second),
        ]
        for side in np.linspace(-0.5, 0.5, int(dice.integers(3, 6))):
            layers.append((stroke_at(side * size, broad * 0.25, line * 0.8), second))
    elif kind == 3:
        layers = [(spiral(size, size * 0.16, dice.uniform(1.6, 2.8)), first), (disc(size * 0.16), second)]
    elif kind == 4:
        layers = [(disc(size), first), (ring(size * 0.72, size * 0.2), second), (disc(size * 0.35), third)]
        ways = np.arange(int(dice.integers(5, 11)))
        for way in ways * 2 * np.pi / len(ways):
            layers.append((disc(size * 0.09, size * 0.72 * np.cos(way), size * 0.72 * np.sin(way)), dark))
    elif kind == 5:
        layers = [(stroke(1.9 * size, size * 0.34, size * dice.uniform(-0.4, 0.4)), first)]
        for _ in range(int(dice.integers(2, 6))):
            layers.append((disc(size * dice.uniform(0.08, 0.2), *dice.uniform(-0.7, 0.7, 2) * size), second))
    else:
        wide, high = size * dice.uniform(0.8, 1.5), size * dice.uniform(0.6, 1.2)
        layers = [
            (box(wide, high), dark),
            (box(wide - 2 * line, high - 2 * line), first),
            (box(wide * 0.4, high * 0.4, *dice.uniform(-0.15, 0.15, 2) * size), second),
        ]
    sheet.stamp(x, y, size * 1.15, angle, layers)


def stroke_at(x: float, reach: float, thickness: float):
    """A leaf's side vein: a short slanting line through (x, 0)."""
    return lambda px, py: np.maximum(np.abs(px - x - 0.6 * np.abs(py)) - thickness / 2, np.abs(py) - reach)


def scatter(
    sheet: Sheet,
    sizes: tuple[float, float],
    tries: int,
    gap: float,
    paint,
    taken: list | None = None,
    top: float = 0.0,
    bottom: float | None = None,
) -> list:
    """Throw darts: call `paint(x, y, size)` where a motif fits between those before. Returns what is taken."""
    dice, bottom = sheet.random, sheet.height if bottom is None else bottom
    known = np.array(taken or np.empty((0, 3)), float).reshape(-1, 3)
    for _ in range(tries):
        size = dice.uniform(*sizes)
        x, y = dice.uniform(0, sheet.width), dice.uniform(top, bottom)
        if len(known):
            dx = np.abs(known[:, 0] - x)
            if sheet.wrap:
                dx = np.minimum(dx, sheet.width - dx)
            if (np.hypot(dx, known[:, 1] - y) < (known[:, 2] + size) * gap).any():
                continue
        known = np.vstack([known, (x, y, size)])
        paint(x, y, size)
    return list(known)


def speckle(sheet: Sheet, per_square_cm: float, sizes: tuple[float, float], palette: list[Colour]) -> None:
    """Small round spots, thrown without care, as a glaze has them."""
    dice = sheet.random
    for _ in range(int(per_square_cm * sheet.width * sheet.height / 100)):
        radius = dice.uniform(*sizes)
        colour = palette[dice.integers(len(palette))]
        sheet.stamp(
            dice.uniform(0, sheet.width), dice.uniform(0, sheet.height), radius + 0.2, 0.0, [(disc(radius), colour)]
        )


def write_png(path: Path, pixels: np.ndarray) -> None:
    """8-bit RGB PNG without Pillow, which Blender's Python does not have."""
    rows, columns, _ = pixels.shape
    lines = np.zeros((rows, columns * 3 + 1), np.uint8)
    lines[:, 1:] = pixels.reshape(rows, -1)

    def chunk(kind: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")

    header = columns.to_bytes(4, "big") + rows.to_bytes(4, "big") + bytes([8, 2, 0, 0, 0])
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(lines.tobytes(), 1))
        + chunk(b"IEND", b"")
    )
