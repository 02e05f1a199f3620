# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be set of a solve by COLMAP alone, and what a quality is in COLMAP's own numbers."""

from dataclasses import dataclass

from ...common.declared import Choice, Home, setting

MAPPERS = (
    Choice("INCREMENTAL", "Incremental", "Camera after camera: slower and surer"),
    Choice("GLOBAL", "Global", "All cameras at once: faster for many photos"),
)


@dataclass(frozen=True)
class Effort:
    """How much COLMAP looks for. Larger photos are scaled down for finding features only."""

    longest_edge: int
    """In pixels."""
    features: int
    """At most so many in a photo."""
    megabytes: int
    """Memory that finding features takes for each photo at once (measured with 4.2.1)."""


# The repository's 40 photos of 1280 × 960 with masks, 4.2.1 on two busy cores: DRAFT 2 min (median error 0.07 % and
# 0.05°), NORMAL 4 min, 2.6 min of them on a processor (0.02 % and 0.02°); 3.8 as an executable, NORMAL, 16 min.
_EFFORTS = {
    "DRAFT": Effort(1000, 2048, 320),
    "NORMAL": Effort(2000, 8192, 950),
    "HIGH": Effort(3200, 16384, 2300),
}


@dataclass(frozen=True, kw_only=True)
class ColmapSettings:
    """The settings that both COLMAPs have beside those of every engine."""

    mapper: str = setting(
        "INCREMENTAL",
        label="Mapper",
        help="How the cameras are put together",
        home=Home.SCENE,
        choices=lambda: MAPPERS,
        of=("COLMAP", "COLMAP_EXECUTABLE"),
    )

    def effort(self, quality: str) -> Effort:
        """How much COLMAP looks for at a quality, by its name in the settings."""
        return _EFFORTS[quality]
