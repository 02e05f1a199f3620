# SPDX-License-Identifier: GPL-3.0-or-later
"""A regular grid of samples in the world, in blocks of ``BLOCK``³, of which those near a surface are computed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..views.threads import Workers
from ..views.view import Flags, Floats, Ints

BLOCK = 8
_HALF_DIAGONAL = 0.87
"""Of a cube with sides of 1."""
_CHUNK = 96
"""So many blocks are computed at once: what numpy has at work then fits a processor's cache."""
_OFFSETS = np.stack(np.meshgrid(*[np.arange(BLOCK)] * 3, indexing="ij"), -1).reshape(-1, 3).astype(np.float32)

Field = Callable[[Floats], Floats]
"""Returns one or more values (n or n × k) for points of the world, n × 3."""


@dataclass(frozen=True, eq=False)
class Grid:
    """Sample (i, j, k) lies at ``origin + step * (i, j, k)``, in the world's axes."""

    origin: Floats
    """3."""
    step: float
    shape: tuple[int, int, int]
    """Multiples of ``BLOCK``."""

    @classmethod
    def over(cls, low: Floats, high: Floats, step: float) -> "Grid":
        """The grid from one corner of a box at least to the other."""
        counts = np.ceil((high - low) / step).astype(int) + 1
        shape = tuple(int(count) for count in -(-counts // BLOCK) * BLOCK)
        return cls(np.asarray(low, np.float32), float(step), (shape[0], shape[1], shape[2]))

    @property
    def blocks(self) -> tuple[int, int, int]:
        """How many blocks there are along each axis."""
        return self.shape[0] // BLOCK, self.shape[1] // BLOCK, self.shape[2] // BLOCK

    @property
    def reach(self) -> float:
        """A block all of whose samples lie further from a surface than a few steps has its middle further from it."""
        return self.step * (BLOCK * _HALF_DIAGONAL + 3)

    def centers(self) -> Floats:
        """The middles of all blocks, n × 3, in the order of ``ravel``."""
        places = np.stack(np.meshgrid(*[np.arange(count) for count in self.blocks], indexing="ij"), -1).reshape(-1, 3)
        middles = places.astype(np.float32) * BLOCK + np.float32((BLOCK - 1) / 2)
        return np.asarray(self.origin + middles * np.float32(self.step), np.float32)

    def block_of(self, points: Floats) -> Ints:
        """For points of the world the number of their block in the order of ``ravel``; those outside are left out."""
        counts = np.array(self.blocks)
        places = np.floor((points - self.origin) / np.float32(self.step * BLOCK)).astype(np.int64)
        places = places[((places >= 0) & (places < counts)).all(1)]
        return np.asarray((places[:, 0] * counts[1] + places[:, 1]) * counts[2] + places[:, 2])

    def points(self, samples: Ints) -> Floats:
        """Where samples, n × 3, lie in the world."""
        return np.asarray(self.origin + samples * np.float32(self.step), np.float32)

    def samples(self, numbers: Ints) -> Floats:
        """The samples of some blocks, (n · BLOCK³) × 3."""
        places = np.stack(np.unravel_index(numbers, self.blocks), -1).astype(np.float32) * BLOCK
        samples = (places[:, None] + _OFFSETS).reshape(-1, 3)
        samples *= np.float32(self.step)
        samples += self.origin
        return np.asarray(samples, np.float32)

    def fill(self, coarse: Floats, near: Flags, field: Field, workers: Workers) -> tuple[Floats, ...]:
        """Returns arrays of ``shape``: ``coarse`` (n blocks, or n × k) everywhere in a block, ``field`` where ``near``.

        Raises Cancelled.
        """
        coarse = coarse[:, None] if coarse.ndim == 1 else coarse
        x, y, z = self.blocks
        fields = [np.empty((x, BLOCK, y, BLOCK, z, BLOCK), np.float32) for _ in range(coarse.shape[1])]
        for each, values in zip(fields, coarse.T, strict=True):
            each[:] = values.reshape(x, 1, y, 1, z, 1)
        numbers = np.nonzero(near)[0]

        def work(part: Ints) -> tuple[Ints, Floats]:
            return part, field(self.samples(part))

        for part, values in workers.map(work, _chunks(numbers)):
            i, j, k = np.unravel_index(part, self.blocks)
            blocks = values.reshape(len(part), BLOCK, BLOCK, BLOCK, -1)
            for number, each in enumerate(fields):
                each[i, :, j, :, k, :] = blocks[..., number]
        return tuple(each.reshape(self.shape) for each in fields)

    def neighbouring(self, blocks: Flags) -> Flags:
        """The same blocks (n, in the order of ``ravel``) and all that touch them."""
        marked = blocks.reshape(self.blocks)
        for axis in range(3):
            marked = with_next(marked, axis)
        return np.asarray(marked.ravel())


def with_next(flags: Flags, axis: int) -> Flags:
    """The same flags, of three dimensions, and all that are next to one of them along an axis."""
    result = flags.copy()
    ahead, behind = [slice(None)] * 3, [slice(None)] * 3
    ahead[axis], behind[axis] = slice(1, None), slice(None, -1)
    result[tuple(ahead)] |= flags[tuple(behind)]
    result[tuple(behind)] |= flags[tuple(ahead)]
    return result


def _chunks(numbers: Ints) -> Iterator[npt.NDArray[np.int64]]:
    for start in range(0, len(numbers), _CHUNK):
        yield numbers[start : start + _CHUNK]
