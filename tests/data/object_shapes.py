# SPDX-License-Identifier: GPL-3.0-or-later
"""The four things of render_objects.py as solids: signed distances, and the closed mesh that goes round them.

Pure numpy. Millimetres, z up, origin in the middle of the foot, the front towards +x; each is 215 mm high, so that
turntable_frames.py can stand it on its top. A field is negative inside; it need not be an exact distance, only smooth.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise, permutations

import numpy as np

HEIGHT = 215.0

Field = Callable[[np.ndarray], np.ndarray]
"""Points (n, 3) to values (n,)."""


# ---- solids ----------------------------------------------------------------------------------------------------------


def turned(p: np.ndarray, centre: tuple, yaw: float = 0.0, pitch: float = 0.0) -> np.ndarray:
    """Points in a frame round `centre`, turned about z by `yaw` and then tipped backwards by `pitch`, in degrees."""
    q = p - np.array(centre, float)
    for degrees, first, second in ((yaw, 0, 1), (pitch, 0, 2)):
        c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        q = q.copy()
        q[:, first], q[:, second] = c * q[:, first] + s * q[:, second], c * q[:, second] - s * q[:, first]
    return q


def egg(p: np.ndarray, centre: tuple, radii: tuple, yaw: float = 0.0, pitch: float = 0.0) -> np.ndarray:
    """An ellipsoid."""
    q = turned(p, centre, yaw, pitch) / np.array(radii, float)
    length = np.linalg.norm(q, axis=1)
    slope = np.linalg.norm(q / np.array(radii, float), axis=1)
    return length * (length - 1.0) / np.maximum(slope, 1e-9)


def rod(p: np.ndarray, start: tuple, end: tuple, first: float, last: float) -> np.ndarray:
    """A straight rod with round ends whose radius goes from `first` to `last`."""
    a, way = np.array(start, float), np.array(end, float) - np.array(start, float)
    t = np.clip((p - a) @ way / (way @ way), 0.0, 1.0)
    return np.linalg.norm(p - a - t[:, None] * way, axis=1) - (first + (last - first) * t)


def wire(p: np.ndarray, knots: np.ndarray, radius: float) -> np.ndarray:
    """Rods of one radius from knot to knot."""
    return np.min([rod(p, a, b, radius, radius) for a, b in pairwise(knots)], axis=0)


def disc(p: np.ndarray, radius: float, bottom: float, top: float, edge: float) -> np.ndarray:
    """An upright cylinder round the z axis with a rounded edge."""
    return slab(np.hypot(p[:, 0], p[:, 1]) - radius, p[:, 2] - (bottom + top) / 2, (top - bottom) / 2, edge)


def slab(outline: np.ndarray, off: np.ndarray, half: float, edge: float) -> np.ndarray:
    """What lies within an outline (a distance in a surface) and `half` as far off the surface, its edge rounded."""
    a, b = outline + edge, np.abs(off) - half + edge
    return np.minimum(np.maximum(a, b), 0.0) + np.hypot(np.maximum(a, 0.0), np.maximum(b, 0.0)) - edge


def joined(a: np.ndarray, b: np.ndarray, blend: float) -> np.ndarray:
    """Both, with a fillet about `blend` wide."""
    h = np.clip(blend - np.abs(a - b), 0.0, None) / blend
    return np.minimum(a, b) - h * h * blend / 4


def without(a: np.ndarray, b: np.ndarray, blend: float) -> np.ndarray:
    """The first less the second, with a rounded brim."""
    return -joined(-a, b, blend)


# ---- the four --------------------------------------------------------------------------------------------------------


def idol(p: np.ndarray) -> np.ndarray:
    """A head on a neck: deep sockets, a mouth to look into, ears as thin as flaps. Symmetric but for its paint."""
    p = np.column_stack([p[:, 0], np.abs(p[:, 1]), p[:, 2]])
    f = joined(egg(p, (0, 0, 138), (66, 60, 77)), egg(p, (20, 0, 90), (48, 44, 38)), 18)
    f = joined(f, rod(p, (-6, 0, 8), (-6, 0, 100), 40, 34), 14)
    f = joined(f, disc(p, 58, -12, 16, 5), 12)
    f = joined(f, rod(p, (62, 0, 160), (46, 44, 163), 11, 9), 10)
    f = joined(f, egg(p, (46, 36, 104), (18, 16, 16)), 12)
    f = joined(f, rod(p, (62, 0, 156), (80, 0, 114), 7, 13), 8)
    f = joined(f, egg(p, (56, 0, 84), (18, 29, 17)), 8)
    ear = turned(p, (-10, 64, 132), -28)
    f = joined(
        f, slab((np.hypot(ear[:, 1] / 26, ear[:, 2] / 33) - 1) * 26, ear[:, 0] - ear[:, 1] ** 2 / 110, 3, 2.9), 5
    )
    f = without(f, egg(p, (62, 26, 136), (33, 18, 16), 10, -6), 5)
    return without(f, egg(p, (70, 0, 85), (34, 21, 9), 0, -4), 3)


def plain(p: np.ndarray) -> np.ndarray:
    """A vase with a handle to see through and an open mouth."""
    f = joined(egg(p, (0, 0, 76), (66, 66, 70)), disc(p, 44, -12, 20, 4), 20)
    f = joined(f, rod(p, (0, 0, 120), (0, 0, 184), 34, 29), 26)
    f = joined(f, disc(p, 44, 203, 215, 5.9), 22)
    turn = np.linspace(-0.5 * np.pi, 0.5 * np.pi, 25)
    loop = np.stack([-42 - 56 * np.cos(turn), 0 * turn, 138 + 48 * np.sin(turn)], axis=1)
    f = joined(f, wire(p, np.vstack([(-20, 0, 90), loop, (-20, 0, 186)]), 8.5), 8)
    return without(f, rod(p, (0, 0, 96), (0, 0, 240), 26, 22), 4)


def glossy(p: np.ndarray) -> np.ndarray:
    """A sitting rabbit of glazed clay, looking to one side."""
    f = joined(egg(p, (-12, 0, 54), (62, 50, 58)), disc(p, 50, -12, 14, 5), 20)
    f = joined(f, egg(p, (10, 0, 76), (40, 40, 46)), 20)
    look = turned(p, (22, 0, 0), 14)
    f = joined(f, egg(look, (6, 0, 128), (42, 33, 34)), 12)
    f = joined(f, egg(look, (36, 0, 118), (19, 22, 17)), 10)
    for side in (-1, 1):
        f = joined(f, egg(look, (-14, side * 17, 176), (9, 14, 43), side * 22, 12), 7)
        f = joined(f, egg(p, (-22, side * 42, 36), (38, 16, 36)), 8)
        f = joined(f, egg(p, (46, side * 21, 12), (24, 13, 14)), 8)
    return joined(f, egg(p, (-72, 6, 34), (17, 17, 17)), 8)


def thin(p: np.ndarray) -> np.ndarray:
    """A wavy leaf of 3.8 mm on a wire that has a loop, on a flat foot."""
    y, z = p[:, 1], p[:, 2] - 141
    angle = np.arctan2(z, y)
    outline = (np.hypot(y / 80, z / 76) / (1 + 0.05 * np.cos(9 * angle + 0.6)) - 1) * 76
    bend = 13 * np.sin(y / 34 + 0.4) + 9 * np.cos(z / 30) - 8
    steep = 1 + (13 / 34 * np.cos(y / 34 + 0.4)) ** 2 + (9 / 30 * np.sin(z / 30)) ** 2
    f = slab(outline, (p[:, 0] - bend) / np.sqrt(steep), 1.9, 1.8)
    stem = [(0, 0, 2), (0, 0, 14), (2, -5, 32), (1, -8, 50), (-6, -4, 68), (-9, 0, 84)]
    f = joined(f, wire(p, np.array(stem, float), 2.8), 2.5)
    turn = np.linspace(0, 2 * np.pi, 33)
    ring = np.stack([2 + 8 * np.sin(turn), 17 - 22 * np.cos(turn), 34 + 19 * np.sin(turn)], axis=1)
    f = joined(f, wire(p, ring, 2.7), 2)
    return joined(f, disc(p, 43, -12, 4.6, 1.6), 3)


SHAPES: dict[str, tuple[Field, float]] = {
    "idol": (idol, 2.2),
    "plain": (plain, 2.4),
    "glossy": (glossy, 2.4),
    "thin": (thin, 1.35),
}
"""Each field, and the millimetres of the grid it is meshed on."""


# ---- the mesh --------------------------------------------------------------------------------------------------------


def surface(field: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points (n, 3) in steps of the grid and triangles (m, 3), outwards, where a grid of values goes through zero.

    Each crossed cell is cut into six tetrahedra about its diagonal: of these the surface is always closed and never
    touches itself, which marching cubes and surface nets do not promise.
    """
    strides = np.array([field.shape[1] * field.shape[2], field.shape[2], 1])
    values = field.ravel()
    corners = np.array(list(np.ndindex(2, 2, 2))) @ strides
    cells = (np.indices([n - 1 for n in field.shape]).reshape(3, -1).T @ strides)[:, None]
    inside = values[cells + corners] < 0
    cells = cells[inside.any(axis=1) & ~inside.all(axis=1)]
    found = []
    for order in permutations(strides):
        tetrahedra = cells + np.cumsum([0, *order])
        inside = values[tetrahedra] < 0
        for bits in range(1, 15):
            within = [k for k in range(4) if bits >> k & 1]
            outside = [k for k in range(4) if not bits >> k & 1]
            these = tetrahedra[(inside == [bits >> k & 1 for k in range(4)]).all(axis=1)]
            ends = [(a, b) for a in within for b in outside]
            if len(ends) == 4:
                ends = [ends[k] for k in (0, 1, 3, 2)]
            found += [these[:, [ends[0], *pair]] for pair in pairwise(ends[1:])]
    found = np.concatenate(found)  # triangles, corners, the two ends of the edge it is on: inside and outside
    edges, number = np.unique(np.sort(found, axis=2).reshape(-1, 2), axis=0, return_inverse=True)
    first, last = values[edges[:, 0]], values[edges[:, 1]]
    share = np.clip(first / (first - last), 0.02, 0.98)[:, None]
    one, two = (np.stack(np.unravel_index(edges[:, k], field.shape), axis=1) for k in (0, 1))
    points, faces = one + share * (two - one), number.reshape(-1, 3)
    a, b, c = (points[faces[:, k]] for k in range(3))
    out = np.stack(np.unravel_index(found[..., 1], field.shape), axis=-1).mean(axis=1)
    out = out - np.stack(np.unravel_index(found[..., 0], field.shape), axis=-1).mean(axis=1)
    inwards = (np.cross(b - a, c - a) * out).sum(axis=1) < 0
    faces[inwards] = faces[inwards][:, ::-1]
    return points, faces


