# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files of a folder are photos, under which names, in which order."""

import hashlib
import os
import shutil
import sys
from pathlib import PurePosixPath

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis_settings import IN_ONE_FOLDER

from scan.common.errors import BadUseError, PhotoError
from scan.photos.other_files import about_others
from scan.photos.photo import Photo, find_photos
from scan.photos.twins import developed_twins

needs_links = pytest.mark.skipif(os.name == "nt", reason="Windows lets only administrators make symbolic links")


def names(folder, files=()):
    return [photo.name.as_posix() for photo in find_photos(folder, files)]


@pytest.fixture
def add(photos):
    """Give a function that adds empty files: what is in them does not matter here."""

    def make(*paths):
        for path in paths:
            (photos / path).parent.mkdir(parents=True, exist_ok=True)
            (photos / path).touch()

    return make


def test_photos_are_found_in_all_subfolders_in_the_order_of_their_names(photos, add):
    add("B/2.jpg", "B/1.jpg", "A/deep/er/9.png", "A-/1.jpg", "A/1.jpg", "10.jpg", "2.jpg")
    assert names(photos) == ["10.jpg", "2.jpg", "A/1.jpg", "A/deep/er/9.png", "A-/1.jpg", "B/1.jpg", "B/2.jpg"]


def test_formats_are_told_by_their_suffix_in_any_case(photos, add):
    read = ["a.JPG", "b.Jpeg", "c.PNG", "d.tif", "e.TIFF", "f.webp", "l.mpo", "m.JFIF", "n.jpe"]
    to_develop = ["g.CR2", "h.nef", "i.dng", "j.HEIC", "k.heif", "o.RWL"]
    add(*read, *to_develop, "notes.txt", "clip.mp4", "scan.blend", "jpg", "Thumbs.db")
    assert names(photos) == sorted(read + to_develop)


def test_pictures_of_kinds_that_are_not_read_are_named(photos, add):
    add("1.jpg", "b.AVIF", "A/c.jxl", "A/d.heics", "a.gif", "notes.txt", ".hidden.bmp", "B.bmp/2.jpg")
    (words,) = about_others(photos)
    assert words.startswith("4 other pictures (A/c.jxl, A/d.heics, a.gif and 1 more) are passed over: ")
    (photos / "a.gif").unlink()
    (words,) = about_others(photos)
    assert words.startswith("3 other pictures (A/c.jxl, A/d.heics, b.AVIF) are passed over: ")
    assert names(photos) == ["1.jpg", "B.bmp/2.jpg"]


def test_hidden_files_and_folders_are_passed_over(photos, add):
    add("IMG_1.JPG", "._IMG_1.JPG", ".thumbnails/IMG_1.JPG")
    assert names(photos) == ["IMG_1.JPG"]


def test_a_folder_without_photos_is_refused_with_what_is_read(photos, add):
    add("notes.txt")
    with pytest.raises(BadUseError, match=r"no photos in .*photos; JPEG, HEIC, PNG, TIFF and WebP"):
        find_photos(photos)


def test_named_files_are_taken_in_the_order_given_each_once(photos, add):
    add("1.jpg", "A/2.jpg", "3.jpg")
    assert names(photos, ("A/2.jpg", "1.jpg", "./A/2.jpg")) == ["A/2.jpg", "1.jpg"]


words = st.sampled_from(
    ["..", ".", "", "...", "a", "A", "..a", "a..", "-", "~", "%2e%2e", "\n", "\udcff", "\u2025", "1.jpg"]
)


@settings(suppress_health_check=IN_ONE_FOLDER, max_examples=150)
@given(st.lists(words | st.text(max_size=3), max_size=5).map("/".join))
@example("../secret.jpg")
@example("A/../../secret.jpg")
@example("A/../1.jpg")
@example("/etc/passwd")
@example("")
@example(".")
def test_a_name_that_leads_out_of_the_folder_is_refused_and_every_other_is_taken(photos, name):
    parts = (name.replace("\\", "/") if os.name == "nt" else name).split("/")
    names_a_place = any(part not in {"", "."} for part in parts)
    leads_out = ".." in parts or os.path.isabs(name) or bool(os.path.splitdrive(name)[0])  # noqa: PTH117
    if leads_out or not names_a_place or "\0" in name or (os.name == "nt" and ":" in name):
        with pytest.raises(BadUseError, match="does not name a photo inside the photo folder"):
            find_photos(photos, (name,))
        return
    (photo,) = find_photos(photos, (name,))
    assert photo.name.parts == tuple(part for part in parts if part not in {"", "."})
    inside = os.path.normpath(photo.path)
    assert inside.startswith(f"{photos}{os.sep}")
    assert inside == os.path.normpath(f"{photos}/{name}")


