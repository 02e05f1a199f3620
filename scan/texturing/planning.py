# SPDX-License-Identifier: GPL-3.0-or-later
"""How large the photos are looked at for a texture, and what that takes of memory and disk."""

import math

from ..common.errors import NoModelError

_FINER = 1.3
"""A photo's pixel is at least so much smaller than a texel: what is finer, no texel would show."""
_USED = 0.62
"""The share of the texels that lie on the surface, about."""
_BASE = 260 << 20
"""Bytes that Python and numpy take."""
_FACE = 650.0
"""Bytes for each face of the mesh."""
_TEXEL = 44.0
"""Bytes for each texel of the picture."""
_PIXEL = 5.0
"""Bytes for each pixel of a view: colors and trust, which are on disk, and the depth map."""
_ON_DISK = 8.0
_AREA = 2.4
"""A view's pixels, of the square of a radius of the object in it."""
_LEAST = 0.1
"""Of the scale that is wanted: from views that are smaller, no texture is worth its size."""


def scale_for(size: int, area: float, faces: int, pixels: float, photos: int, memory: float) -> float:
    """How many times smaller than the photos their views are: 1, or less.

    ``area`` is that of the surface, in square radii, ``faces`` how many it has; ``pixels`` are those of a photo in a
    radius; ``memory`` is in bytes. Raises NoModelError where it is too little.
    """
    wanted = _FINER * math.sqrt(_USED * size * size / area) / pixels
    texels = _BASE + faces * _FACE + size * size * _TEXEL
    fits = math.sqrt(max(memory - texels, 0) / (photos * _AREA * _PIXEL)) / pixels
    scale = min(1.0, wanted, fits)
    if scale < (least := _LEAST * min(1.0, wanted)):
        needed = texels + photos * _AREA * _PIXEL * (pixels * least) ** 2
        raise NoModelError(
            f"A texture of {size:,} pixels from {photos} photos takes at least {needed / 1e9:.1f} GB of memory, and "
            f"{memory / 1e9:.1f} GB may be used; choose a smaller size, or set more memory in the preferences"
        )
    return scale


def needed_on_disk(pixels: float, photos: int) -> float:
    """Bytes; ``pixels`` are those of a view in a radius."""
    return photos * _AREA * pixels * pixels * _ON_DISK
