# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be set of a solve by COLMAP alone, and what a quality is in COLMAP's own numbers."""

from dataclasses import dataclass, replace

from ...common.declared import Choice, Home, setting

MAPPERS = (
    Choice("INCREMENTAL", "Incremental", "Camera after camera: slower and surer"),
    Choice("GLOBAL", "Global", "All cameras at once: faster for many photos"),
)


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How much COLMAP looks for, and how often it refines what it has. Edges are in pixels."""

    least_edge: int
    """Crops to the mask with a shorter long edge are scaled up to this, though never to more than twice their size."""
    most_edge: int
    """Crops with a longer one are scaled down to this."""
    kept: int
    """So many features of a crop are kept, the largest."""
    whole_edge: int
    """Photos without a mask are scaled down to this longest edge, and then looked at in twice their size, too."""
    whole_features: int
    """At most so many in a photo without a mask."""
    global_growth: float = 1.4
    global_refinements: int = 2
    local_refinements: int = 1
    global_tolerance: float = 1e-6
    """See ``colmap.steps.Map``; 1.1, 5, 2 and 0 are COLMAP's own."""

    def finer(self) -> "Effort":
        """What is tried where this did not do."""
        return replace(
            self,
            least_edge=1600,
            most_edge=3200,
            kept=2 * self.kept,
            whole_edge=3200,
            whole_features=2 * self.whole_features,
        )


EFFORTS = {
    "DRAFT": Effort(least_edge=500, most_edge=640, kept=2048, whole_edge=1000, whole_features=2048),
    "NORMAL": Effort(least_edge=850, most_edge=1600, kept=4096, whole_edge=2000, whole_features=8192),
    "HIGH": Effort(least_edge=1350, most_edge=2400, kept=8192, whole_edge=3200, whole_features=16384),
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
        return EFFORTS[quality]
