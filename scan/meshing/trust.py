# SPDX-License-Identifier: GPL-3.0-or-later
"""Which masks are wrong: those that cut away what nearly all others keep.

The bound (the third least distance) keeps what one or two masks cut away by mistake. Drawn into each view it reaches
over the mask by a little where the mask is right, and by much where it is wrong.
"""

from collections.abc import Sequence

import numpy as np

from .hull import Outline
from .raster import depth_map
from .surface import Surface
from .threads import Workers

_DEEP = 6.0
"""Pixels outside the mask from which on a part of the bound counts as cut away."""
_LEAST, _TIMES = 0.03, 4.0
"""A mask is wrong that cuts away more than this share of the bound, and so many times what the usual mask does."""


def wrong_masks(bound: Surface, outlines: Sequence[Outline], workers: Workers) -> list[int]:
    """The numbers of the views whose masks are wrong. ``bound`` is the surface of the third least distance.

    Raises Cancelled.
    """

    def cut_away(outline: Outline) -> float:
        shown = np.isfinite(depth_map(bound, outline.view))
        return float((shown & (outline.distances < -_DEEP)).sum() / max(1, shown.sum()))

    shares = np.array(list(workers.map(cut_away, outlines)))
    limit = max(_LEAST, _TIMES * float(np.median(shares)))
    return [int(number) for number in np.nonzero(shares > limit)[0]]
