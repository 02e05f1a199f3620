# SPDX-License-Identifier: GPL-3.0-or-later
"""A model as the task build_model leaves it, made by hand: for tests of what becomes of it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
from PIL import Image

from bench_cameras import true_mesh
from scan.common.hashes import hash_file
from scan.job.folder import JobFolder
from scan.reconstruction.models import camera_key, model_file, model_report, texture_files
from scan.reconstruction.ply import read_ply, write_ply
from scan.reconstruction.readers import registry
from scan.reconstruction.types import Mesh


def ball(radius: float = 1.0, times: int = 2) -> Mesh:
    """A closed mesh: an octahedron of which each face was divided into four so many times. Each vertex has a colour."""
    vertices = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]], float)
    faces = np.array([[0, 2, 4], [2, 1, 4], [1, 3, 4], [3, 0, 4], [2, 0, 5], [1, 2, 5], [3, 1, 5], [0, 3, 5]], np.int32)
    for _ in range(times):
        edges = np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
        unique, index = np.unique(edges, axis=0, return_inverse=True)
        middle = index.reshape(-1, 3) + len(vertices)
        vertices = np.concatenate([vertices, vertices[unique].mean(axis=1)])
        (a, b, c), (ab, bc, ca) = faces.T, middle.T
        corners = ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))
        faces = np.concatenate([np.stack(each, axis=1) for each in corners]).astype(np.int32)
    normals = vertices / np.linalg.norm(vertices, axis=1, keepdims=True)
    colors = (128 + 100 * normals).astype(np.uint8)
    return Mesh(radius * normals, faces, normals, np.ones(len(normals)), colors)


def box(size: tuple[float, float, float], step: float = 0.05) -> tuple[np.ndarray, np.ndarray]:
    """A box whose middle is the origin, finely divided: its vertices and its triangles, closed."""
    points, faces = [], []
    for axis in range(3):
        a, b = size[(axis + 1) % 3], size[(axis + 2) % 3]
        u, v = (np.linspace(-length / 2, length / 2, max(2, round(length / step) + 1)) for length in (a, b))
        grid = np.stack(np.meshgrid(u, v, indexing="ij"), -1)
        index = np.arange(grid[..., 0].size).reshape(grid.shape[:2])
        quad = [index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]]
        corners = np.stack([each.ravel() for each in quad], 1)
        for side in (1, -1):
            place = np.insert(grid.reshape(-1, 2), 0, side * size[axis] / 2, axis=1)
            start = sum(map(len, points))
            points.append(np.roll(place, axis, axis=1))
            ordered = corners if side == 1 else corners[:, ::-1]
            faces += [ordered[:, [0, 1, 2]] + start, ordered[:, [0, 2, 3]] + start]
    return np.concatenate(points), np.concatenate(faces).astype(np.int32)


def truth(scan: Path) -> tuple[np.ndarray, np.ndarray]:
    """The vertices and triangles of the object that a scan was rendered from."""
    points, corners = true_mesh(scan / "object.ply")
    return points, corners.astype(np.int64)


def leave_model(output: Path, cameras: Path, mesh: Mesh) -> Path:
    """Leave a mesh in a job folder as the model that was built of the cameras in a folder; the mesh's file."""
    folder = JobFolder(output)
    write_ply(model_file(folder), mesh)
    report = {
        "status": "done",
        "exit_code": 0,
        "message": f"The model has {len(mesh.faces)} faces",
        "faces": len(mesh.faces),
        "cameras": camera_key(registry.read(cameras)),
    }
    model_report(folder).write_text(json.dumps(report))
    return model_file(folder)


def leave_texture(output: Path, picture: np.ndarray, seed: int = 1) -> np.ndarray:
    """Leave a texture (height × width × 3, upper row first) for the model there; its UVs, faces × 3 × 2, are random."""
    model, files = model_file(JobFolder(output)), texture_files(JobFolder(output))
    mesh = read_ply(model)
    uvs = np.random.default_rng(seed).random((len(mesh.faces), 3, 2)).astype(np.float32)
    write_ply(files.mesh, dataclasses.replace(mesh, uvs=uvs))
    Image.fromarray(picture).save(files.picture)
    files.report.write_text(json.dumps({"mesh_hash": hash_file(model), "size": len(picture)}))
    return uvs
