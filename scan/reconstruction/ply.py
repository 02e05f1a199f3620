# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes as PLY files (Turk, The PLY Polygon File Format, 1994), binary, as Blender, MeshLab and others read them.

A vertex has its normal, as MeshLab calls it its ``quality`` and, if the mesh has colours, its colour. A face has, if
the mesh is unwrapped, the places of its corners on the texture, as MeshLab calls them its ``texcoord``; and, where it
is a part of one, the number of its ``polygon``.
"""

import itertools
import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..common.errors import ModelError
from ..common.files import save
from .types import Mesh

_PLACE, _NORMAL, _COLOR = ("x", "y", "z"), ("nx", "ny", "nz"), ("red", "green", "blue")
_PLAIN = np.dtype([(name, "<f4") for name in (*_PLACE, *_NORMAL, "quality")])
_COLORED = np.dtype([*_PLAIN.descr, *((name, "u1") for name in _COLOR)])
_FACE = np.dtype([("count", "u1"), ("corners", "<i4", 3)])
_UVS = [("values", "u1"), ("uvs", "<f4", (3, 2))]
_POLYGON = [("polygon", "<i4")]
_FACES = [np.dtype([*_FACE.descr, *more]) for more in ([], _UVS, _POLYGON, [*_UVS, *_POLYGON])]
_NAMES = {"<f4": "float", "|u1": "uchar"}
_HEADER = re.compile(rb"ply\nformat binary_little_endian 1\.0\n.*?end_header\n", re.DOTALL)
_ELEMENT = re.compile(rb"element (vertex|face) (\d+)\n")


def write_ply(path: Path, mesh: Mesh) -> None:
    """Write a mesh. Raises OutputError."""
    vertices = np.zeros(len(mesh.vertices), _PLAIN if mesh.colors is None else _COLORED)
    _set(vertices, _PLACE, mesh.vertices)
    _set(vertices, _NORMAL, mesh.normals)
    vertices["quality"] = mesh.quality
    if mesh.colors is not None:
        _set(vertices, _COLOR, mesh.colors)
    faces = np.zeros(len(mesh.faces), _FACES[(mesh.uvs is not None) + 2 * (mesh.polygons is not None)])
    faces["count"], faces["corners"] = 3, mesh.faces
    if mesh.uvs is not None:
        faces["values"], faces["uvs"] = 6, mesh.uvs
    if mesh.polygons is not None:
        faces["polygon"] = mesh.polygons
    header = _header(vertices.dtype, faces.dtype, len(vertices), len(faces))
    save(path, header + vertices.tobytes() + faces.tobytes())


def read_ply(path: Path) -> Mesh:
    """Returns a mesh that ``write_ply`` wrote. Raises ModelError where the file is missing, damaged or another's."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"The model {path} cannot be read ({error.strerror}); build it again") from error
    vertices, faces = _parts(content, path)
    corners = faces["corners"]
    if len(corners) and not (corners.min() >= 0 and corners.max() < len(vertices)):
        raise ModelError(f"{path} is damaged: a face has a corner that is not there; build it again")
    return Mesh(
        vertices=_columns(vertices, _PLACE).astype(np.float64),
        faces=np.ascontiguousarray(corners),
        normals=_columns(vertices, _NORMAL).astype(np.float64),
        quality=vertices["quality"].astype(np.float64),
        colors=_columns(vertices, _COLOR) if vertices.dtype == _COLORED else None,
        uvs=_column(faces, "uvs"),
        polygons=_column(faces, "polygon"),
    )


def _parts(content: bytes, path: Path) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """The records of the vertices, and those of the faces."""
    if header := _HEADER.match(content):
        counts = dict(_ELEMENT.findall(header[0]))
        vertex_count, face_count = int(counts.get(b"vertex", 0)), int(counts.get(b"face", 0))
        for kind, of_face in itertools.product((_PLAIN, _COLORED), _FACES):
            middle = len(header[0]) + vertex_count * kind.itemsize
            is_whole = len(content) == middle + face_count * of_face.itemsize
            if header[0] == _header(kind, of_face, vertex_count, face_count) and is_whole:
                vertices = np.frombuffer(content, kind, vertex_count, len(header[0]))
                return vertices, np.frombuffer(content, of_face, face_count, middle)
    raise ModelError(f"{path} is damaged, or not a model that was built here; build it again")


def _set(records: npt.NDArray[Any], names: tuple[str, ...], values: npt.NDArray[Any]) -> None:
    for axis, name in enumerate(names):
        records[name] = values[:, axis]


def _columns(records: npt.NDArray[Any], names: tuple[str, ...]) -> npt.NDArray[Any]:
    return np.stack([records[name] for name in names], axis=1)


def _column(records: npt.NDArray[Any], name: str) -> npt.NDArray[Any] | None:
    return np.ascontiguousarray(records[name]) if name in (records.dtype.names or ()) else None


def _header(kind: "np.dtype[Any]", of_face: "np.dtype[Any]", vertex_count: int, face_count: int) -> bytes:
    lines = ["ply", "format binary_little_endian 1.0", f"element vertex {vertex_count}"]
    lines += [f"property {_NAMES[kind[name].str]} {name}" for name in kind.names or ()]
    lines += [f"element face {face_count}", "property list uchar int vertex_indices"]
    lines += ["property list uchar float texcoord"] * ("uvs" in (of_face.names or ()))
    lines += ["property int polygon"] * ("polygon" in (of_face.names or ()))
    return ("\n".join([*lines, "end_header"]) + "\n").encode()
