# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks go along with their photos all of them or none, whenever the worker is killed or the disk fails."""

import errno

import pytest
from renamed_scan import Scan, painted_on

from scan.common import files
from scan.job import relocation
from scan.job.events import PhotosCarried


@pytest.fixture
def stripped(workers, server, add_photos):
    return painted_on(Scan(workers, server), add_photos)


def stop_at(monkeypatch, number):
    """Have the disk fail at a file that is put into its place, as if the worker was killed there."""
    before = []

    def put_in_place(temporary, path):
        before.append(path)
        if len(before) == number:
            raise OSError(5, "Input/output error")
        files.put_in_place(temporary, path)

    monkeypatch.setattr(relocation, "put_in_place", put_in_place)


@pytest.mark.parametrize("number", range(1, 10))
def test_what_a_killed_run_has_begun_is_finished(stripped, monkeypatch, number):
    names = {"IMG_0001.JPG": "IMG_0002.JPG", "IMG_0002.JPG": "IMG_0003.JPG", "IMG_0003.JPG": "IMG_0001.JPG"}
    expected = {names[name]: made for name, made in stripped.shown().items()}
    stripped.move(names)
    stop_at(monkeypatch, number)
    assert stripped.strip_alone(cutouts="PNG").finished["status"] == "failed"
    monkeypatch.undo()
    story = stripped.strip_alone(cutouts="PNG")
    assert (story.exit_code, story.made, story.warnings) == (0, [], [])
    assert stripped.shown() == expected


@pytest.mark.parametrize("when", ["not gathered", "gathered"])
def test_what_a_killed_run_has_not_decided_is_forgotten(stripped, monkeypatch, when):
    before = stripped.shown()
    stripped.move({"IMG_0001.JPG": "IMG_0002.JPG", "IMG_0002.JPG": "IMG_0001.JPG"})

    def fail(*_):
        raise OSError(28, "No space left on device")

    if when == "not gathered":
        monkeypatch.setattr(relocation, "write_atomically", fail)
    else:
        monkeypatch.setattr(PhotosCarried, "to_json", fail)
    story = stripped.strip_alone(cutouts="PNG")
    assert (story.finished["status"], story.of("photos_carried")) == ("failed", [])
    assert stripped.shown() == before
    monkeypatch.undo()
    assert stripped.strip_alone(cutouts="PNG").exit_code == 0
    assert stripped.files()["IMG_0001.JPG"] == stripped.painted


def test_what_was_finished_is_not_done_again_where_its_folder_stays(stripped, add_photo, monkeypatch):
    """Windows does not let go of a folder in which somebody looks."""
    monkeypatch.setattr(relocation.shutil, "rmtree", lambda *_, **__: None)
    stripped.move({"IMG_0001.JPG": "other.jpg"})
    stripped.strip_alone(cutouts="PNG")
    add_photo("IMG_0001.JPG")
    stripped.strip(cutouts="PNG")
    painted = stripped.paint("IMG_0001.JPG")
    monkeypatch.undo()
    stripped.strip_alone(cutouts="PNG")
    assert stripped.files()["IMG_0001.JPG"] == painted
    assert not [*stripped.output.glob(".carried-*")]


def test_a_folder_of_masks_that_is_a_link_to_another_disk_is_no_trouble(stripped, monkeypatch):
    def put_in_place(*_):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(relocation, "put_in_place", put_in_place)
    stripped.move({"IMG_0002.JPG": "other.jpg"})
    assert stripped.strip_alone().exit_code == 0
    assert stripped.files()["other.jpg"] == stripped.painted
