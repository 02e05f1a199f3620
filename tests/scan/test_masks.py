# SPDX-License-Identifier: GPL-3.0-or-later
"""From a server's answer to a mask."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from scan.masks import encode_mask, foreground_share, make_mask, read_soft_mask


def encoded(image, kind="PNG"):
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


def bomb(width, height):
    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(5000))) + chunk(b"IEND", b"")
    )


def test_a_soft_mask_is_read_as_it_was_sent():
    soft = Image.linear_gradient("L")
    assert read_soft_mask(encoded(soft), (256, 256)).tobytes() == soft.tobytes()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "cannot be decoded"),
        (b"<html>", "cannot be decoded"),
        (encoded(Image.effect_noise((64, 48), 50))[:-60], "cannot be decoded"),
        (encoded(Image.new("L", (64, 48)), "JPEG"), "cannot be decoded"),
        (encoded(Image.new("RGBA", (64, 48))), "channels RGBA"),
        (encoded(Image.new("RGB", (64, 48))), "channels RGB"),
        (encoded(Image.new("L", (48, 64))), "48 × 64 pixels, not 64 × 48"),
        (encoded(Image.new("L", (64, 144))), "3 masks stacked"),
        (bomb(60000, 60000), "60000 × 60000 pixels, not 64 × 48"),
    ],
)
def test_what_is_not_one_mask_of_the_picture_is_refused_with_the_reason(content, words):
    with pytest.raises(ValueError, match=words):
        read_soft_mask(content, (64, 48))


@pytest.mark.parametrize("threshold", [1, 128, 255])
def test_values_from_the_threshold_on_are_kept(threshold):
    soft = Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16))
    mask = np.asarray(make_mask(soft, 1, (16, 16), threshold)).ravel()
    assert mask.tolist() == [255 if value >= threshold else 0 for value in range(256)]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_mask_lies_over_the_stored_pixels_at_full_size(orientation):
    soft = Image.new("L", (100, 60))
    soft.paste(255, (0, 0, 50, 20))  # top left, seen upright
    stored = (500, 300) if orientation < 5 else (300, 500)
    mask = make_mask(soft, orientation, stored, 128)
    assert (mask.size, mask.mode) == (stored, "L")
    assert set(mask.tobytes()) == {0, 255}
    # Where EXIF puts what is seen at the top left: (left or right, top or bottom) of the stored pixels.
    right = orientation in {2, 3, 7, 8}
    bottom = orientation in {3, 4, 6, 7}
    if orientation in {6, 8}:
        right, bottom = orientation == 8, orientation == 6
    width, height = stored
    corner = (width - 20 if right else 20, height - 20 if bottom else 20)
    opposite = (width - corner[0], height - corner[1])
    assert (mask.getpixel(corner), mask.getpixel(opposite)) == (255, 0)


def test_an_edge_scaled_up_is_smooth():
    """Thresholded last: a diagonal edge has no steps of the size of a proxy's pixel."""
    soft = Image.fromarray(np.fromfunction(lambda y, x: np.clip((x - y) * 64 + 128, 0, 255), (64, 64)).astype(np.uint8))
    mask = np.asarray(make_mask(soft, 1, (512, 512), 128)) > 0
    edge = mask.argmax(axis=1)[64:448]
    assert np.abs(np.diff(edge)).max() <= 2


def test_a_mask_is_written_with_one_channel_of_eight_bits():
    mask = Image.new("L", (64, 48))
    mask.paste(255, (0, 0, 16, 48))
    back = Image.open(io.BytesIO(encode_mask(mask)))
    assert (back.format, back.mode, back.size, back.tobytes()) == ("PNG", "L", (64, 48), mask.tobytes())
    assert encode_mask(mask)[24:26] == b"\x08\x00"  # PNG's header: bit depth 8, colour type grey
    assert foreground_share(mask) == 0.25
