# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong in a solve ends in one sentence, leaves no process behind, and can be gone on with."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from engine_scan import (
    EMBEDDED,
    EXECUTABLE,
    Solves,
    caught,
    copy_scan,
    kill,
    need,
    need_executable,
    observations,
    small_disk,
    until,
)
from PIL import Image

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks /proc who is still there")
# What is the same code for both, with the second of them in the full run only.
ENGINES = pytest.mark.parametrize("engine", [EMBEDDED, pytest.param(EXECUTABLE, marks=pytest.mark.full)])
COUNT = 6


@pytest.fixture(scope="module")
def job(turntable, tmp_path_factory):
    """Give a folder with photos and an output folder with masks; leave it as it is."""
    place = tmp_path_factory.mktemp("job")
    copy_scan(turntable, place / "photos", place / "output", COUNT)
    return place


@pytest.fixture
def solves(job, tmp_path):
    """Give ``Solves`` on a copy of that job."""
    made = Solves(
        Path(shutil.copytree(job / "photos", tmp_path / "photos")),
        Path(shutil.copytree(job / "output", tmp_path / "output")),
    )
    yield made
    made.close()
    for pid in made.engine_processes():
        kill(pid)


def one_sentence(solves, story, *words):
    """Show that a story ended with a failure told in one sentence that names the log."""
    finished = story[-1]
    assert finished["status"] == "failed", finished
    for word in words:
        assert word in finished["message"]
    assert finished["message"].count(". ") <= 1, finished["message"]
    assert str(solves.output) in finished["message"]
    solves.wait_for_silence()


@pytest.mark.engine
@ENGINES
def test_a_killed_engine_is_one_sentence_and_can_be_gone_on_with(solves, engine):
    need(engine)
    worker, pid = caught(solves, engine, "Matching")
    kill(pid)
    story = until(worker)
    one_sentence(
        solves, story, "was ended by the system while matching photos", "what it had done is kept", "engine.log"
    )
    assert story[-1]["exit_code"] == 5
    again = solves.run(engine)
    assert again[-1]["registered"] == COUNT
    assert any("gone on with" in event.get("text", "") for event in again)


@pytest.mark.engine
@ENGINES
def test_a_full_disk_is_one_sentence_and_room_lets_it_go_on(solves, engine, tmp_path):
    need(engine)
    disk = tmp_path / "disk"
    if not small_disk(disk, 1):
        pytest.skip("no small disk can be mounted here")
    try:
        output = Path(shutil.copytree(solves.output, disk / "output"))
        small = Solves(solves.photos, output)
        story = small.run(engine)
        one_sentence(small, story, "make room", str(disk))
        assert "is full" in story[-1]["message"] or "No space left" in story[-1]["message"]
        subprocess.run(["mount", "-o", "remount,size=200m", str(disk)], check=True)
        assert small.run(engine)[-1]["registered"] == COUNT
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False)


@pytest.mark.engine
@ENGINES
def test_photos_with_nothing_in_common_are_one_sentence(solves, engine):
    need(engine)
    random_pixels = np.random.default_rng(3)
    for path in sorted((solves.photos / "upright").iterdir()):
        with Image.open(path) as photo:
            size, exif = photo.size, photo.info["exif"]
        coarse = Image.fromarray(random_pixels.integers(0, 255, (60, 80, 3), dtype=np.uint8))
        coarse.resize(size, Image.Resampling.BICUBIC).save(path, quality=95, exif=exif)
    story = solves.run(engine)
    one_sentence(
        solves, story, "found no photos that show the same object", "take photos all around in steps of at most"
    )
    assert story[-1]["exit_code"] == 5
    one_sentence(solves, solves.run(engine, masks=False), "strip the backgrounds and use the masks", "engine.log")


@pytest.mark.engine
def test_photos_without_texture_are_one_sentence(solves):
    for path in sorted((solves.photos / "upright").iterdir()):
        with Image.open(path) as photo:
            exif = photo.info["exif"]
            Image.new("RGB", photo.size, "grey").save(path, exif=exif)
    one_sentence(solves, solves.run(), "found nothing to hold on to in any photo", "engine.log")


def test_black_masks_are_refused_before_anything_is_started(solves):
    for path in (solves.output / "masks").rglob("*.png"):
        Image.new("L", Image.open(path).size, 0).save(path)
    finished = solves.run()[-1]
    assert finished["exit_code"] == 2
    assert finished["message"].startswith(
        f"No photo can go to COLMAP: each of the {COUNT} has a mask that is all black"
    )
    assert not (solves.output / "engines").exists()


def test_two_photos_are_refused(solves):
    finished = solves.run(files=("upright/IMG_0001.JPG", "upright/IMG_0002.JPG"))[-1]
    assert finished["exit_code"] == 2
    assert "needs at least 3 photos, and there are only 2" in finished["message"]


