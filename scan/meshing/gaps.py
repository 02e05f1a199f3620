# SPDX-License-Identifier: GPL-3.0-or-later
"""What of the object no photo shows, told from where the photos were taken."""

from collections.abc import Sequence

import numpy as np

from ..reconstruction.types import Floats as Doubles
from ..views.view import View
from .neighbours import MOST, angles_between, directions

_SPARSE = 20.0
"""Degrees from one photo to the next at which hollows begin to be lost."""
_GAP = 75.0
"""Degrees without a photo that are worth a word."""
_SPOTS = 2000


def findings(views: Sequence[View]) -> list[str]:
    """What a person should know: gaps, and photos too far from one another. Sentences without their full stops."""
    said = []
    usual = float(np.median(_to_nearest(views)))
    if usual > _SPARSE:
        said.append(
            f"The photos are {usual:.0f}° apart, and hollows need at most {_SPARSE:.0f}°; take more photos all around"
        )
    if gap := _gap(views):
        said.append(gap)
    return said


def have_neighbours(views: Sequence[View]) -> bool:
    """Whether any two photos show the same part of the object."""
    return bool(_to_nearest(views).min() <= MOST)


def _to_nearest(views: Sequence[View]) -> Doubles:
    """Returns n, in degrees: from each view to the next one to it."""
    towards = directions(views)
    angles = angles_between(towards, towards)
    np.fill_diagonal(angles, np.inf)
    return np.asarray(angles.min(1))


def _gap(views: Sequence[View]) -> str:
    """Where the largest part of the sphere around the object lies that no photo was taken from; empty without one."""
    nearest = angles_between(_spread_out(_SPOTS), directions(views))
    empty = nearest.min(1)
    middle = int(empty.argmax())
    if empty[middle] < _GAP:
        return ""
    at_border = [views[number].name for number in np.argsort(nearest[middle])[:2]]
    return (
        f"No photo shows the object from one side: up to {empty[middle]:.0f}° away from {' and '.join(at_border)}, the "
        "nearest, there is none. The model is closed there smoothly; turn or flip the object and take more photos"
    )


def _spread_out(number: int) -> Doubles:
    """Returns n × 3: directions all around (the lattice of González, Measurement of Areas on a Sphere, 2010)."""
    steps = np.arange(number) + 0.5
    height = 1 - 2 * steps / number
    turn = np.pi * (1 + 5**0.5) * steps
    across = np.sqrt(1 - height * height)
    return np.stack([across * np.cos(turn), across * np.sin(turn), height], 1)
