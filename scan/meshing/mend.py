# SPDX-License-Identifier: GPL-3.0-or-later
"""Edges at which a simplified mesh touches itself, taken apart.

Simplification as ``fast-simplification`` does it does not ask whether two vertices have more neighbours in common than
the two of their edge (the link condition of Dey et al., Topology Preserving Edge Contraction, 1999), and leaves a few
edges with four faces. Each becomes two edges in the same place: a vertex in the middle for either pair of faces.
"""

from collections import defaultdict

import numpy as np

from ..views.surface import Surface, settled
from ..views.view import Floats, Ints


def mended(surface: Surface) -> Surface:
    """The same surface with two faces at each edge that had four, and without faces that lie back to back."""
    vertices, faces = [surface.vertices], surface.faces
    while True:
        faces = _without_flaps(faces)
        pairs = _touching(faces)
        if not pairs:
            return _with_one_fan_each(Surface(np.concatenate(vertices), faces))
        count = sum(map(len, vertices))
        added, removed = [], []
        middles: list[Floats] = []
        taken: set[int] = set()
        everything = np.concatenate(vertices)
        for (a, b), forward, backward in pairs:
            if taken & {*forward, *backward}:
                continue  # in the next round
            taken |= {*forward, *backward}
            for one, other in _paired(everything, faces, a, b, forward, backward):
                middle = count + len(middles)
                middles.append((everything[a] + everything[b]) / 2)
                for number in (one, other):
                    corners = faces[number].tolist()
                    removed.append(number)
                    added += [[middle if each == end else each for each in corners] for end in (a, b)]
        faces = np.concatenate([np.delete(faces, removed, axis=0), np.array(added, faces.dtype)])
        vertices.append(np.array(middles, np.float32))


def _with_one_fan_each(surface: Surface) -> Surface:
    """The surface with a vertex of its own for each fan of faces: where fans touch in one vertex, each gets a copy."""
    faces = surface.faces
    start, end = faces.ravel(), np.roll(faces, -1, axis=1).ravel()
    # Two faces that share an edge share, at either end of it, a fan: this face's corner and the other's next one.
    order = np.lexsort((end, start))
    back = np.lexsort((start, end))
    following = back // 3 * 3 + (back % 3 + 1) % 3

    def least(label: Ints) -> Ints:
        found = label.copy()
        for here, there in ((order, following), (following, order)):
            found[here] = np.minimum(found[here], label[there])
        return found

    # Of each corner, numbered face by face.
    first, corners = np.unique(settled(3 * len(faces), least), return_inverse=True)
    return Surface(surface.vertices[faces.ravel()[first]], corners.reshape(-1, 3))


def _without_flaps(faces: Ints) -> Ints:
    """Leaves out pairs of faces with the same three corners: they enclose nothing."""
    _, inverse, times = np.unique(np.sort(faces, 1), axis=0, return_inverse=True, return_counts=True)
    return np.asarray(faces[(times % 2 == 1)[inverse.ravel()]])


_Edge = tuple[tuple[int, int], list[int], list[int]]


def _touching(faces: Ints) -> list[_Edge]:
    """The edges (a, b) with four faces: those two that run from a to b, and those two that run from b to a."""
    start = np.concatenate([faces[:, 0], faces[:, 1], faces[:, 2]])
    end = np.concatenate([faces[:, 1], faces[:, 2], faces[:, 0]])
    number = np.tile(np.arange(len(faces)), 3)
    low, high = np.minimum(start, end), np.maximum(start, end)
    key = low * (faces.max() + 1) + high
    _, inverse, times = np.unique(key, return_inverse=True, return_counts=True)
    many = np.nonzero((times == 4)[inverse])[0]
    found: dict[tuple[int, int], tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for each in many.tolist():
        found[int(low[each]), int(high[each])][int(start[each] > end[each])].append(int(number[each]))
    return [(edge, *both) for edge, both in found.items() if len(both[0]) == len(both[1]) == 2]


def _paired(
    vertices: Floats, faces: Ints, a: int, b: int, forward: list[int], backward: list[int]
) -> list[tuple[int, int]]:
    """The two pairs of faces that lie beside each other around the edge, with the outside between the pairs."""
    along = (vertices[b] - vertices[a]).astype(np.float64)
    along /= np.linalg.norm(along) + 1e-30
    helper = np.eye(3)[np.abs(along).argmin()]
    first = np.cross(along, helper)
    first /= np.linalg.norm(first)
    second = np.cross(along, first)

    def angle(number: int) -> float:
        apex = next(each for each in faces[number].tolist() if each not in (a, b))
        outward = vertices[apex] - vertices[a]
        return float(np.arctan2(outward @ second, outward @ first))

    # Turning on from a face that runs from a to b one is outside; turning back one goes through the solid, and comes to
    # the other face of the pair.
    turns = [(angle(forward[0]) - angle(back)) % (2 * np.pi) for back in backward]
    nearest = int(np.argmin(turns))
    return [(forward[0], backward[nearest]), (forward[1], backward[1 - nearest])]
