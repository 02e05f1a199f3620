# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong in a solve ends in one sentence, leaves no process behind, and can be gone on with."""

from __future__ import annotations

import contextlib
import itertools
import json
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import wait_for
from engine_scan import (
    EMBEDDED,
    EXECUTABLE,
    Solves,
    copy_scan,
    freeze,
    kill,
    need_executable,
    observations,
    processes,
    small_disk,
    until,
)
from PIL import Image

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks /proc who is still there")
ENGINES = pytest.mark.parametrize("engine", [EMBEDDED, EXECUTABLE])
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


def need(engine):
    if engine == EXECUTABLE:
        need_executable()


STEPS = {"Finding": ('"Extract"', "feature_extractor"), "Matching": ('"Match"', "exhaustive_matcher")}


def stopped(solves, words=("",)):
    """Stop what does the work, neither minder nor worker, where its command has one of the words; its process id."""
    for pid, place, command in processes():
        is_engine = "work-" in place.name and place.is_relative_to(solves.output) and "minder.py" not in command
        if is_engine and any(word in command for word in words):
            with contextlib.suppress(OSError):  # it ended just now
                freeze(pid)
                return pid
    return None


def caught(solves, engine, step, before=None):
    """Start a solve and stop its engine in a step, so that it does not end by itself: the worker, and the engine's id.

    On a loaded machine a step may be over before it is seen. Then ``before`` comes, and another try.
    """
    for _ in range(5):
        if before:
            before()
        worker = solves.start(engine)
        while worker.pid in [pid for pid, _, _ in processes()]:  # which does not list a worker that has ended
            if pid := stopped(solves, STEPS[step]):
                return worker, pid
        until(worker, lambda _event: False)
        if not before:
            shutil.rmtree(solves.output / "engines")
    raise AssertionError("no engine was seen in that step")


def one_sentence(solves, story, *words):
    """Show that a story ended with a failure told in one sentence that names the log."""
    finished = story[-1]
    assert finished["status"] == "failed", finished
    for word in words:
        assert word in finished["message"]
    assert finished["message"].count(". ") <= 1, finished["message"]
    assert str(solves.output) in finished["message"]
    solves.wait_for_silence()


@ENGINES
def test_cancelled_at_random_moments_it_leaves_nothing_and_starts_again(solves, engine):
    need(engine)
    dice = random.Random(4)  # noqa: S311 - moments of a test, not secrets
    for _ in range(4):
        worker = solves.start(engine)
        until(worker, lambda event: event["event"] == "started")
        time.sleep(dice.uniform(0.0, 4.0))
        stopped(solves)  # so that what is left behind does not end by itself
        begin = time.monotonic()
        worker.cancel()
        story = until(worker, lambda _event: False)
        assert time.monotonic() - begin < 60
        solves.wait_for_silence()
        assert story[-1]["status"] in {"cancelled", "done"}
        assert not list((solves.output / "engines").glob("*/process.json"))
        if story[-1]["status"] == "done":
            break
        assert story[-1]["exit_code"] == 130
        assert "run again to go on" in story[-1]["message"]
    finished = solves.run(engine)[-1]
    assert (finished["registered"], finished["status"]) == (COUNT, "done")


@ENGINES
def test_a_worker_killed_outright_leaves_no_engine(solves, engine):
    need(engine)
    for step in ("Finding", "Matching"):
        worker, _ = caught(solves, engine, step)
        worker.kill()
        until(worker, lambda _event: False)
        solves.wait_for_silence()
    assert solves.run(engine)[-1]["registered"] == COUNT


def test_an_engine_whose_minder_was_killed_too_ends_at_the_next_start(solves):
    worker, engine = caught(solves, EMBEDDED, "Finding")
    wait_for(lambda: any(note.read_text().endswith("}") for note in (solves.output / "engines").glob("*/process.json")))
    for pid in solves.engine_processes():
        if pid != engine:
            freeze(pid)  # so that it does not see the pipe close
    worker.kill()
    for pid in solves.engine_processes():
        if pid != engine:
            kill(pid)
    until(worker, lambda _event: False)
    wait_for(lambda: solves.engine_processes() == [engine])
    again = solves.start()
    until(again, lambda event: event["event"] == "started")
    wait_for(lambda: engine not in solves.engine_processes())
    assert until(again, lambda _event: False)[-1]["registered"] == COUNT


@ENGINES
def test_a_killed_engine_is_one_sentence_and_can_be_gone_on_with(solves, engine):
    need(engine)
    worker, pid = caught(solves, engine, "Matching")
    kill(pid)
    story = until(worker, lambda _event: False)
    one_sentence(
        solves, story, "was ended by the system while matching photos", "what it had done is kept", "engine.log"
    )
    assert story[-1]["exit_code"] == 5
    again = solves.run(engine)
    assert again[-1]["registered"] == COUNT
    assert any("gone on with" in event.get("text", "") for event in again)


def test_earlier_results_stay_until_there_are_new_ones(solves):
    solves.run()
    results = solves.output / "engines" / "colmap" / "sparse"
    before, columns = {}, itertools.count()

    def change():
        """Remember the results, and change the masks so that everything has to be made anew."""
        before.clear()
        before.update({path.name: path.read_bytes() for path in results.iterdir()})
        column = next(columns)
        for path in (solves.output / "masks").rglob("*.png"):
            mask = Image.open(path).copy()
            mask.putpixel((column, 0), 255)
            mask.save(path)

    worker, pid = caught(solves, EMBEDDED, "Matching", before=change)
    kill(pid)
    assert until(worker, lambda _event: False)[-1]["status"] == "failed"
    assert {path.name: path.read_bytes() for path in results.iterdir()} == before


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


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"engine": "MESHROOM"}, "The setting engine must be one of COLMAP, COLMAP_EXECUTABLE, not 'MESHROOM'"),
        ({"quality": "BEST"}, "quality must be one of DRAFT, NORMAL, HIGH, not 'BEST'"),
        ({"mapper": "LOCAL"}, "mapper must be one of INCREMENTAL, GLOBAL, not 'LOCAL'"),
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
