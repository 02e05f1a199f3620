# SPDX-License-Identifier: GPL-3.0-or-later
"""Colors for texels that no photo shows, from those around: a pyramid of means, up and down again.

The method is the pull-push of Gortler et al., The Lumigraph, 1996.
"""

import numpy as np

from ..views.view import Bytes, Flags, Floats

_GREY = 128


def filled(picture: Bytes, known: Flags) -> Bytes:
    """The picture (size × size × 3, size a power of 2) with colors where nothing is known (size × size)."""
    if not known.any():
        return np.full_like(picture, _GREY)
    levels: list[tuple[Floats, Floats]] = []
    share = known.astype(np.float32)
    color = picture.astype(np.float32) * share[..., None]
    while True:
        levels.append((color, share))
        side = len(share) // 2
        if side == 0:
            break
        total = share.reshape(side, 2, side, 2).sum((1, 3))
        color = color.reshape(side, 2, side, 2, 3).sum((1, 3)) / np.maximum(total, np.float32(1))[..., None]
        share = np.minimum(total, np.float32(1))
    above = levels[-1][0]
    for color, share in levels[-2::-1]:
        above = np.repeat(np.repeat(above, 2, 0), 2, 1)
        above *= (1 - share)[..., None]
        above += color
    return np.asarray(np.clip(np.rint(above), 0, 255), np.uint8)
