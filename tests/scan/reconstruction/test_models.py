# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes on disk, and that one comes only with the cameras that it was built of."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest
from built_models import ball, leave_model

from scan.common.errors import ModelError, OutputError
from scan.common.hashes import hash_file
from scan.job.folder import JobFolder
from scan.reconstruction.importing import plan_import
from scan.reconstruction.models import TextureFiles, camera_key, find_model, find_texture, model_report, texture_files
from scan.reconstruction.ply import read_ply, write_ply
from scan.reconstruction.readers import registry
from scan.reconstruction.settings import ImportSettings
from scan.reconstruction.types import Mesh

MODEL = {
    "cameras.txt": "1 SIMPLE_PINHOLE 320 240 300 160 120\n2 PINHOLE 240 320 300 300 120 160\n",
    "images.txt": "1 1 0 0 0 0 0 5 1 A/1.jpg\n\n2 0.9 0.1 0 0 1 0 5 2 A/2.jpg\n\n",
    "points3D.txt": "1 0 0 0 200 100 50 0.5 1 0\n",
}
CHANGES = (
    ("images.txt", " 0 0 5 1", " 0 0 5.001 1"),
    ("images.txt", "0.9 0.1", "0.9 0.11"),
    ("images.txt", "A/2.jpg", "A/3.jpg"),
    ("images.txt", "5 2 A", "5 1 A"),
    ("cameras.txt", "320 240 300", "320 240 301"),
    ("cameras.txt", "SIMPLE_PINHOLE 320 240 300", "PINHOLE 320 240 300 300"),
    ("cameras.txt", "320 240", "320 241"),
)


@pytest.fixture
def solved(tmp_path: Path) -> Path:
    """Give the folder of the cameras in a job folder."""
    place = tmp_path / "engines" / "colmap" / "sparse"
    place.mkdir(parents=True)
    for name, text in MODEL.items():
        (place / name).write_text(text)
    return place


def same(one: np.ndarray, other: np.ndarray) -> bool:
    return np.array_equal(np.asarray(one, np.float32), np.asarray(other, np.float32))


@pytest.mark.parametrize("has_colors", [True, False])
def test_a_mesh_is_read_as_it_was_written(tmp_path: Path, has_colors: bool) -> None:
    mesh = ball() if has_colors else dataclasses.replace(ball(), colors=None)
    mesh = dataclasses.replace(mesh, quality=np.linspace(0, 1, len(mesh.vertices)))
    write_ply(tmp_path / "deeper" / "model.ply", mesh)
    found = read_ply(tmp_path / "deeper" / "model.ply")
    for name in ("vertices", "faces", "normals", "quality"):
        assert same(getattr(found, name), getattr(mesh, name)), name
    assert (found.faces.dtype, found.vertices.dtype) == (np.int32, np.float64)
    assert found.colors is None if mesh.colors is None else same(found.colors, mesh.colors)


def unwrapped(mesh: Mesh, *, has_polygons: bool = True) -> Mesh:
    """With UVs and polygons that chance made."""
    random = np.random.default_rng(0)
    uvs = random.random((len(mesh.faces), 3, 2)).astype(np.float32)
    polygons = random.integers(0, 9, len(mesh.faces)).astype(np.int32)
    return dataclasses.replace(mesh, uvs=uvs, polygons=polygons if has_polygons else None)


@pytest.mark.parametrize("has_colors", [True, False])
@pytest.mark.parametrize("names", [("uvs",), ("polygons",), ("uvs", "polygons")])
def test_uvs_and_polygons_are_read_as_they_were_written(
    tmp_path: Path, names: tuple[str, ...], has_colors: bool
) -> None:
    whole = unwrapped(ball())
    mesh = dataclasses.replace(ball(), **{name: getattr(whole, name) for name in names})
    if not has_colors:
        mesh = dataclasses.replace(mesh, colors=None)
    write_ply(tmp_path / "model.ply", mesh)
    found = read_ply(tmp_path / "model.ply")
    for name in ("vertices", "faces", "normals"):
        assert same(getattr(found, name), getattr(mesh, name)), name
    for name in ("uvs", "polygons", "colors"):
        wanted, read = getattr(mesh, name), getattr(found, name)
        assert (read is None) if wanted is None else np.array_equal(read, wanted), name
        assert wanted is None or read.dtype == wanted.dtype


def test_the_header_of_an_unwrapped_mesh_says_it_as_meshlab_does(tmp_path: Path) -> None:
    write_ply(tmp_path / "model.ply", unwrapped(ball(times=0)))
    header = (tmp_path / "model.ply").read_bytes().split(b"end_header\n")[0].decode()
    assert header.splitlines()[-4:] == [
        "element face 8",
        "property list uchar int vertex_indices",
        "property list uchar float texcoord",
        "property int polygon",
    ]


@pytest.mark.parametrize(
    "damage", [lambda content: content[:-1], lambda content: content.replace(b"texcoord", b"texc00rd")]
)
def test_an_unwrapped_mesh_that_is_damaged_is_told_of(tmp_path: Path, damage) -> None:
    path = tmp_path / "model.ply"
    write_ply(path, unwrapped(ball(times=0)))
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ModelError, match="is damaged"):
        read_ply(path)


def leave_texture(output: Path, model: Path) -> TextureFiles:
    """What the task texture_model leaves."""
    files = texture_files(JobFolder(output))
    write_ply(files.mesh, unwrapped(ball(), has_polygons=False))
    files.picture.write_bytes(b"a picture")
    files.report.write_text(json.dumps({"mesh_hash": hash_file(model)}))
    return files


