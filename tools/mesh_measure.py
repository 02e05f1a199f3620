# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes made from a rendered scan, measured against the shape it was rendered from.

A result is laid over the truth by the centres of its cameras alone. Lengths are in percent of the diagonal of the
truth's bounding box; distances are exact, from a point to the nearest triangle. The samples of the truth, 200,000
points even by area, are

- *visible* where two true cameras see them: within the picture, at no more than 80° from the normal, with nothing of
  the truth more than 0.2 % before them;
- *concave* where they are visible and lie more than 1 % inside the visual hull of the true masks: so far from them
  stays who only cuts away what is outside of the masks.

Both are kept in ``build/bench-mesh``. Needs bpy, for mathutils and to read the masks:

    build/env/bpy-5.2.3/bin/python tools/mesh_measure.py --scan tests/data/turntable --poses POSES.json MESH.ply …

POSES.json has the name of each photo and the centre of its camera, ``[x, y, z]``, in the frame of the meshes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import re
import sys
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import bpy
import numpy as np
from mathutils.bvhtree import BVHTree
from mathutils.kdtree import KDTree

from bench_cameras import Pose, similarity, truth_of
from mesh_hole import Hole, depth, look_into, shown_depth

CACHE = Path(__file__).resolve().parents[1] / "build" / "bench-mesh"
DEFINITIONS = "1"
"""Another one whenever what is visible or concave is told in another way."""
SAMPLES = 200_000
STEEPEST = math.radians(80)
SLACK, INSIDE, NEAR = 0.002, 0.01, 0.01
"""Of the diagonal: how far something may stand before what is seen; from where on a point is concave; and up to where
two surfaces are compared by their normals."""

NUMBERS = {"char": "i1", "uchar": "u1", "short": "<i2", "ushort": "<u2", "int": "<i4", "uint": "<u4"}
NUMBERS |= {"int8": "i1", "uint8": "u1", "int16": "<i2", "uint16": "<u2", "int32": "<i4", "uint32": "<u4"}
NUMBERS |= {"float": "<f4", "float32": "<f4", "double": "<f8", "float64": "<f8"}
"""PLY's names of numbers → numpy's."""
HOLES = {"turntable": np.array([0.147098, 0.020673, 0.188816, -0.5491, -0.07717, -0.83219, 0.0076])}
"""Folder of a scan → what ``--axis`` is by default. Of the jug the spout, by its tests/data/turntable_object.py."""


class Mesh(NamedTuple):
    """Points (n × 3) and triangles (m × 3)."""

    points: np.ndarray
    faces: np.ndarray

    def crosses(self) -> np.ndarray:
        """For each triangle its normal, as long as twice its area."""
        a, b, c = (self.points[self.faces[:, corner]] for corner in range(3))
        return np.cross(b - a, c - a)

    def tree(self) -> BVHTree:
        """To look for its nearest triangle, or for the one that a ray meets."""
        return BVHTree.FromPolygons(self.points.tolist(), self.faces.tolist(), all_triangles=True)


class Alignment(NamedTuple):
    """The similarity from a result's frame to the truth's, and how well the cameras' centres agree."""

    scale: float
    turn: np.ndarray
    shift: np.ndarray
    photos: int
    error: float

    def apply(self, mesh: Mesh) -> Mesh:
        """The mesh in the truth's frame."""
        return Mesh(self.scale * mesh.points @ self.turn.T + self.shift, mesh.faces)


