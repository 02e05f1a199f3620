# SPDX-License-Identifier: GPL-3.0-or-later
"""The small parts of a solve: names, links, commands, and what is read of COLMAP's models."""

from __future__ import annotations

import math
import shutil
import struct
import sys
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
from PIL import Image

from scan.common.errors import BadUseError, EngineError
from scan.engines.colmap.model_files import read_summary, rename_photos
from scan.engines.colmap.steps import Extract, Map, Match
from scan.engines.engine import Scan, ScanPhoto, make_engine
from scan.engines.layout import link_photo, plain_names
from scan.engines.programs.program import end_left_over
from scan.engines.settings import ReconstructSettings
from scan.job import resources
from scan.photos.header import PhotoFacts
from scan.photos.photo import Photo

FACTS = PhotoFacts("JPEG", (320, 240), 1, focal=50.0)


def scan_photo(path: Path, name: str = "", mask: Path | None = None) -> ScanPhoto:
    photo = Photo(PurePosixPath(name or path.name), path)
    facts = FACTS
    if mask and mask.exists():
        with Image.open(mask) as picture:
            facts = replace(FACTS, size=picture.size)
    return ScanPhoto(photo, facts, (1, 2), b"\1" if mask else None, mask)


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("IMG_1.JPG", True),
        ("side A/IMG_1.JPG", False),
        ("top/IMG_1.JPG", True),
        ("#1.jpg", False),
        ("ü.jpg", False),
        (" 1.jpg", False),
        ("-v.jpg", False),
        ("1.jpg\n2.jpg", False),
        ("a\udcff.jpg", False),
        ("A.JPG", False),
        ("A: top/a.jpg", False),
        ("n" * 247 + ".jpg", False),
    ],
)
def test_only_plain_names_are_handed_over_as_they_are(tmp_path, name, plain):
    names = plain_names([scan_photo(tmp_path / "a.jpg"), scan_photo(tmp_path / Path(name).name, name)])
    assert names["a.jpg"] == "a.jpg"
    if plain:
        assert names[name] == name
    else:
        assert names[name].startswith("=00001.")
        assert names[name].isascii()
        assert not set(names[name]) & set(" #\n")


def test_a_photo_is_linked_to_and_never_copied_where_links_are_possible(tmp_path):
    photo = tmp_path / "1.jpg"
    photo.write_bytes(b"photo")
    place = tmp_path / "work" / "images" / "1.jpg"
    link_photo(scan_photo(photo), place)
    link_photo(scan_photo(photo), place)
    assert place.is_symlink()
    assert place.samefile(photo)


@pytest.mark.parametrize("old", ["moved", "copied"])
def test_a_link_to_where_the_photo_was_once_is_made_anew(tmp_path, old):
    photo = tmp_path / "then" / "1.jpg"
    photo.parent.mkdir()
    photo.write_bytes(b"photo")
    place = tmp_path / "work" / "1.jpg"
    link_photo(scan_photo(photo), place)
    now = tmp_path / "now"
    if old == "moved":
        photo.parent.rename(now)
    else:
        shutil.copytree(photo.parent, now)
    link_photo(scan_photo(now / "1.jpg"), place)
    assert place.resolve() == (now / "1.jpg").resolve()
    assert place.read_bytes() == b"photo"


@pytest.mark.parametrize("possible", ["hardlink", "copy"])
def test_without_symbolic_links_it_is_a_hard_link_or_a_copy(tmp_path, monkeypatch, possible):
    def refuse(*_arguments):
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    if possible == "copy":
        monkeypatch.setattr(Path, "hardlink_to", refuse)
    photo = tmp_path / "1.jpg"
    photo.write_bytes(b"photo")
    place = tmp_path / "work" / "1.jpg"
    link_photo(scan_photo(photo), place)
    assert place.read_bytes() == b"photo"
    assert place.samefile(photo) == (possible == "hardlink")
    before = place.stat()
    link_photo(scan_photo(photo.rename(tmp_path / "2.jpg")), place)
    after = place.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns), "kept, wherever the photo is now"