@pytest.mark.skipif(os.name == "nt", reason="Windows limits whole paths, too")
@pytest.mark.parametrize("masks", [True, False])
def test_names_that_fit_nothing_that_is_made_are_told_before_anything_is_started(solves, masks):
    side = solves.photos / "upright"
    for number, path in enumerate(sorted(side.iterdir())[2:]):
        path.rename(side / f"{number:0248}.JPG")
    finished = solves.run(masks=masks)[-1]
    assert (finished["status"], finished["exit_code"]) == ("failed", 2)
    assert "Only 2 of 6 photos can go to COLMAP" in finished["message"]
    assert "has a name that does not fit the output folder's file system" in finished["message"]
    assert not (solves.output / "engines").exists()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"engine": "MESHROOM"}, "Engine must be one of COLMAP, COLMAP_EXECUTABLE, not 'MESHROOM'"),
        ({"quality": "BEST"}, "Quality must be one of DRAFT, NORMAL, HIGH, not 'BEST'"),
        ({"mapper": "LOCAL"}, "Mapper must be one of INCREMENTAL, GLOBAL, not 'LOCAL'"),
    ],
)
def test_settings_that_are_none_are_refused(solves, given, words):
    finished = solves.run(**given)[-1]
    assert finished["exit_code"] == 2
    assert words in finished["message"]


# In a process of its own, so that the reader has no other libheif beside it, as in Blender.
AS_HEIC = """
import sys, pillow_heif
from PIL import Image
pillow_heif.register_heif_opener()
for path in sys.argv[1:]:
    with Image.open(path) as photo:
        photo.save(path.replace(".JPG", ".HEIC"), quality=90, exif=photo.info["exif"])
"""


@pytest.mark.engine
def test_heic_photos_go_as_their_jpegs(solves):
    photos = sorted((solves.photos / "upright").iterdir())
    subprocess.run([sys.executable, "-c", AS_HEIC, *photos], check=True)
    for path in photos:
        path.unlink()
        mask = solves.output / "masks" / "upright" / f"{path.name}.png"
        mask.rename(mask.with_name(f"{path.stem}.HEIC.jpg.png"))
    finished = solves.run()[-1]
    assert (finished["registered"], finished["status"]) == (COUNT, "done"), finished["message"]
    assert min(observations(Path(finished["results"]))) == "upright/IMG_0001.HEIC.jpg"


def test_an_executable_that_is_not_there_is_one_sentence(solves):
    finished = solves.run(EXECUTABLE, executable="/is/not/there/colmap")[-1]
    assert finished["exit_code"] == 5
    assert "There is no program /is/not/there/colmap; set its path in the preferences" in finished["message"]


@pytest.mark.engine
def test_photos_that_go_away_meanwhile_are_no_result(solves, tmp_path):
    """As on a drive that is unplugged, or a share that is lost."""
    need_executable()
    away = tmp_path / "away"
    photo = solves.photos / "upright" / "IMG_0003.JPG"
    program = tmp_path / "colmap"
    program.write_text(
        f"#!/bin/sh\n[ -e {away} ] || case \"$1 $2\" in 'feature_extractor --'*) mv {photo} {away};; esac\n"
        f'exec {shutil.which("colmap")} "$@"\n'
    )
    program.chmod(0o755)
    finished = solves.run(EXECUTABLE, executable=str(program))[-1]
    assert (finished["status"], finished["exit_code"]) == ("failed", 5), finished
    assert "upright/IMG_0003.JPG cannot be read (it is not there" in finished["message"]
    assert "put it back, then run again" in finished["message"]
    shutil.move(away, photo)
    away.touch()
    finished = solves.run(EXECUTABLE, executable=str(program))[-1]
    assert (finished["status"], finished["registered"]) == ("done", COUNT), finished


@pytest.mark.engine
def test_a_photo_that_could_not_be_placed_is_named(solves):
    grey = solves.photos / "upright" / "IMG_0003.JPG"
    with Image.open(grey) as photo:
        Image.new("RGB", photo.size, "grey").save(grey, exif=photo.info["exif"])
    black = solves.output / "masks" / "upright" / "IMG_0006.JPG.png"
    Image.new("L", Image.open(black).size, 0).save(black)
    finished = solves.run()[-1]
    assert (finished["status"], finished["exit_code"]) == ("some_failed", 4)
    assert finished["registered"] == COUNT - 2
    assert "Not placed: upright/IMG_0003.JPG" in finished["message"]
    assert "Left out: upright/IMG_0006.JPG" in finished["message"]
    report = json.loads((solves.output / "engines" / "colmap" / "report.json").read_text())
    assert [entry["photo"] for entry in report["photos"]["failed"]] == ["upright/IMG_0003.JPG", "upright/IMG_0006.JPG"]
    assert "0 features found" in report["photos"]["failed"][0]["reason"]
    assert "all black" in report["photos"]["failed"][1]["reason"]
