# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of the files that lie in a photo folder beside photos, or instead of them."""

import os
import sys

import pytest

from scan.common.errors import BadUseError
from scan.job.folder import JobFolder
from scan.photos.other_files import about_others
from scan.photos.photo import find_photos

JPEG = b"\xff\xd8\xff\xe0" + bytes(99)
FRAMES = "frames as JPEG or PNG files, with Blender's Video Sequencer or ffmpeg"


@pytest.fixture
def add(photos):
    """Give a function that adds files, by their names or with what is in them."""

    def make(*paths, **content):
        for path in (*paths, *content):
            (photos / path).parent.mkdir(parents=True, exist_ok=True)
            (photos / path).write_bytes(content.get(path, b""))

    return make


@pytest.fixture
def refused(photos):
    """Give a function that tells what a folder is said to hold that has no photos."""

    def reason():
        with pytest.raises(BadUseError) as error:
            find_photos(photos)
        begin, _, rest = str(error.value).partition(" files are read. ")
        assert begin == f"There are no photos in {photos}; JPEG, HEIC, PNG, TIFF and WebP"
        return rest

    return reason


@pytest.mark.parametrize(
    ("paths", "words"),
    [
        (
            ["turntable.mp4"],
            f"It holds 1 video (turntable.mp4): export its {FRAMES}",
        ),
        (
            ["A/1.MOV", "A/2.avi", "3.mkv", "4.webm"],
            f"It holds 4 videos (3.mkv, 4.webm, A/1.MOV and 1 more): export their {FRAMES}",
        ),
        (["a.gif"], f"It holds 1 GIF (a.gif): export its {FRAMES}"),
        (["a.psd", "b.BMP"], "It holds 2 other pictures (a.psd, b.BMP): save as JPEG, PNG or TIFF"),
        (["scan.pdf"], "It holds 1 PDF (scan.pdf): save the pictures in it as JPEG, PNG or TIFF"),
        (["a.zip", "b.7z"], "It holds 2 archives (a.zip, b.7z): unpack them"),
        (["a.glb", "b.obj"], "It holds 2 3D files (a.glb, b.obj)"),
        (["notes.txt"], "It holds 1 other file (notes.txt)"),
        (
            ["notes.txt", "a.zip", "b.mp4"],
            (f"It holds 1 video (b.mp4): export its {FRAMES}; 1 archive (a.zip): unpack it; 1 other file (notes.txt)"),
        ),
        (
            [".IMG_1.HEIC.icloud", "A/.IMG_2.JPG.icloud", ".notes.txt.icloud"],
            "It holds 2 undownloaded iCloud photos (A/IMG_2.JPG, IMG_1.HEIC): download them in the Finder",
        ),
        (["a.jpg.crdownload"], "It holds 1 unfinished download (a.jpg.crdownload): download it again"),
        (
            [".lightroom/1.jpg", ".2.png", "._3.jpg", ".DS_Store"],
            (
                "It holds 2 hidden photos (.2.png, .lightroom/1.jpg): rename what begins with a point, so that it "
                "is not hidden"
            ),
        ),
        ([".DS_Store", "._3.jpg", "Thumbs.db", ".git/a.mp4"], "It holds hidden files only"),
        ([], "The folder is empty"),
    ],
)
def test_a_folder_without_photos_is_told_by_what_it_holds(add, refused, paths, words):
    add(*paths)
    assert refused() == words


def test_empty_folders_in_a_folder_are_nothing(photos, refused):
    (photos / "A" / "B").mkdir(parents=True)
    assert refused() == "The folder is empty"


