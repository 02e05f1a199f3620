# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole way from views to a mesh, stage by stage.

Outlines bound the object; a wide sweep from the surface of the bound inward finds its hollows; narrow sweeps around the
fused surface find what windows that slant otherwise have missed; the last surface, on a finer grid, is refined vertex
by vertex. Each stage starts from the surface of the one before, which is kept on disk, so that a run that was cancelled
goes on from there.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from ..views.arrays import Arrays
from ..views.distances import signed_distances
from ..views.raster import depth_map
from ..views.shots import COLOR, GREY, MASK, RANKS
from ..views.surface import Surface
from ..views.threads import Workers
from ..views.view import Bytes, Floats, View, halved
from .agreement import supported, weights_of
from .checkpoints import Checkpoints
from .colors import vertex_colors
from .decimate import decimated
from .efforts import Effort
from .extract import extract
from .fusion import Weighted, fuse, smooth, trim
from .grid import Grid
from .hull import SLACK, Outline, distances_to, grid_around, hull_on
from .neighbours import neighbours
from .occluded import filled
from .refine import Step, quality_of, refine
from .spread import spread
from .sweep import Base, DepthMap, Picture, sweep
from .trust import wrong_masks

_NEAR, _FAR = -0.012, 1.2
"""The wide sweep: from a little before the bound's surface to so far behind it."""
_AROUND = (-0.05, 0.15), (-0.03, 0.12)
"""The narrow sweeps: the first reaches further inward, since a hollow with a narrow mouth opens step by step."""
_TOLERANCES = 0.02, 0.012
"""How far depths of neighbours may be apart to agree, in the wide and in the narrow sweep."""
_BANDS = 4.0, 3.0
"""The band of the fields, in steps of their grids."""
_ROUNDS = 6
_SKETCH = 30_000
"""So many faces are enough to look up depths."""

Tell = Callable[[str, float], None]
"""Told what is being done, and the share that is done of all."""


@dataclass(frozen=True, eq=False)
class Scene:
    """All that is known of the photos."""

    views: Sequence[View]
    ends: Sequence[tuple[bool, bool, bool, bool]]
    """See ``hull.Outline``."""
    arrays: Arrays
    """The parts of the photos and of their masks; see ``shots``."""
    effort: Effort


