# SPDX-License-Identifier: GPL-3.0-or-later
"""The small parts of a solve: names, links, masks, and what is read of COLMAP's models."""

from __future__ import annotations

import math
import shutil
import struct
import sys
import threading
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
from engine_scan import EMBEDDED, EXECUTABLE, copy_scan, need
from PIL import Image

from scan.common.errors import BadUseError, EngineError
from scan.engines.colmap import solve
from scan.engines.colmap.model_files import read_summary, rename_photos
from scan.engines.colmap.settings import ColmapSettings
from scan.engines.engine import EngineFolder, Scan, ScanPhoto, Watch, make_engine
from scan.engines.layout import link_photo, plain_names, write_mask
from scan.engines.preflight import preflight
from scan.engines.programs import resources
from scan.engines.programs.program import end_left_over
from scan.engines.settings import QUALITIES, ReconstructSettings
from scan.job.journal import Journal
from scan.photos.header import PhotoFacts
from scan.photos.photo import Photo, find_photos

FACTS = PhotoFacts("JPEG", (320, 240), 1, focal=50.0)


def scan_photo(path: Path, name: str = "", mask: Path | None = None, *, is_clean: bool = True) -> ScanPhoto:
    photo = Photo(PurePosixPath(name or path.name), path)
    facts = FACTS
    if mask and mask.exists():
        with Image.open(mask) as picture:
            facts = replace(FACTS, size=picture.size)
    return ScanPhoto(photo, facts, (1, 2), b"\1" if mask else None, mask, is_clean)


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


def test_a_clean_mask_is_handed_over_to_the_byte(tmp_path):
    mask = tmp_path / "mask.png"
    Image.new("L", (8, 8), 255).save(mask, compress_level=3)
    place = tmp_path / "work" / "mask.png"
    write_mask(scan_photo(tmp_path / "1.jpg", mask=mask), place)
    assert place.read_bytes() == mask.read_bytes()


def test_a_soft_mask_becomes_binary_on_the_way(tmp_path):
    mask = tmp_path / "mask.png"
    soft = np.linspace(0, 255, 256, dtype=np.uint8).reshape(16, 16)
    Image.fromarray(soft).convert("RGB").save(mask)
    place = tmp_path / "work" / "mask.png"
    write_mask(scan_photo(tmp_path / "1.jpg", mask=mask, is_clean=False), place)
    handed = Image.open(place)
    assert handed.mode == "L"
    assert np.array_equal(np.asarray(handed), np.where(soft >= 128, 255, 0))


def test_a_mask_that_was_erased_is_black_there(tmp_path):
    mask, place = tmp_path / "mask.png", tmp_path / "work" / "mask.png"
    alpha = Image.new("L", (16, 8))
    alpha.paste(255, (8, 0, 16, 8))
    Image.merge("LA", (Image.new("L", (16, 8), 255), alpha)).save(mask)
    write_mask(scan_photo(tmp_path / "1.jpg", mask=mask, is_clean=False), place)
    assert np.array_equal(np.asarray(Image.open(place)), np.asarray(alpha))


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
    "--FeatureExtraction.num_threads arg --SiftExtraction.max_num_features arg --FeatureMatching.use_gpu arg",
    "3.8": "--SiftExtraction.use_gpu arg --SiftExtraction.max_image_size arg --SiftExtraction.num_threads arg "
    "--SiftExtraction.max_num_features arg --SiftMatching.use_gpu arg",
}
COMMON = (
    "--database_path arg --image_path arg --image_list_path arg --output_path arg --match_list_path arg "
    "--match_type arg --ImageReader.single_camera arg --ImageReader.existing_camera_id arg --ImageReader.mask_path arg "
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
    effort = ColmapSettings().effort("DRAFT")
    words = engine.command(solve.Extract(Path("list.txt"), 7, masks=True, effort=effort))
    options = dict(zip(words[2::2], words[3::2], strict=True))
    group = "Feature" if version == "3.13" else "Sift"
    assert options[f"--{group}Extraction.use_gpu"] == str(int(cuda == "with"))
    assert options[f"--{group}Extraction.max_image_size"] == "1000"
    assert options["--ImageReader.existing_camera_id"] == "7"
    assert options["--ImageReader.mask_path"] == "masks"
    words = engine.command(solve.Match(Path("pairs.txt"), 5, effort))
    assert words[1] == "matches_importer"
    assert f"--{group}Matching.use_gpu" in words


@pytest.mark.skipif(sys.platform == "win32", reason="the program is a shell script")
def test_a_program_that_lacks_what_is_needed_is_told_of(tmp_path):
    program = tmp_path / "colmap"
    program.write_text("#!/bin/sh\necho 'COLMAP 9.0 --database_path arg'\n")
    program.chmod(0o755)
    engine = make_engine("COLMAP_EXECUTABLE", str(program))
    with pytest.raises(EngineError, match=r"does not know the option image_path of mapper; this version is not supp"):
        engine.command(solve.Map("INCREMENTAL"))


def test_no_more_photos_at_once_than_memory_allows(monkeypatch):
    monkeypatch.setattr(resources, "_memory", lambda: 8 << 30)
    monkeypatch.setattr("os.cpu_count", lambda: 16)
    efforts = [ColmapSettings().effort(each.name) for each in QUALITIES]
    assert [resources.threads(effort.megabytes) for effort in efforts] == [12, 4, 1]


def test_an_engine_that_is_none_is_refused():
    with pytest.raises(BadUseError, match="There is no engine 'COLMUP'; there are COLMAP"):
        make_engine("COLMUP")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": "x"}'])
def test_a_torn_note_is_passed_over(tmp_path, content):
    note = tmp_path / "engines" / "one" / "process.json"
    note.parent.mkdir(parents=True)
    note.write_text(content)
    end_left_over(tmp_path / "engines")


@pytest.mark.engine
@pytest.mark.parametrize("name", [EMBEDDED, pytest.param(EXECUTABLE, marks=pytest.mark.full)])
def test_past_a_few_hundred_photos_pairs_are_chosen(turntable, tmp_path, monkeypatch, name):
    """With a low limit instead of hundreds of photos."""
    need(name)
    names = copy_scan(turntable, tmp_path / "photos", tmp_path / "output", 6)
    monkeypatch.setattr(solve, "ALL_PAIRS_UP_TO", 3)
    engine, cancel = make_engine(name), threading.Event()
    masks = tmp_path / "output" / "masks"
    found = preflight(
        find_photos(tmp_path / "photos"),
        lambda photo: masks / f"{photo.name}.png",
        engine.requirements,
        "COLMAP",
        cancel,
    )
    scan = Scan(found.photos, ReconstructSettings(output=str(tmp_path / "output"), quality="DRAFT"))
    place = EngineFolder(tmp_path / "engines" / "one")
    place.root.mkdir(parents=True)
    journal = Journal(tmp_path / "journal.jsonl", "run")
    solution = engine.solve(scan, place, engine.key(scan, engine.look()), Watch(journal, cancel))
    journal.close()
    assert solution.models[0].registered == tuple(names)
    assert "pairs of neighbours" in (tmp_path / "journal.jsonl").read_text()
    assert len(next(place.root.glob("work-*/pairs.txt")).read_text().splitlines()) == 15
