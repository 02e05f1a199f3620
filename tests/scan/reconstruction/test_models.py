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
from scan.job.folder import JobFolder
from scan.reconstruction.importing import plan_import
from scan.reconstruction.models import camera_key, find_model, model_report
from scan.reconstruction.ply import read_ply, write_ply
from scan.reconstruction.readers import registry
from scan.reconstruction.settings import ImportSettings

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
