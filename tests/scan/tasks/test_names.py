# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos under awkward names and in awkward places: all of them work."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path, PurePosixPath

import hypothesis_settings  # noqa: F401 - how property tests run
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from scan.common.names import same_to_some_disk
from scan.cutouts.cutout import CutoutKind, cutout_name
from scan.engines.engine import ScanPhoto
from scan.engines.layout import plain_names
from scan.job.folder import JobFolder
from scan.photos.header import PhotoFacts
from scan.photos.photo import Photo, jpeg_name, needs_jpeg

needs_links = pytest.mark.skipif(os.name == "nt", reason="Windows lets only administrators make symbolic links")


def masks_below(output):
    folder = output / "masks"
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


stems = st.text(min_size=1, max_size=6).filter(lambda stem: not {*stem} & {*"/\0"} and stem not in {".", ".."})
suffixes = st.sampled_from(
    [".jpg", ".JPG", ".png", ".tif", ".jpg.png", ".tif.jpg", ".HEIC", ".heic.jpg", ".é", "", "."]
)
plain = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,5}", fullmatch=True)
photo_names = st.tuples(st.lists(stems | plain, max_size=2), stems | plain, suffixes).map(
    lambda each: "/".join([*each[0], each[1] + each[2]])
)
folders = st.lists(photo_names, unique=True, max_size=8)