def test_a_copy_that_was_cut_off_is_made_anew(tmp_path):
    photo, place = tmp_path / "1.jpg", tmp_path / "work.jpg"
    photo.write_bytes(b"photo")
    place.write_bytes(b"pho")
    link_photo(scan_photo(photo), place)
    assert place.read_bytes() == b"photo"


def test_a_photo_that_is_gone_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "symlink_to", lambda *_: (_ for _ in ()).throw(OSError(1, "no")))
    with pytest.raises(EngineError, match=r"gone\.jpg cannot be read .*; put it back, then run again"):
        link_photo(scan_photo(tmp_path / "gone.jpg"), tmp_path / "work" / "gone.jpg")


def model(folder: Path, names: list[str], errors: list[float]) -> Path:
    """Write the parts of a model that are read here, after COLMAP's ``doc/format.rst``."""
    folder.mkdir()
    images = struct.pack("<Q", len(names))
    for number, name in enumerate(names):
        images += struct.pack("<I7dI", number, 1, 0, 0, 0, 0, 0, 0, 1) + name.encode() + b"\0"
        images += struct.pack("<Q", number) + struct.pack("<ddq", 1.0, 2.0, -1) * number
    points = struct.pack("<Q", len(errors))
    for number, error in enumerate(errors):
        points += struct.pack("<Q3d3Bd", number, 0, 0, 0, 1, 2, 3, error)
        points += struct.pack("<Q", 2) + bytes(16)
    (folder / "images.bin").write_bytes(images)
    (folder / "points3D.bin").write_bytes(points)
    return folder


def test_a_model_is_summed_up(tmp_path):
    summary = read_summary(model(tmp_path / "0", ["b/2.jpg", "a/1.jpg"], [0.5, 1.5]))
    assert (summary.registered, summary.points, summary.mean_error) == (("a/1.jpg", "b/2.jpg"), 2, 1.0)
    assert math.isnan(read_summary(model(tmp_path / "1", [], [])).mean_error)


def test_photos_of_a_model_get_their_own_names_back(tmp_path):
    folder = model(tmp_path / "0", ["=00000.jpg", "plain.jpg", "=00002.jpg"], [])
    rename_photos(folder, {"=00000.jpg": "ü/long name #1.jpg", "=00002.jpg": "2.jpg"})
    assert read_summary(folder).registered == ("2.jpg", "plain.jpg", "ü/long name #1.jpg")


@pytest.mark.parametrize("name", ["images.bin", "points3D.bin"])
@pytest.mark.parametrize("left", [0, 4, 40, -1])
def test_a_model_that_was_cut_off_is_not_taken_for_whole(tmp_path, name, left):
    folder = model(tmp_path / "0", ["1.jpg", "2.jpg"], [0.5, 1.5])
    (folder / name).write_bytes((folder / name).read_bytes()[:left])
    with pytest.raises(ValueError, match=f"{name} is cut off"):
        read_summary(folder)


HELP = {
    "3.13": "--FeatureExtraction.use_gpu arg --FeatureExtraction.max_image_size arg "
    "--FeatureExtraction.num_threads arg --FeatureMatching.use_gpu arg --TwoViewGeometry.max_num_trials arg "
    "--Mapper.ba_global_frames_ratio arg",
    "3.8": "--SiftExtraction.use_gpu arg --SiftExtraction.max_image_size arg --SiftExtraction.num_threads arg "
    "--SiftMatching.use_gpu arg --SiftMatching.max_num_trials arg --SiftMatching.num_threads arg "
    "--Mapper.ba_global_images_ratio arg",
}
COMMON = (
    "--database_path arg --image_path arg --image_list_path arg --output_path arg --match_list_path arg "
    "--match_type arg --ImageReader.single_camera_per_image arg --ImageReader.mask_path arg "
    "--SiftExtraction.max_num_features arg --SiftExtraction.first_octave arg --Mapper.extract_colors arg "
    "--Mapper.filter_max_reproj_error arg --Mapper.ba_global_function_tolerance arg "
)


