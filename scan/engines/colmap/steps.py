# SPDX-License-Identifier: GPL-3.0-or-later
"""What a solve asks COLMAP to do, whichever COLMAP it is, and what COLMAP prints meanwhile."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

LEAST_MATCHES = 15
"""COLMAP's own threshold for two photos to show the same thing (min_num_matches)."""
LEAST_MODEL = 3
"""The fewest photos in a model. COLMAP may leave one of two all the same (4.2.1)."""
_MOST_TRIALS = 2000
"""RANSAC samples for the geometry of two photos: enough where a third of the matches is right."""

FILE_DONE = re.compile(r"Processed file \[(\d+)/(\d+)\]")
BLOCK_DONE = re.compile(r"(?:Processing|Matching) block \[(\d+)/\d+\]")
REGISTERING = re.compile(r"Registering image #\d+ \((?:num_reg_frames=)?(\d+)\)")
NO_MODEL = re.compile(rb"failed to create (?:any )?sparse model", re.IGNORECASE)


@dataclass(frozen=True)
class Extract:
    """Find the features of pictures. Each gets a camera of its own."""

    database: str
    images: str
    """The folder that the names are relative to."""
    names: Path
    """A text file, one name a line."""
    masks: str
    """The folder with a mask for each, ``<name>.png``; empty for none."""
    longest_edge: int
    """Larger pictures are scaled down for finding features. In pixels."""
    features: int
    """At most so many in a picture, before the mask is applied."""
    first_octave: int
    """0: features of the picture as it is; -1: finer ones, too, of the picture at twice its size."""
    megabytes: int
    """Memory that each picture takes at once."""


@dataclass(frozen=True)
class Match:
    """Match features between photos, and keep the matches that one geometry explains."""

    database: str
    pairs: Path
    """A text file, two names a line."""
    block: int
    """So many pairs are matched between two lines of progress."""
    trials: int = _MOST_TRIALS


@dataclass(frozen=True)
class Map:
    """Find cameras and points from the matches; models go to the folders ``0``, ``1`` and so on below ``models``."""

    database: str
    images: str
    models: str
    mapper: str
    global_growth: float
    """All cameras are refined whenever there are so many times as many of them, or of points, as the last time."""
    global_refinements: int
    """How often at most, each time; then, of the local refinement after each photo."""
    local_refinements: int
    global_tolerance: float
    """A refinement of all cameras ends where a step lowers the sum of squared errors by less than this part of it."""
    most_error: float
    """Observations with a larger reprojection error are dropped. In pixels of the photos."""
    least_model: int = LEAST_MODEL
    least_matches: int = LEAST_MATCHES


Step = Extract | Match | Map


class Commands(Protocol):
    """How one COLMAP is given a step."""

    @property
    def title(self) -> str:
        """What messages call it."""

    @property
    def environment(self) -> Mapping[str, str]:
        """Environment variables it needs."""

    @property
    def most_pairs(self) -> int:
        """How many pairs to match in one step: as many as it tells the progress of."""

    @property
    def is_slow_to_match(self) -> bool:
        """Whether it had better be given the matches, and only look which of them one geometry explains."""

    def command(self, step: Step) -> Sequence[str]:
        """The program and its arguments, to be run in the work folder. Raises EngineError where it cannot."""
