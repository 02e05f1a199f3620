# SPDX-License-Identifier: GPL-3.0-or-later
"""The light that stood still while the object turned, found from how bright each point is in the photos that show it.

The logarithm of what a photo shows of a point is that of its albedo and that of the light, which is a smooth function
of the normal (Ramamoorthi and Hanrahan, An Efficient Representation for Irradiance Environment Maps, 2001) and of the
place, both in the axes of the camera, which stands still as the lamps do. Each side of a scan has a light of its own,
each photo an exposure. Both are least squares over the differences within each place, which do not ask for the albedo;
what does not fit, such as shadows and gloss, counts less (Cauchy weights).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..views.view import Floats, Ints
from .samples import Samples

_ROUNDS = 20
_SCALE = 0.12
"""Residuals much larger than this, in logarithms, hardly count."""
_RIDGE = 3e-3
"""Of the number of samples: what the photos do not tell is no light."""
_RIDGE_GAIN = 20.0
"""Samples that say that a photo is as bright as the others."""
_USUAL = 0.5, 99.5
"""Percentiles between which the samples' light is taken for what it is."""
_DROP = 0.9
"""The light is taken out where the residual drops to this share of what it is without."""
TERMS = 11


@dataclass(frozen=True, eq=False)
class Light:
    """Light and exposures of all photos, as logarithms."""

    side: Ints
    """Of each photo."""
    terms: Floats
    """Sides × TERMS × 3."""
    level: Floats
    """Sides × 3: what the terms are in the mean of a side's samples. That is no light, but exposure."""
    least: Floats
    """Sides × 3: the least that the terms are in the samples, as ``most``: beyond, they may lead anywhere."""
    most: Floats
    exposure: Floats
    """Photos × 3."""
    residual: float
    """How far samples of a place are apart, in logarithms, with this light."""

    def at(self, photo: int, normals: Floats, points: Floats) -> Floats:
        """Returns n × 3: what to divide the linear light of a photo by; arguments as in ``Samples``."""
        side = self.side[photo]
        shone = np.clip(basis(normals, points) @ self.terms[side], self.least[side], self.most[side])
        return np.asarray(np.exp(shone + (self.exposure[photo] - self.level[side])), np.float32)


def basis(normals: Floats, points: Floats) -> Floats:
    """Returns n × TERMS: spherical harmonics of the normals up to the second band, without the constant, and place."""
    x, y, z = normals[:, 0], normals[:, 1], normals[:, 2]
    columns = [x, y, z, x * y, y * z, x * z, x * x - y * y, 3 * z * z - 1, points[:, 0], points[:, 1], points[:, 2]]
    return np.stack(columns, 1)


def fit(samples: Samples, side: Ints, *, with_light: bool) -> Light:
    """The light and the exposures, or only the exposures; ``side`` is the number of each photo's side.

    Without any samples there is no light, and all photos are exposed alike.
    """
    sides, photos = int(side.max()) + 1, len(side)
    level, least, most = np.zeros((3, sides, 3), np.float32)
    found = np.zeros((sides, TERMS + 1, 3), np.float32)
    if not len(samples.place):
        return Light(side, found[:, :TERMS], level, least, most, np.zeros((photos, 3), np.float32), 0.0)
    of_sample = side[samples.photo]
    # For each side its terms, less what they are in the mean, and how much brighter than the other sides it is.
    design = np.zeros((len(samples.place), sides, TERMS + 1), np.float32)
    terms = basis(samples.normals, samples.points)
    middle = _means_by(of_sample, terms, sides)
    for number in range(sides):
        mine = of_sample == number
        design[mine, number, :TERMS] = terms[mine] - middle[number]
        design[mine, number, TERMS] = 1
    design = design.reshape(len(design), -1)
    means = _Means(samples)
    # Light goes before exposure: photos from above, in which the lamp shines on more, are not taken for brighter ones.
    exposure = np.zeros((photos, 3), np.float32) if with_light else means.exposures(samples, photos)
    weights = np.ones(len(samples.place), np.float32)
    for _ in range(_ROUNDS):
        bright = samples.light - exposure[samples.photo]
        if with_light:
            centred = design - means.of(design, weights)
            left = bright - means.of(bright, weights)
            weighted = centred * weights[:, None]
            gram = (weighted.T @ centred).astype(np.float64)
            gram += np.eye(len(gram)) * _RIDGE * float(weights.sum()) / sides
            solved = np.linalg.solve(gram, (weighted.T @ left).astype(np.float64)).astype(np.float32)
            found = solved.reshape(found.shape)
            brighter = found[:, TERMS]
            rest = samples.light - (design @ solved - brighter[of_sample])
            exposure = exposure + brighter[side]
        else:
            rest = samples.light
        off = rest - exposure[samples.photo]
        apart = off - means.of(off, weights)
        exposure = exposure + _means_of_photos(apart, samples.photo, weights, photos)
        exposure -= exposure.mean(0)
        apart = rest - exposure[samples.photo]
        apart -= means.of(apart, weights)
        weights = (1 / (1 + (np.abs(apart).mean(1) / _SCALE) ** 2)).astype(np.float32)
    residual = float(np.median(np.abs(apart).mean(1)))
    for number in range(sides):
        if (mine := of_sample == number).any():
            level[number] = middle[number] @ found[number, :TERMS]
            least[number], most[number] = np.percentile(terms[mine] @ found[number, :TERMS], _USUAL, axis=0)
    return Light(side, found[:, :TERMS], level, least, most, exposure, residual)


