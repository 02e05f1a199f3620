# SPDX-License-Identifier: GPL-3.0-or-later
"""The texels of an atlas that lie on the surface, and where on it."""

from dataclasses import dataclass

import numpy as np

from ..reconstruction.types import Floats as Doubles
from ..views.raster import Numbers, flat_map
from ..views.surface import Surface, of_length_1
from ..views.view import Floats


@dataclass(frozen=True, eq=False)
class Texels:
    """Texels in the order of their faces."""

    at: Numbers
    """n: their places in the picture, row by row."""
    face: Numbers
    """n."""


def texels_of(places: Floats, size: int) -> Texels:
    """The texels whose centres lie on faces; ``places`` are the faces' corners, m × 3 × 2, in texels, y down."""
    faces = flat_map(places[..., 0], places[..., 1], size).ravel()
    at = np.nonzero(faces >= 0)[0]
    order = np.argsort(faces[at], kind="stable")
    at = at[order]
    return Texels(at.astype(np.int32), faces[at])


class Patch:
    """Texels of a surface: their points and normals. It is made of normals as ``corner_normals`` returns them."""

    def __init__(
        self, surface: Surface, normals: Floats, places: Floats, texels: Texels, part: slice, size: int
    ) -> None:
        self.at = texels.at[part]
        face = texels.face[part]
        self.weights = _weights(places[face], self.at, size)
        """N × 3: of the face's corners."""
        self.corners = surface.faces[face]
        """N × 3: the face's vertices."""
        self.points = self.mean(surface.vertices)
        """N × 3."""
        self.normals = of_length_1(np.einsum("nci,nc->ni", normals[face], self.weights))
        """N × 3, of length 1."""

    def __len__(self) -> int:
        """How many texels there are."""
        return len(self.at)

    def mean(self, values: Floats) -> Floats:
        """Returns n × k: values of the vertices, v × k, between which the texels lie."""
        result: Floats = values[self.corners[:, 0]] * self.weights[:, 0, None]
        for corner in (1, 2):
            result += values[self.corners[:, corner]] * self.weights[:, corner, None]
        return result


def _weights(corners: Floats, at: Numbers, size: int) -> Floats:
    """The weights of the corners (n × 3 × 2) at the centres of texels."""
    x, y = corners[..., 0].astype(np.float64), corners[..., 1].astype(np.float64)
    across, down = (at % size).astype(np.float64) + 0.5, (at // size).astype(np.float64) + 0.5
    area: Doubles = (x[:, 1] - x[:, 0]) * (y[:, 2] - y[:, 0]) - (x[:, 2] - x[:, 0]) * (y[:, 1] - y[:, 0])
    weights = np.empty((len(at), 3), np.float32)
    for number, (one, other) in enumerate(((1, 2), (2, 0))):
        weight: Doubles = (x[:, one] - across) * (y[:, other] - down) - (x[:, other] - across) * (y[:, one] - down)
        weights[:, number] = weight / area
    weights[:, 2] = 1 - weights[:, 0] - weights[:, 1]
    return np.asarray(np.clip(weights, 0, 1))
