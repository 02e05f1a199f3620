# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether cutouts are made, and how they look."""

import re
from dataclasses import dataclass

from ..common.declared import Choice, Home, Unit, setting
from ..common.errors import BadUseError

CUTOUTS = (
    Choice("NONE", "None", "Masks only: all that most programs need"),
    Choice("PNG", "PNG", "Pictures with a transparent background"),
    Choice("JPEG", "JPEG", "Pictures with a background of one color"),
)


@dataclass(frozen=True, kw_only=True)
class CutoutSettings:
    """Pictures made beside the masks."""

    cutouts: str = setting(
        "NONE",
        label="Cutouts",
        help="Pictures to make beside the masks, for programs that take no masks",
        home=Home.SCENE,
        choices=lambda: CUTOUTS,
    )
    cutout_color: str = setting(
        "#000000",
        label="Cutout Color",
        help="Color behind the object in JPEG cutouts",
        home=Home.SCENE,
        unit=Unit.COLOR,
        metavar="#RRGGBB",
        was="cutout_colour",
    )

    def check_cutouts(self) -> None:
        """Raise BadUseError where the color is none."""
        if not re.fullmatch("#[0-9a-fA-F]{6}", self.cutout_color):
            raise BadUseError(f"Cutout Color must be written like #ff8000, not {self.cutout_color!r}")
