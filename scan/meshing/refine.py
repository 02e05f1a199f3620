# SPDX-License-Identifier: GPL-3.0-or-later
"""The mesh moved until the photos agree.

Every vertex looks along its normal for the place at which the patches of all photos that see it are most alike, in the
manner of Furukawa and Ponce (Accurate, Dense, and Robust Multi-View Stereopsis, 2010), who move patches one by one. A
patch is a square of points in the tangent plane of a vertex. The score of a place is the mean correlation over all
pairs of views: with unit patches pᵢ and weights wᵢ it is (|Σ wᵢ pᵢ|² - Σ wᵢ²|pᵢ|²) / ((Σ wᵢ)² - Σ wᵢ²), so that each
view is looked up once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..views.surface import Rings, Surface, vertex_normals
from ..views.threads import Workers
from ..views.view import Floats, Ints, bilinear, rotated
from .sweep import Picture
from .visibility import cosines
from .windows import NOISE, peak_shift

_SIDE = 7
_AT_ONCE = 2500
_MOST_VIEWS = 10
_RINGS = 20
_USUAL = 0.05
"""The trust of a vertex with texture around it; where there is none, no vertex has so much, and none goes far."""


@dataclass(frozen=True)
class Step:
    """One round of refinement."""

    reach: float
    """How far a vertex looks along its normal to either side, in pixels of the views."""
    places: int
    """How many places it tries, an odd number."""
    stiffness: float
    """How much smoothness counts against the photos."""


def refine(
    surface: Surface, pictures: Sequence[Picture], depths: Sequence[Floats], step: Step, workers: Workers
) -> Surface:
    """One round. Raises Cancelled.

    ``pictures`` and ``depths`` (depth maps of the surface, at any halving) are in the order of the views.
    """
    normals = vertex_normals(surface)
    pixel = _pixel(pictures)
    offsets = np.linspace(-step.reach, step.reach, step.places, dtype=np.float32) * np.float32(pixel)
    score = _scored(surface, normals, pictures, depths, offsets, workers)
    wanted, trust = _peaks(score, offsets)
    moved = _settled(surface, normals, wanted, trust, step.stiffness, float(offsets[-1]))
    return replace(surface, vertices=moved)


def quality_of(surface: Surface, pictures: Sequence[Picture], depths: Sequence[Floats], workers: Workers) -> Floats:
    """n: how well the photos agree at each vertex, 0 to 1; 0 where fewer than two see it. As ``refine``."""
    here = np.zeros(1, np.float32)
    return np.clip(_scored(surface, vertex_normals(surface), pictures, depths, here, workers)[:, 0], 0, 1)


def _pixel(pictures: Sequence[Picture]) -> float:
    """How large a pixel is on the object, in units of the world."""
    distance = np.median([np.linalg.norm(each.view.position) for each in pictures])
    return float(np.median([each.view.pixel_angle for each in pictures]) * distance)


def _scored(
    surface: Surface,
    normals: Floats,
    pictures: Sequence[Picture],
    depths: Sequence[Floats],
    offsets: Floats,
    workers: Workers,
) -> Floats:
    """Returns n × places: the score of every vertex at every place along its normal."""
    seen = [cosines(surface, normals, each.view, depth) for each, depth in zip(pictures, depths, strict=True)]
    pixel = _pixel(pictures)

    def work(chunk: Ints) -> Floats:
        squarely = np.stack([each[chunk] for each in seen])
        return _scores(surface.vertices[chunk], normals[chunk], squarely, pictures, offsets, pixel)

    chunks = np.array_split(np.arange(len(normals)), max(1, len(normals) // _AT_ONCE))
    return np.concatenate(list(workers.map(work, chunks)))


def _scores(
    vertices: Floats, normals: Floats, squarely: Floats, pictures: Sequence[Picture], offsets: Floats, pixel: float
) -> Floats:
    """As ``_scored``, for some of the vertices. A single place is the vertex itself."""
    if len(squarely) > _MOST_VIEWS:
        least = np.partition(squarely, len(squarely) - _MOST_VIEWS, axis=0)[len(squarely) - _MOST_VIEWS]
        squarely = np.where(squarely >= least, squarely, 0)
    patches = _patches(normals, pixel)
    weights, kept = _agreeing(vertices, patches, squarely, pictures)
    count = len(vertices)
    total = np.zeros((count, len(offsets), _SIDE * _SIDE), np.float32)
    squares = np.zeros((count, len(offsets)), np.float32)
    sum_weights, sum_squares = np.zeros(count, np.float32), np.zeros(count, np.float32)
    for number, (picture, (chosen, look)) in enumerate(zip(pictures, kept, strict=True)):
        if len(chosen) == 0:
            continue
        if len(offsets) == 1:
            looks = look[:, None]
        else:
            looks = _looks(vertices[chosen], normals[chosen], patches[chosen], offsets, picture)
        weight = weights[number, chosen]
        squares[chosen] += (looks * looks).sum(-1) * (weight * weight)[:, None]
        looks *= weight[:, None, None]
        total[chosen] += looks
        sum_weights[chosen] += weight
        sum_squares[chosen] += weight * weight
    pairs = sum_weights * sum_weights - sum_squares
    score = ((total * total).sum(-1) - squares) / np.maximum(pairs, 1e-6)[:, None]
    score[pairs <= 1e-3] = 0
    return np.asarray(score)


def _patches(normals: Floats, pixel: float) -> Floats:
    """Returns n × SIDE² × 3: the points of each vertex's patch, relative to it."""
    helper = np.where(
        np.abs(normals[:, :1]) < 0.7, np.array([[1, 0, 0]], np.float32), np.array([[0, 1, 0]], np.float32)
    )
    first = np.cross(normals, helper)
    first /= np.linalg.norm(first, axis=1, keepdims=True) + np.float32(1e-20)
    second = np.cross(normals, first)
    along = (np.arange(_SIDE, dtype=np.float32) - _SIDE // 2) * np.float32(pixel)
    a, b = np.tile(along, _SIDE), np.repeat(along, _SIDE)
    return np.asarray(first[:, None] * a[:, None] + second[:, None] * b[:, None])


def _looks(vertices: Floats, normals: Floats, patches: Floats, offsets: Floats, picture: Picture) -> Floats:
    """Returns n × places × SIDE²: how a view shows the patches.

    With mean 0 and length 1, or less where there is little to see.
    """
    view = picture.view
    center = view.to_camera(vertices)
    across = rotated(view.rotation, patches)
    along = rotated(view.rotation, normals)

    def axis(number: int) -> Floats:
        place = center[number][:, None] + offsets * along[number][:, None]
        return np.asarray(place[:, :, None] + across[number][:, None])

    inverse = 1 / axis(2)
    x = axis(0)
    x *= inverse
    x *= np.float32(view.focal_x)
    x += np.float32(view.center_x)
    y = axis(1)
    y *= inverse
    y *= np.float32(view.focal_y)
    y += np.float32(view.center_y)
    look = bilinear(picture.grey, x, y)
    look -= look.mean(-1, keepdims=True)
    variance = (look * look).mean(-1, keepdims=True) + NOISE
    look /= np.sqrt(variance * np.float32(_SIDE * _SIDE))
    return look


def _agreeing(
    vertices: Floats, patches: Floats, squarely: Floats, pictures: Sequence[Picture]
) -> tuple[Floats, list[tuple[Ints, Floats]]]:
    """Returns views × n: weights by how squarely a view looks at a vertex, and how like the others it shows it now.

    And for each view the vertices that it sees, and how it shows their patches.
    """
    here = np.zeros(1, np.float32)
    total = np.zeros(patches.shape[:2], np.float32)
    kept: list[tuple[Ints, Floats]] = []
    none = np.zeros_like(vertices)
    for number, picture in enumerate(pictures):
        chosen = np.nonzero(squarely[number] > 0)[0]
        look = _looks(vertices[chosen], none[chosen], patches[chosen], here, picture)[:, 0]
        total[chosen] += look * squarely[number, chosen, None]
        kept.append((chosen, look))
    weights = np.zeros_like(squarely)
    for number, (chosen, look) in enumerate(kept):
        rest = total[chosen] - look * squarely[number, chosen, None]
        alike = (rest * look).sum(-1) / (np.linalg.norm(rest, axis=-1) + np.float32(1e-6))
        weights[number, chosen] = squarely[number, chosen] * np.clip(alike, 0.05, 1)
    return weights, kept


def _peaks(score: Floats, offsets: Floats) -> tuple[Floats, Floats]:
    """Returns n each: where the score is highest, and the trust: its height times its sharpness; 0 at the ends."""
    last = len(offsets) - 1
    best = score.argmax(1)
    middle = np.clip(best, 1, last - 1)
    rows = np.arange(len(score))
    low, here, high = (score[rows, middle + move] for move in (-1, 0, 1))
    bend = low - 2 * here + high
    is_peak = (best == middle) & (bend < -1e-5) & (here > 0)
    step = offsets[1] - offsets[0]
    wanted = np.where(is_peak, offsets[middle] + peak_shift(low, here, high, is_peak) * step, 0)
    trust = np.where(is_peak, np.clip(here, 0, 1) ** 2 * -bend, 0)
    return wanted.astype(np.float32), trust.astype(np.float32)


def _settled(
    surface: Surface, normals: Floats, wanted: Floats, trust: Floats, stiffness: float, limit: float
) -> Floats:
    """The vertices where photos and smoothness agree: thin-plate energy (Kobbelt et al., 1998), by Jacobi's method."""
    rings = Rings(surface)
    trust = trust + rings.mean(trust)
    usual = float(np.median(trust[trust > 0])) if (trust > 0).any() else _USUAL
    stiff = np.float32(stiffness * max(usual, _USUAL))
    start, move = surface.vertices, np.zeros(len(normals), np.float32)
    for _ in range(_RINGS):
        place = start + move[:, None] * normals
        bend = rings.mean(place) - place
        bend = rings.mean(bend) - bend
        even = move - np.float32(0.4) * (bend * normals).sum(1)
        move = (trust * wanted + stiff * even) / (trust + stiff)
        move = np.clip(move, -limit, limit)
    place = start + move[:, None] * normals
    drift = rings.mean(place) - place
    drift -= (drift * normals).sum(1, keepdims=True) * normals
    return np.asarray(place + np.float32(0.3) * drift, np.float32)
