# SPDX-License-Identifier: GPL-3.0-or-later
"""The thing on the turntable: a painted jug with a handle to see through, an open mouth, a spout and a thin lug.

Pure numpy: closed parts (points, faces, texture coordinates) which turntable_scene.py joins to one watertight mesh,
and the atlas that all of them are painted on. Millimetres here; the scene scales to metres. The jug's frame: z up,
origin in the middle of the foot, spout towards +x, handle towards -x, lug towards -y.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from turntable_paint import Sheet, disc, motif, rgb, scatter, speckle

ATLAS = (512.0, 580.0)
"""Millimetres of paper; y counts downwards."""
BODY, INSIDE = (0.0, 0.0, 504.0, 270.0), (0.0, 274.0, 252.0, 226.0)  # x, y, width, height on the atlas
FOOT, RIM = (256.0, 274.0, 124.0, 124.0), (384.0, 274.0, 124.0, 124.0)
HANDLE, SPOUT, LUG = (256.0, 404.0, 254.0, 66.0), (256.0, 474.0, 200.0, 104.0), (460.0, 474.0, 50.0, 50.0)

HEIGHT = 215.0
OUTSIDE = [
    (49, 0),
    (53, 3),
    (63, 22),
    (77, 58),
    (82, 90),
    (76, 124),
    (60, 154),
    (49.5, 174),
    (48, 190),
    (54, 207),
    (57, 213),
    (57.2, 215),
]
CAVITY = [
    (0, 9),
    (30, 10),
    (50, 18),
    (60, 32),
    (71, 60),
    (75.5, 90),
    (69.5, 122),
    (54, 151),
    (43.8, 172),
    (42.5, 190),
    (48.8, 207),
    (53.4, 215),
    (56, 222),
]


@dataclass(frozen=True)
class Part:
    """A closed surface: points (n, 3) in millimetres, faces as index tuples, one (u, v) a corner of a face."""

    points: np.ndarray
    faces: list[tuple[int, ...]]
    corners: np.ndarray


def smooth_path(knots: list, count: int) -> np.ndarray:
    """`count` points along a Catmull-Rom curve through the knots, evenly spaced by length."""
    knots = np.array(knots, float)
    padded = np.vstack([2 * knots[0] - knots[1], knots, 2 * knots[-1] - knots[-2]])
    t = np.linspace(0, 1, 40, endpoint=False)[:, None]
    pieces = []
    for i in range(len(knots) - 1):
        a, b, c, d = padded[i : i + 4]
        pieces.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3))
    fine = np.vstack([*pieces, knots[-1:]])
    length = np.r_[0, np.cumsum(np.linalg.norm(np.diff(fine, axis=0), axis=1))]
    at = np.linspace(0, length[-1], count)
    return np.stack([np.interp(at, length, fine[:, k]) for k in range(fine.shape[1])], axis=1)


def _on_atlas(region: tuple, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Shares of a region (u to the right, v upwards) to texture coordinates of the whole atlas."""
    x, y, width, height = region
    return np.stack([(x + u * width) / ATLAS[0], 1.0 - (y + (1.0 - v) * height) / ATLAS[1]], axis=-1)


def tube(rings: np.ndarray, region: tuple, caps: tuple = (None, None), lengthways: bool = False) -> Part:
    """A closed part from rings of points (m, n, 3), bottom first, each ring anticlockwise seen from its end.

    The side is painted from `region`; each end gets a fan whose texture is `caps[i]`: a region laid flat on it (x, y),
    or None for a lick of the side's own paint. `lengthways`: the region's x runs along the tube instead of round it.
    """

    def side(u, v):
        return _on_atlas(region, v, u) if lengthways else _on_atlas(region, u, v)

    count, around = rings.shape[:2]
    points = np.vstack([rings.reshape(-1, 3), rings[0].mean(axis=0), rings[-1].mean(axis=0)])
    faces, corners = [], []
    run = np.r_[0, np.cumsum(np.linalg.norm(np.diff(rings, axis=0), axis=2).mean(axis=1))]
    run /= run[-1]
    for i in range(count - 1):
        for j in range(around):
            k = (j + 1) % around
            faces.append((i * around + j, i * around + k, (i + 1) * around + k, (i + 1) * around + j))
            u = np.array([j, j + 1, j + 1, j]) / around
            corners.append(side(u, run[[i, i, i + 1, i + 1]]))
    for end, (first, cap) in enumerate(zip((0, (count - 1) * around), caps, strict=True)):
        middle = count * around + end
        for j in range(around):
            k = (j + 1) % around
            face = (middle, first + k, first + j) if end == 0 else (middle, first + j, first + k)
            faces.append(face)
            if cap is None:
                corners.append(side(np.array([j + 0.5, j, j + 1]) / around, np.full(3, float(end))))
            else:
                flat = points[list(face), :2] / cap[2] + 0.5
                corners.append(_on_atlas(cap, flat[:, 0], flat[:, 1]))
    return Part(points, faces, np.vstack(corners))


