# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos in other colors than sRGB come out in sRGB; with a profile that is of no use, they stay as they are."""

import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

from scan.photos.profile import in_srgb

# Red, green and blue in CIE XYZ under D50, as the profiles of Apple and of Adobe have them.
DISPLAY_P3 = ((0.51512, 0.2412, -0.00105), (0.29198, 0.69225, 0.04189), (0.1571, 0.06657, 0.78407))
ADOBE_RGB = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
SRGB = ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.7141))
COLORS = ((200, 60, 40), (90, 160, 70), (128, 128, 128), (40, 60, 150), (255, 255, 255), (0, 0, 0))


def fixed(values):
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def profile(primaries, gamma=2.2, name="Other"):
    """A profile with a matrix and one curve (ICC.1:2001-04)."""
    text = name.encode() + b"\0"
    tags = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", len(text)) + text + bytes(78),
        b"wtpt": b"XYZ " + bytes(4) + fixed((0.9642, 1.0, 0.82491)),
        b"cprt": b"text" + bytes(4) + b"none\0",
        **{
            key: b"XYZ " + bytes(4) + fixed(each)
            for key, each in zip((b"rXYZ", b"gXYZ", b"bXYZ"), primaries, strict=True)
        },
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256))),
    }
    table, data, at = b"", b"", 128 + 4 + 12 * len(tags)
    for key, content in tags.items():
        table += key + struct.pack(">II", at + len(data), len(content))
        data += content + bytes(-len(content) % 4)
    body = struct.pack(">I", len(tags)) + table + data
    head = struct.pack(">I4sI4s4s4s12x4s", 128 + len(body), b"lcms", 0x02400000, b"mntr", b"RGB ", b"XYZ ", b"acsp")
    return (head + bytes(28) + fixed((0.9642, 1.0, 0.82491))).ljust(128, b"\0") + body


def photo(content, colors=COLORS, kind="JPEG"):
    """As it is read from a file that has a profile."""
    picture = Image.new("RGB", (8 * len(colors), 8))
    for number, color in enumerate(colors):
        picture.paste(color, (8 * number, 0, 8 * number + 8, 8))
    file = io.BytesIO()
    picture.save(file, kind, icc_profile=content, quality=100, subsampling=0)
    return Image.open(io.BytesIO(file.getvalue())).convert("RGB")


def shown(picture):
    return np.asarray(picture)[4, 4::8].astype(int)


def expected(primaries, gamma):
    """The same colors in sRGB, through XYZ, with what lies beyond cut off."""
    light = (np.array(COLORS) / 255) ** gamma @ np.array(primaries) @ np.linalg.inv(np.array(SRGB))
    light = np.clip(light, 0, 1)
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize(
    ("primaries", "gamma"),
    [(DISPLAY_P3, 2.2), (ADOBE_RGB, 2.2), (SRGB[1:] + SRGB[:1], 1.8)],
    ids=["P3", "Adobe", "turned"],
)
def test_colors_come_out_in_srgb(primaries, gamma):
    before = photo(profile(primaries, gamma))
    found = in_srgb(before)
    assert (found.mode, found.size) == ("RGB", before.size)
    np.testing.assert_allclose(shown(found), expected(primaries, gamma), atol=4)
    assert np.abs(shown(found) - shown(before)).max() > 8


def test_a_photo_in_srgb_or_without_a_profile_stays_to_the_digit():
    own = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for content in (own, profile(SRGB, name="sRGB IEC61966-2.1"), None):
        before = photo(content, kind="PNG")
        np.testing.assert_array_equal(np.asarray(in_srgb(before)), np.asarray(before))


GREY = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()


@pytest.mark.parametrize(
    "content",
    [b"no profile", profile(DISPLAY_P3)[:200], profile(DISPLAY_P3)[:132] + b"\xff" * 400, GREY],
    ids=["nonsense", "cut short", "overwritten", "of other channels"],
)
def test_with_a_profile_that_cannot_be_used_a_photo_stays_as_it_is(content):
    before = photo(content)
    np.testing.assert_array_equal(np.asarray(in_srgb(before)), np.asarray(before))
