# SPDX-License-Identifier: GPL-3.0-or-later
"""The task build_model: a closed mesh of a known solid, from photos, masks and cameras on disk, bad ones among them.

What a quality spends is much less here than in the product.
"""

import dataclasses
import shutil
from functools import cache

import numpy as np
import pytest
from mesh_scenes import PLACE, SOLID, DiskScan, hull_of, pose, ring, shot, write_scan
from model_building import AROUND, FEW, HASTY, TALL, WIDE, Build, built_once, closed, error, error_of, small_efforts
from PIL import Image

from scan.meshing import build
from scan.meshing.efforts import EFFORTS
from scan.reconstruction.models import camera_key, model_file
from scan.reconstruction.readers import registry
from scan.views.surface import parts


@pytest.fixture(scope="module", autouse=True)
def _efforts():
    with small_efforts():
        yield


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """Of two cameras with bent lenses, every other photo upright."""
    poses = [pose(22.5 * number, 8, 90 * (number % 2)) for number in range(16)]
    return write_scan(tmp_path_factory.mktemp("many"), [*poses, *AROUND[16:]], (WIDE, TALL))


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    return write_scan(tmp_path_factory.mktemp("few"), FEW)


@pytest.fixture(scope="module")
def good(many, tmp_path_factory):
    """The story of a build, and where it was done; for tests that only look."""
    return built_once(many, tmp_path_factory.mktemp("good"), "DRAFT")


@pytest.fixture(scope="module")
def hasty(few, tmp_path_factory):
    return built_once(few, tmp_path_factory.mktemp("hasty"), "NORMAL")


@pytest.fixture
def copy_of(tmp_path):
    """Give a function that copies a scan, to be harmed."""

    def copy(scan):
        return DiskScan(shutil.copytree(scan.root, tmp_path / "scan"), scan.names)

    return copy


@pytest.fixture
def building(workers, output):
    """Give a function that makes a build of a scan."""
    return lambda scan: Build(workers, scan, output)


@cache
def error_of_the_hull():
    """Of masks that see a little more closely."""
    return error(hull_of([shot(SOLID, at).outline for at in AROUND], 64).vertices)


def test_of_bent_lenses_and_two_cameras_a_closed_mesh_is_made_where_the_solid_is(good):
    _, runner = good
    for mesh in (runner.mesh, runner.full):
        closed(mesh)
        assert error_of(mesh) < 0.4 * error_of_the_hull()
    assert (parts(closed(runner.full)) == 0).all()


def test_its_normals_point_outward_and_its_quality_says_where_photos_agree(good):
    mesh = good[1].mesh
    outward = SOLID.distances(PLACE.to_unit(mesh.vertices + 0.05 * PLACE.size * mesh.normals))
    assert np.quantile(outward, 0.05) > 0
    np.testing.assert_allclose(np.linalg.norm(mesh.normals, axis=1), 1, atol=1e-4)
    assert ((mesh.quality >= 0) & (mesh.quality <= 1)).all()
    assert np.median(mesh.quality) > 0.7


def test_its_colours_are_those_of_the_photos(good):
    mesh = good[1].mesh
    paint = SOLID.paint(PLACE.to_unit(mesh.vertices))
    assert np.corrcoef(mesh.colors[:, 0], paint)[0, 1] > 0.9
    red, green, blue = mesh.colors.astype(float).mean(0)
    assert green / red == pytest.approx(0.9, abs=0.02)
    assert blue / red == pytest.approx(0.8, abs=0.02)


def test_it_leaves_its_meshes_and_a_report_and_nothing_else(good):
    story, runner = good
    assert sorted(path.name for path in runner.folder.model.iterdir()) == ["full.ply", "model.ply", "report.json"]
    report = runner.report
    assert report["faces"] == len(runner.mesh.faces)
    assert report["full_faces"] == len(runner.full.faces)
    assert report["photos"] == {"found": len(AROUND), "done": len(AROUND), "failed": []}
    assert report["cameras"] == camera_key(registry.read(runner.scan.cameras))
    assert story.finished["mesh"] == str(model_file(runner.folder))
    assert f"{len(runner.mesh.faces):,} faces" in story.message


def test_it_tells_how_far_it_is(good):
    story, _ = good
    steps = story.of("progress")
    done = [each["done"] for each in steps]
    assert done == sorted(done)
    assert done[-1] == steps[-1]["total"]
    assert len(set(done)) > 20
    said = [each["text"] for each in story.of("log") if each["level"] == "info"]
    assert len(said) == len(set(said)) > 4


