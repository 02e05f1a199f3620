# SPDX-License-Identifier: GPL-3.0-or-later
"""sRGB, in which photos and textures are kept, and linear light, in which they are computed with (IEC 61966-2-1)."""

import numpy as np

from ..views.view import Bytes, Floats

_LINEAR = np.empty(256, np.float32)
_VALUES = np.arange(256) / 255
_LINEAR[:] = np.where(_VALUES <= 0.04045, _VALUES / 12.92, ((_VALUES + 0.055) / 1.055) ** 2.4)


def linear(color: Bytes) -> Floats:
    """Linear light, 0 to 1, of sRGB in 8 bits."""
    return np.asarray(_LINEAR[color])


def srgb(light: Floats) -> Floats:
    """Values in sRGB, 0 to 255, of linear light; what is brighter than white is white."""
    light = np.clip(light, 0, 1)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055) * np.float32(255)
