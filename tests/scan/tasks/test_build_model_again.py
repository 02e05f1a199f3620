# SPDX-License-Identifier: GPL-3.0-or-later
"""The task build_model, run again: what has not changed is not built again, and what is damaged is."""

import json
import shutil

import numpy as np
import pytest
from mesh_scenes import DiskScan, write_scan
from model_building import FEW, Build, built_once, closed, error_of, small_efforts
from PIL import Image

from scan.common.errors import Cancelled
from scan.reconstruction.models import find_model, full_model_file, model_file, model_report
from scan.reconstruction.readers import registry
from scan.tasks import build_model


@pytest.fixture(scope="module", autouse=True)
def _efforts():
    with small_efforts():
        yield


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    return write_scan(tmp_path_factory.mktemp("few"), FEW)


@pytest.fixture(scope="module")
def hasty(few, tmp_path_factory):
    return built_once(few, tmp_path_factory.mktemp("hasty"), "NORMAL")


@pytest.fixture
def building(workers, output):
    """Give a function that makes a build of a scan."""
    return lambda scan: Build(workers, scan, output)


def test_run_again_nothing_has_changed(hasty):
    story, runner = hasty
    stamps = {path: path.stat().st_mtime_ns for path in runner.folder.model.iterdir()}
    again = runner.run()
    assert again.exit_code == 0
    assert "Nothing has changed" in again.message
    assert story.message in again.message
    assert {path: path.stat().st_mtime_ns for path in runner.folder.model.iterdir()} == stamps
    assert {name: again.finished[name] for name in ("faces", "mesh", "photos", "warnings")} == {
        name: story.finished[name] for name in ("faces", "mesh", "photos", "warnings")
    }


def test_with_another_number_of_faces_it_has_as_many(few, hasty, output, building):
    """And in a job folder, nothing but the photos has to be named."""
    shutil.copytree(few.masks, output / "masks")
    shutil.copytree(few.cameras, output / "engines" / "colmap" / "sparse")
    shutil.copytree(hasty[1].folder.model, output / "model")
    runner = building(few)
    story = runner.run(faces=1000, cameras="", mask_folder="")
    assert "Nothing has changed" not in story.message
    assert "Refining the mesh" not in [each["text"] for each in story.of("log")]  # the full mesh is there already
    closed(runner.mesh)
    assert len(runner.mesh.faces) == pytest.approx(1000, rel=0.02)
    np.testing.assert_array_equal(runner.full.vertices, hasty[1].full.vertices)
    assert error_of(runner.mesh) < 1.5 * error_of(hasty[1].mesh)
    assert (runner.mesh.colors.std(0) > 0).all()
    place = registry.find(output)
    assert find_model(place, registry.read(place)) == model_file(runner.folder)


def cut_short(folder):
    path = full_model_file(folder)
    path.write_bytes(path.read_bytes()[:-100])


def without_key(folder):
    model_report(folder).write_text("{}")


def of_another_kind(folder):
    report = json.loads(model_report(folder).read_bytes())
    model_report(folder).write_text(json.dumps({**report, "settings": "faces"}))


@pytest.mark.parametrize("harm", [cut_short, without_key, of_another_kind])
def test_from_what_is_damaged_nothing_is_taken_over(few, hasty, building, harm):
    runner = building(few)
    shutil.copytree(hasty[1].folder.model, runner.folder.model)
    harm(runner.folder)
    story = runner.run(faces=1000)
    assert story.exit_code == 0, story.message
    assert "Refining the mesh" in [each["text"] for each in story.of("log")]
    np.testing.assert_array_equal(runner.full.vertices, hasty[1].full.vertices)


def test_cancelled_while_it_reduces_the_earlier_model_stays(few, hasty, building, monkeypatch):
    runner = building(few)
    shutil.copytree(hasty[1].folder.model, runner.folder.model)

    def cancelled_here(_surface, _faces):
        raise Cancelled

    with monkeypatch.context() as patch:
        patch.setattr(build_model, "reduced", cancelled_here)
        story = runner.run(faces=1000)
    assert list(runner.folder.model.glob("work-*"))
    assert story.finished["status"] == "cancelled"
    again = runner.run()
    assert "Nothing has changed" in again.message
    assert not list(runner.folder.model.glob("work-*"))


def photo_changed(scan):
    with Image.open(scan.photos / scan.names[0]) as photo:
        photo.point([255 - value for value in range(256)] * 3).save(scan.photos / scan.names[0])


def mask_changed(scan):
    Image.new("L", (240, 180), 255).save(scan.mask(0))


def camera_changed(scan):
    cameras = scan.cameras / "cameras.txt"
    cameras.write_text(cameras.read_text().replace("290.0", "290.5"))


@pytest.mark.parametrize("change", [photo_changed, mask_changed, camera_changed, None])
def test_what_it_was_made_of_decides_whether_something_has_changed(building, few, hasty, tmp_path, change):
    scan = DiskScan(shutil.copytree(few.root, tmp_path / "scan"), few.names) if change else few
    runner = building(scan)
    shutil.copytree(hasty[1].folder.model, runner.folder.model)
    if change:
        change(scan)
    worker = runner.start()
    story = runner.workers.until(worker, lambda event: event["event"] == "log")
    if story[-1]["event"] != "finished":
        worker.cancel()  # that it began is enough
        story = runner.workers.end(worker)
    assert ("Nothing has changed" in story.message) == (change is None)
