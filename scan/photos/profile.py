# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos in other colors than sRGB, such as Display P3 of phones, Adobe RGB of cameras, converted by their profile."""

import io

from PIL import Image, ImageCms


def in_srgb(picture: Image.Image) -> Image.Image:
    """Returns a picture in mode RGB in sRGB. One without a profile, or with one that cannot be used, stays as it is."""
    content = picture.info.get("icc_profile")
    if not content:
        return picture
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(content))
        if "srgb" in ImageCms.getProfileDescription(profile).lower():
            return picture
        converted = ImageCms.profileToProfile(
            picture, profile, ImageCms.createProfile("sRGB"), ImageCms.Intent.RELATIVE_COLORIMETRIC
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return picture  # damaged, or of grey values: its numbers are as good as sRGB
    return converted or picture