def test_pictures_under_names_of_no_picture_are_told_by_what_they_are(add, refused):
    add("c.part", **{"a.JPG_large": JPEG, "b": JPEG, "d.jpg~": JPEG, "e.png.bak": b"\x89PNG\r\n\x1a\n", "f.bin": b"MZ"})
    assert refused() == (
        "It holds 3 misnamed JPEG files (a.JPG_large, b, d.jpg~): rename them so that .jpg stands at the end; "
        "1 misnamed PNG file (e.png.bak): rename it so that .png stands at the end; "
        "1 unfinished download (c.part): download it again; 1 other file (f.bin)"
    )


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes among files")
def test_nobody_waits_at_a_pipe_to_see_what_it_is(photos, refused):
    os.mkfifo(photos / "pipe")
    assert refused() == "It holds 1 other file (pipe)"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such folders")
def test_a_hidden_folder_that_cannot_be_read_is_no_trouble(photos, add, refused, monkeypatch):
    add("a.mp4", ".Trashes/1.jpg")
    (photos / ".Trashes").chmod(0)
    if os.geteuid() == 0:  # who may enter any folder
        monkeypatch.setattr(os, "access", lambda path, _mode: path != photos / ".Trashes")
    assert refused().startswith("It holds 1 video (a.mp4): export")
    (photos / ".Trashes").chmod(0o755)


def test_what_lies_beside_photos_is_told_where_it_may_have_been_meant(photos, add):
    add("1.jpg", "A/2.jpg", "notes.txt", "a.zip", "a.obj", "b.pdf", ".hidden/3.jpg", ".hidden/film.mp4", "Thumbs.db")
    assert about_others(photos) == []
    add("turntable.mp4", ".3.HEIC.icloud", "4.jpg.part", **{"5": JPEG})
    assert about_others(photos) == [
        "1 undownloaded iCloud photo (3.HEIC) is passed over: download it in the Finder",
        "1 misnamed JPEG file (5) is passed over: rename it so that .jpg stands at the end",
        "1 unfinished download (4.jpg.part) is passed over: download it again",
        f"1 video (turntable.mp4) is passed over: export its {FRAMES}",
    ]


def test_films_of_live_photos_and_copies_of_photos_are_nothing_to_tell(photos, add):
    add("A/IMG_1.HEIC", "A/IMG_1.MOV", "A/IMG_2.JPG", "A/img_2.mp4", **{"A/IMG_2.JPG_original": JPEG})
    assert about_others(photos) == []
    add("IMG_1.MOV", **{"A/IMG_3.JPG_original": JPEG})
    assert about_others(photos) == [
        "1 misnamed JPEG file (A/IMG_3.JPG_original) is passed over: rename it so that .jpg stands at the end",
        f"1 video (IMG_1.MOV) is passed over: export its {FRAMES}",
    ]


@pytest.fixture
def make_output(photos):
    """Give a function that has a folder below the photo folder look as a job leaves it."""

    def make(place):
        folder = JobFolder(photos / place)
        for file in (folder.mask, folder.soft_mask):
            path = file(find_photos(photos)[0].name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"png")
        for path in (folder.contact_sheet, folder.settings, folder.journal):
            path.write_bytes(b"{}")
        return folder

    return make


def test_masks_of_an_earlier_job_are_not_taken_for_photos(photos, add, make_output):
    add("A/1.jpg")
    make_output("scan")
    assert [str(photo.name) for photo in find_photos(photos)] == ["A/1.jpg"]
    (photos / "scan" / "journal.jsonl").unlink()  # so that it is a folder like any other
    assert len(find_photos(photos)) == 3  # the mask is told by its name, where a photo has it


def test_an_output_folder_is_told_from_a_photo_folder(photos, add, make_output, refused):
    add("A/1.jpg")
    folder = make_output(".")
    folder.settings.write_text('{"settings": {"photos": "' + (photos / "A").as_posix() + '"}}')
    assert [str(photo.name) for photo in find_photos(photos)] == ["A/1.jpg"]
    (photos / "A" / "1.jpg").unlink()
    assert refused() == f"It is the output folder of a job, whose photos are in {photos / 'A'}"
    (photos / "A").rmdir()
    assert refused() == "It is the output folder of a job"
