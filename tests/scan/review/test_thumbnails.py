# SPDX-License-Identifier: GPL-3.0-or-later
"""The last photos of a run are there as small pictures, for the panel that watches it."""

import time

import numpy as np
import pytest
from conftest import draw_photo
from PIL import Image

from scan.job.progress import LATEST
from scan.review.contact_sheet import OUTLINE
from scan.review.thumbnails import SIZE, LatestThumbnails


def test_a_run_shows_its_last_photos(workers, server, add_photos, output):
    add_photos(3)
    story = workers.strip(server.endpoint)
    shown = [event["thumbnail"] for event in story.of("photo_done") if "thumbnail" in event]
    assert "0.npy" in shown  # on a loaded machine not always told first
    pixels = np.load(output / "thumbnails" / "0.npy")
    assert (pixels.dtype, pixels.shape[2]) == (np.uint8, 4)
    assert max(pixels.shape) == SIZE
    assert (pixels == (*OUTLINE, 255)).all(axis=2).any(), "the mask's outline is not to be seen"
    # A picture of an earlier run is none of this one's, and one that was not made anew has none.
    again = workers.strip(server.endpoint, threshold=100)
    assert len(again.made) == 3
    assert not any("thumbnail" in event for event in again.of("photo_done"))


def test_pictures_take_turns_and_do_not_come_too_fast(tmp_path, monkeypatch):
    thumbnails = LatestThumbnails(tmp_path)
    photo = draw_photo()
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now)
    assert thumbnails.add(photo, photo.convert("L")) == "0.npy"
    assert thumbnails.add(photo, photo.convert("L")) is None
    for number in range(1, LATEST + 2):
        monkeypatch.setattr(time, "monotonic", lambda number=number: now + 3 * number)
        assert thumbnails.add(photo, photo.convert("L")) == f"{number % LATEST}.npy"
    assert len(list(tmp_path.iterdir())) == LATEST


@pytest.mark.parametrize(
    ("box", "size"),
    [
        ((300, 200, 500, 300), (SIZE, SIZE)),  # all of it has room around it
        ((0, 0, 100, 100), (108, 108)),  # in a corner, and small: it is not made larger
        ((0, 200, 800, 300), (SIZE, 96)),  # as wide as the photo
        (None, (SIZE, 96)),  # nothing is kept
    ],
)
def test_the_object_is_shown_as_large_as_can_be(tmp_path, box, size):
    photo, mask = Image.new("RGB", (800, 600), "white"), Image.new("L", (200, 150))
    if box:
        mask.paste(255, tuple(edge // 4 for edge in box))
    LatestThumbnails(tmp_path).add(photo, mask)
    pixels = np.load(tmp_path / "0.npy")
    assert pixels.shape[1::-1] == size


def test_a_run_needs_no_room_for_them(tmp_path):
    file = tmp_path / "thumbnails"
    file.write_text("in the way")
    assert LatestThumbnails(file).add(draw_photo(), draw_photo().convert("L")) is None
