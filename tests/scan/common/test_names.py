# SPDX-License-Identifier: GPL-3.0-or-later
"""Which names lead out of a folder, which a person means, and which a disk does not take, or not as two."""

import errno
import ntpath
import os
import posixpath
from pathlib import Path, PurePosixPath

import hypothesis_settings  # noqa: F401 - how property tests run
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scan.common import names
from scan.common.names import find_name, place_of, unfit


@pytest.mark.parametrize(
    ("name", "posix", "windows"),
    [
        ("A/1.jpg", "A/1.jpg", "A/1.jpg"),
        ("./A//1.jpg", "A/1.jpg", "A/1.jpg"),
        ("A: top/1.jpg", "A: top/1.jpg", None),
        ("A/1.jpg:hidden", "A/1.jpg:hidden", None),
        ("C:1.jpg", "C:1.jpg", None),
        ("C:\\1.jpg", "C:\\1.jpg", None),
        ("A\\1.jpg", "A\\1.jpg", "A/1.jpg"),
        ("..\\1.jpg", "..\\1.jpg", None),
        ("A\\..\\..\\1.jpg", "A\\..\\..\\1.jpg", None),
        ("\\1.jpg", "\\1.jpg", None),
        ("\\\\host\\share\\1.jpg", "\\\\host\\share\\1.jpg", None),
        ("//host/share/1.jpg", None, None),
        ("/1.jpg", None, None),
        ("../1.jpg", None, None),
        ("A/../1.jpg", None, None),
        ("A\0.jpg", None, None),
        ("", None, None),
        (".", None, None),
        ("a\n\udce9 .jpg", "a\n\udce9 .jpg", "a\n\udce9 .jpg"),
    ],
)
def test_a_name_is_judged_by_the_rules_of_the_system(name, posix, windows):
    for found, expected in ((place_of(name, windows=False), posix), (place_of(name, windows=True), windows)):
        assert found == (PurePosixPath(expected) if expected else None)


@given(st.lists(st.sampled_from(["..", ".", "", "a", "C:", "\\", "/", "\\\\", "..\\"]), max_size=6).map("".join))
def test_no_name_leads_out_of_a_folder(name):
    for windows, rules, folder in ((False, posixpath, "/photos"), (True, ntpath, "D:\\photos")):
        if place := place_of(name, windows=windows):
            inside = rules.normpath(rules.join(folder, str(place)))
            assert inside.startswith(folder + rules.sep)


@pytest.mark.parametrize(
    ("given", "among", "meant"),
    [
        ("Top", ["Top", "top"], "Top"),
        ("top", ["Top", "Bottom"], "Top"),
        ("TOP", ["Top", "top"], None),
        ("./top/", ["top"], "top"),
        ("Caf\u00e9", ["Cafe\u0301"], "Cafe\u0301"),
        ("caf?", ["caf\udce9"], "caf\udce9"),
        ("A: top", ["A: top"], "A: top"),
        (".", [".", "top"], "."),
        ("left", ["right"], None),
    ],
)
def test_the_name_is_found_that_a_person_means(given, among, meant):
    assert find_name(given, among) == meant


def results(*photos):
    return {photo: PurePosixPath(f"{photo}.png") for photo in photos}


def test_usual_names_cost_no_look_at_the_disk(tmp_path):
    usual = results("IMG_1.JPG", "Side A/IMG_1.JPG", "DSC (1).jpg", "top/a-1_2+3.tif", "A/1.jpg", "console/comb.jpg")
    assert unfit(usual, tmp_path / "is not there") == {}
    for odd in ("ü.jpg", "A:/1.jpg", "A./1.jpg", "CON.jpg", "com1/1.jpg", " 1.jpg", "n" * 100, "a\\b.jpg", "1.jpg\n"):
        with pytest.raises(FileNotFoundError):
            unfit(results(odd), tmp_path / "is not there")


@pytest.mark.skipif(os.name == "nt", reason="Windows takes few of these names")
def test_what_the_disk_takes_is_no_trouble_and_leaves_nothing(tmp_path):
    odd = ["A: top/1?.jpg", "a\\b.jpg", " .jpg", "a\nb.jpg", "A.jpg", "a.jpg", "A./1.jpg", "A/1.jpg", "n" * 251]
    odd += ["caf\u00e9.jpg", "cafe\u0301.jpg", "CON.jpg"]
    assert unfit(results(*odd), tmp_path) == {}
    assert not any(tmp_path.iterdir())


@pytest.mark.skipif(os.name == "nt", reason="Windows limits whole paths, too")
def test_a_name_that_is_too_long_and_masks_in_each_others_place_are_told(tmp_path):
    fit = ["a.jpg", "b.jpg.png/1.jpg", "ok.jpg"]
    long = "ü" * 126 + ".jpg"  # 256 bytes, so that it could be a photo's on NTFS alone
    reasons = unfit(results(*fit[:2], "a.jpg.png/1.jpg", "b.jpg", long, "ok.jpg"), tmp_path)
    alike = "cannot have a mask beside {}, whose mask or folder is called like that; rename one of them"
    assert reasons == {
        "a.jpg.png/1.jpg": alike.format("a.jpg"),
        "b.jpg": alike.format("b.jpg.png/1.jpg"),
        long: f"has a name that does not fit the output folder's file system ({os.strerror(errno.ENAMETOOLONG)}); "
        "rename it",
    }


@pytest.fixture
def folding(monkeypatch):
    """A disk that takes names for one as those of Windows, macOS and memory cards do, and no colon."""

    def make(place):
        if ":" in place.name:
            raise OSError(errno.EINVAL, "Invalid argument", str(place))
        root = next(each for each in place.parents if each.name.startswith(".tmp-"))
        kept = root / "kept" / names.same_to_some_disk(str(place.relative_to(root)))
        was_there = kept.exists()
        for folder in (kept.parent, place.parent):
            folder.mkdir(parents=True, exist_ok=True)
        kept.touch()
        place.hardlink_to(kept)
        if was_there:
            raise FileExistsError(errno.EEXIST, "File exists", str(place))

    monkeypatch.setattr(names, "_make", make)


@pytest.mark.skipif(os.name == "nt", reason="Windows has such a disk, and cannot keep what this one is made of")
@pytest.mark.usefixtures("folding")
def test_of_names_that_are_one_to_the_disk_the_first_stays(tmp_path):
    photos = [
        "IMG_1.JPG",
        "Top/1.jpg",
        "top/2.jpg",
        "caf\u00e9.jpg",
        "cafe\u0301.jpg",
        "img_1.jpg",
        "top/1.JPG",
        "x:.jpg",
    ]
    taken = "has a name that the output folder's disk takes for that of {}; rename one of them"
    assert unfit(results(*photos), tmp_path) == {
        "cafe\u0301.jpg": taken.format("caf\u00e9.jpg"),
        "img_1.jpg": taken.format("IMG_1.JPG"),
        "top/1.JPG": taken.format("Top/1.jpg"),
        "x:.jpg": "has a name that does not fit the output folder's file system (Invalid argument); rename it",
    }


def test_another_trouble_with_the_disk_is_raised(tmp_path, monkeypatch):
    def full(place: Path):
        raise OSError(errno.ENOSPC, "No space left on device", str(place))

    monkeypatch.setattr(names, "_make", full)
    with pytest.raises(OSError, match="No space left"):
        unfit(results("ü.jpg"), tmp_path)
