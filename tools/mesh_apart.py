# SPDX-License-Identifier: GPL-3.0-or-later
"""How far one mesh lies from another in the same place: prints the farthest of its vertices, in % of the diagonal.

For ``bench_mesh.py``, in a Blender's Python:

    build/env/bpy-5.2.3/bin/python tools/mesh_apart.py FIRST.ply OTHER.ply
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from mesh_measure import Mesh, read_ply


def farthest(first: Mesh, other: Mesh) -> float:
    """The greatest distance from a vertex of ``other`` to the surface of ``first``."""
    tree = first.tree()
    return max(tree.find_nearest(point)[3] for point in other.points.tolist())


if __name__ == "__main__":
    first, other = (read_ply(Path(path)) for path in sys.argv[1:])
    print(100 * farthest(first, other) / np.linalg.norm(np.ptp(first.points, axis=0)))
