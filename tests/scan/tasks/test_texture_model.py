# SPDX-License-Identifier: GPL-3.0-or-later
"""The task texture_model: a picture and UVs for a mesh, from photos, masks and cameras on disk, bad ones among them."""

import dataclasses
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from mesh_scenes import DiskScan
from model_texturing import POSES, Texturing, error, mesh_of, scan_of, small_textures, textured_once
from PIL import Image

from scan.reconstruction.models import find_texture, model_file, texture_files
from scan.reconstruction.ply import read_ply, write_ply
from scan.reconstruction.types import Mesh
from scan.tasks import texture_model


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
    """The story of a texture, and where it was made; for tests that only look."""
    return textured_once(scan, tmp_path_factory.mktemp("good"), mesh)


@pytest.fixture
def copied(scan, tmp_path):
    """A scan to be harmed."""
    return DiskScan(shutil.copytree(scan.root, tmp_path / "scan"), scan.names)


@pytest.fixture
def texturing(workers, output, mesh):
    """Give a function that makes textures of a scan's mesh."""
    return lambda scan, of=mesh: Texturing(workers, scan, output, of)


def test_a_texture_and_where_it_lies_on_the_mesh_are_left_with_a_report_and_nothing_else(good, mesh):
    story, runner = good
    names = sorted(path.name for path in runner.folder.model.iterdir())
    assert names == ["model.ply", "texture.json", "texture.png", "textured.ply"]
    assert runner.picture.shape == (256, 256, 3)
    found = runner.mesh
    np.testing.assert_allclose(found.vertices, mesh.vertices, atol=1e-5)
    np.testing.assert_array_equal(found.faces, mesh.faces)
    assert found.uvs.shape == (len(mesh.faces), 3, 2)
    assert 0 <= found.uvs.min() < found.uvs.max() <= 1
    assert error(found, runner.picture) < 14
    mirrored = dataclasses.replace(found, uvs=1 - found.uvs)
    assert error(mirrored, runner.picture) > 25
    assert find_texture(model_file(runner.folder)) == runner.files
    report = runner.report
    assert report["photos"] == {"found": len(POSES), "done": len(POSES), "failed": []}
    assert (report["size"], report["textured_mesh"]) == (256, str(runner.files.mesh))
    assert report["used"] > 0.3
    assert report["unseen"] < 0.1
    for name in ("texture", "textured_mesh", "size", "is_light_removed", "used", "unseen", "photos", "warnings"):
        assert story.finished[name] == report[name]
    assert f"made of {len(POSES)} photos" in story.message


def test_paint_without_a_lamp_keeps_its_brightness_and_that_is_told(good):
    story, _ = good
    assert story.finished["is_light_removed"] is False
    assert "with the light as it was" in story.message
    (warning,) = story.finished["warnings"]
    assert "light was left in the texture" in warning
    assert warning in [each["text"] for each in story.of("log") if each["level"] == "warning"]


def test_it_tells_how_far_it_is(good):
    story, _ = good
    done = [each["done"] for each in story.of("progress")]
    assert done == sorted(done)
    assert len(set(done)) > 5
    assert done[-1] == story.of("progress")[-1]["total"]
    said = [each["text"] for each in story.of("log") if each["level"] == "info"]
    assert len(said) == len(set(said)) > 5


def test_a_size_is_as_wide_as_it_says(scan, texturing):
    runner = texturing(scan)
    assert runner.run(texture_size="2K", remove_lighting=False).exit_code == 0
    assert runner.picture.shape == (512, 512, 3)
    assert runner.report["warnings"] == []
    assert "light was left" not in runner.report["message"]


def test_without_a_mask_folder_the_mesh_bounds_what_is_taken(copied, texturing):
    shutil.rmtree(copied.masks)
    runner = texturing(copied)
    story = runner.run(mask_folder="", remove_lighting=False)
    assert (story.exit_code, story.finished["photos"]["done"]) == (0, len(POSES))
    assert error(runner.mesh, runner.picture) < 16


def no_mask(scan, number):
    scan.mask(number).unlink()


def no_photo(scan, number):
    (scan.photos / scan.names[number]).unlink()


def cut_short(scan, number):
    path = scan.photos / scan.names[number]
    path.write_bytes(path.read_bytes()[:900])


