# SPDX-License-Identifier: GPL-3.0-or-later
"""From which side each face is unwrapped: few photos that together show the surface squarely, in large pieces.

Labels are found by iterated conditional modes (Besag, On the Statistical Analysis of Dirty Pictures, 1986) with a
reward for every neighbour of the same label. What no photo shows is unwrapped along the axis that it faces most.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..views.surface import Surface, settled
from ..views.view import Floats, Ints

AXES = 6
"""Directions for what no photo shows: along x, y and z, and against them."""
_MOST = 16
"""So many photos are chosen at most."""
_GAIN = 0.002
"""A photo that makes the surface better seen by less than this share is not chosen."""
_NEIGHBOUR = 0.35
_ROUNDS = 30
_UNSEEN = 0.02
"""What an axis counts beside a photo."""


@dataclass(frozen=True, eq=False)
class Labels:
    """The directions that were chosen, and which of them each face has."""

    chosen: list[int]
    """Numbers of photos."""
    scores: Floats
    """M × (chosen + AXES): how squarely each face is seen, 0 where it is not."""
    label: Ints
    """m: the column of ``scores``."""


def neighbouring_faces(surface: Surface) -> tuple[Ints, Ints]:
    """Two arrays of faces: those at the same place share an edge. Edges with more than two faces join some of them."""
    faces, count = surface.faces, len(surface.vertices)
    start = np.concatenate([faces[:, 0], faces[:, 1], faces[:, 2]])
    end = np.concatenate([faces[:, 1], faces[:, 2], faces[:, 0]])
    key = np.minimum(start, end) * count + np.maximum(start, end)
    order = np.argsort(key, kind="stable")
    same = np.nonzero(key[order][1:] == key[order][:-1])[0]
    number = np.tile(np.arange(len(faces)), 3)
    return number[order[same]], number[order[same + 1]]


def choose(count: int, seen: Callable[[int], Floats], areas: Floats) -> tuple[list[int], Floats]:
    """Choose photos one by one, each the one by which the faces are seen best.

    ``seen`` returns, for the number of one of ``count`` photos, the cosine for every face. Returns their numbers, and
    their cosines, chosen × m.
    """
    cosines = np.stack([np.rint(seen(number) * 255).astype(np.uint8) for number in range(count)])
    best = np.zeros(cosines.shape[1], np.uint8)
    chosen: list[int] = []
    total = float(areas.sum()) * 255
    while len(chosen) < min(_MOST, count):
        gains = [float((areas * np.maximum(each, best)).sum(dtype=np.float64)) for each in cosines]
        number = int(np.argmax(gains))
        if gains[number] - float((areas * best).sum(dtype=np.float64)) < _GAIN * total:
            break
        chosen.append(number)
        best = np.maximum(best, cosines[number])
    return chosen, cosines[chosen].astype(np.float32) / np.float32(255)


def label_faces(normals: Floats, chosen: Sequence[int], cosines: Floats, neighbours: tuple[Ints, Ints]) -> Labels:
    """Label the faces, whose normals are m × 3 and of length 1; ``cosines`` as ``choose`` returns them."""
    along = np.concatenate([normals, -normals], axis=1) * np.float32(_UNSEEN)
    scores = np.concatenate([cosines.T, np.maximum(along, 0)], axis=1)
    scores = np.ascontiguousarray(scores, np.float32)
    best = np.maximum(scores.max(1, keepdims=True), np.float32(1e-6))
    unary = np.where(scores > 0, scores / best, np.float32(-10))
    label = unary.argmax(1)
    face, beside = np.concatenate(neighbours), np.concatenate(neighbours[::-1])
    first = face * unary.shape[1]
    for turn in range(_ROUNDS):
        alike = np.bincount(first + label[beside], minlength=unary.size).astype(np.uint8)
        around = alike.reshape(unary.shape) * np.float32(_NEIGHBOUR)
        around += unary
        better = around.argmax(1)
        if np.array_equal(better, label):
            break
        # Neighbours that changed at once would change back: two thirds of the faces take turns.
        label = np.where(np.arange(len(label)) % 3 != turn % 3, better, label)
    return Labels(list(chosen), scores, label)


def connected(count: int, one: Ints, other: Ints) -> Ints:
    """Returns count: numbers of the connected parts, from 0, where ``one`` and ``other`` are joined pairs."""
    number, beside = np.concatenate([one, other]), np.concatenate([other, one])
    order = np.argsort(number, kind="stable")
    beside = beside[order]
    joined, first = np.unique(number[order], return_index=True)

    def least(label: Ints) -> Ints:
        found = label.copy()
        found[joined] = np.minimum.reduceat(label[beside], first)
        return found

    return np.asarray(np.unique(settled(count, least), return_inverse=True)[1], np.int64)
