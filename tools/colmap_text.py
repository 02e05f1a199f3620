# SPDX-License-Identifier: GPL-3.0-or-later
"""Cameras that are known, as a COLMAP text model (its doc/format.rst): for scans that nothing solves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from scan.reconstruction.types import Camera, Photo


def write_model(folder: Path, cameras: Sequence[Camera], photos: Sequence[Photo], points: str = "") -> None:
    """Write cameras, poses and the lines of ``points3D.txt``."""
    folder.mkdir(parents=True, exist_ok=True)
    lenses = [
        f"{each.identifier} {each.model} {each.width} {each.height} {' '.join(map(repr, map(float, each.parameters)))}"
        for each in cameras
    ]
    lines = []
    for number, photo in enumerate(photos, 1):
        numbers = " ".join(repr(float(each)) for each in (*_quaternion(photo.rotation), *photo.translation))
        lines += [f"{number} {numbers} {photo.camera} {photo.name}", ""]
    (folder / "cameras.txt").write_text("\n".join(lenses) + "\n", encoding="utf-8")
    (folder / "images.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "points3D.txt").write_text(points, encoding="utf-8")


def _quaternion(rotation: np.ndarray) -> np.ndarray:
    """W, x, y, z of a rotation: the eigenvector of Bar-Itzhack's matrix (2000)."""
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = rotation
    matrix = [
        [xx + yy + zz, zy - yz, xz - zx, yx - xy],
        [zy - yz, xx - yy - zz, xy + yx, xz + zx],
        [xz - zx, xy + yx, yy - xx - zz, yz + zy],
        [yx - xy, xz + zx, yz + zy, zz - xx - yy],
    ]
    return np.linalg.eigh(np.array(matrix))[1][:, -1]
