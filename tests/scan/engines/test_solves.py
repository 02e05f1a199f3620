# SPDX-License-Identifier: GPL-3.0-or-later
"""Real COLMAP on a piece of the repository's scan: what is handed over, what comes back, what is done again."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from engine_scan import (
    EMBEDDED,
    EXECUTABLE,
    SIZE,
    Solves,
    caught,
    copy_scan,
    kill,
    need,
    observations,
    until,
)
from PIL import Image

from scan.common.files import write_atomically
from scan.engines.colmap.model_files import observations as model_observations
from scan.engines.colmap.model_files import points as model_points
from scan.engines.colmap.settings import ColmapSettings
from scan.photos.header import read_facts
from scan.photos.photo import Photo
from scan.reconstruction.importing import plan_import
from scan.reconstruction.readers import registry
from scan.reconstruction.settings import ImportSettings

pytestmark = pytest.mark.engine
COUNT = 6
# What is the same code for both, with the second of them in the full run only.
ONE_ENGINE_IN_THE_GATE = pytest.mark.parametrize(
    "solved", [EMBEDDED, pytest.param(EXECUTABLE, marks=pytest.mark.full)], indirect=True
)


@pytest.fixture(scope="module", params=[EMBEDDED, EXECUTABLE])
def solved(request, turntable, tmp_path_factory):
    """Give the first solve by each engine, its story, and the photos' names; leave it as it is."""
    need(request.param)
    place = tmp_path_factory.mktemp("solve")
    names = copy_scan(turntable, place / "photos", place / "output", COUNT)
    before = hashes(place / "photos")
    solves = Solves(place / "photos", place / "output")
    for _ in range(3):
        story = solves.run(request.param)
        if (story[-1]["status"], story[-1].get("models")) == ("done", 1):
            break
        # COLMAP's threads draw lots: now and then it splits these few photos or leaves one out, whoever calls it.
        shutil.rmtree(place / "output" / "engines")
    assert hashes(place / "photos") == before
    yield request.param, place, story, names
    solves.close()


@pytest.fixture
def again(solved, tmp_path):
    """Give a copy of that job, to be solved again: engine and ``Solves``."""
    engine, place, _, _ = solved
    output = Path(shutil.copytree(place / "output", tmp_path / "output", symlinks=True))
    # Copies of the photos with their times, so that they are the same to everyone.
    photos = Path(shutil.copytree(place / "photos", tmp_path / "photos"))
    for link in (path for path in output.rglob("*") if path.is_symlink()):
        link.unlink()
    solves = Solves(photos, output)
    yield engine, solves
    solves.close()


