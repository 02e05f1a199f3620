# SPDX-License-Identifier: GPL-3.0-or-later
"""Real COLMAP: photos that are left out are tried once more, and a solve is made anew only where it is asked for."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from engine_scan import EMBEDDED, EXECUTABLE, Solves, copy_scan, need, observations
from PIL import Image

from scan.common.errors import Cancelled, EngineError
from scan.engines.colmap import crops, features
from scan.engines.colmap import settings as colmap

pytestmark = pytest.mark.engine
COUNT = 6
ENGINES = pytest.mark.parametrize("engine", [EMBEDDED, pytest.param(EXECUTABLE, marks=pytest.mark.full)])


@pytest.fixture
def solves(turntable, tmp_path):
    """Give ``Solves`` on a few photos and their masks."""
    copy_scan(turntable, tmp_path / "photos", tmp_path / "output", COUNT)
    made = Solves(tmp_path / "photos", tmp_path / "output")
    yield made
    made.close()


@pytest.fixture(name="two_are_left_out")
def _two_are_left_out(monkeypatch):
    """Let the first look at two of the photos be at crops so small that nothing is found in them."""
    first = colmap.EFFORTS["DRAFT"], colmap.EFFORTS["NORMAL"]

    def crop_of(photo, wanted):
        crop = crops.crop_of(photo, wanted)
        is_tiny = wanted in first and photo.name.endswith(("0005.JPG", "0006.JPG"))
        return replace(crop, size=(24, 24)) if is_tiny else crop

    monkeypatch.setattr(features, "crop_of", crop_of)


def texts(story):
    return [event["text"] for event in story if event["event"] == "log"]


def report(solves, engine=EMBEDDED):
    return json.loads((solves.output / "engines" / engine.lower() / "report.json").read_text())


@ENGINES
@pytest.mark.usefixtures("two_are_left_out")
def test_photos_that_were_left_out_are_placed_by_finer_features(solves, engine):
    need(engine)
    story = solves.run(engine, quality="NORMAL")
    assert (story[-1]["status"], story[-1]["registered"]) == ("done", COUNT), story[-1]["message"]
    (said,) = [text for text in texts(story) if "trying once more" in text]
    again = report(solves, engine)["engine_settings"]["again"]
    assert said.startswith(
        "2 photos could not be placed (upright/IMG_0005.JPG, upright/IMG_0006.JPG): trying once more"
    )
    assert again["photos"] == ["upright/IMG_0005.JPG", "upright/IMG_0006.JPG"]
    assert (again["placed_before"], again["placed"]) == (4, COUNT)
    steps = [event["step"].split()[0] for event in story if event["event"] == "progress"]
    assert [step for at, step in enumerate(steps) if step != steps[at - 1] or at == 0][-4:] == [
        "Finding",
        "Matching",
        "Placing",
        "Coloring",
    ]


@pytest.mark.usefixtures("two_are_left_out")
def test_a_second_try_that_was_stopped_is_gone_on_with(solves, monkeypatch):
    find = features.find_features
    calls = []

    def find_and_stop(runner, name, photos, *rest):
        find(runner, name, photos, *rest)
        calls.append((name, len(photos)))
        if name == "again.db" and len(calls) == 2:
            raise Cancelled

    monkeypatch.setattr("scan.engines.colmap.solve.find_features", find_and_stop)
    assert solves.run()[-1]["status"] == "cancelled"
    (work,) = solves.work()
    before = (work / "again.db").stat()
    story = solves.run()
    assert story[-1]["registered"] == COUNT, story[-1]["message"]
    assert [name for name, _ in calls] == ["database.db", "again.db"] * 2
    assert (work / "again.db").stat().st_ino == before.st_ino, "not copied anew"
    found = [event for event in story if event["event"] == "progress" and event["step"].startswith("Finding")]
    assert found == [], "their features are not found again"


@pytest.mark.usefixtures("two_are_left_out")
def test_where_the_second_try_fails_the_first_result_is_kept(solves, monkeypatch):
    def find_or_fail(runner, name, *rest):
        if name == "again.db":
            raise EngineError("COLMAP stopped for want of memory")
        features.find_features(runner, name, *rest)

    monkeypatch.setattr("scan.engines.colmap.solve.find_features", find_or_fail)
    story = solves.run()
    assert (story[-1]["status"], story[-1]["registered"]) == ("some_failed", 4), story[-1]["message"]
    kept = "The second try came to no end, and what the first has placed is kept: COLMAP stopped for want of memory"
    assert kept in [event["text"] for event in story if event.get("level") == "warning"]


def test_a_photo_without_features_is_not_worth_a_second_mapping(solves):
    grey = solves.photos / "upright" / "IMG_0003.JPG"
    with Image.open(grey) as photo:
        Image.new("RGB", photo.size, "grey").save(grey, exif=photo.info["exif"])
    story = solves.run()
    assert story[-1]["registered"] == COUNT - 1
    said = texts(story)
    assert any(text.startswith("1 photo could not be placed (upright/IMG_0003.JPG)") for text in said)
    assert sum(text.startswith("Placing") for text in said) == 1
    assert report(solves)["engine_settings"]["again"] == {
        "photos": ["upright/IMG_0003.JPG"],
        "placed_before": COUNT - 1,
        "placed": 0,
    }


def test_what_the_first_version_solved_is_solved_again_only_where_that_is_asked(solves):
    """Its report has the same key, and its work lies in a folder of another name."""
    solves.run()
    (work,) = solves.work()
    old = work.rename(work.with_name(work.name.removesuffix("-crops")))
    path = solves.output / "engines" / "colmap" / "report.json"
    kept = json.loads(path.read_text())
    del kept["engine_settings"], kept["settings"]["again"]
    path.write_text(json.dumps(kept))
    story = solves.run()
    assert "Nothing has changed since, so that it was not solved again; Solve Again does" in story[-1]["message"]
    assert solves.work() == [old]
    story = solves.run(again=True)
    assert (story[-1]["status"], story[-1]["registered"]) == ("done", COUNT)
    assert "Nothing has changed" not in story[-1]["message"]
    assert solves.work() == [work]


def test_solve_again_begins_with_the_features(solves):
    solves.run()
    story = solves.run(again=True)
    assert not any("gone on with" in text for text in texts(story))
    assert any(event["event"] == "progress" and event["step"].startswith("Finding") for event in story)


def test_a_solve_that_was_stopped_between_two_batches_goes_on_behind_the_first(solves, monkeypatch):
    monkeypatch.setattr(features, "_BATCH", 2)
    run, steps = features.Runner.run, []

    def run_and_stop(runner, step, *rest):
        steps.append(step)
        if len(steps) == 3:  # the cameras, the first batch, and no more
            raise Cancelled
        run(runner, step, *rest)

    monkeypatch.setattr(features.Runner, "run", run_and_stop)
    assert solves.run()[-1]["status"] == "cancelled"
    (work,) = solves.work()
    story = solves.run()
    assert story[-1]["registered"] == COUNT, story[-1]["message"]
    extracts = [step for step in steps if type(step).__name__ == "Extract"]
    assert len(extracts) == 1 + 1 + 1 + 2, "cameras, a batch, one that was stopped, and the two that were left"
    done = [event["done"] for event in story if event["event"] == "progress" and event["step"].startswith("Finding")]
    assert done[0] > 2
    assert done[-1] == COUNT
    assert not (work / "crops").exists()


@ENGINES
def test_without_masks_the_whole_photos_are_looked_at(solves, engine, monkeypatch):
    """Photos without a background that contradicts: black all around, and no mask."""
    need(engine)
    for name in ("IMG_0001", "IMG_0002", "IMG_0003", "IMG_0004", "IMG_0005", "IMG_0006"):
        path = solves.photos / "upright" / f"{name}.JPG"
        with Image.open(path) as photo, Image.open(solves.output / "masks" / "upright" / f"{name}.JPG.png") as mask:
            exif = photo.info["exif"]
            soft = Image.new("RGB", photo.size, (90, 90, 90))
            soft.paste(photo, mask=mask)
        soft.save(path, quality=95, exif=exif)
    shutil.rmtree(solves.output / "masks")
    monkeypatch.setitem(colmap.EFFORTS, "NORMAL", replace(colmap.EFFORTS["NORMAL"], kept=10))
    story = solves.run(engine, masks=False, quality="NORMAL")
    assert story[-1]["registered"] == COUNT, story[-1]["message"]
    assert min(map(len, observations(Path(story[-1]["results"])).values())) > 10, "what is kept of crops does not count"
