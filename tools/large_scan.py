# SPDX-License-Identifier: GPL-3.0-or-later
"""A solved scan as large as wanted, as COLMAP would leave it, for tests and benchmarks."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from PIL import Image


def write_large(folder: Path, points: int, photos: int) -> None:
    """A model as large as wanted: a ball of points with tracks of three, cameras in a ring, photos beside it."""
    model = folder / "sparse" / "0"
    model.mkdir(parents=True)
    (folder / "images").mkdir()
    (model / "cameras.bin").write_bytes(struct.pack("<QIiQQ3d", 1, 1, 0, 160, 120, 150, 80, 60))
    small = Image.new("RGB", (160, 120), (80, 90, 100))
    entries = []
    for number in range(photos):
        angle = np.pi * number / photos
        name = f"IMG_{number:04}.JPG"
        small.save(folder / "images" / name)
        entries.append(struct.pack("<I7dI", number, np.cos(angle), 0, np.sin(angle), 0, 0, 0, 5, 1) + name.encode())
        entries.append(b"\0" + struct.pack("<Q", 2000) + bytes(24 * 2000))
    (model / "images.bin").write_bytes(struct.pack("<Q", photos) + b"".join(entries))
    record = [
        ("id", "<u8"),
        ("at", "<f8", 3),
        ("color", "u1", 3),
        ("error", "<f8"),
        ("length", "<u8"),
        ("track", "V24"),
    ]
    all_points = np.zeros(points, dtype=record)
    at = np.random.default_rng(0).normal(size=(points, 3))
    all_points["at"] = at / np.linalg.norm(at, axis=1, keepdims=True)
    all_points["color"], all_points["length"] = (all_points["at"] + 1) * 127, 3
    (model / "points3D.bin").write_bytes(struct.pack("<Q", points) + all_points.tobytes())