def hashes(folder):
    return {
        path: (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*.*"))
    }


def texts(story):
    return [event["text"] for event in story if event["event"] == "log"]


def test_all_photos_are_placed_in_one_model(solved):
    engine, place, story, names = solved
    finished = story[-1]
    assert finished["status"] == "done", finished["message"]
    assert (finished["registered"], finished["total"], finished["models"]) == (COUNT, COUNT, 1)
    assert 0 < finished["mean_reprojection_error"] < 1
    assert finished["points"] > 200
    assert f"placed {COUNT} of {COUNT} photos" in finished["message"]
    results = Path(finished["results"])
    assert results == place / "output" / "engines" / engine.lower() / "sparse"
    assert sorted(observations(results)) == names


def test_features_keep_to_the_masks(solved):
    _, place, story, _ = solved
    for name, found in observations(Path(story[-1]["results"])).items():
        mask = Image.open(place / "output" / "masks" / f"{name}.png")
        outside = [
            spot
            for spot in found
            if mask.getpixel((min(int(spot[0]), SIZE[0] - 1), min(int(spot[1]), SIZE[1] - 1))) == 0
        ]
        # COLMAP looks the mask up at the rounded place, which may be the pixel beside it.
        assert len(outside) <= 0.05 * len(found)
        assert len(found) > 100


def test_the_report_and_the_journal_tell_of_it(solved):
    engine, place, story, names = solved
    report = json.loads((place / "output" / "engines" / engine.lower() / "report.json").read_text())
    assert report["photos"] == {"found": COUNT, "done": COUNT, "failed": []}
    assert report["settings"]["engine"] == engine
    assert report["versions"]["engine"] == story[-1]["version"]
    assert Path(report["log"]).read_text()
    assert story[0]["event"] == "started"
    progress = [event for event in story if event["event"] == "progress"]
    steps = list(dict.fromkeys(event["step"] for event in progress))
    assert [step.split()[0] for step in steps] == ["Finding", "Matching", "Placing", "Coloring"]
    assert all(0 < event["done"] <= event["total"] for event in progress)
    assert texts(story)[:2] == [f"One camera: {camera(place / 'photos' / names[0])}", f"One side with {COUNT} photos"]


def camera(photo):
    return read_facts(Photo(photo, photo)).camera_name()


def test_no_crop_is_left_behind(solved):
    engine, place, _, _ = solved
    (work,) = Solves(place / "photos", place / "output").work(engine)
    assert {path.name for path in work.iterdir() if path.is_dir()} <= {"images", "models"}
    assert {path.name for path in work.glob("*.db")} == {"database.db"}


def test_the_report_names_the_settings_that_mattered(solved):
    engine, place, _, _ = solved
    report = json.loads((place / "output" / "engines" / engine.lower() / "report.json").read_text())
    effort = dataclasses.asdict(ColmapSettings().effort("DRAFT"))
    assert report["engine_settings"] == {**effort, "mapper": "INCREMENTAL", "pairs": COUNT * (COUNT - 1) // 2}


def test_points_have_the_colors_of_the_photos(solved):
    """As far as a camera sees them: the jug is painted, and no point of it is as dark as the room's shadows."""
    _, place, story, names = solved
    results = Path(story[-1]["results"])
    points = registry.read(results).points
    seen = shown_colors(results, place / "photos", names)
    errors = np.abs(points.colors.astype(float) - [seen[number] for number in range(len(points.colors))])
    assert np.median(errors) <= 8
    assert points.colors.std(axis=0).min() > 25


def shown_colors(results, photos, names):
    """Point → the mean color of the pixels that show it; in the order of the points."""
    content = (results / "points3D.bin").read_bytes()
    records, offsets = model_points(content)
    order = {int(number): row for row, number in enumerate(records["identifier"][offsets])}
    colors = {}
    for name, places, points in model_observations((results / "images.bin").read_bytes()):
        with Image.open(photos / name) as photo:
            pixels = np.asarray(photo.convert("RGB"))
        for (x, y), point in zip(places, points, strict=True):
            if int(point) in order:
                colors.setdefault(order[int(point)], []).append(pixels[int(y), int(x)])
    assert {name for name, _, _ in model_observations((results / "images.bin").read_bytes())} == {*names}
    return {row: np.mean(values, axis=0) for row, values in colors.items()}


def test_the_same_solve_again_is_not_made_again(again):
    engine, solves = again
    before = hashes(solves.output / "engines")
    story = solves.run(engine)
    assert story[-1]["status"] == "done"
    assert "Nothing has changed since" in story[-1]["message"]
    assert story[-1]["registered"] == COUNT
    assert hashes(solves.output / "engines") == before


@ONE_ENGINE_IN_THE_GATE
def test_masks_that_changed_are_the_ones_that_count(again):
    """A database of the first solve would bring its features back, from where the new masks are black."""
    engine, solves = again
    (stale,) = solves.work(engine)
    shown = plan_import(ImportSettings(directory=str(solves.output))).copies.photo("shown by a scene that was saved")
    write_atomically(shown, b"a picture")
    edge = SIZE[0] * 2 // 3
    left = Image.new("L", SIZE, 0)
    left.paste(255, (0, 0, edge, SIZE[1]))
    before = observations(solves.output / "engines" / engine.lower() / "sparse")
    assert max(x for spots in before.values() for x, _ in spots) > edge + 20
    for path in (solves.output / "masks").rglob("*.png"):
        mask = Image.open(path)
        Image.composite(mask, Image.new("L", SIZE, 0), left).save(path)
    story = solves.run(engine)
    assert story[-1]["exit_code"] in {0, 4}, story[-1]["message"]
    found = [spot for spots in observations(Path(story[-1]["results"])).values() for spot in spots]
    assert len(found) > 100
    assert max(x for x, _ in found) <= edge + 1
    assert not stale.exists()
    assert len(solves.work(engine)) == 1
    assert shown.read_bytes() == b"a picture"


def test_a_database_is_used_again_where_only_the_mapper_is_run_again(again):
    engine, solves = again
    shutil.rmtree(solves.output / "engines" / engine.lower() / "sparse")
    story = solves.run(engine)
    assert story[-1]["status"] == "done"
    assert "The work of an earlier run on the same photos and masks is gone on with" in texts(story)
    assert story[-1]["registered"] == COUNT


@ONE_ENGINE_IN_THE_GATE
def test_photos_whose_folder_was_renamed_are_found_where_they_are(again, tmp_path):
    """COLMAP reads them for finding features, and again for the colours of the points."""
    engine, solves = again
    results = solves.output / "engines" / engine.lower() / "sparse"
    for name in ("once", "now"):
        solves.photos = solves.photos.rename(tmp_path / name)
        shutil.rmtree(results)
        story = solves.run(engine)
        assert "The work of an earlier run on the same photos and masks is gone on with" in texts(story)
    assert story[-1]["registered"] == COUNT, story[-1]["message"]
    assert registry.read(results).points.colors.any()


@ONE_ENGINE_IN_THE_GATE
def test_a_damaged_database_is_given_up(again):
    engine, solves = again
    (work,) = solves.work(engine)
    database = work / "database.db"
    content = bytearray(database.read_bytes())
    content[4096 : len(content) // 2] = b"\xaa" * (len(content) // 2 - 4096)
    database.write_bytes(content)
    shutil.rmtree(solves.output / "engines" / engine.lower() / "sparse")
    story = solves.run(engine)
    assert story[-1]["status"] == "done", story[-1]["message"]
    assert "The earlier work is damaged; starting afresh" in texts(story)


@ONE_ENGINE_IN_THE_GATE
@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc for the engine")
def test_earlier_results_stay_until_there_are_new_ones(again):
    engine, solves = again
    results = solves.output / "engines" / engine.lower() / "sparse"
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

    worker, pid = caught(solves, engine, "Matching", before=change)
    kill(pid)
    assert until(worker)[-1]["status"] == "failed"
    assert {path.name: path.read_bytes() for path in results.iterdir()} == before


@ONE_ENGINE_IN_THE_GATE
def test_names_that_colmap_trips_over_come_back_as_they_were(again):
    engine, solves = again
    shutil.rmtree(solves.output / "engines")
    odd = ["ünï #1.jpg", " leading.jpg", "two  words %20.JPEG"]
    side = solves.photos / "upright"
    for old, new in zip(sorted(side.iterdir()), odd, strict=False):
        mask = solves.output / "masks" / "upright" / f"{old.name}.png"
        mask.rename(mask.with_name(f"{new}.png"))
        old.rename(old.with_name(new))
    story = solves.run(engine)
    assert story[-1]["registered"] == COUNT, story[-1]["message"]
    names = {path.relative_to(solves.photos).as_posix() for path in solves.photos.rglob("*.*")}
    assert set(observations(Path(story[-1]["results"]))) == names
    assert {f"upright/{name}" for name in odd} < names


@ONE_ENGINE_IN_THE_GATE
def test_photos_of_two_lenses_get_a_camera_each(again):
    engine, solves = again
    for path in sorted((solves.photos / "upright").iterdir())[::2]:
        with Image.open(path) as photo:
            exif = photo.getexif()
            exif[0x0110] = "Another One"
            photo.save(path, quality=95, exif=exif)
    story = solves.run(engine)
    assert story[-1]["registered"] == COUNT, story[-1]["message"]
    assert any(text.startswith("2 cameras") for text in texts(story))
    cameras = (Path(story[-1]["results"]) / "cameras.bin").read_bytes()
    assert int.from_bytes(cameras[:8], "little") == 2


def test_global_mapping_is_a_choice(again):
    engine, solves = again
    story = solves.run(engine, mapper="GLOBAL")
    if engine == EXECUTABLE and "has no global_mapper" in story[-1]["message"]:
        assert story[-1]["status"] == "failed"
        assert "choose another mapper" in story[-1]["message"]
    else:
        assert story[-1]["registered"] == COUNT, story[-1]["message"]
        assert "The work of an earlier run on the same photos and masks is gone on with" in texts(story)
