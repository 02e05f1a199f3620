# SPDX-License-Identifier: GPL-3.0-or-later
"""What a photo's JPEG lacks is told by whoever makes it, and once."""

import threading

import pytest
from conftest import draw_photo, journal_lines
from PIL import Image

from scan.engines.engine import Watch
from scan.job.journal import Journal
from scan.photos.photo import find_photos
from scan.tasks import reconstruct

WORDS = "IMG_1.HEIC: its JPEG leaves out 68 KB of XMP, more than a JPEG takes (64 KB)"


@pytest.fixture(autouse=True)
def heic(photos):
    pillow_heif = pytest.importorskip("pillow_heif", reason="makes the HEIC file")
    pillow_heif.from_pillow(draw_photo()).save(photos / "IMG_1.HEIC", xmp=b"<x>" + b" " * 70_000)


def test_where_a_mask_is_adopted_and_not_once_more_by_a_strip(photos, workers, server):
    (photos / "masks").mkdir()
    Image.new("L", (320, 240), 255).crop((-40, 0, 280, 240)).save(photos / "masks" / "IMG_1.png")
    assert workers.adopt().warnings == [WORDS]
    assert workers.strip(server.endpoint).warnings == []


def test_before_a_solve(photos, output):
    output.mkdir()
    watch = Watch(Journal(output / "journal.jsonl", "run"), threading.Event())
    for _ in range(2):
        working, unread = reconstruct._working(  # noqa: SLF001
            find_photos(photos, converted=output / "converted"), watch, develop_raw=False
        )
        assert ([str(photo.name) for photo in working], unread) == (["IMG_1.HEIC.jpg"], {})
    told = [line["text"] for line in journal_lines(output / "journal.jsonl") if line.get("level") == "warning"]
    assert told == [WORDS]
