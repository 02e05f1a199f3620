# SPDX-License-Identifier: GPL-3.0-or-later
"""What each quality of the model spends."""

from dataclasses import dataclass

from .refine import Step


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How closely the photos are looked at, and how fine the grids are. Lengths are in radii of the object."""

    edge: float
    """How large the object is in the views, in pixels; see ``shots``."""
    coarse: int
    """Samples along the longest side of the first grid."""
    fine: int
    """And of the second."""
    depths: int
    """How many depths the first sweep tries, from the bound's surface inward."""
    others: int
    """With how many views each is compared."""
    narrow: tuple[int, int]
    """How many depths the narrow sweeps try."""
    halvings: int
    """How many times the photos are halved for the last of them; for those before it is once."""
    spreads: bool
    """Whether depths spread from what the narrow sweeps are sure of, and go on behind what hides them."""
    steps: tuple[Step, ...]
    """The rounds of refinement."""


EFFORTS = {
    "DRAFT": Effort(
        edge=320,
        coarse=128,
        fine=160,
        depths=32,
        others=4,
        narrow=(13, 9),
        halvings=1,
        spreads=False,
        steps=(Step(reach=1.5, places=5, stiffness=6.0),),
    ),
    "NORMAL": Effort(
        edge=768,
        coarse=224,
        fine=384,
        depths=50,
        others=6,
        narrow=(25, 17),
        halvings=0,
        spreads=True,
        steps=(Step(reach=1.5, places=7, stiffness=12.0),),
    ),
    "HIGH": Effort(
        edge=1536,
        coarse=256,
        fine=448,
        depths=64,
        others=8,
        narrow=(33, 17),
        halvings=0,
        spreads=True,
        steps=(
            Step(reach=1.5, places=7, stiffness=12.0),
            Step(reach=1.0, places=5, stiffness=24.0),
        ),
    ),
}