def test_a_texture_is_found_beside_its_model(tmp_path: Path, solved: Path) -> None:
    model = leave_model(tmp_path, solved, ball())
    assert find_texture(model) is None
    files = leave_texture(tmp_path, model)
    assert find_texture(model) == files
    plan = plan_import(ImportSettings(directory=str(tmp_path)))
    assert (plan.texture, plan.mesh_file) == (files.picture, model)
    assert plan.mesh is not None
    assert plan.mesh.uvs is not None
    without = plan_import(ImportSettings(directory=str(tmp_path)), with_texture=False)
    assert without.texture is None
    assert without.mesh is not None
    assert without.mesh.uvs is None


def other_model(model: Path, _files: TextureFiles) -> None:
    write_ply(model, ball(radius=2))


@pytest.mark.parametrize(
    "harm",
    [
        other_model,
        lambda _model, files: files.picture.unlink(),
        lambda _model, files: files.mesh.unlink(),
        lambda _model, files: files.report.write_bytes(b"\xff"),
        lambda _model, files: files.report.write_text("[]"),
        lambda _model, files: files.report.write_text("{}"),
    ],
    ids=["another model", "no picture", "no mesh", "damaged", "another kind", "empty"],
)
def test_a_texture_that_is_not_the_models_is_none(tmp_path: Path, solved: Path, harm) -> None:
    model = leave_model(tmp_path, solved, ball())
    harm(model, leave_texture(tmp_path, model))
    assert find_texture(model) is None


def test_another_mesh_has_texture_files_of_its_own(tmp_path: Path) -> None:
    own, other = texture_files(JobFolder(tmp_path)), texture_files(JobFolder(tmp_path), tmp_path / "Remodelled.ply")
    assert other.mesh == tmp_path / "model" / "Remodelled_textured.ply"
    assert not set(vars(own).values()) & set(vars(other).values())


def test_the_header_says_what_other_programs_look_for(tmp_path: Path) -> None:
    write_ply(tmp_path / "model.ply", ball(times=0))
    header = (tmp_path / "model.ply").read_bytes().split(b"end_header\n")[0].decode()
    assert header.splitlines() == [
        *("ply", "format binary_little_endian 1.0", "element vertex 6"),
        *(f"property float {name}" for name in ("x", "y", "z", "nx", "ny", "nz", "quality")),
        *(f"property uchar {name}" for name in ("red", "green", "blue")),
        *("element face 8", "property list uchar int vertex_indices"),
    ]


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-1],
        lambda content: content + b"0",
        lambda content: content[:0],
        lambda content: b"solid" + content[3:],
        lambda content: content.replace(b"binary_little", b"binary_big__x"),
        lambda content: content.replace(b"float x", b"double x"),
        lambda content: content.replace(b"element face 8", b"element face 9"),
        lambda content: content.replace(b"element vertex 6", b"element vertex 99999999999999999999"),
        lambda content: content[:-4] + b"\6\0\0\0",
        lambda content: content[:-4] + b"\xff\xff\xff\xff",
    ],
)
def test_a_file_that_is_none_of_ours_is_told_of(tmp_path: Path, damage) -> None:
    path = tmp_path / "model.ply"
    write_ply(path, ball(times=0))
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ModelError, match=rf"{re.escape(str(path))} is damaged.*build it again"):
        read_ply(path)


def test_a_file_that_cannot_be_read_or_written_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"cannot be read \(No such file.*build it again"):
        read_ply(tmp_path / "none.ply")
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        write_ply(tmp_path / "file" / "model.ply", ball(times=0))


def test_a_model_is_found_from_its_cameras(tmp_path: Path, solved: Path) -> None:
    cameras = registry.read(solved)
    assert find_model(solved, cameras) is None
    file = leave_model(tmp_path, solved, ball())
    assert find_model(solved, cameras) == file == tmp_path / "model" / "model.ply"
    plan = plan_import(ImportSettings(directory=str(tmp_path)))
    assert plan.mesh_file == file
    assert plan.mesh is not None
    assert same(plan.mesh.vertices, ball().vertices)
    without = plan_import(ImportSettings(directory=str(tmp_path)), with_mesh=False)
    assert (without.mesh, without.mesh_file) == (None, None)
    file.unlink()
    assert plan_import(ImportSettings(directory=str(tmp_path))).mesh is None


def test_points_are_none_of_its_business(tmp_path: Path, solved: Path) -> None:
    file = leave_model(tmp_path, solved, ball())
    (solved / "points3D.txt").write_text("")
    assert find_model(solved, registry.read(solved)) == file


@pytest.mark.parametrize(("name", "old", "new"), CHANGES)
def test_a_model_of_other_cameras_is_none_of_these(tmp_path: Path, solved: Path, name: str, old: str, new: str) -> None:
    leave_model(tmp_path, solved, ball())
    before = camera_key(registry.read(solved))
    assert old in MODEL[name]
    (solved / name).write_text(MODEL[name].replace(old, new))
    cameras = registry.read(solved)
    assert camera_key(cameras) != before
    assert find_model(solved, cameras) is None
    assert plan_import(ImportSettings(directory=str(tmp_path))).mesh is None


@pytest.mark.parametrize("report", ["", "[]", "{", "{}", json.dumps({"cameras": 5}), b"\xff"])
def test_a_report_that_says_nothing_is_no_model(tmp_path: Path, solved: Path, report: str | bytes) -> None:
    leave_model(tmp_path, solved, ball())
    content = report if isinstance(report, bytes) else report.encode()
    model_report(JobFolder(tmp_path)).write_bytes(content)
    assert find_model(solved, registry.read(solved)) is None
