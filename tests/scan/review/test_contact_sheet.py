# SPDX-License-Identifier: GPL-3.0-or-later
"""The contact sheet: a cell for every photo, its mask's outline in it, a cross for those that failed."""

import contextlib
import io
import json

import numpy as np
import pytest
from PIL import Image

from scan.job.context import JobContext
from scan.job.folder import JobFolder
from scan.job.journal import Journal
from scan.review.contact_sheet import ContactSheet
from scan.tasks import photo_pipeline
from scan.tasks.strip import Strip

CLOSED = "http://127.0.0.1:9/api/remove"
CELL, GAP = 240, 4
GREEN, RED = (60, 255, 60), (220, 40, 60)


def cell(sheet, index, columns):
    row, column = divmod(index, columns)
    left, top = column * (CELL + GAP) + GAP, row * (CELL + GAP) + GAP
    return sheet.crop((left, top, left + CELL, top + CELL))


def share_of(image, colour):
    """How much of a picture has nearly this colour."""
    distance = np.abs(np.int16(image) - np.int16(colour)).max(axis=2)
    return float((distance < 40).mean())


def decoded(sheet):
    return Image.open(io.BytesIO(sheet.encode())).convert("RGB")


@pytest.mark.parametrize(
    ("photos", "columns", "rows"), [(1, 2, 1), (2, 2, 1), (3, 2, 2), (12, 4, 3), (13, 5, 3), (40, 8, 5)]
)
def test_the_grid_has_a_cell_for_every_photo_and_no_row_too_many(photos, columns, rows):
    sheet = decoded(ContactSheet([f"{number}.jpg" for number in range(photos)]))
    assert sheet.size == (columns * (CELL + GAP) + GAP, rows * (CELL + GAP) + GAP)
    assert columns * (rows - 1) < photos <= columns * rows


@pytest.mark.parametrize("photos", [1000, 20000])
def test_thousands_of_photos_share_one_sheet_of_bounded_size(photos):
    sheet = ContactSheet([f"{number}.jpg" for number in range(photos)])
    width, height = Image.open(io.BytesIO(sheet.encode())).size
    assert width * height < 40_000_000
    assert sheet.cell_size >= 30


def test_cells_show_the_outline_the_cross_or_nothing():
    sheet = ContactSheet(["A/ü 写真.jpg", "2.jpg", "3.jpg"])
    mask = Image.new("L", (80, 60))
    mask.paste(255, (20, 10, 60, 50))
    sheet.add("A/ü 写真.jpg", Image.new("RGB", (800, 600), (0, 60, 160)), mask)
    sheet.add_failed("2.jpg")
    assert [sheet.is_drawn(name) for name in ("A/ü 写真.jpg", "2.jpg", "3.jpg")] == [True, True, False]
    drawn, failed, empty = (cell(decoded(sheet), index, 2) for index in range(3))
    assert share_of(drawn, GREEN) > 0.002
    assert share_of(drawn, (0, 60, 160)) > 0.5
    assert share_of(failed, RED) > 0.01
    assert share_of(failed, GREEN) < 0.001
    assert share_of(empty, (24, 24, 24)) == 1.0


