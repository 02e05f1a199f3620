# SPDX-License-Identifier: GPL-3.0-or-later
"""From a reconstruction, photos and masks on disk to the views that a build works on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..common.errors import NoModelError, PhotoError
from ..common.text import count, some
from .arrays import Arrays
from .frame import Frame, Sight, frame_of
from .shots import RANKS, Box, Part, Source, box_of, keep, part_of, seen_at, view_of, working_scale
from .threads import Workers
from .view import View

LEAST_PHOTOS = 3
_REACH = 1.6
"""A photo's part reaches at most so many radii from the object's middle: a mask that keeps everything costs no more."""
_SAMPLES = 32
_LACKING = 0.2
"""A mask lacks a part of the object where the others have it reach further by this share of its size."""


@dataclass(frozen=True, eq=False)
class Shots:
    """What is made of the photos."""

    frame: Frame
    sources: tuple[Source, ...]
    parts: tuple[Part, ...]
    views: tuple[View, ...]
    """In the order of the sources, as ``parts``."""
    left_out: dict[str, str]
    """Photo → why it is not among them."""


def look(sources: Sequence[Source], edge: float, workers: Workers) -> Shots:
    """Where the object is in each photo, and which part of it becomes a view; ``edge`` as in ``shots``.

    Raises Cancelled, and NoModelError where too few photos are left.
    """
    boxes: list[Box] = []
    usable: list[Source] = []
    left_out: dict[str, str] = {}

    def box(source: Source) -> Box | PhotoError:
        try:
            return box_of(source)
        except PhotoError as error:
            return error

    for source, found in zip(sources, workers.map(box, sources), strict=True):
        if isinstance(found, Box):
            usable.append(source)
            boxes.append(found)
        else:
            left_out[source.photo.name] = str(found)
    if len(usable) < LEAST_PHOTOS:
        raise NoModelError(_too_few(len(usable), left_out))
    frame = frame_of([_sight(source, found) for source, found in zip(usable, boxes, strict=True)])
    within = _completed(
        usable, [_within(source, found, frame) for source, found in zip(usable, boxes, strict=True)], frame
    )
    scale = working_scale(within, edge)
    parts = [part_of(source, found, scale) for source, found in zip(usable, within, strict=True)]
    views = [view_of(source, part, frame) for source, part in zip(usable, parts, strict=True)]
    return Shots(frame, tuple(usable), tuple(parts), tuple(views), left_out)


def keep_all(shots: Shots, arrays: Arrays, workers: Workers) -> Shots:
    """Read the photos, keep their parts, and leave out those that cannot be read. Raises Cancelled, OutputError."""
    kept, bad = read_each(
        lambda number: keep(shots.sources[number], shots.parts[number], number, arrays),
        len(shots.views),
        arrays,
        workers,
    )
    if not bad:
        return shots
    left_out = {**shots.left_out, **{shots.sources[number].photo.name: reason for number, reason in bad.items()}}
    if len(kept) < LEAST_PHOTOS:
        raise NoModelError(_too_few(len(kept), left_out))
    return replace(
        shots,
        sources=tuple(shots.sources[number] for number in kept),
        parts=tuple(shots.parts[number] for number in kept),
        views=tuple(shots.views[number] for number in kept),
        left_out=left_out,
    )


def read_each(
    read: Callable[[int], object], count: int, arrays: Arrays, workers: Workers
) -> tuple[list[int], dict[int, str]]:
    """Have so many photos read by their numbers, which keeps arrays of them; what could not be read, and why.

    Returns the numbers of those that could, whose arrays then have the numbers of their places among these. Raises
    Cancelled, OutputError.
    """

    def reason(number: int) -> str:
        try:
            read(number)
        except PhotoError as error:
            return str(error)
        return ""

    reasons = list(workers.map(reason, range(count)))
    kept = [number for number, words in enumerate(reasons) if not words]
    for new, number in enumerate(kept):
        if new != number:
            arrays.move(number, new)
    return kept, {number: words for number, words in enumerate(reasons) if words}


def _too_few(number: int, left_out: dict[str, str]) -> str:
    words = f"A model needs at least {LEAST_PHOTOS} photos with a mask and a camera, and there {_be(number)}"
    if left_out:
        name, reason = next(iter(left_out.items()))
        words += f"; {name} {reason}" + (f", and {count(len(left_out) - 1, 'more photo')}" if len(left_out) > 1 else "")
    return words


def _be(number: int) -> str:
    return "is only 1" if number == 1 else f"are only {number}" if number else "is none"


def left_out_words(left_out: dict[str, str]) -> str:
    """A warning that names the photos that were left out; empty without any."""
    if not left_out:
        return ""
    return f"{count(len(left_out), 'photo')} left out of the model: {some(sorted(left_out))}"


def _sight(source: Source, box: Box) -> Sight:
    pinhole, rotation = source.pinhole, source.photo.rotation
    ray = np.array(
        [
            ((box.left + box.right) / 2 - pinhole.center_x) / pinhole.focal,
            ((box.upper + box.lower) / 2 - pinhole.center_y) / pinhole.focal,
            1.0,
        ]
    )
    direction = rotation.T @ ray
    return Sight(
        position=source.photo.position,
        direction=direction / np.linalg.norm(direction),
        angle=max(box.right - box.left, box.lower - box.upper) / 2 / pinhole.focal,
    )


def _within(source: Source, box: Box, frame: Frame) -> Box:
    """The box, but for what lies far from the object."""
    ((x,), (y,), (depth,)) = seen_at(source, frame.center[None])
    if depth <= frame.radius:
        return box  # the camera is in the object, or looks away: its mask tells what it can
    reach = _REACH * frame.radius / depth * source.pinhole.focal
    cut = Box(
        max(box.left, int(x - reach)),
        max(box.upper, int(y - reach)),
        min(box.right, int(x + reach) + 1),
        min(box.lower, int(y + reach) + 1),
    )
    return cut if cut.left < cut.right and cut.upper < cut.lower else box


def _completed(sources: Sequence[Source], boxes: Sequence[Box], frame: Frame) -> list[Box]:
    """The boxes, and for masks that lack a part of the object those that the other photos give it."""
    along = np.linspace(-_REACH, _REACH, _SAMPLES)
    grid = np.stack(np.meshgrid(along, along, along, indexing="ij"), -1).reshape(-1, 3) * frame.radius + frame.center
    places = [seen_at(source, grid) for source in sources]
    misses = np.zeros(len(grid), int)
    for (x, y, _), box in zip(places, boxes, strict=True):
        misses += ~((x >= box.left) & (x <= box.right) & (y >= box.upper) & (y <= box.lower))
    kept = misses < RANKS
    if not kept.any():
        return list(boxes)
    completed = []
    for source, (x, y, _), box in zip(sources, places, boxes, strict=True):
        whole = Box(
            max(0, int(x[kept].min())),
            max(0, int(y[kept].min())),
            min(source.pinhole.width, int(x[kept].max()) + 1),
            min(source.pinhole.height, int(y[kept].max()) + 1),
        )
        slack = _LACKING * max(whole.right - whole.left, whole.lower - whole.upper)
        lacks = (box.left - whole.left, box.upper - whole.upper, whole.right - box.right, whole.lower - box.lower)
        completed.append(whole.around(box) if max(lacks) > slack else box)
    return completed