def _revolved(profile: np.ndarray, around: int, swell) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, around, endpoint=False)
    radius, z = profile[:, :1], profile[:, 1:]
    radius = radius * swell(angle[None], z)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), np.broadcast_to(z, radius.shape)], axis=2)


def _thrown_by_hand(angle, z):
    """Radius factor: no jug is quite round. Nothing at foot and rim, so that both stay flat and true."""
    middle = np.sin(np.pi * np.clip(z / HEIGHT, 0, 1)) ** 2
    return 1 + middle * (0.018 * np.cos(2 * angle + 0.7) + 0.012 * np.cos(3 * angle - 1.1 + z / 60))


def _swept(path: np.ndarray, across: np.ndarray, along_y: np.ndarray, around: int, power: float = 2.0) -> np.ndarray:
    """Rings round a path in the xz plane; half widths `across` (in the plane) and `along_y`; power > 2 is squarer."""
    tangent = np.gradient(path, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    normal = np.stack([tangent[:, 1], -tangent[:, 0]], axis=1)  # tangent x normal is -y: the rings turn anticlockwise
    angle = np.linspace(0, 2 * np.pi, around, endpoint=False)
    c, s = (np.sign(f) * np.abs(f) ** (2 / power) for f in (np.cos(angle), np.sin(angle)))
    plane = path[:, None] + across[:, None, None] * c[None, :, None] * normal[:, None]
    y = along_y[:, None] * s[None]
    return np.stack([plane[..., 0], y, plane[..., 1]], axis=2)


def _turned(rings: np.ndarray, degrees: float) -> np.ndarray:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return rings @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1.0]])


def body() -> Part:
    """The jug's outside, filled solid up to the rim."""
    return tube(_revolved(smooth_path(OUTSIDE, 110), 180, _thrown_by_hand), BODY, (FOOT, RIM))


def cavity() -> Part:
    """What is taken out of it: the inside, reaching above the rim."""
    profile = smooth_path(CAVITY, 90)
    profile[0, 0] = 0.5  # the fan closes the last half millimetre
    return tube(_revolved(profile, 150, _thrown_by_hand), INSIDE)


def handle() -> Part:
    """A strap from the neck round to the belly."""
    path = smooth_path(
        [(-44, 172), (-66, 181), (-96, 184), (-119, 172), (-128, 144), (-121, 112), (-104, 84), (-84, 68), (-66, 62)],
        70,
    )
    t = np.linspace(0, 1, len(path))
    swell = 1 + 0.35 * np.abs(2 * t - 1) ** 3
    return tube(_turned(_swept(path, 6.2 * swell, 10.5 * swell, 36, 2.6), -6.0), HANDLE, lengthways=True)


def spout() -> Part:
    """A bent pipe, open for its last four centimetres."""
    path = smooth_path([(62, 60), (88, 64), (110, 82), (120, 112), (125, 142), (135, 168), (148, 188)], 70)
    t = np.linspace(0, 1, len(path))
    outer = np.interp(t, [0, 0.2, 0.45, 0.75, 0.96, 1], [26, 22, 15.5, 11, 10.2, 9.6])
    back = path[:50:-1]
    inner = np.linspace(7.6, 5.0, len(back))
    path, radius = np.vstack([path, back[:1] + 0.4 * (path[-1] - path[-2]), back[1:]]), np.r_[outer, inner]
    # The way back in needs the outward direction's frame, so that the rings do not turn over at the tip.
    rings = _swept(path[:70], outer, outer, 40)
    centre = path[70:, None]
    frame = rings[69 - np.arange(len(back))]
    at = frame.mean(axis=1, keepdims=True)
    scale = (inner / radius[69 - np.arange(len(back))])[:, None, None]
    inside = (frame - at) * scale + np.stack([centre[..., 0], 0 * centre[..., 0], centre[..., 1]], axis=2)
    return tube(_turned(np.concatenate([rings, inside]), 8.0), SPOUT, lengthways=True)


def lug() -> Part:
    """A thin upright ear on the shoulder, 3.2 mm thick, with a scalloped edge."""
    turn = np.linspace(0, 2 * np.pi, 96, endpoint=False)
    radius = 20 + 1.6 * np.cos(7 * turn)
    outline = np.stack([66 + radius * np.cos(turn), 0 * turn, 150 + 1.15 * radius * np.sin(turn)], axis=1)
    depth = np.linspace(1.6, -1.6, 4)
    rings = outline[None] + np.array([0.0, 1.0, 0.0]) * depth[:, None, None]
    part = tube(rings, LUG)
    flat = part.points[[index for face in part.faces for index in face]]
    corners = _on_atlas(LUG, (flat[:, 0] - 43) / 46, (flat[:, 2] - 127) / 46)
    return Part(_turned(part.points[None], -78.0)[0], part.faces, corners)