@pytest.mark.parametrize("version", HELP)
@pytest.mark.parametrize("cuda", ["with", "without"])
@pytest.mark.skipif(sys.platform == "win32", reason="the program is a shell script")
def test_options_go_by_the_names_the_program_says(tmp_path, version, cuda):
    program = tmp_path / "colmap"
    program.write_text(f"#!/bin/sh\necho 'COLMAP {version} (Commit a on b {cuda} CUDA) {COMMON}{HELP[version]}'\n")
    program.chmod(0o755)
    engine = make_engine("COLMAP_EXECUTABLE", str(program))
    assert engine.look().version == version
    words = engine.command(
        Extract("crops.db", "crops", Path("list.txt"), "masks", 1600, 20_000, first_octave=0, megabytes=200)
    )
    options = dict(zip(words[2::2], words[3::2], strict=True))
    group = "Feature" if version == "3.13" else "Sift"
    assert options[f"--{group}Extraction.use_gpu"] == str(int(cuda == "with"))
    assert options[f"--{group}Extraction.max_image_size"] == "1600"
    assert options["--SiftExtraction.first_octave"] == "0"
    assert options["--ImageReader.single_camera_per_image"] == "1"
    assert options["--ImageReader.mask_path"] == "masks"
    words = engine.command(Match("database.db", Path("pairs.txt"), 5))
    assert words[1] == "matches_importer"
    options = dict(zip(words[2::2], words[3::2], strict=True))
    assert f"--{group}Matching.use_gpu" in options
    assert (
        options["--TwoViewGeometry.max_num_trials" if version == "3.13" else "--SiftMatching.max_num_trials"] == "2000"
    )
    assert engine.is_slow_to_match == ((version, cuda) == ("3.8", "without"))
    assert options.get("--SiftMatching.num_threads") == ("1" if engine.is_slow_to_match else None)
    words = engine.command(Map("database.db", "images", "models", "INCREMENTAL", 1.4, 2, 1, 1e-6, 2.5))
    options = dict(zip(words[2::2], words[3::2], strict=True))
    assert options[f"--Mapper.ba_global_{'frames' if version == '3.13' else 'images'}_ratio"] == "1.4"
    assert options["--Mapper.extract_colors"] == "0"
    assert options["--Mapper.filter_max_reproj_error"] == "2.5"
    assert options["--Mapper.ba_global_function_tolerance"] == "1e-06"


@pytest.mark.skipif(sys.platform == "win32", reason="the program is a shell script")
def test_a_program_that_lacks_what_is_needed_is_told_of(tmp_path):
    program = tmp_path / "colmap"
    program.write_text("#!/bin/sh\necho 'COLMAP 9.0 --database_path arg'\n")
    program.chmod(0o755)
    engine = make_engine("COLMAP_EXECUTABLE", str(program))
    with pytest.raises(EngineError, match=r"does not know the option image_path of mapper; this version is not supp"):
        engine.command(Map("database.db", "images", "models", "INCREMENTAL", 1.4, 2, 1, 1e-6, 2.5))


def test_no_more_photos_at_once_than_memory_allows(monkeypatch):
    monkeypatch.setattr(resources, "memory", lambda: 8 << 30)
    monkeypatch.setattr("os.cpu_count", lambda: 16)
    assert [resources.threads(megabytes) for megabytes in (100, 950, 9000)] == [16, 4, 1]


def test_an_engine_that_is_none_is_refused():
    with pytest.raises(BadUseError, match="There is no engine 'COLMUP'; there are COLMAP"):
        make_engine("COLMUP")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": "x"}'])
def test_a_torn_note_is_passed_over(tmp_path, content):
    note = tmp_path / "engines" / "one" / "process.json"
    note.parent.mkdir(parents=True)
    note.write_text(content)
    end_left_over(tmp_path / "engines")


def test_the_key_of_a_scan_is_that_of_the_first_version():
    """So that what it solved is not solved again; a literal that it gave for this scan."""
    photos = tuple(
        ScanPhoto(
            Photo(PurePosixPath(name), Path("/p") / name),
            PhotoFacts("JPEG", (640, 480), 1, make="A", model="B", focal=50.0),
            (1234, 5678),
            b"\1\2",
            Path("/m.png"),
            (1, 2, 300, 400),
        )
        for name in ("a/1.jpg", "b/2.jpg")
    )
    for again in (False, True):
        scan = Scan(photos, ReconstructSettings(output="o", again=again))
        assert scan.key("pycolmap", "4.2.1") == "7bd64ff42635e08f"