def of_another_size(scan, number):
    Image.new("RGB", (50, 40), "red").save(scan.photos / scan.names[number])


HARMS = {no_mask: "has no mask", no_photo: "", cut_short: "", of_another_size: "does not fit the model"}


def test_photos_that_cannot_be_used_are_named_and_the_others_go_on(copied, texturing):
    for number, harm in enumerate(HARMS):
        harm(copied, number)
    runner = texturing(copied)
    story = runner.run()
    assert (story.finished["status"], story.exit_code) == ("some_failed", 4)
    failed = {each["photo"]: each["reason"] for each in runner.report["photos"]["failed"]}
    assert list(failed) == sorted(copied.names[: len(HARMS)])
    for number, words in enumerate(HARMS.values()):
        assert words in failed[copied.names[number]]
        assert failed[copied.names[number]]
    assert runner.report["photos"]["done"] == len(POSES) - len(HARMS)
    assert copied.names[0] in story.message
    assert any(copied.names[0] in each for each in story.finished["warnings"])
    assert runner.picture.std() > 10
    again = runner.run()
    assert (again.finished["status"], again.exit_code) == ("some_failed", 4)
    assert "Nothing has changed" in again.message


def test_a_photo_that_does_not_show_the_mesh_is_named(copied, texturing):
    images = copied.cameras / "images.txt"
    lines = images.read_text().splitlines()
    at = next(number for number, line in enumerate(lines) if line.endswith(copied.names[0]))
    words = lines[at].split()
    words[5] = str(float(words[5]) + 9)  # far to the right
    lines[at] = " ".join(words)
    images.write_text("\n".join(lines) + "\n")
    story = texturing(copied).run(remove_lighting=False)
    (failed,) = story.finished["photos"]["failed"]
    assert failed == {"photo": copied.names[0], "reason": "does not show the model"}


def test_without_any_photo_there_is_no_texture(copied, texturing):
    shutil.rmtree(copied.photos)
    copied.photos.mkdir()
    runner = texturing(copied)
    story = runner.run()
    assert (story.finished["status"], story.exit_code) == ("failed", 4)
    assert "no photo to make a texture of" in story.message
    assert f"as {len(POSES) - 1} other photos" in story.message
    assert sorted(runner.stamps()) == ["model.ply"]


def test_without_a_model_there_is_no_texture(scan, texturing):
    story = texturing(scan, None).run()
    assert story.exit_code == 4
    assert "no model" in story.message
    assert "build it first" in story.message


def without_faces(mesh):
    return dataclasses.replace(mesh, faces=mesh.faces[:0])


def without_area(mesh):
    return dataclasses.replace(mesh, faces=np.repeat(mesh.faces[:, :1], 3, 1))


def with_a_hole_in_space(mesh):
    return dataclasses.replace(
        mesh, vertices=np.where(np.arange(len(mesh.vertices))[:, None] == 5, np.nan, mesh.vertices)
    )


def elsewhere(mesh):
    return dataclasses.replace(mesh, vertices=mesh.vertices + 100)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (without_faces, "no faces"),
        (without_area, "no area"),
        (with_a_hole_in_space, "no area"),
        (elsewhere, "does not show the model"),
    ],
)
def test_a_mesh_that_cannot_be_textured_is_refused(scan, texturing, mesh, change, words):
    runner = texturing(scan, change(mesh))
    story = runner.run()
    assert story.exit_code == 4
    assert words in story.message
    assert sorted(runner.stamps()) == ["model.ply"]


def test_a_mesh_that_is_damaged_is_bad_use(scan, texturing):
    runner = texturing(scan)
    model_file(runner.folder).write_bytes(b"ply\nformat ascii 1.0\nend_header\n")
    story = runner.run()
    assert story.exit_code == 2
    assert "is damaged" in story.message


def test_vertices_that_no_face_uses_change_nothing(scan, texturing, mesh, good):
    count = len(mesh.vertices)
    far = Mesh(
        np.concatenate([mesh.vertices, mesh.vertices[:2] + 50]),
        mesh.faces,
        np.concatenate([mesh.normals, mesh.normals[:2]]),
        np.ones(count + 2),
        None,
    )
    runner = texturing(scan, far)
    assert runner.run().exit_code == 0
    np.testing.assert_array_equal(runner.picture, good[1].picture)