def mesh(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Points in millimetres and triangles of one of the four, as fine as its grid."""
    solid, step = SHAPES[name]

    def shape(p: np.ndarray) -> np.ndarray:
        return without(solid(p), p[:, 2], 2)  # a flat foot

    low, high = np.array([-115.0, -105.0, -4.0]), np.array([105.0, 105.0, HEIGHT + 9.0])
    axes = [np.arange(a, b, step) + 0.013 for a, b in zip(low, high, strict=True)]
    layers = [shape(np.stack(np.meshgrid([x], *axes[1:], indexing="ij"), axis=-1).reshape(-1, 3)) for x in axes[0]]
    points, faces = surface(np.reshape(layers, [len(axis) for axis in axes]))
    points = points * step + [axis[0] for axis in axes]
    for _ in range(2):  # from the middle of the cell's crossings onto the surface itself
        value = shape(points)
        slope = np.stack([shape(points + 0.05 * way) - value for way in np.eye(3)], axis=1) / 0.05
        move = -value[:, None] * slope / np.maximum((slope**2).sum(axis=1, keepdims=True), 0.2)
        points = points + np.clip(move, -0.4 * step, 0.4 * step)
    return points, faces


def split(points: np.ndarray, faces: np.ndarray, longest: float) -> tuple[np.ndarray, np.ndarray]:
    """The same surface with no edge longer than `longest`: halved wherever it is the longest of both its triangles."""
    while True:
        sides = np.stack([faces, np.roll(faces, -1, axis=1)], axis=2)
        length = np.linalg.norm(points[sides[..., 0]] - points[sides[..., 1]], axis=2)
        ends, number = np.unique(np.sort(sides, axis=2).reshape(-1, 2), axis=0, return_inverse=True)
        number = number.reshape(-1, 3)
        by_edge = np.zeros(len(ends))
        by_edge[number] = length
        rank = np.argsort(np.argsort(by_edge, kind="stable"))
        best = rank[number].argmax(axis=1)
        edge = number[np.arange(len(faces)), best]
        halved = (np.bincount(edge, minlength=len(ends)) == 2) & (by_edge > longest)
        if not halved.any():
            return points, faces
        middle = len(points) + np.cumsum(halved) - 1
        points = np.vstack([points, points[ends[halved]].mean(axis=1)])
        cut = halved[edge]
        a, b, c = (faces[cut, (best[cut] + k) % 3] for k in range(3))
        m = middle[edge[cut]]
        faces = np.vstack([faces[~cut], np.stack([a, m, c], axis=1), np.stack([m, b, c], axis=1)])


def stood_up(points: np.ndarray) -> np.ndarray:
    """Stretched by a hair, so that the foot is at 0 and the top exactly at the height."""
    low, high = points[:, 2].min(), points[:, 2].max()
    return np.column_stack([points[:, :2], (points[:, 2] - low) * (HEIGHT / (high - low))])


def check_closed(faces: np.ndarray) -> None:
    """Fail unless each edge of the triangles is run once in either direction and all of them hang together."""
    count = faces.max() + 1
    edges = np.vstack([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).astype(np.int64)
    there, back = edges[:, 0] * count + edges[:, 1], edges[:, 1] * count + edges[:, 0]
    assert len(np.unique(there)) == len(there), "an edge is run twice in one direction"
    assert np.array_equal(np.sort(there), np.sort(back)), "an edge has a triangle at one side only"
    assert len(np.unique(faces)) == count, "a point belongs to no triangle"
    label = np.arange(count)
    while True:
        least = label.copy()
        np.minimum.at(least, edges[:, 0], label[edges[:, 1]])
        least = least[least]
        if np.array_equal(least, label):
            break
        label = least
    assert not label.any(), "it is in several pieces"
