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
    shares = [known.astype(np.float32)]
    while len(shares[-1]) > 1:
        side = len(shares[-1]) // 2
        shares.append(np.minimum(shares[-1].reshape(side, 2, side, 2).sum((1, 3)), np.float32(1)))
    result = picture.copy()
    for channel in range(3):  # one by one, since each takes a few bytes for every texel
        result[..., channel] = np.clip(np.rint(_filled(picture[..., channel], shares)), 0, 255)
    return result


def _filled(values: Bytes, shares: list[Floats]) -> Floats:
    levels = [values.astype(np.float32) * shares[0]]
    for share in shares[:-1]:
        side = len(share) // 2
        total = share.reshape(side, 2, side, 2).sum((1, 3))
        levels.append(levels[-1].reshape(side, 2, side, 2).sum((1, 3)) / np.maximum(total, np.float32(1)))
    above = levels[-1]
    for level, share in zip(levels[-2::-1], shares[-2::-1], strict=True):
        above = np.repeat(np.repeat(above, 2, 0), 2, 1)
        above *= 1 - share
        above += level
    return above