def test_another_mesh_is_textured_beside_the_model(scan, texturing, mesh, tmp_path):
    """One that was remodelled: with UVs that are kept, or polygons; the model's texture is another."""
    runner = texturing(scan)
    count = len(mesh.faces)
    side = int(np.ceil(np.sqrt(count)))
    corner = np.stack([np.arange(count) % side, np.arange(count) // side], 1)[:, None] + [
        [0.1, 0.1],
        [0.9, 0.1],
        [0.1, 0.9],
    ]
    own = dataclasses.replace(
        mesh, uvs=(corner / side).astype(np.float32), polygons=np.arange(count, dtype=np.int32) // 2
    )
    path = tmp_path / "Remodelled.ply"
    write_ply(path, own)
    story = runner.run(mesh=str(path), keep_uvs=True, texture_size="4K", remove_lighting=False)
    assert story.exit_code == 0, story.message
    files = texture_files(runner.folder, path)
    found = read_ply(files.mesh)
    np.testing.assert_allclose(found.uvs, own.uvs, atol=1e-6)
    np.testing.assert_array_equal(found.polygons, own.polygons)
    with Image.open(files.picture) as picture:
        assert error(found, np.asarray(picture)) < 16
    assert not runner.files.picture.exists()
    assert story.finished["texture"] == str(files.picture)


def outside(uvs):
    return uvs + 3


def not_a_number(uvs):
    return uvs * np.float32(np.nan)


@pytest.mark.parametrize("change", [None, outside, not_a_number])
def test_uvs_that_cannot_be_kept_are_refused_before_the_work(scan, texturing, mesh, change):
    uvs = np.random.default_rng(0).random((len(mesh.faces), 3, 2)).astype(np.float32)
    runner = texturing(scan, mesh if change is None else dataclasses.replace(mesh, uvs=change(uvs)))
    story = runner.run(keep_uvs=True)
    assert story.exit_code == 2
    assert "Keep UVs" in story.message
    assert "model.ply" in story.message
    assert not story.of("log")


def test_faces_whose_uvs_lie_outside_are_told_of(scan, texturing, good):
    textured = good[1].mesh
    uvs = textured.uvs.copy()
    uvs[:7] += 1
    story = texturing(scan, dataclasses.replace(textured, uvs=uvs)).run(keep_uvs=True, remove_lighting=False)
    assert story.exit_code == 0
    (warning,) = story.finished["warnings"]
    assert "7 faces of model.ply stay unpainted" in warning


def test_too_little_memory_is_told_before_the_work_begins(scan, texturing, monkeypatch):
    runner = texturing(scan)
    monkeypatch.setattr(texture_model, "memory", lambda: 400 << 20)
    story = runner.run()
    assert story.exit_code == 4
    assert "0.2 GB may be used" in story.message
    assert "choose a smaller size" in story.message
    assert sorted(runner.stamps()) == ["model.ply"]


def test_too_little_room_on_the_disk_is_told_before_the_work_begins(scan, texturing, monkeypatch):
    runner = texturing(scan)
    monkeypatch.setattr(texture_model.shutil, "disk_usage", lambda _path: SimpleNamespace(free=100 << 20))
    story = runner.run()
    assert story.exit_code == 4
    assert "0.1 GB are free; make room" in story.message
    assert sorted(runner.stamps()) == ["model.ply"]


def test_a_disk_that_takes_no_more_is_told(scan, texturing, monkeypatch):
    def full(_path, _mesh):
        raise OSError(28, "No space left on device")

    runner = texturing(scan)
    monkeypatch.setattr(texture_model, "write_ply", full)
    story = runner.run(remove_lighting=False)
    assert story.finished["status"] == "failed"
    assert "No space left on device" in story.message
    assert find_texture(model_file(runner.folder)) is None


def test_cancelled_in_the_middle_no_texture_is_left(scan, texturing, monkeypatch):
    runner, made = texturing(scan), texture_model.texture_of
    worker = []

    def cancelled_here(*arguments, **options):
        worker[0].cancel()
        return made(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(texture_model, "texture_of", cancelled_here)
        worker.append(runner.start())
        story = runner.workers.end(worker[0])
    assert (story.finished["status"], story.exit_code) == ("cancelled", 130)
    assert "run again" in story.message
    assert not runner.files.picture.exists()