@given(folders)
@example(["a.jpg", "side A/IMG_1.JPG", "top/IMG_1.JPG", "#1.jpg", "ü.jpg", " 1.jpg", "-v.jpg", "1.jpg\n2.jpg"])
@example(["00001.jpg", "ü.jpg"])
@example(["=00001.jpg", "\udcff.jpg", "a/=00000.jpg", "a/.jpg", "a.jpg\n"])
@example(["A.jpg", "a.jpg", "top./1.jpg", "top/1.jpg", "n" * 96 + ".jpg", "n" * 97 + ".jpg"])
def test_an_engine_gets_a_plain_name_for_every_photo_and_no_name_twice(names):
    photos = [Photo(PurePosixPath(name), Path("/photos", name)) for name in names]
    facts = PhotoFacts("JPEG", (320, 240), 1, focal=50.0)
    handed = plain_names([ScanPhoto(photo, facts, (1, 2), None, None, True) for photo in photos])
    assert [*handed] == names
    assert len({*handed.values()}) == len(names)
    folded = [same_to_some_disk(own) for own in handed.values()]
    assert len({*folded}) == len(names), "no disk takes one of them for another"
    for number, (name, own) in enumerate(handed.items()):
        assert len(own) <= 100, "files are made under it that have suffixes more"
        assert not re.search(r"[^!-~]|[#'\"$&;|<>*?\\]", own), "a list of names or a shell would stumble over it"
        assert not own.startswith("-")
        is_plain = all(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*", part, re.ASCII) for part in name.split("/"))
        is_plain &= len(name) <= 100 and same_to_some_disk(name) not in map(same_to_some_disk, names[:number])
        assert (own == name) == is_plain
        suffix = os.path.splitext(name)[1].lower()  # noqa: PTH122
        assert is_plain or not re.fullmatch(r"\.[a-z0-9]+", suffix, re.ASCII) or own.endswith(suffix)


@given(folders, st.sampled_from(CutoutKind))
@example(["a.tif", "a.tif.jpg", "a.jpg", "a.png"], CutoutKind.JPEG)
@example(["a.heic", "a.heic.jpg", "a"], CutoutKind.PNG)
def test_no_two_photos_share_a_mask_or_a_cutout_unless_one_is_named_like_the_others(names, kind):
    """Those are told of, and not made. A result lies in its own folder, beside the photo's place in it."""
    job = JobFolder(Path("/output"))
    photos = [PurePosixPath(name) for name in names]
    handed = [jpeg_name(photo) if needs_jpeg(photo) else photo for photo in photos]
    for folder, results in (
        (job.masks, [job.mask(photo) for photo in handed]),
        (job.soft_masks, [job.soft_mask(photo) for photo in handed]),
        (job.cutouts, [job.cutouts / cutout_name(photo, kind) for photo in handed]),
    ):
        for photo, result in zip(photos, results, strict=True):
            assert result.parent == folder / photo.parent
            assert result.name.startswith(photo.name)
            others = [each for each, same in zip(photos, results, strict=True) if same == result and each != photo]
            assert all(each.name.startswith(photo.name) or photo.name.startswith(each.name) for each in others)
            if folder != job.cutouts:
                assert result.suffix == ".png"
                assert not others or any(needs_jpeg(each) for each in (photo, *others))
    for photo in photos:
        cutout = cutout_name(photo, kind)
        own = {".png"} if kind is CutoutKind.PNG else {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"}
        assert cutout == (photo if photo.suffix.lower() in own else photo.with_name(photo.name + kind.value))
        assert cutout_name(cutout, kind) == cutout


@pytest.mark.parametrize("proxy_size", [1024, 0])
def test_masks_mirror_the_names_of_photos_whatever_they_are(output, add_photo, workers, server, proxy_size):
    names = [
        "IMG_1.JPG",
        "IMG_1.jpeg",
        "IMG_1.png",
        "Side A/IMG_1.JPG",
        "Side B/IMG_1.JPG",
        "Side B/deep/er/photo #1 100%.JPG",
        "Ünïcödé – 写真 😀.tif",
        "café.webp",
        "cafe\u0301s.webp",
        "%41%2e.png",
        "two.dots.and  spaces.Png",
        "-rf.jpg",
        "'quote;&$(x).jpg",
    ]
    for name in names:
        add_photo(name)
    story = workers.strip(server.endpoint, proxy_size=proxy_size)
    assert story.made == sorted(names)
    assert masks_below(output) == sorted(f"{name}.png" for name in names)
    assert story.finished["photos"]["found"] == len(names)
    again = workers.strip(server.endpoint, proxy_size=proxy_size)
    assert (again.made, again.exit_code) == ([], 0)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has file names that are no text")
def test_a_name_that_is_no_utf8_works_to_the_end(photos, output, add_photo, workers, server):
    add_photo("1.jpg").rename(photos / os.fsdecode(b"caf\xe9.jpg"))
    story = workers.strip(server.endpoint)
    assert [os.fsencode(name) for name in story.made] == [b"caf\xe9.jpg"]
    assert os.listdir(os.fsencode(output / "masks")) == [b"caf\xe9.jpg.png"]  # noqa: PTH208 - Path has no bytes
    assert json.loads((output / "report.json").read_bytes())["photos"]["done"] == 1
    assert (output / "contact_sheet.jpg").exists()
    assert workers.strip(server.endpoint).made == []


@needs_links
def test_photos_that_are_links_work_and_what_they_lead_to_is_untouched(
    photos, photo_watch, output, add_photo, workers, server, tmp_path
):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    add_photo("1.jpg").rename(elsewhere / "first.jpg")
    add_photo("2.jpg").rename(elsewhere / "second.jpg")
    photo_watch.remember(elsewhere)
    (photos / "1.jpg").symlink_to(elsewhere / "first.jpg")
    (photos / "side").symlink_to(elsewhere)
    (photos / "loop").symlink_to(photos)
    story = workers.strip(server.endpoint)
    assert story.made == ["1.jpg", "side/first.jpg", "side/second.jpg"]
    assert masks_below(output) == ["1.jpg.png", "side/first.jpg.png", "side/second.jpg.png"]


@needs_links
def test_an_output_folder_that_lies_in_a_linked_photo_folder_is_refused(photos, add_photo, workers, server, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    add_photo("1.jpg").rename(elsewhere / "1.jpg")
    (photos / "side").symlink_to(elsewhere)
    story = workers.strip(server.endpoint, output=elsewhere / "output")
    assert story.exit_code == 2
    assert "is or lies in the photo folder" in story.message
    assert server.visits == []


@pytest.fixture
def read_only(photos):
    """Give a function that makes the photo folder read-only, even for root where that is possible."""
    undo = []

    def protect():
        if os.name == "nt":
            pytest.skip("Windows has no read-only folders")
        if os.geteuid():
            photos.chmod(0o555)
            undo.append(lambda: photos.chmod(0o755))
            return
        if not shutil.which("mount") or subprocess.run(["mount", "--bind", photos, photos], check=False).returncode:
            pytest.skip("root may write everywhere, and mounting is not allowed here")
        undo.append(lambda: subprocess.run(["umount", photos], check=True))
        subprocess.run(["mount", "-o", "remount,ro,bind", photos], check=True)

    yield protect
    for each in undo:
        each()


def test_a_read_only_photo_folder_works(photos, add_photos, read_only, workers, server):
    names = add_photos(2)
    read_only()
    with pytest.raises(OSError, match=r"Read-only|denied"):
        (photos / "probe").touch()
    assert workers.strip(server.endpoint).made == names


def test_the_photos_may_lie_in_the_output_folder(photos, output, add_photos, workers, server):
    """As in ``scan/photos`` with the output ``scan``; what looks like our own leftovers there is not ours."""
    names = add_photos(2)
    foreign = photos / ".tmp-notes"
    foreign.write_text("mine")
    output.mkdir()
    inside = photos.rename(output / "pictures")
    story = workers.strip(server.endpoint, photos=inside)
    assert story.made == names
    assert (inside / ".tmp-notes").read_text() == "mine"
    assert workers.strip(server.endpoint, photos=inside).made == []


def test_only_the_named_files_are_done(output, add_photo, workers, server):
    for name in ("A/1.jpg", "A/2.jpg", "B/1.jpg"):
        add_photo(name)
    story = workers.strip(server.endpoint, files=("B/1.jpg", "A/2.jpg", "B/1.jpg"))
    assert story.made == ["A/2.jpg", "B/1.jpg"]
    assert masks_below(output) == ["A/2.jpg.png", "B/1.jpg.png"]
    assert "2 of 2" in story.message


def test_a_named_file_that_is_not_there_fails_alone(add_photo, workers, server):
    add_photo("1.jpg")
    story = workers.strip(server.endpoint, files=("1.jpg", "2.jpg"))
    assert story.made == ["1.jpg"]
    assert "cannot be read" in story.failed["2.jpg"]


def test_a_wide_mask_for_a_wide_photo(output, add_photo, workers, server):
    add_photo("1.jpg", Image.new("RGB", (3000, 40), "white"))
    assert workers.strip(server.endpoint).exit_code == 0
    mask = Image.open(output / "masks" / "1.jpg.png")
    assert (mask.size, mask.mode, set(mask.tobytes())) == ((3000, 40), "L", {255})
