# SPDX-License-Identifier: GPL-3.0-or-later
"""The task build_model: a closed mesh of a known solid, from photos, masks and cameras on disk, bad ones among them.

What a quality spends is much less here than in the product.
"""

import dataclasses
import json
import shutil
from functools import cache

import numpy as np
import pytest
from conftest import PhotoWatch, Workers
from mesh_scenes import PLACE, SOLID, DiskScan, Lens, around, hull_of, pose, ring, shot, write_scan
from PIL import Image

from scan.common.errors import Cancelled
from scan.job.folder import JobFolder
from scan.meshing import build
from scan.meshing.efforts import EFFORTS
from scan.meshing.settings import ModelSettings
from scan.meshing.surface import Surface, is_closed, parts, volume
from scan.reconstruction.models import camera_key, find_model, full_model_file, model_file, model_report
from scan.reconstruction.ply import read_ply
from scan.reconstruction.readers import registry
from scan.tasks import build_model

AROUND, FEW = tuple(around(16)), tuple(around(8))
WIDE = Lens("OPENCV", 240, 180, (290.0, 293.0, 118.0, 93.0, -0.15, 0.06, 0.002, -0.001))
TALL = Lens("SIMPLE_RADIAL", 180, 240, (275.0, 92.0, 117.0, 0.12))
DRAFT = dataclasses.replace(EFFORTS["DRAFT"], edge=88, coarse=40, fine=48, depths=16, others=3, narrow=(9, 5))
HASTY = dataclasses.replace(DRAFT, edge=64, coarse=32, fine=32, depths=8, spreads=True)


@pytest.fixture(scope="module", autouse=True)
def _efforts():
    """What is not about how good a mesh is is in a haste, and called NORMAL."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(EFFORTS, "DRAFT", DRAFT)
        patch.setitem(EFFORTS, "NORMAL", HASTY)
        yield


class Build:
    """Builds in one output folder."""

    def __init__(self, workers, scan, output):
        self.workers, self.scan = workers, scan
        self.folder = JobFolder(output)

    def start(self, quality="NORMAL", **given):
        """Start a worker."""
        settings = {
            "photos": str(self.scan.photos),
            "output": str(self.folder.root),
            "cameras": str(self.scan.cameras),
            "mask_folder": str(self.scan.masks),
            "model_quality": quality,
            "threads": 2,
            **given,
        }
        return self.workers.start_job(
            self.folder, {"task": "build_model", "settings": dataclasses.asdict(ModelSettings(**settings))}
        )

    def run(self, quality="NORMAL", **given):
        """Build, and give the whole story."""
        return self.workers.end(self.start(quality, **given))

    @property
    def mesh(self):
        """The reduced one."""
        return read_ply(model_file(self.folder))

    @property
    def full(self):
        """With all its faces."""
        return read_ply(full_model_file(self.folder))

    @property
    def report(self):
        """How it was made."""
        return json.loads(model_report(self.folder).read_bytes())


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """Of two cameras with bent lenses, every other photo upright."""
    poses = [pose(22.5 * number, 8, 90 * (number % 2)) for number in range(16)]
    return write_scan(tmp_path_factory.mktemp("many"), [*poses, *AROUND[16:]], (WIDE, TALL))


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    return write_scan(tmp_path_factory.mktemp("few"), FEW)


def built_once(scan, output, quality):
    watch = PhotoWatch()
    runner = Build(Workers(watch, scan.photos, output), scan, output)
    story = runner.run(quality)
    watch.check()
    assert story.exit_code == 0, story.message
    return story, runner


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


def closed(mesh):
    surface = Surface(mesh.vertices.astype(np.float32), mesh.faces.astype(np.int64))
    assert is_closed(surface)
    assert volume(Surface(PLACE.to_unit(mesh.vertices).astype(np.float32), surface.faces), surface.faces) > 3
    return surface


def error(vertices):
    """How far vertices in the unit frame are from the solid, in its radii: the root of the mean square."""
    return float(np.sqrt((SOLID.distances(vertices) ** 2).mean()))


def error_of(mesh):
    return error(PLACE.to_unit(mesh.vertices))


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
def test_what_it_was_made_of_decides_whether_something_has_changed(building, few, hasty, copy_of, change):
    scan = copy_of(few) if change else few
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
