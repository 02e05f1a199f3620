# SPDX-License-Identifier: GPL-3.0-or-later
"""The task texture_model, run again: what has not changed is not painted again, and what has is."""

import dataclasses
import os
import shutil

import pytest
from mesh_scenes import DiskScan
from model_texturing import Texturing, mesh_of, scan_of, small_textures, textured_once
from PIL import Image

from scan.reconstruction.models import find_texture, model_file
from scan.reconstruction.ply import write_ply


@pytest.fixture(scope="module", autouse=True)
def _small():
    with small_textures():
        yield


@pytest.fixture(scope="module")
def mesh():
    return mesh_of()


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    return scan_of(tmp_path_factory.mktemp("scan"))


@pytest.fixture(scope="module")
def good(scan, mesh, tmp_path_factory):
    return textured_once(scan, tmp_path_factory.mktemp("good"), mesh)


@pytest.fixture
def runner(workers, output, scan, good, tmp_path):
    """In a folder in which all is made, of a scan of its own."""
    own = DiskScan(shutil.copytree(scan.root, tmp_path / "scan"), scan.names)
    shutil.copytree(good[1].folder.model, output / "model")
    return Texturing(workers, own, output, None)


def is_painted(runner, **given):
    """Whether a texture is painted, and not only found; that it began is enough."""
    worker = runner.start(**given)
    story = runner.workers.until(worker, lambda event: event["event"] == "log")
    if story[-1]["event"] != "finished":
        worker.cancel()
        runner.workers.end(worker)
        return True
    assert story.exit_code == 0, story.message
    assert "Nothing has changed" in story.message
    return False


def test_run_again_nothing_has_changed(good, runner):
    story, _ = good
    before = runner.stamps()
    again = runner.run()
    assert story.message in again.message
    assert "Texture Again" in again.message
    assert runner.stamps() == before
    for name in ("texture", "textured_mesh", "used", "warnings", "photos"):
        assert again.finished[name] == story.finished[name]


def photo_changed(runner):
    path = runner.scan.photos / runner.scan.names[0]
    with Image.open(path) as photo:
        photo.point([255 - value for value in range(256)] * 3).save(path)


def photo_gone(runner):
    (runner.scan.photos / runner.scan.names[0]).unlink()


def mask_changed(runner):
    Image.new("L", (240, 180), 255).save(runner.scan.mask(0))


def mask_gone(runner):
    runner.scan.mask(0).unlink()


def camera_changed(runner):
    cameras = runner.scan.cameras / "cameras.txt"
    cameras.write_text(cameras.read_text().replace("290.0", "290.5"))


def mesh_changed(runner):
    write_ply(model_file(runner.folder), mesh_of(samples_across=16))


def picture_gone(runner):
    runner.files.picture.unlink()


def textured_mesh_gone(runner):
    runner.files.mesh.unlink()


def textured_mesh_damaged(runner):
    runner.files.mesh.write_bytes(runner.files.mesh.read_bytes()[:-1])


def report_damaged(runner):
    runner.files.report.write_bytes(b"{")


def report_of_another_kind(runner):
    runner.files.report.write_bytes(b"[]")


CHANGES = (
    *(photo_changed, photo_gone, mask_changed, mask_gone, camera_changed, mesh_changed),
    *(picture_gone, textured_mesh_gone, textured_mesh_damaged, report_damaged, report_of_another_kind),
)


@pytest.mark.parametrize("change", CHANGES)
def test_what_it_is_made_of_decides_whether_something_has_changed(runner, change):
    change(runner)
    assert is_painted(runner)


@pytest.mark.parametrize(
    "given",
    [{"texture_size": "2K"}, {"remove_lighting": False}, {"texture_again": True}],
    ids=lambda each: next(iter(each)),
)
def test_with_other_settings_it_is_painted_again(runner, given):
    assert is_painted(runner, **given)


def test_what_does_not_matter_is_not_looked_at(runner):
    """How much of the computer it may take, and the model's own report."""
    (runner.folder.model / "report.json").write_text("{}")
    assert not is_painted(runner, threads=1, memory=3.0)
    assert not is_painted(runner)


def test_painted_again_it_takes_the_place_of_the_earlier_one(runner, mesh):
    before = runner.picture
    assert runner.run(texture_again=True).exit_code == 0
    assert (runner.picture == before).all()
    changed = dataclasses.replace(mesh, vertices=mesh.vertices * 1.0001)
    write_ply(model_file(runner.folder), changed)
    assert find_texture(model_file(runner.folder)) is None
    assert runner.run(remove_lighting=False).exit_code == 0
    assert find_texture(model_file(runner.folder)) == runner.files
    assert not runner.report["is_light_removed"]


def test_textures_of_two_meshes_do_not_get_into_each_others_way(runner, mesh, tmp_path):
    other = tmp_path / "Other.ply"
    write_ply(other, dataclasses.replace(mesh, vertices=mesh.vertices * 1.0001))
    assert is_painted(runner, mesh=str(other))
    assert not is_painted(runner)


def test_a_photo_that_was_only_touched_is_painted_again(runner):
    """By its time and size photos are known; they are too large to be read for this."""
    path = runner.scan.photos / runner.scan.names[0]
    os.utime(path, ns=(1, 1))
    assert is_painted(runner)