class Builder:
    """Builds the mesh of one scene."""

    def __init__(self, scene: Scene, checkpoints: Checkpoints, workers: Workers, tell: Tell) -> None:
        self._scene = scene
        self._kept = checkpoints
        self._workers = workers
        self._tell = tell
        self._numbers = range(len(scene.views))
        self.wrong_masks: list[str] = []
        """The photos whose masks cut away what the others keep, and did not count."""
        self._half = [view.halved(1) for view in scene.views]
        self._near = neighbours(scene.views, scene.effort.others)
        self._greys = [self._picture(number, 1) for number in self._numbers]

    def build(self) -> Surface:
        """The surface in the unit frame. Raises Cancelled, and NoModelError where the masks do not bound an object."""
        effort = self._scene.effort
        start, outlines, coarse = self._bounded(self._outlines())
        surface = self._kept.surface("wide", lambda: self._wide(outlines, coarse, start))
        for number in range(len(_AROUND)):
            surface = self._kept.surface(f"narrow{number}", partial(self._narrow, outlines, coarse, surface, number))
        for number, step in enumerate(effort.steps):
            share = 0.55 + 0.4 * number / len(effort.steps)
            surface = self._kept.surface(f"refined{number}", partial(self._refined, surface, step, share))
        return surface

    def depths(self, surface: Surface) -> list[Floats]:
        """The depth maps of a surface in all views, of half their size. Raises Cancelled."""
        sketch = decimated(surface, _SKETCH)
        return list(self._workers.map(lambda number: depth_map(sketch, self._half[number]), self._numbers))

    def quality(self, surface: Surface, depths: Sequence[Floats]) -> Floats:
        """Returns n: how well the photos agree at each vertex, 0 to 1. Raises Cancelled."""
        return quality_of(surface, self._greys, depths, self._workers)

    def colors(self, surface: Surface, depths: Sequence[Floats]) -> Bytes:
        """Returns n × 3: the colour of each vertex. Raises Cancelled."""
        arrays = self._scene.arrays
        return vertex_colors(
            surface, self._scene.views, depths, lambda number: arrays.bytes(COLOR, number), self._workers
        )

    def _outlines(self) -> list[Outline]:
        self._tell("Carving the hull", 0.02)

        def outline(number: int) -> Outline:
            mask = halved(self._scene.arrays.bytes(MASK, number).astype(np.float32), 1)
            return Outline(self._half[number], signed_distances(mask), self._scene.ends[number])

        return list(self._workers.map(outline, self._numbers))

    def _bounded(self, outlines: list[Outline]) -> tuple[Surface, list[Outline], Grid]:
        """The surface of the bound, the outlines that can be trusted, and the coarse grid around what they leave."""
        wrong = wrong_masks(outlines, self._workers)
        self.wrong_masks = [outlines[number].view.name for number in wrong]
        outlines = [outline for number, outline in enumerate(outlines) if number not in wrong]
        grid = grid_around(outlines, self._scene.effort.coarse, self._workers)
        bound = hull_on(grid, outlines, self._workers, RANKS)
        bound += np.float32(SLACK * grid.step)
        return decimated(extract(bound, grid), _SKETCH), outlines, grid

    def _wide(self, outlines: Sequence[Outline], grid: Grid, start: Surface) -> Surface:
        """The surface after a sweep from the bound inward."""
        offsets = np.linspace(_NEAR, _FAR, self._scene.effort.depths, dtype=np.float32)

        def base(number: int) -> Base:
            front = depth_map(start, self._half[number])
            back = depth_map(start, self._half[number], far_side=True)
            both = np.isfinite(front) & np.isfinite(back)
            reach = np.zeros_like(front)
            reach[both] = back[both] - front[both]
            return Base(front, reach)

        maps = self._swept("Comparing the photos", self._greys, base, offsets, (0.05, 0.25))

        def weights(number: int) -> Floats:
            # Of its guesses deep in a hollow few are sure; the narrow sweeps begin there all the same.
            return weights_of(number, self._half, maps, self._near[number], _TOLERANCES[0])

        return self._fused(self._half, maps, weights, outlines, grid, _BANDS[0])

    def _narrow(self, outlines: Sequence[Outline], coarse: Grid, surface: Surface, number: int) -> Surface:
        """The surface after a narrow sweep around the one before; after the last of them on the finer grid."""
        effort = self._scene.effort
        is_last = number == len(_AROUND) - 1
        pictures = self._pictures(effort.halvings if is_last else 1)
        views = [picture.view for picture in pictures]
        start = decimated(surface, _SKETCH)
        offsets = np.linspace(*_AROUND[number], effort.narrow[number], dtype=np.float32)

        def base(view: int) -> Base:
            front = depth_map(start, views[view])
            return Base(front, np.full_like(front, np.inf))

        share = (0.35, 0.5) if is_last else (0.26, 0.34)
        maps = self._swept("Comparing the photos closely", pictures, base, offsets, share)

        def weights(view: int) -> Floats:
            found = weights_of(view, views, maps, self._near[view], _TOLERANCES[1])
            return supported(found, maps[view].depth)

        if effort.spreads:
            self._spread(pictures, maps, weights)
        grid = grid_around(outlines, effort.fine, self._workers) if is_last else coarse
        return self._fused(views, maps, weights, outlines, grid, _BANDS[1])

    def _spread(self, pictures: Sequence[Picture], maps: list[DepthMap], weights: Callable[[int], Floats]) -> None:
        """Give the maps of a narrow sweep more sure pixels, then depths behind what hides them from other photos."""

        def more_sure(number: int) -> DepthMap:
            others = [pictures[other] for other in self._near[number]]
            return spread(pictures[number], others, maps[number], weights(number))

        def deeper(number: int) -> DepthMap:
            return filled(maps[number], weights(number))

        for work in (more_sure, deeper):
            maps[:] = list(self._workers.map(work, self._numbers))

    def _swept(
        self,
        doing: str,
        pictures: Sequence[Picture],
        base: Callable[[int], Base],
        offsets: Floats,
        share: tuple[float, float],
    ) -> list[DepthMap]:
        """The depth maps of all views; ``share`` is what is done of the whole when it begins and when it ends."""

        def work(number: int) -> DepthMap:
            others = [pictures[other] for other in self._near[number]]
            return sweep(pictures[number], others, base(number), offsets)

        maps = []
        for found in self._workers.map(work, self._numbers):
            maps.append(found)
            self._tell(doing, share[0] + (share[1] - share[0]) * len(maps) / len(self._numbers))
        return maps

    def _fused(
        self,
        views: Sequence[View],
        maps: Sequence[DepthMap],
        weights: Callable[[int], Floats],
        outlines: Sequence[Outline],
        grid: Grid,
        band: float,
    ) -> Surface:
        def weighted(number: int) -> Weighted:
            return Weighted(views[number], maps[number].depth, weights(number))

        fused = fuse(grid, outlines, list(self._workers.map(weighted, self._numbers)), band * grid.step, self._workers)
        field = smooth(fused, band * grid.step, _ROUNDS, self._workers)
        trim(field, fused)
        del fused
        return extract(field, grid, lambda points: distances_to(outlines, points)[:, -1] > -SLACK * grid.step)

    def _refined(self, surface: Surface, step: Step, share: float) -> Surface:
        self._tell("Refining the mesh", share)
        return refine(surface, self._pictures(0), self.depths(surface), step, self._workers)

    def _pictures(self, halvings: int) -> list[Picture]:
        return self._greys if halvings == 1 else [self._picture(number, halvings) for number in self._numbers]

    def _picture(self, number: int, halvings: int) -> Picture:
        grey = halved(self._scene.arrays.bytes(GREY, number).astype(np.float32), halvings)
        return Picture(self._scene.views[number].halved(halvings), grey)