class Scan:
    """A rendered scan. ``shape`` is in the *unit frame*: the middle of its box is 0, and its diagonal 1."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cameras = truth_of(folder)
        self.intrinsics = json.loads((folder / "cameras.json").read_text(encoding="utf-8"))["intrinsics"]
        truth = read_ply(folder / "object.ply")
        low, high = truth.points.min(axis=0), truth.points.max(axis=0)
        self.middle, self.diagonal = (low + high) / 2, float(np.linalg.norm(high - low))
        self.shape = self.to_unit(truth)
        self.tree = self.shape.tree()

    def to_unit(self, mesh: Mesh) -> Mesh:
        """A mesh of the truth's frame in the unit frame."""
        return Mesh((mesh.points - self.middle) / self.diagonal, mesh.faces)

    def align(self, poses: dict[str, list[float]]) -> Alignment:
        """The similarity that lays the centres of a result's cameras over the true ones."""
        names = sorted(set(poses) & set(self.cameras))
        if len(names) < 3:
            raise ValueError(f"{len(names)} photos of the poses are photos of the scan; 3 are needed.")
        ours = np.array([poses[name] for name in names], float)
        true = np.array([self.cameras[name].centre for name in names])
        scale, turn, shift = similarity(ours, true)
        apart = np.linalg.norm(scale * ours @ turn.T + shift - true, axis=1)
        return Alignment(scale, turn, shift, len(names), float(np.sqrt((apart**2).mean())) / self.diagonal)

    def mask_path(self, photo: str) -> Path:
        """The true mask of a photo."""
        return self.folder / "true_masks" / f"{photo}.png"

    def project(self, points: np.ndarray, camera: Pose) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Column, row, depth (of the diagonal) of points of the unit frame, and which of them are in the picture."""
        x, y, z = ((points * self.diagonal + self.middle - camera.centre) @ camera.rotation.T).T
        lens = self.intrinsics
        with np.errstate(divide="ignore", invalid="ignore"):
            column, row = lens["fx"] * x / z + lens["cx"], lens["fy"] * y / z + lens["cy"]
        is_in = (z > 0) & (column >= 0) & (column < lens["width"]) & (row >= 0) & (row < lens["height"])
        return column, row, z / self.diagonal, is_in


class Truth(NamedTuple):
    """The samples of a scan's truth with their normals, and what they are."""

    points: np.ndarray
    normals: np.ndarray
    visible: np.ndarray
    concave: np.ndarray


def read_ply(path: Path) -> Mesh:
    """Read a binary little-endian PLY of triangles; whatever else its vertices and faces have is passed over."""
    content = path.read_bytes()
    header = re.match(rb"ply\r?\n.*?end_header\r?\n", content, re.DOTALL)
    if not header or b"format binary_little_endian" not in header[0]:
        raise ValueError(f"{path} is no binary little-endian PLY.")
    elements: dict[str, tuple[int, list[tuple[Any, ...]]]] = {}
    for kind, *words in (line.split() for line in header[0].decode("ascii", "replace").splitlines()):
        if kind == "element":
            elements[words[0]] = (int(words[1]), [])
        elif kind == "property":
            fields = next(reversed(elements.values()))[1]
            is_list = words[0] == "list"
            fields += [(f"count of {words[3]}", NUMBERS[words[1]])] if is_list else []
            fields.append((words[-1], NUMBERS[words[-2]], *([(3,)] if is_list else [])))
    at, found = header.end(), {}
    for name, (count, fields) in elements.items():
        found[name] = np.frombuffer(content, np.dtype(fields), count, at)
        at += found[name].nbytes
        if any((found[name][field[0]] != 3).any() for field in fields if field[0].startswith("count of ")):
            raise ValueError(f"{path}: there are faces that are no triangles.")
    points = np.stack([found["vertex"][axis] for axis in "xyz"], axis=1).astype(float)
    indices = "vertex_index" if "vertex_index" in found["face"].dtype.names else "vertex_indices"
    mesh = Mesh(points, found["face"][indices].astype(np.int64))
    if not len(mesh.faces) or not np.isfinite(points).all() or mesh.faces.min() < 0 or mesh.faces.max() >= len(points):
        raise ValueError(f"{path}: no faces, points that are no numbers, or faces of points that are not there.")
    return mesh


