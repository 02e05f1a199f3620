# SPDX-License-Identifier: GPL-3.0-or-later
"""The surface of a field on a grid, by surface nets (Gibson, Constrained Elastic Surface Nets, 1998).

In: samples, positive inside, well-composed (``composed.py``). Out: triangles, seen anticlockwise from outside: one
vertex in each cube of samples that the surface crosses, in the middle of where it crosses the cube's edges; a quad over
each edge that it crosses. The border of the grid is outside, so the surface is closed.
"""

import itertools

import numpy as np
import numpy.typing as npt

from ..views.surface import Surface
from ..views.view import Flags, Floats, Ints
from .grid import Grid

_CORNERS = np.array(list(itertools.product((0, 1), repeat=3)))
_EDGES = [(a, b) for a in range(8) for b in range(a + 1, 8) if np.abs(_CORNERS[a] - _CORNERS[b]).sum() == 1]
_TINY = np.float32(1e-9)


def surface_of(field: Floats, grid: Grid) -> Surface:
    """The surface where the field is 0. There may be none: no faces."""
    solid = field > 0
    for axis in range(3):
        border = [slice(None)] * 3
        for end in (0, -1):
            border[axis] = slice(end, None) if end else slice(0, 1)
            solid[tuple(border)] = False
    cubes, number = _cubes(solid)
    vertices = np.asarray(grid.origin + (cubes + _places(field, solid, cubes)) * np.float32(grid.step), np.float32)
    quads = np.concatenate([_quads(solid, number, axis) for axis in range(3)])
    return Surface(vertices, _triangles(vertices, quads))


def _cubes(solid: Flags) -> tuple[Ints, npt.NDArray[np.int32]]:
    """The cubes that the surface crosses (n × 3), and for each cube of the grid which of these it is."""
    ends = tuple(length - 1 for length in solid.shape)
    count = np.zeros(ends, np.uint8)
    for i, j, k in _CORNERS:
        count += solid[i : ends[0] + i, j : ends[1] + j, k : ends[2] + k]
    crossed = (count > 0) & (count < 8)
    cubes = np.argwhere(crossed)
    number = np.full(ends, -1, np.int32)
    number[crossed] = np.arange(len(cubes), dtype=np.int32)
    return cubes, number


def _places(field: Floats, solid: Flags, cubes: Ints) -> Floats:
    """Returns n × 3: where in its cube each vertex is, 0 to 1."""
    values = []
    for corner in _CORNERS:
        at = tuple((cubes + corner).T)
        value = field[at]
        values.append(np.where(solid[at], np.maximum(value, _TINY), np.minimum(value, -_TINY)))
    total = np.zeros((len(cubes), 3), np.float32)
    crossings = np.zeros(len(cubes), np.float32)
    for a, b in _EDGES:
        crosses = (values[a] > 0) != (values[b] > 0)
        along = np.where(crosses, values[a] / np.where(crosses, values[a] - values[b], 1), 0)
        total += crosses[:, None] * (_CORNERS[a] + along[:, None] * (_CORNERS[b] - _CORNERS[a])).astype(np.float32)
        crossings += crosses
    return total / crossings[:, None]


def _quads(solid: Flags, number: npt.NDArray[np.int32], axis: int) -> Ints:
    """Returns n × 4: the quads over the grid's edges along one axis."""
    first, second = (axis + 1) % 3, (axis + 2) % 3
    here, there = [slice(None)] * 3, [slice(None)] * 3
    here[axis], there[axis] = slice(0, -1), slice(1, None)
    begins = solid[tuple(here)]
    edges = np.argwhere(begins != solid[tuple(there)])
    outward = begins[tuple(edges.T)]
    corners = []
    for back_first, back_second in ((1, 1), (0, 1), (0, 0), (1, 0)):
        cube = edges.copy()
        cube[:, first] -= back_first
        cube[:, second] -= back_second
        corners.append(number[tuple(cube.T)])
    quads = np.stack(corners, 1).astype(np.int64)
    quads[~outward] = quads[~outward, ::-1]
    return np.asarray(quads)


def _triangles(vertices: Floats, quads: Ints) -> Ints:
    """Each quad cut along its shorter diagonal."""
    a, b, c, d = (vertices[quads[:, corner]] for corner in range(4))
    along_first = ((a - c) ** 2).sum(1) <= ((b - d) ** 2).sum(1)
    one = np.where(along_first[:, None], quads[:, [0, 1, 2]], quads[:, [0, 1, 3]])
    other = np.where(along_first[:, None], quads[:, [0, 2, 3]], quads[:, [1, 2, 3]])
    return np.concatenate([one, other])
