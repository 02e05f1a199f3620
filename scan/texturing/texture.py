# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole way from a mesh and what photos show of it to its texture."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..common.errors import NoModelError
from ..views.surface import Surface, corner_normals, face_normals, of_length_1
from ..views.threads import Workers
from ..views.view import Bytes, Floats, Ints
from .atlas import texels_of
from .blend import Canvas, blend
from .charts import charts_of
from .fill import filled
from .labels import choose, label_faces, neighbouring_faces
from .light import Light, find, fit, sides_of
from .packing import pack
from .samples import Samples, take
from .sights import Sight, faces_seen
from .unseen import spread

Tell = Callable[[str, float], None]


@dataclass(frozen=True, eq=False)
class Texture:
    """A texture, and how it lies on its mesh."""

    picture: Bytes
    """Size × size × 3, in sRGB, the upper row first."""
    places: Floats
    """M × 3 × 2: the faces' corners in texels, x to the right and y down."""
    light: Light
    is_lit: bool
    """Whether the light was taken out."""
    used: float
    """The share of the texels that lie on the surface."""
    unseen: float
    """The share of those that no photo shows: they have the colors around them."""


def texture_of(
    surface: Surface,
    sights: Sequence[Sight],
    size: int,
    *,
    places: Floats | None,
    polygons: Ints | None,
    without_light: bool,
    workers: Workers,
    tell: Tell,
) -> Texture:
    """The texture of a surface, which has faces, unwrapped here (see ``unwrapped``), or as ``places`` says.

    Raises Cancelled, and NoModelError where the mesh falls into too many pieces, or nothing of it is seen.
    """
    normals = corner_normals(surface)
    if places is None:
        tell("Unwrapping the model", 0.2)
        places = unwrapped(surface, np.arange(len(surface.faces)) if polygons is None else polygons, sights, size)
    tell("Comparing the photos' light", 0.4)
    light, is_lit, samples = light_of(surface, normals, sights, without_light=without_light, workers=workers)
    texels = texels_of(places, size)
    canvas = Canvas(surface, normals, places, texels, size)
    tell("Painting the texture", 0.5)
    paint = blend(canvas, sights, light, sharpness(samples, len(sights)), workers)
    if not paint.known.any():
        raise NoModelError(
            "Nothing of the mesh is seen where the masks keep something; choose the mesh, the cameras and the masks of "
            "the same scan"
        )
    around = spread(canvas, paint)
    picture = np.zeros((size * size, 3), np.uint8)
    known = np.zeros(size * size, bool)
    picture[texels.at], known[texels.at] = around.color, around.known
    whole = filled(picture.reshape(size, size, 3), known.reshape(size, size))
    return Texture(whole, places, light, is_lit, len(texels.at) / size**2, float((~paint.known).mean()))


def light_of(
    surface: Surface, normals: Floats, sights: Sequence[Sight], *, without_light: bool, workers: Workers
) -> tuple[Light, bool, Samples]:
    """The light of photos, whether there is any to take out, and the samples that tell. Raises Cancelled.

    ``normals`` are those of the faces' corners, m × 3 × 3.
    """
    samples = take(surface, normals, sights, workers)
    side = sides_of([sight.view.name for sight in sights])
    if without_light:
        return *find(samples, side), samples
    return fit(samples, side, with_light=False), False, samples


def unwrapped(surface: Surface, polygons: Ints, sights: Sequence[Sight], size: int) -> Floats:
    """Returns m × 3 × 2: the faces' corners on a square of ``size`` texels.

    ``polygons`` are the numbers, m, of those that the faces are parts of; a polygon stays in one piece. Raises
    NoModelError where the mesh falls into too many.
    """
    parts = _Polygons(polygons)
    normals = face_normals(surface)
    lengths = np.linalg.norm(normals, axis=1)
    normals = of_length_1(parts.sum(normals))

    def seen(number: int) -> Floats:
        return parts.least(faces_seen(surface, normals, sights[number]))

    chosen, cosines = choose(len(sights), seen, lengths)
    neighbours = neighbouring_faces(surface)
    labels = label_faces(normals, chosen, cosines, neighbours)
    labels = replace(labels, label=parts.first(labels.label))  # all parts of a polygon are seen alike
    charts = charts_of(surface, labels, [sight.view for sight in sights], lengths, neighbours)
    return pack(charts, size)


class _Polygons:
    """Which faces are parts of one polygon, by the numbers of the polygons, whatever these are."""

    def __init__(self, number: Ints) -> None:
        self._order = np.argsort(number, kind="stable")
        _, self._start, self._of_face = np.unique(number[self._order], return_index=True, return_inverse=True)
        self._of_face[self._order] = self._of_face.copy()

    def sum(self, values: Floats) -> Floats:
        """For each face the sum over its polygon of values, m × 3."""
        return np.asarray(np.add.reduceat(values[self._order], self._start)[self._of_face])

    def least(self, values: Floats) -> Floats:
        """For each face the least value, of m, over its polygon."""
        return np.asarray(np.minimum.reduceat(values[self._order], self._start)[self._of_face])

    def first(self, values: Ints) -> Ints:
        """For each face the value, of m, of the first face of its polygon."""
        return np.asarray(values[self._order][self._start][self._of_face])


def sharpness(samples: Samples, photos: int) -> Floats:
    """Returns a weight for each photo: how sharp it is beside the others of the same places, squared.

    1 for one that is like the others, or of which too little is known.
    """
    times = np.bincount(samples.place)
    mean = np.bincount(samples.place, samples.contrast) / np.maximum(times, 1)
    known = (times[samples.place] > 2) & (mean[samples.place] > 2)
    ratio = samples.contrast[known] / mean[samples.place[known]]
    number = np.bincount(samples.photo[known], minlength=photos)
    found = np.bincount(samples.photo[known], ratio, photos) / np.maximum(number, 1)
    return np.where(number > 50, np.clip(found, 0.1, 1.5) ** 2, 1).astype(np.float32)
