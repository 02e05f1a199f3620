# SPDX-License-Identifier: GPL-3.0-or-later
"""A triangle mesh and what follows from its triangles alone: normals, neighbours, closedness, separate parts."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .view import Floats, Ints

Faces = npt.NDArray[np.int64]

_SMOOTH = 0.8
"""Faces meet in a crease where their normals are further from their mean than this cosine."""


@dataclass(frozen=True, eq=False)
class Surface:
    """Triangles over shared vertices, seen anticlockwise from outside."""

    vertices: Floats
    """n × 3."""
    faces: Faces
    """m × 3, indices of vertices."""


def face_normals(surface: Surface) -> Floats:
    """Returns m × 3: twice the area long, outward."""
    a, b, c = (surface.vertices[surface.faces[:, corner]] for corner in range(3))
    return np.asarray(np.cross(b - a, c - a), np.float32)


def vertex_normals(surface: Surface) -> Floats:
    """Returns n × 3, of length 1: the mean of the faces around, each by its area."""
    normals = face_normals(surface)
    total = np.zeros_like(surface.vertices)
    for axis in range(3):
        for corner in range(3):
            total[:, axis] += np.bincount(surface.faces[:, corner], normals[:, axis], len(total))
    return of_length_1(total)


def of_length_1(vectors: Floats) -> Floats:
    """Vectors, n × 3, at length 1; those without a length stay as they are."""
    return np.asarray(vectors / (np.linalg.norm(vectors, axis=1, keepdims=True) + np.float32(1e-20)))


def corner_normals(surface: Surface) -> Floats:
    """Returns m × 3 × 3, of length 1: for each corner of a face the vertex's normal; at a crease, the face's own."""
    own = face_normals(surface)
    length = np.linalg.norm(own, axis=1, keepdims=True)
    own /= length + np.float32(1e-20)
    result: Floats = vertex_normals(surface)[surface.faces]
    is_crease = ((result * own[:, None]).sum(-1) < _SMOOTH) & (length > 0)
    return np.where(is_crease[..., None], own[:, None], result)


class Rings:
    """The neighbours of every vertex along edges, for means over them."""

    def __init__(self, surface: Surface) -> None:
        count = len(surface.vertices)
        faces = surface.faces
        # Each edge of a closed surface is in two faces, once in either direction: once each way is both neighbours.
        start = np.concatenate([faces[:, 0], faces[:, 1], faces[:, 2]])
        end = np.concatenate([faces[:, 1], faces[:, 2], faces[:, 0]])
        order = np.argsort(start, kind="stable")
        self._end = end[order]
        self._first = np.searchsorted(start[order], np.arange(count))
        self._count = np.bincount(start, minlength=count).astype(np.float32)

    def mean(self, values: Floats) -> Floats:
        """For each vertex the mean of its neighbours' values, which are n or n × k."""
        total = np.add.reduceat(values[self._end], self._first, axis=0)
        return total / (self._count if values.ndim == 1 else self._count[:, None])

    def least(self, values: Ints) -> Ints:
        """For each vertex the least of its neighbours' values."""
        return np.minimum.reduceat(values[self._end], self._first)


def parts(surface: Surface) -> Ints:
    """m: for each face the number of the connected part it is in, from 0. Every vertex is used."""
    label = settled(len(surface.vertices), Rings(surface).least)
    return np.asarray(np.unique(label[surface.faces[:, 0]], return_inverse=True)[1], np.int64)


def settled(count: int, least: Callable[[Ints], Ints]) -> Ints:
    """For each of ``count`` the least number, from 0, in the connected part it is in.

    ``least`` returns for each the least of its neighbours' values, which it is given.
    """
    label = np.arange(count)
    while True:
        found = np.minimum(label, least(label))
        found = found[found]  # pointer jumping: far ones hear at once
        if np.array_equal(found, label):
            return label
        label = found


def is_closed(surface: Surface) -> bool:
    """Whether every edge has exactly two faces, which run along it in opposite directions."""
    faces = surface.faces
    count = len(surface.vertices)
    start = np.concatenate([faces[:, 0], faces[:, 1], faces[:, 2]])
    end = np.concatenate([faces[:, 1], faces[:, 2], faces[:, 0]])
    one_way, times = np.unique(start * count + end, return_counts=True)
    other_way = np.sort(end * count + start)
    return bool((times == 1).all() and np.array_equal(one_way, other_way) and (start != end).all())


def without_unused(surface: Surface) -> Surface:
    """The same faces over the vertices that they use."""
    used, faces = np.unique(surface.faces, return_inverse=True)
    return Surface(surface.vertices[used], faces.reshape(-1, 3))


def volume(surface: Surface, faces: Faces) -> float:
    """What some faces of it enclose, negative where they are seen clockwise from outside, as a cavity's are."""
    a, b, c = (surface.vertices[faces[:, corner]].astype(np.float64) for corner in range(3))
    return float((a * np.cross(b, c)).sum() / 6)