def sample(mesh: Mesh) -> tuple[np.ndarray, np.ndarray]:
    """Points even by area, with the normals of their triangles: the same ones for the same mesh."""
    dice = np.random.default_rng(0)
    crosses = mesh.crosses()
    doubles = np.linalg.norm(crosses, axis=1)
    upto = np.cumsum(doubles)
    faces = np.searchsorted(upto, dice.random(SAMPLES) * upto[-1], side="right").clip(max=len(upto) - 1)
    across, along = np.sqrt(dice.random((SAMPLES, 1))), dice.random((SAMPLES, 1))
    a, b, c = (mesh.points[mesh.faces[faces, corner]] for corner in range(3))
    points = (1 - across) * a + across * (1 - along) * b + across * along * c
    return points, crosses[faces] / doubles[faces, None]


def truth_samples(scan: Scan) -> Truth:
    """The samples of the scan's truth; what they are is looked up or found once."""
    points, normals = sample(scan.shape)
    told = hashlib.sha256(DEFINITIONS.encode())
    for path in [scan.folder / "cameras.json", scan.folder / "object.ply", *map(scan.mask_path, scan.cameras)]:
        told.update(path.read_bytes())
    kept = CACHE / f"{told.hexdigest()[:16]}.npz"
    if not kept.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        visible = _seen_twice(points, normals, scan)
        part = kept.with_suffix(".part.npz")
        np.savez_compressed(part, visible=visible, concave=visible & (_hull_depths(points, scan) > INSIDE))
        part.replace(kept)
    with np.load(kept) as flags:
        return Truth(points, normals, flags["visible"], flags["concave"])


def _seen_twice(points: np.ndarray, normals: np.ndarray, scan: Scan) -> np.ndarray:
    seen = np.zeros(SAMPLES, int)
    for camera in scan.cameras.values():
        centre = (camera.centre - scan.middle) / scan.diagonal
        away = points - centre
        distances = np.linalg.norm(away, axis=1)
        is_turned_here = -(away * normals).sum(axis=1) >= math.cos(STEEPEST) * distances
        is_in = scan.project(points, camera)[3]
        at, origin = np.flatnonzero((seen < 2) & is_turned_here & is_in), centre.tolist()
        for index, direction, distance in zip(at, away[at].tolist(), distances[at].tolist(), strict=True):
            seen[index] += scan.tree.ray_cast(origin, direction, distance - SLACK)[2] is None
    return seen >= 2


def _hull_depths(points: np.ndarray, scan: Scan) -> np.ndarray:
    """How far points are from what the masks cut away, of the diagonal; more than ``INSIDE`` is told roughly."""
    depths = np.full(len(points), np.inf)
    for name, camera in scan.cameras.items():
        column, row, depth, is_in = scan.project(points, camera)
        pixel = depth[is_in] / scan.intrinsics["fx"]
        image = bpy.data.images.load(str(scan.mask_path(name).resolve()))
        pixels = np.empty(image.size[0] * image.size[1] * image.channels, np.float32)
        image.pixels.foreach_get(pixels)
        mask = pixels.reshape(image.size[1], image.size[0], -1)[::-1, :, 0] > 0.5
        bpy.data.images.remove(image)
        inside = _pixels_inside(mask, math.ceil(1.5 * INSIDE / pixel.min()) + 2)
        found = inside[row[is_in].astype(int), column[is_in].astype(int)] * pixel
        depths[is_in] = np.minimum(depths[is_in], found)
    return depths