# ---- paint -----------------------------------------------------------------------------------------------------------

COBALT, NIGHT, SKY, CREAM, WHITE = rgb("#1f48b0"), rgb("#141d4e"), rgb("#63b4dc"), rgb("#f3e3bd"), rgb("#fffaf0")
RUST, RED, OCHRE, LEAF, MINT = rgb("#c4531f"), rgb("#a81c26"), rgb("#f0ab24"), rgb("#2f7a3a"), rgb("#8fcfa8")
PLUM = rgb("#6a2350")
ON_LIGHT = [COBALT, NIGHT, RUST, RED, LEAF, PLUM, OCHRE]
ON_DARK = [CREAM, WHITE, OCHRE, SKY, MINT, RUST]


def _decorate(sheet: Sheet, palette, largest: tuple[float, float], top=0.0, bottom=None, taken=None) -> None:
    """Large motifs first, then ever smaller ones in the gaps, so that no scale is empty and nothing repeats."""
    steps = [
        (largest, 500, 1.0),
        ((largest[0] * 0.4, largest[0] * 0.65), 2500, 1.05),
        ((largest[0] * 0.16, largest[0] * 0.3), 5000, 1.08),
    ]
    area = sheet.width * sheet.height / 1e5
    for sizes, tries, gap in steps:
        taken = scatter(
            sheet,
            sizes,
            int(tries * max(area, 0.1)),
            gap,
            lambda x, y, r: motif(sheet, x, y, r, palette),
            taken,
            top,
            bottom,
        )

    def dot(x, y, radius):
        colour = palette[sheet.random.integers(len(palette))]
        sheet.stamp(x, y, radius + 0.3, 0.0, [(disc(radius), colour)])

    scatter(sheet, (0.6, 1.1), int(5000 * max(area, 0.1)), 1.1, dot, taken, top, bottom)


def _glaze(sheet: Sheet) -> None:
    """What the kiln adds: mottling at every scale and small dark and light specks."""
    speckle(sheet, 14, (0.22, 0.6), [NIGHT, PLUM, WHITE, CREAM, RUST])
    for cell, strength in ((31, 0.10), (9, 0.09), (3.1, 0.08), (1.1, 0.09)):
        sheet.shade(sheet.noise(cell), strength)


def paint_atlas(density: float) -> np.ndarray:
    """The whole atlas at `density` texels a millimetre, as 8-bit sRGB pixels (rows, columns, 3)."""
    atlas = np.full((round(ATLAS[1] * density), round(ATLAS[0] * density), 3), 127, np.uint8)

    def sheet(region, ground, seed, wrap=False):
        return Sheet(region[2], region[3], density, ground, seed, wrap)

    def paste(painted: Sheet, region):
        _glaze(painted)
        row, column = round(region[1] * density), round(region[0] * density)
        atlas[row : row + painted.rows, column : column + painted.columns] = painted.eight_bit()

    main = sheet(BODY, CREAM, 11, wrap=True)
    main.band(-20, 42, COBALT, 3.0)
    main.band(42, 47, OCHRE, 3.0, 17)
    main.band(96, 99, RED, 5.0, 40)
    main.band(186, 190, OCHRE, 4.0, 30)
    main.band(190, 300, RUST, 4.0, 30)
    _decorate(main, ON_DARK, (7.0, 11.0), 0, 36)
    _decorate(main, ON_LIGHT, (7.0, 10.0), 56, 90)
    _decorate(main, ON_LIGHT, (10.0, 19.0), 104, 182)
    _decorate(main, [CREAM, NIGHT, OCHRE, SKY, WHITE, COBALT], (7.0, 12.0), 197, 270)
    paste(main, BODY)
    for region, ground, palette, largest, seed in (
        (INSIDE, SKY, [COBALT, NIGHT, WHITE, CREAM, RED], (6.0, 12.0), 12),
        (FOOT, CREAM, ON_LIGHT, (7.0, 12.0), 13),
        (RIM, OCHRE, [COBALT, NIGHT, RED, PLUM], (2.0, 3.5), 14),
        (HANDLE, RED, [CREAM, WHITE, OCHRE, SKY, MINT, NIGHT], (6.0, 9.0), 15),
        (SPOUT, OCHRE, [COBALT, NIGHT, RED, LEAF, PLUM, WHITE], (7.0, 11.0), 16),
        (LUG, RED, [CREAM, WHITE, OCHRE, SKY, NIGHT], (5.0, 8.0), 17),
    ):
        painted = sheet(region, ground, seed)
        _decorate(painted, palette, largest)
        paste(painted, region)
    return atlas
