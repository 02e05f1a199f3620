# SPDX-License-Identifier: GPL-3.0-or-later
"""Real COLMAP: photos that are left out are tried once more, and a solve is made anew only where it is asked for."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from engine_scan import EMBEDDED, EXECUTABLE, Solves, copy_scan, need
from PIL import Image

from scan.engines.colmap import features
from scan.engines.colmap import settings as colmap
from scan.engines.programs.program import Cancelled

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


@pytest.fixture(name="few_features")
def _few_features(monkeypatch):
    """Let the first look be at crops so small that photos are left out."""
    effort = replace(colmap.EFFORTS["DRAFT"], least_edge=60, most_edge=60, kept=2048)
    monkeypatch.setitem(colmap.EFFORTS, "DRAFT", effort)


def texts(story):
    return [event["text"] for event in story if event["event"] == "log"]


def report(solves, engine=EMBEDDED):
    return json.loads((solves.output / "engines" / engine.lower() / "report.json").read_text())


@ENGINES
@pytest.mark.usefixtures("few_features")
def test_photos_that_were_left_out_are_placed_by_finer_features(solves, engine):
    need(engine)
    story = solves.run(engine)
    assert (story[-1]["status"], story[-1]["registered"]) == ("done", COUNT), story[-1]["message"]
    (said,) = [text for text in texts(story) if "trying once more" in text]
    again = report(solves, engine)["engine_settings"]["again"]
    left_out = len(again["photos"])
    assert said.startswith(f"{left_out} photo{'s' if left_out > 1 else ''} could not be placed (upright/IMG_")
    assert again["placed_before"] + left_out == again["placed"] == COUNT
    steps = [event["step"].split()[0] for event in story if event["event"] == "progress"]
    assert [step for at, step in enumerate(steps) if step != steps[at - 1] or at == 0][-4:] == [
        "Finding",
        "Matching",
        "Placing",
        "Coloring",
    ]


@pytest.mark.usefixtures("few_features")
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
def test_without_masks_the_whole_photos_are_looked_at(solves, engine):
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
    story = solves.run(engine, masks=False, quality="NORMAL")
    assert story[-1]["registered"] == COUNT, story[-1]["message"]
    assert Path(story[-1]["results"]).is_dir()
