# SPDX-License-Identifier: GPL-3.0-or-later
"""What of the object no photo shows, told from where the photos were taken."""

from collections.abc import Sequence

import numpy as np

from .views import Floats, View

_SPARSE = 20.0
"""Degrees from one photo to the next at which hollows begin to be lost."""
_GAP = 75.0
"""Degrees without a photo that are worth a word."""
_FAR_APART = 50.0
_DIRECTIONS = 2000


def findings(views: Sequence[View]) -> list[str]:
    """What a person should know: gaps, and photos too far from one another. Sentences without their full stops."""
    directions = _directions(views)
    angles = np.degrees(np.arccos(np.clip(directions @ directions.T, -1, 1)))
    np.fill_diagonal(angles, np.inf)
    said = []
    usual = float(np.median(angles.min(1)))
    if usual > _SPARSE:
        said.append(
            f"The photos are {usual:.0f}° apart, and hollows need at most {_SPARSE:.0f}°; take more photos all around"
        )
    if gap := _gap(views, directions):
        said.append(gap)
    return said


def have_neighbours(views: Sequence[View]) -> bool:
    """Whether any two photos show the same part of the object."""
    directions = _directions(views)
    angles = np.degrees(np.arccos(np.clip(directions @ directions.T, -1, 1)))
    np.fill_diagonal(angles, np.inf)
    return bool(angles.min() <= _FAR_APART)


def _directions(views: Sequence[View]) -> Floats:
    positions = np.stack([view.position for view in views]).astype(np.float64)
    return np.asarray(positions / np.linalg.norm(positions, axis=1, keepdims=True), np.float32)


def _gap(views: Sequence[View], directions: Floats) -> str:
    """Where the largest part of the sphere around the object lies that no photo was taken from; empty without one."""
    spots = _spread_out(_DIRECTIONS)
    nearest = np.degrees(np.arccos(np.clip(spots @ directions.T, -1, 1)))
    empty = nearest.min(1)
    middle = int(empty.argmax())
    if empty[middle] < _GAP:
        return ""
    at_border = [views[number].name for number in np.argsort(nearest[middle])[:2]]
    return (
        f"No photo shows the object from one side: up to {empty[middle]:.0f}° away from {' and '.join(at_border)}, the "
        "nearest, there is none. The model is closed there smoothly; turn or flip the object and take more photos"
    )


def _spread_out(number: int) -> Floats:
    """Returns n × 3: directions all around (the lattice of González, Measurement of Areas on a Sphere, 2010)."""
    steps = np.arange(number) + 0.5
    height = 1 - 2 * steps / number
    turn = np.pi * (1 + 5**0.5) * steps
    across = np.sqrt(1 - height * height)
    return np.asarray(np.stack([across * np.cos(turn), across * np.sin(turn), height], 1), np.float32)