def _pixels_inside(mask: np.ndarray, reach: int) -> np.ndarray:
    """For each pixel how far the mask's edge is, exactly (Euclid) up to ``reach``; outside of it -0.5.

    What is beyond the picture counts as inside: nobody knows.
    """
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    box = np.s_[max(rows[0] - 1, 0) : rows[-1] + 2, max(columns[0] - 1, 0) : columns[-1] + 2]
    mask, inside = mask[box], np.full(mask.shape, -0.5, np.float32)
    columns = np.arange(mask.shape[1])
    before = np.maximum.accumulate(np.where(mask, -reach, columns), axis=1)
    after = np.minimum.accumulate(np.where(mask, len(columns) + reach, columns)[:, ::-1], axis=1)[:, ::-1]
    across = np.minimum(np.minimum(columns - before, after - columns), reach).astype(np.float32) ** 2
    square = across.copy()
    for step in range(1, min(reach, len(mask) - 1) + 1):
        np.minimum(square[step:], across[:-step] + step * step, out=square[step:])
        np.minimum(square[:-step], across[step:] + step * step, out=square[:-step])
    inside[box] = np.sqrt(square) - 0.5
    return inside


def measure(mesh: Mesh, scan: Scan, truth: Truth, hole: np.ndarray | None = None) -> dict[str, Any]:
    """All figures of a mesh that lies in the truth's frame; lengths in percent of the diagonal."""
    result = scan.to_unit(mesh)
    tree, distances = result.tree(), np.zeros(SAMPLES)
    distances[truth.visible] = [tree.find_nearest(point)[3] for point in truth.points[truth.visible].tolist()]
    visible, concave = distances[truth.visible], distances[truth.concave]
    return {
        "visible": {"share": _percent(truth.visible.mean()), **_spread(visible)},
        "concave": {"share_of_visible": _percent(len(concave) / len(visible)), **_spread(concave)},
        **_from_result(result, scan, truth),
        "topology": topology(mesh.faces),
        **({} if hole is None else {"hole": _of_hole(_hole(hole, scan), tree, scan)}),
    }


def _from_result(result: Mesh, scan: Scan, truth: Truth) -> dict[str, Any]:
    """From the result to the truth, where what is nearest there is visible: as the nearest sample of it is."""
    near = KDTree(SAMPLES)
    for index, point in enumerate(truth.points.tolist()):
        near.insert(point, index)
    near.balance()
    points, normals = sample(result)
    places, _, faces, found = zip(*map(scan.tree.find_nearest, points.tolist()), strict=True)
    kept = truth.visible[[near.find(place)[1] for place in places]]
    distances, crosses = np.array(found), scan.shape.crosses()[list(faces)]
    cosines = (crosses * normals).sum(axis=1) / np.maximum(np.linalg.norm(crosses, axis=1), 1e-300)
    angles = np.degrees(np.arccos(cosines.clip(-1, 1)))[kept & (distances <= NEAR)]
    median, p90 = np.percentile(angles, (50, 90)).round(3).tolist() if len(angles) else (None, None)
    return {
        "result": {"share_at_visible": _percent(kept.mean()), **_spread(distances[kept])},
        "normals": {"median": median, "p90": p90},
    }


def _spread(distances: np.ndarray) -> dict[str, float]:
    if not len(distances):
        return {}
    return {
        "mean": _percent(distances.mean()),
        **{f"within_{most}": _percent((distances <= most / 100).mean()) for most in (0.25, 1)},
        **{f"p{at}": _percent(np.percentile(distances, at)) for at in (95, 99)},
    }


def _percent(share: float) -> float:
    return round(100 * float(share), 4)


