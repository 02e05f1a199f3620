# SPDX-License-Identifier: GPL-3.0-or-later
"""Charts: connected faces that are unwrapped together, as one photo shows them.

Small ones join a neighbour where its photo shows them, too. Lengths on a chart are in radii of the object, as they are
on the surface where it faces the photo.
"""

import heapq
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..views.surface import Surface, face_normals, of_length_1
from ..views.view import Floats, Ints, View
from .labels import AXES, Labels, connected

_SMALL = 0.004
"""Charts with less than this share of the surface are small."""
_TINY = 0.0005
"""Charts with less than this share join a neighbour even where they are not seen, if they are turned to its photo."""
_TURNED = 0.05
_UNSEEN = 0.5
"""What no photo shows is so many times as large as the rest."""
_FLATTEST = 0.12
"""A face is not unwrapped from where it is seen more aslant than this cosine, if that can be helped."""


@dataclass(frozen=True, eq=False)
class Charts:
    """A surface cut into charts."""

    number: Ints
    """m: the chart of each face, from 0."""
    places: Floats
    """M × 3 × 2: x to the right and y down of the corners, in a plane of each chart's own."""


def charts_of(
    surface: Surface, labels: Labels, views: Sequence[View], areas: Floats, neighbours: tuple[Ints, Ints]
) -> Charts:
    """The charts of labelled faces; ``views`` are those of all photos."""
    chosen = [views[each] for each in labels.chosen]
    label = merged(labels, _facing(surface, chosen), areas, neighbours)
    one, other = neighbours
    same = label[one] == label[other]
    number = connected(len(label), one[same], other[same])
    return Charts(number, _places(surface, label, chosen))


def merged(labels: Labels, facing: Floats, areas: Floats, neighbours: tuple[Ints, Ints]) -> Ints:
    """The labels after small charts, the smallest first, have joined the neighbour with the longest common border.

    ``facing`` (m × the columns of the scores) is how squarely each face is turned to where it may be unwrapped from, be
    it seen from there or not, negative where it is turned away.
    """
    regions = _Regions(labels, facing, areas, neighbours)
    waiting = [(size, number) for number, size in enumerate(regions.size) if size < regions.smallest]
    heapq.heapify(waiting)
    while waiting:
        size, number = heapq.heappop(waiting)
        if regions.into[number] != number or size != regions.size[number]:
            continue  # it has joined another, or grown since
        joined = regions.join(number)
        if joined is not None and regions.size[joined] < regions.smallest:
            heapq.heappush(waiting, (regions.size[joined], joined))
    return regions.labels()


class _Regions:
    """Charts that join one another."""

    def __init__(self, labels: Labels, facing: Floats, areas: Floats, neighbours: tuple[Ints, Ints]) -> None:
        one, other = neighbours
        same = labels.label[one] == labels.label[other]
        self._chart = connected(len(labels.label), one[same], other[same])
        count = int(self._chart.max()) + 1
        self.size = np.bincount(self._chart, areas, count).tolist()
        self.smallest = _SMALL * float(areas.sum())
        self._tiny = _TINY * float(areas.sum())
        self.into = list(range(count))
        """Which chart each has joined; itself while it is one."""
        self._label = np.zeros(count, np.int64)
        self._label[self._chart] = labels.label
        columns = labels.scores.shape[1]
        order = np.argsort(self._chart, kind="stable")
        first = np.searchsorted(self._chart[order], np.arange(count))
        self._least = np.minimum.reduceat(labels.scores[order], first)
        self._turned = np.minimum.reduceat(facing[order], first)
        self._floor = np.full(columns, _FLATTEST, np.float32)
        self._floor[-AXES:] = 1e-4
        pairs = np.stack([self._chart[one[~same]], self._chart[other[~same]]], 1)
        between, length = np.unique(np.sort(pairs, 1), axis=0, return_counts=True)
        self._border: list[dict[int, int]] = [{} for _ in range(count)]
        for (first, second), edges in zip(between.tolist(), length.tolist(), strict=True):
            self._border[first][second] = self._border[second][first] = edges

    def join(self, number: int) -> int | None:
        """Have a chart join the best of its neighbours; which that is, None where none shows all of it."""
        lengths: dict[int, int] = defaultdict(int)
        for beside, edges in self._border[number].items():
            label = int(self._label[beside])
            is_seen = self._least[number, label] > self._floor[label]
            is_turned = self._turned[number, label] > _TURNED and self.size[number] < self._tiny
            if is_seen or is_turned:
                lengths[label] += edges
        if not lengths:
            return None
        label = max(lengths, key=lambda each: (lengths[each], -each))
        taking = [each for each in self._border[number] if self._label[each] == label]
        first, *others = sorted(taking)
        for each in (number, *others):
            self._merge(first, each)
        return first

    def _merge(self, kept: int, gone: int) -> None:
        self.into[gone] = kept
        self.size[kept] += self.size[gone]
        for floor in (self._least, self._turned):
            floor[kept] = np.minimum(floor[kept], floor[gone])
        for beside, edges in self._border[gone].items():
            del self._border[beside][gone]
            if beside != kept:
                self._border[kept][beside] = self._border[kept].get(beside, 0) + edges
                self._border[beside][kept] = self._border[kept][beside]
        self._border[gone] = {}

    def labels(self) -> Ints:
        """The label of each face."""
        final = np.arange(len(self.into))
        for number in range(len(self.into)):
            root = number
            while self.into[root] != root:
                root = self.into[root]
            final[number] = root
        return np.asarray(self._label[final][self._chart])


def _facing(surface: Surface, views: Sequence[View]) -> Floats:
    normals = of_length_1(face_normals(surface))
    middle = surface.vertices[surface.faces].mean(1)
    result = np.empty((len(normals), len(views) + AXES), np.float32)
    for number, view in enumerate(views):
        result[:, number], _ = view.towards(middle, normals)
    result[:, len(views) :] = np.concatenate([normals, -normals], axis=1)
    return result


def _places(surface: Surface, label: Ints, views: Sequence[View]) -> Floats:
    corners = surface.vertices[surface.faces]
    places = np.zeros((len(label), 3, 2), np.float32)
    for number, view in enumerate(views):
        mine = np.nonzero(label == number)[0]
        x, y, _ = view.project(corners[mine].reshape(-1, 3))
        # A pixel is as large as it is at the object's middle.
        places[mine] = np.stack([x, y], 1).reshape(-1, 3, 2) * np.float32(view.pixel)
    for axis in range(3):
        right, up = (axis + 1) % 3, (axis + 2) % 3
        for sign, number in ((1, len(views) + axis), (-1, len(views) + 3 + axis)):
            mine = label == number
            # Seen from outside, x to the right and y down.
            places[mine, :, 0] = corners[mine][..., right] * np.float32(sign * _UNSEEN)
            places[mine, :, 1] = corners[mine][..., up] * np.float32(-_UNSEEN)
    return places