letters = st.characters(exclude_characters="/\0", exclude_categories=[]) | st.sampled_from(" .#%\n\udcff\u0301é")
stems = st.text(letters, min_size=1, max_size=6).filter(lambda stem: not stem.startswith("."))
suffixes = st.sampled_from([".jpg", ".JPG", ".Tiff", ".webp", ".heic", ".CR2", ".txt", ".jpg.bak", ".avif", ""])
paths = st.tuples(st.lists(stems, max_size=2), stems, suffixes).map(
    lambda each: "/".join([*each[0], each[1] + each[2]])
)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux takes any name")
@settings(suppress_health_check=IN_ONE_FOLDER)
@given(st.sets(paths, max_size=6))
def test_whatever_photos_are_called_each_is_found_once_under_its_name(photos, written):
    shutil.rmtree(photos)
    photos.mkdir()
    taken = set()
    for path in sorted(written, key=len):
        try:
            (photos / path).parent.mkdir(parents=True, exist_ok=True)
            (photos / path).touch(exist_ok=False)
        except (OSError, UnicodeEncodeError):  # a folder or a file of that name is there, or it has too many bytes
            continue
        taken.add(os.fsdecode(os.fsencode(path)))
    read = {".jpg", ".tiff", ".webp", ".heic", ".cr2"}
    expected = [path for path in taken if os.path.splitext(path)[1].lower() in read]  # noqa: PTH122
    developed = developed_twins(map(PurePosixPath, expected))
    expected = [path for path in expected if PurePosixPath(path) not in developed]
    if not expected:
        with pytest.raises(BadUseError, match="no photos"):
            find_photos(photos)
        return
    found = find_photos(photos)
    assert [str(photo.name) for photo in found] == sorted(expected, key=lambda path: path.split("/"))
    assert all(photo.path.is_file() for photo in found)
    assert find_photos(photos, tuple(expected)) == [find_photos(photos, (path,))[0] for path in expected]


@needs_links
def test_links_to_files_and_folders_are_followed(photos, add, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "1.jpg").touch()
    add("A/1.jpg")
    (photos / "link.jpg").symlink_to(elsewhere / "1.jpg")
    (photos / "B").symlink_to(elsewhere)
    assert names(photos) == ["A/1.jpg", "B/1.jpg", "link.jpg"]


@needs_links
def test_a_folder_is_found_once_and_under_its_own_name(photos, add):
    add("Z/1.jpg")
    (photos / "A").symlink_to(photos / "Z")
    assert names(photos) == ["Z/1.jpg"]


@needs_links
def test_loops_of_links_end(photos, add):
    add("A/1.jpg")
    (photos / "A" / "up").symlink_to(photos)
    (photos / "A" / "self").symlink_to("self")
    assert names(photos) == ["A/1.jpg"]


@needs_links
def test_a_broken_link_is_a_photo_that_cannot_be_read(photos, add):
    add("1.jpg")
    (photos / "2.jpg").symlink_to(photos / "gone.jpg")
    broken = find_photos(photos)[1]
    with pytest.raises(PhotoError, match="cannot be read"):
        broken.file_stamp()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such folders")
def test_a_folder_that_may_be_listed_and_not_entered_is_told(photos, add, monkeypatch):
    add("1.jpg", "A/1.jpg", "A/2.jpg")
    (photos / "A").chmod(0o444)
    if os.geteuid() == 0:  # who may enter any folder
        monkeypatch.setattr(os, "access", lambda path, _mode: path != photos / "A")
    with pytest.raises(BadUseError, match=r"^The folder .*A cannot be read \(Permission denied\)$"):
        find_photos(photos)
    (photos / "A").chmod(0o755)


@needs_links
def test_a_link_that_leads_out_of_reach_is_a_photo_that_cannot_be_read(photos, add, tmp_path, monkeypatch):
    add("1.jpg")
    closed, stat = tmp_path / "closed", os.stat
    closed.mkdir()
    (photos / "2.jpg").symlink_to(closed / "2.jpg")

    def refuse(path, *given, **options):
        if not isinstance(path, int) and os.fsdecode(path) == str(photos / "2.jpg"):
            raise PermissionError(13, "Permission denied", str(path))
        return stat(path, *given, **options)

    monkeypatch.setattr(os, "stat", refuse)
    with pytest.raises(PhotoError, match=r"cannot be read \(Permission denied\); allow reading it"):
        find_photos(photos)[1].file_stamp()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes among files")
def test_a_pipe_is_no_photo_and_nobody_waits_at_it(photos):
    os.mkfifo(photos / "1.jpg")
    with pytest.raises(PhotoError, match="is not a file"):
        find_photos(photos)[0].file_stamp()


def test_a_photo_that_was_replaced_has_another_identity(photos, add):
    add("1.jpg")
    photo = find_photos(photos)[0]
    before = photo.file_stamp()
    os.utime(photo.path, ns=(0, before[1] + 1))
    assert photo.file_stamp() != before


def test_a_photo_is_known_by_its_size_and_by_what_begins_halves_and_ends_it(tmp_path):
    kib = 1 << 10
    content = bytes(range(256)) * 4 * 300  # 300 KiB: of this, 64 to 118 and 182 to 236 KiB do not count
    path = tmp_path / "1.jpg"

    def stamp(changed):
        path.write_bytes(changed)
        return Photo(PurePosixPath("other.jpg"), path).content_stamp()

    sampled = b"".join(content[start * kib : (start + 64) * kib] for start in (0, 118, 236))
    assert stamp(content) == f"{300 * kib}-{hashlib.sha256(sampled).hexdigest()}"
    counts = {
        at for at in range(0, 300, 2) if stamp(content[: at * kib] + b"!" + content[at * kib + 1 :]) != stamp(content)
    }
    assert counts == {*range(0, 64, 2), *range(118, 182, 2), *range(236, 300, 2)}
    whole = content[: 192 * kib]
    assert stamp(whole) == f"{192 * kib}-{hashlib.sha256(whole).hexdigest()}"
    assert stamp(b"") == f"0-{hashlib.sha256(b'').hexdigest()}"
    path.unlink()
    with pytest.raises(PhotoError, match="is not there"):
        Photo(PurePosixPath("1.jpg"), path).content_stamp()


def test_a_photo_without_a_place_for_its_jpeg_has_none(photos):
    with pytest.raises(ValueError, match=r"1\.HEIC has no folder for its JPEG"):
        _ = Photo(PurePosixPath("1.HEIC"), photos / "1.HEIC").jpeg
