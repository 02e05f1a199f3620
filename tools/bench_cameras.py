# SPDX-License-Identifier: GPL-3.0-or-later
"""The cameras that a solve has found, compared with those a scan was rendered with."""

from __future__ import annotations

import json
import math
import re
import struct
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np


class Pose(NamedTuple):
    """A camera's turn (world to camera, 3 × 3) and its centre in the world."""

    rotation: np.ndarray
    centre: np.ndarray


def truth_of(scan: Path) -> dict[str, Pose]:
    """The cameras of a rendered scan, by its ``cameras.json``."""
    content = json.loads((scan / "cameras.json").read_text(encoding="utf-8"))
    poses = {}
    for photo in content["photos"]:
        matrix = np.array(photo["camera_from_object"])
        poses[photo["photo"]] = Pose(matrix[:3, :3], -matrix[:3, :3].T @ matrix[:3, 3])
    return poses


def read_poses(model: Path) -> dict[str, Pose]:
    """The cameras of COLMAP's ``images.bin`` (see its doc/format.rst)."""
    content = (model / "images.bin").read_bytes()
    (count,) = struct.unpack_from("<Q", content)
    poses, at = {}, 8
    for _ in range(count):
        _, w, x, y, z, *translation, _ = struct.unpack_from("<I4d3dI", content, at)
        end = content.index(b"\0", at + 64)
        (observations,) = struct.unpack_from("<Q", content, end + 1)
        rotation = np.array(
            [
                [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
                [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
                [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
            ]
        )
        poses[content[at + 64 : end].decode()] = Pose(rotation, -rotation.T @ np.array(translation))
        at = end + 9 + 24 * observations
    return poses


def compare(found: dict[str, Pose], truth: dict[str, Pose]) -> dict[str, Any]:
    """Median and largest error after the best similarity of the camera centres.

    Position in percent of the cameras' mean distance from their common middle, rotation in degrees.
    """
    names = sorted(found)
    if len(names) < 3:
        return {}
    ours = np.array([found[name].centre for name in names])
    true = np.array([truth[name].centre for name in names])
    scale, turn, shift = similarity(ours, true)
    every = np.array([pose.centre for pose in truth.values()])
    distance = np.linalg.norm(every - every.mean(axis=0), axis=1).mean()
    positions = np.linalg.norm(scale * ours @ turn.T + shift - true, axis=1) / distance * 100
    rotations = []
    for name in names:
        difference = found[name].rotation @ turn.T @ truth[name].rotation.T
        rotations.append(math.degrees(math.acos(np.clip((np.trace(difference) - 1) / 2, -1, 1))))
    return {
        "position": round(float(np.median(positions)), 4),
        "position_worst": round(float(positions.max()), 4),
        "rotation": round(float(np.median(rotations)), 4),
        "rotation_worst": round(float(max(rotations)), 4),
    }


def similarity(ours: np.ndarray, true: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Scale, rotation and shift that lay points (n × 3) over others with the least squares (Umeyama, 1991)."""
    our_middle, true_middle = ours.mean(axis=0), true.mean(axis=0)
    ours, true = ours - our_middle, true - true_middle
    left, values, right = np.linalg.svd(true.T @ ours)
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    turn = left @ np.diag(signs) @ right
    scale = float((values * signs).sum() / (ours**2).sum())
    return scale, turn, true_middle - scale * turn @ our_middle


def true_mesh(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and faces of a scan's object: x, y and z in single precision come first, and alone."""
    content = path.read_bytes()
    start = content.index(b"end_header\n") + len(b"end_header\n")
    points, faces = (int(re.findall(rb"element %b (\d+)" % kind, content[:start])[0]) for kind in (b"vertex", b"face"))
    vertices = np.frombuffer(content, "<f4", 3 * points, start).reshape(-1, 3)
    triangles = np.frombuffer(content, [("count", "u1"), ("corners", "<i4", 3)], faces, start + vertices.nbytes)
    return vertices.astype(float), triangles["corners"]