def topology(faces: np.ndarray) -> dict[str, int]:
    """Whether triangles are a closed surface, all of them with the same side outwards, and of what form."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    size = int(faces.max()) + 1
    _, times = np.unique(edges @ [size, 1], return_counts=True)
    ends, counts = np.unique(np.sort(edges, axis=1) @ [size, 1], return_counts=True)
    first, second = ends // size, ends % size
    used = np.unique(faces)
    labels = np.arange(size)
    while (labels[first] != labels[second]).any():
        lowest = np.minimum(labels[first], labels[second])
        for end in (first, second):
            np.minimum.at(labels, labels[end], lowest)
        labels = labels[labels]
    return {
        "edges_not_of_two_faces": int((counts != 2).sum()),
        "edges_twice_in_one_direction": int((times > 1).sum()),
        "components": len(np.unique(labels[used])),
        "euler": len(used) - len(ends) + len(faces),
        "faces": len(faces),
        "vertices": len(used),
    }


def _hole(axis: np.ndarray, scan: Scan) -> Hole:
    inwards = axis[3:6] / np.linalg.norm(axis[3:6])
    return Hole((axis[:3] - scan.middle) / scan.diagonal, inwards, float(axis[6] / scan.diagonal))


@cache
def _centres(scan: Scan) -> list[np.ndarray]:
    return [(camera.centre - scan.middle) / scan.diagonal for camera in scan.cameras.values()]


def _of_hole(hole: Hole, tree: BVHTree, scan: Scan) -> dict[str, Any]:
    """What the hole is in a result, how deep it is, and how deep two photos show it."""
    shown = shown_depth(hole, scan.tree, _centres(scan), SLACK)
    return {**look_into(hole, tree), "depth_of_truth": depth(hole, scan.tree), "depth_shown": shown}


def check(scan: Scan, mesh: Mesh, count: int = 200) -> float:
    """The largest difference between distances found by trees and by trying every triangle, of the diagonal."""
    result = scan.to_unit(mesh)
    tree, points = result.tree(), sample(scan.shape)[0][:: SAMPLES // count]
    return max(abs(tree.find_nearest(point.tolist())[3] - _tried(result, point)) for point in points)


def _tried(mesh: Mesh, point: np.ndarray) -> float:
    a, b, c = (mesh.points[mesh.faces[:, corner]] - point for corner in range(3))
    normals = np.cross(b - a, c - a)
    is_above, nearest = np.ones(len(a), bool), np.inf
    for start, end in ((a, b), (b, c), (c, a)):
        along = end - start
        is_above &= (np.cross(along, -start) * normals).sum(axis=1) >= 0
        share = -(start * along).sum(axis=1) / np.maximum((along**2).sum(axis=1), 1e-300)
        nearest = min(nearest, float(np.linalg.norm(start + share.clip(0, 1)[:, None] * along, axis=1).min()))
    lengths = np.linalg.norm(normals, axis=1)
    is_above &= lengths > 0
    heights = np.abs((a * normals).sum(axis=1))[is_above] / lengths[is_above]
    return min(nearest, float(heights.min(initial=np.inf)))


def axis(text: str) -> np.ndarray:
    """``ox,oy,oz,dx,dy,dz,radius``."""
    return np.array(text.split(","), float).reshape(7)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--scan", type=Path, required=True, help="such as tests/data/turntable")
    parser.add_argument("--poses", type=Path, required=True, help="JSON: photo → centre of its camera")
    parser.add_argument("--output", type=Path, help="JSON for the figures")
    parser.add_argument("--axis", type=axis, help="of a hole, truth's frame: --axis=ox,oy,oz,dx,dy,dz,radius")
    parser.add_argument("--check", action="store_true", help="also compare distances with those to every triangle")
    parser.add_argument("meshes", type=Path, nargs="+", metavar="MESH.ply")
    options = parser.parse_args()
    scan = Scan(options.scan)
    alignment = scan.align(json.loads(options.poses.read_text(encoding="utf-8")))
    truth = truth_samples(scan)
    hole = HOLES.get(options.scan.resolve().name) if options.axis is None else options.axis
    figures = {}
    for path in options.meshes:
        mesh = alignment.apply(read_ply(path))
        figures[str(path)] = {
            "cameras": {"photos": alignment.photos, "error": _percent(alignment.error)},
            **measure(mesh, scan, truth, hole),
            **({"check": 100 * check(scan, mesh)} if options.check else {}),
        }
        print(json.dumps({str(path): figures[str(path)]}, indent=1), flush=True)
    if options.output:
        options.output.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    try:
        main()
    except (OSError, KeyError, ValueError) as error:
        sys.exit(f"mesh_measure.py: {error}")