def test_the_outline_lies_where_the_mask_ends():
    sheet = ContactSheet(["1.jpg", "2.jpg"])
    mask = Image.new("L", (80, 60))
    mask.paste(255, (0, 0, 40, 60))
    sheet.add("1.jpg", Image.new("RGB", (800, 600)), mask)
    green = np.abs(np.int16(cell(decoded(sheet), 0, 2)) - np.int16(GREEN)).max(axis=2) < 90
    columns = np.flatnonzero(green[60:180].any(axis=0))
    assert columns.size
    assert np.abs(columns - CELL // 2).max() <= 3


def test_the_sheet_follows_the_photos_that_there_are(photos, add_photo, workers, server, output):
    for name in ("1.jpg", "2.jpg", "3.jpg"):
        add_photo(name)
    (photos / "4.jpg").write_bytes(b"nothing")
    sheets = []

    def drawn(**given):
        workers.strip(server.endpoint, **given)
        sheets.append((output / "contact_sheet.jpg").read_bytes())
        return Image.open(output / "contact_sheet.jpg").convert("RGB")

    assert share_of(cell(drawn(), 3, 3), RED) > 0.01
    (photos / "4.jpg").unlink()
    assert share_of(cell(drawn(), 3, 3), RED) < 0.001
    drawn(files=("1.jpg", "2.jpg"))
    assert drawn().size == (2 * 244 + 4, 2 * 244 + 4)
    drawn()
    assert sheets[-1] == sheets[-2], "there was nothing to draw"
    assert len(set(sheets)) == 4 - (sheets[1] == sheets[3])


def test_a_run_leaves_a_sheet_with_every_photo(photos, add_photo, workers, server, output):
    for name in ("A/1.jpg", "A/2.jpg", "B/2.jpg"):
        add_photo(name)
    (photos / "B" / "1.jpg").write_bytes(b"nothing")
    workers.strip(server.endpoint)
    sheet = Image.open(output / "contact_sheet.jpg").convert("RGB")
    columns = 3
    assert sheet.size == (columns * 244 + 4, 2 * 244 + 4)
    crossed = [share_of(cell(sheet, index, columns), RED) > 0.01 for index in range(4)]
    outlined = [share_of(cell(sheet, index, columns), GREEN) > 0.002 for index in range(4)]
    assert crossed == [False, False, True, False]
    assert outlined == [True, True, False, True]
    # Done by an earlier run: drawn from what is kept, without asking.
    asked = len(server.requests)
    add_photo("C.jpg")
    workers.strip(server.endpoint)
    assert len(server.requests) == asked + 1
    again = Image.open(output / "contact_sheet.jpg").convert("RGB")
    assert [share_of(cell(again, index, 3), GREEN) > 0.002 for index in range(5)] == [True, True, False, True, True]


# What a sheet costs


@pytest.fixture
def strip(workers, output):
    """Give a function that strips in this process, where calls can be counted."""

    def strip(endpoint, **given):
        folder = JobFolder(output)
        journal = Journal(folder.journal, folder.prepare({"task": "strip", "settings": {}}))
        with contextlib.closing(journal):
            return Strip(workers.settings(endpoint, **given), JobContext(folder, journal)).run()

    return strip


@pytest.fixture
def decoded_photos(monkeypatch):
    """Give the names of the photos that were decoded, as a list that grows."""
    names, make_proxy = [], photo_pipeline.make_proxy

    def counted(photo, long_edge):
        names.append(str(photo.name))
        return make_proxy(photo, long_edge)

    monkeypatch.setattr(photo_pipeline, "make_proxy", counted)
    return names


def test_a_server_that_is_away_is_told_of_without_a_blank_sheet(add_photos, strip, output, decoded_photos):
    add_photos(3)
    outcome = strip(CLOSED, retry_for=0.0)
    assert (outcome.exit_code, decoded_photos) == (3, [])
    assert not (output / "contact_sheet.jpg").exists()


def test_a_photo_without_a_mask_is_not_decoded_for_the_sheet(
    add_photo, add_photos, strip, server, output, decoded_photos
):
    names = add_photos(2)
    strip(server.endpoint)
    decoded_photos.clear()
    add_photo("later.jpg")
    assert strip(CLOSED, retry_for=0.0, threshold=200).exit_code == 3
    assert sorted(decoded_photos) == names
    sheet = Image.open(output / "contact_sheet.jpg").convert("RGB")
    assert [share_of(cell(sheet, index, 2), GREEN) > 0.002 for index in range(3)] == [True, True, False]


def test_photos_drawn_for_the_sheet_alone_are_held_within_the_budget(
    add_photo, strip, server, output, monkeypatch, decoded_photos
):
    held, room = [], []

    class Counted(photo_pipeline.PixelBudget):
        @contextlib.contextmanager
        def hold(self, pixels):
            with super().hold(pixels):
                held.append(pixels)
                room.append(pixels)
                yield
            room.remove(pixels)

    def watched(*given):
        assert 320 * 240 in room
        return kept_mask(*given)

    kept_mask = photo_pipeline.kept_mask
    add_photo("1.png")
    strip(server.endpoint)
    (output / "contact_sheet.jpg").unlink()
    decoded_photos.clear()
    monkeypatch.setattr(photo_pipeline, "PixelBudget", Counted)
    monkeypatch.setattr(photo_pipeline, "kept_mask", watched)
    assert strip(server.endpoint).made == 0
    assert (decoded_photos, held, room) == (["1.png"], [320 * 240] * 2, [])


@pytest.mark.parametrize("what", ["photo", "cutout"])
def test_what_fails_in_every_run_draws_the_sheet_once(photos, add_photo, workers, server, output, what):
    for name in ("1.jpg", "2.jpg"):
        add_photo(name)
    bad = add_photo("3.jpg", Image.new("CMYK", (320, 240)) if what == "cutout" else None)
    whole = bad.read_bytes()
    if what == "photo":
        bad.write_bytes(whole[:-2000])

    def strip():
        story = workers.strip(server.endpoint, cutouts="PNG")
        report = json.loads((output / "report.json").read_bytes())
        assert bool(story.failed if what == "photo" else report["no_cutouts"]) == is_bad
        return len(story.of("contact_sheet"))

    is_bad = True
    assert [strip() for _ in range(3)] == [1, 0, 0]
    sheet = Image.open(output / "contact_sheet.jpg").convert("RGB")
    assert (share_of(cell(sheet, 2, 2), RED) > 0.01) == (what == "photo")
    is_bad = False
    bad.write_bytes((photos / "1.jpg").read_bytes())
    assert [strip() for _ in range(2)] == [1, 0]
    sheet = Image.open(output / "contact_sheet.jpg").convert("RGB")
    assert share_of(cell(sheet, 2, 2), RED) < 0.001