def find(samples: Samples, side: Ints) -> tuple[Light, bool]:
    """The light to take out, and whether it is one: where it explains too little, there are exposures alone."""
    plain = fit(samples, side, with_light=False)
    lit = fit(samples, side, with_light=True)
    return (lit, True) if lit.residual < _DROP * plain.residual else (plain, False)


def sides_of(names: Sequence[str]) -> Ints:
    """The number of each photo's side: its folder."""
    folders = [name.rpartition("/")[0] for name in names]
    return np.asarray(np.unique(folders, return_inverse=True)[1], np.int64)


class _Means:
    """Weighted means over the samples of each place."""

    def __init__(self, samples: Samples) -> None:
        self._place = np.unique(samples.place, return_inverse=True)[1]
        self._count = int(self._place.max()) + 1

    def of(self, values: Floats, weights: Floats) -> Floats:
        """N × k: for each sample the mean of its place; ``values`` are n × k."""
        total = np.bincount(self._place, weights, self._count)
        means = [np.bincount(self._place, column * weights, self._count) / total for column in values.T]
        return np.stack(means, 1).astype(np.float32)[self._place]

    def exposures(self, samples: Samples, photos: int) -> Floats:
        """Returns photos × 3: how bright each is, in logarithms, if there is no light and all samples count alike.

        Least squares in one step: with weights that hang on what is found, sides whose exposures are far apart would
        take each other for gloss, and stay so.
        """
        seen = np.zeros((self._count, photos), np.float32)
        seen[self._place, samples.photo] = 1
        matrix = (seen.T @ (-seen / seen.sum(1, keepdims=True))).astype(np.float64)
        matrix += np.diag(seen.sum(0, dtype=np.float64) + _RIDGE_GAIN)
        apart = samples.light - self.of(samples.light, np.ones(len(self._place), np.float32))
        right = np.stack([np.bincount(samples.photo, column, photos) for column in apart.T], 1)
        found = np.linalg.solve(matrix, right)
        return np.asarray(found - found.mean(0), np.float32)


def _means_by(group: Ints, values: Floats, groups: int) -> Floats:
    """Returns groups × k: the means of values, n × k, by their group, n; 0 for a group that has none."""
    times = np.maximum(np.bincount(group, minlength=groups), 1)
    means = [np.bincount(group, column, groups) / times for column in values.T]
    return np.asarray(np.stack(means, 1), np.float32)


def _means_of_photos(values: Floats, photo: Ints, weights: Floats, photos: int) -> Floats:
    total = np.bincount(photo, weights, photos) + _RIDGE_GAIN
    return np.stack([np.bincount(photo, column * weights, photos) / total for column in values.T], 1).astype(np.float32)
