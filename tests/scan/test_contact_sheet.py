# SPDX-License-Identifier: GPL-3.0-or-later
"""The contact sheet: a cell for every photo, its mask's outline in it, a cross for those that failed."""

import io

import numpy as np
import pytest
from PIL import Image

from scan.contact_sheet import ContactSheet

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