def test_cancelled_in_the_middle_it_goes_on_from_there_to_the_same_mesh(building, few, hasty, monkeypatch):
    runner, refine = building(few), build.refine
    worker = []

    def cancelled_here(*arguments):
        worker[0].cancel()
        return refine(*arguments)

    def swept_again(*_arguments):
        pytest.fail("the photos are compared again")

    with monkeypatch.context() as patch:
        patch.setattr(build, "refine", cancelled_here)
        worker.append(runner.start())
        story = runner.workers.end(worker[0])
    assert (story.finished["status"], story.exit_code) == ("cancelled", 130)
    assert "run again" in story.message
    assert not model_file(runner.folder).exists()
    (work,) = runner.folder.model.glob("work-*")
    assert list(work.glob("*.npz"))
    with monkeypatch.context() as patch:
        patch.setattr(build, "sweep", swept_again)
        assert runner.run().exit_code == 0
    assert not work.exists()
    np.testing.assert_array_equal(runner.mesh.vertices, hasty[1].mesh.vertices)
    np.testing.assert_array_equal(runner.mesh.faces, hasty[1].mesh.faces)


def test_a_photo_without_a_mask_is_left_out_and_a_converted_one_is_taken(building, few, copy_of):
    scan = copy_of(few)
    runner = building(scan)
    scan.mask(2).unlink()
    converted = runner.folder.converted / scan.names[3]
    converted.parent.mkdir(parents=True)
    (scan.photos / scan.names[3]).rename(converted)
    story = runner.run()
    assert (story.finished["status"], story.exit_code) == ("some_failed", 4)
    assert scan.names[2] in story.message
    (failed,) = runner.report["photos"]["failed"]
    assert failed["photo"] == scan.names[2]
    assert "has no mask" in failed["reason"]
    assert runner.report["photos"]["done"] == len(FEW) - 1
    assert any(scan.names[2] in each["text"] for each in story.of("log") if each["level"] == "warning")
    closed(runner.mesh)
    assert "Nothing has changed" in runner.run().message


def paint(scan, number, value, box):
    with Image.open(scan.mask(number)) as mask:
        mask.load()
    mask.paste(value, box)
    mask.save(scan.mask(number))


def test_wrong_masks_among_many_change_little(building, many, copy_of, good):
    """One keeps everything, one lacks a bite, and of one a whole side is cut off."""
    scan = copy_of(many)
    paint(scan, 2, 255, (0, 0, 240, 180))
    paint(scan, 5, 0, (95, 50, 180, 150))
    paint(scan, 12, 0, (130, 0, 240, 180))
    runner = building(scan)
    story = runner.run("DRAFT")
    assert story.exit_code == 0
    assert error_of(runner.full) < 1.2 * error_of(good[1].full)
    closed(runner.mesh)
    (said,) = [each for each in story.finished["warnings"] if "did not count" in each]
    assert [number for number, name in enumerate(scan.names) if name in said] == [5, 12]


def test_cameras_on_one_side_only_make_a_closed_mesh_and_a_warning(building, tmp_path):
    scan = write_scan(tmp_path / "scan", ring(7, 10, first=-40, whole=110))
    runner = building(scan)
    story = runner.run()
    assert story.exit_code == 0, story.message
    (gap,) = [each for each in story.finished["warnings"] if "one side" in each]
    assert scan.names[0] in gap or scan.names[-1] in gap
    mesh = runner.mesh
    closed(mesh)
    seen = mesh.quality > 0.7
    assert seen.mean() > 0.1
    unit = PLACE.to_unit(mesh.vertices[seen])
    assert np.abs(SOLID.distances(unit)).mean() < 0.05
    assert np.linalg.norm(PLACE.to_unit(mesh.vertices), axis=1).max() < 3


@pytest.mark.parametrize("where", ["", "empty"])
def test_without_masks_there_is_no_model(building, few, tmp_path, where):
    (tmp_path / "empty").mkdir()
    runner = building(few)
    story = runner.run(mask_folder=str(tmp_path / where) if where else "")
    assert (story.finished["status"], story.exit_code) == ("failed", 4)
    assert "mask" in story.message
    assert "strip" in story.message
    assert not list(runner.folder.model.rglob("*.ply"))


def test_photos_that_have_nothing_in_common_make_no_model(building, tmp_path):
    story = building(write_scan(tmp_path / "scan", ring(4))).run()
    assert story.exit_code == 4
    assert "No two photos" in story.message


def test_too_little_memory_is_told_before_the_work_begins(building, few):
    runner = building(few)
    story = runner.run("HIGH", memory=0.5)
    assert story.exit_code == 4
    assert "0.5 GB may be used" in story.message
    assert not runner.folder.model.exists()


def test_memory_is_planned_for_photos_as_they_are(building, few, monkeypatch):
    """However closely a quality looks: the object is no larger than a photo."""
    monkeypatch.setitem(EFFORTS, "NORMAL", dataclasses.replace(HASTY, edge=20_000))
    runner = building(few)
    worker = runner.start(memory=0.6)
    story = runner.workers.until(worker, lambda event: event["event"] in ("log", "finished"))
    assert "finished" not in [each["event"] for each in story], story[-1]
    worker.cancel()
    runner.workers.end(worker)


def test_a_folder_without_cameras_is_bad_use(building, few, tmp_path):
    (tmp_path / "none").mkdir()
    story = building(few).run(cameras=str(tmp_path / "none"))
    assert story.exit_code == 2
    assert "model" in story.message
