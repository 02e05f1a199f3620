# SPDX-License-Identifier: GPL-3.0-or-later
"""How a solved scan with its model is placed, against the shape that it was rendered from.

    python tools/measure_placement.py [--scan tests/data/turntable] OUTPUT

OUTPUT is a job folder with cameras and a model, such as ``make bench-mesh`` leaves in ``build/bench-mesh``. Told are

- the angle between what is found to be up, and the truth;
- how far the foot is from the floor, in percent of the height;
- by how much the scale is off that a known height gives, and one typed distance: that of two points of the truth more
  than half its diagonal apart, which are picked on the model where it is nearest to them, if that is within 0.5 % of
  the diagonal; of 200 pairs the median, how many are off by less than 0.3 %, and the worst.

The result is laid over the truth by its cameras.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

import environments
from bench_cameras import true_mesh, truth_of

sys.path.insert(0, str(environments.ROOT))
from scan.job.folder import JobFolder
from scan.reconstruction.models import model_file
from scan.reconstruction.placement import Shape, change_of_frame, place
from scan.reconstruction.ply import read_ply
from scan.reconstruction.readers import registry
from scan.reconstruction.settings import PlacementSettings
from scan.reconstruction.types import Mesh, Photo
from scan.reconstruction.upright import find_up

SIDE = "upright"
PAIRS = 200
SAMPLES = 1_000_000
NEAR, WITHIN = 0.005, 0.003


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--scan", type=Path, default=environments.ROOT / "tests" / "data" / "turntable")
    parser.add_argument("output", type=Path)
    options = parser.parse_args()
    print(json.dumps(placement_figures(options.scan, options.output), indent=1))


def placement_figures(scan: Path, output: Path) -> dict[str, Any]:
    """What stands in the module's docstring; angles in degrees, the others in percent."""
    photos = registry.read(registry.find(output)).photos
    mesh = read_ply(model_file(JobFolder(output)))
    truth, _ = true_mesh(scan / "object.ply")
    shape, height = Shape(mesh.vertices, mesh.faces), float(np.ptp(truth[:, 2]))
    to_solve = change_of_frame(photos, true_photos(scan))
    if to_solve is None:
        sys.exit(f"measure_placement.py: the cameras in {output} are not those of {scan}")
    up = find_up(photos, SIDE)
    if up.direction is None:
        sys.exit(f"measure_placement.py: {output} is {up.said}")
    placement = place(PlacementSettings(up_side=SIDE, height=height), up, photos, shape)
    whole = placement.matrix @ to_solve
    true_up = to_solve[:3, 2] / np.linalg.norm(to_solve[:3, 2])
    foot = whole @ [0.0, 0.0, truth[:, 2].min(), 1.0]
    wrong = [abs(each - 1) for each in _scales(mesh, truth, to_solve)]
    return {
        "up": _rounded(np.degrees(np.arccos(np.clip(up.direction @ true_up, -1, 1)))),
        "foot": _rounded(100 * foot[2] / height),
        "scale by height": _rounded(100 * (np.linalg.norm(whole[:3, 2]) - 1)),
        "scale by distance": _rounded(100 * np.median(wrong)),
        "of which within 0.3 %": _rounded(100 * np.mean(np.array(wrong) < WITHIN)),
        "worst": _rounded(100 * max(wrong)),
    }


def _scales(mesh: Mesh, truth: np.ndarray, to_solve: np.ndarray) -> list[float]:
    """How large a scan is beside the truth that was scaled by the true distance of two points."""
    random = np.random.default_rng(0)
    diagonal = np.linalg.norm(np.ptp(truth, axis=0))
    unit = np.linalg.norm(to_solve[:3, 0])
    surface = _samples(mesh, random)
    found: list[float] = []
    while len(found) < PAIRS:
        a, b = truth[random.integers(0, len(truth), 2)]
        if (true := float(np.linalg.norm(a - b))) < diagonal / 2:
            continue
        ends = [(to_solve[:3, :3] @ each + to_solve[:3, 3]).astype(np.float32) for each in (a, b)]
        picked = [surface[np.argmin(((surface - each) ** 2).sum(1))] for each in ends]
        if all(np.linalg.norm(pick - end) < NEAR * diagonal * unit for pick, end in zip(picked, ends, strict=True)):
            found.append(float(true / np.linalg.norm(picked[0] - picked[1]) * unit))
    return found


def _samples(mesh: Mesh, random: np.random.Generator) -> np.ndarray:
    """Points of a mesh's surface, even by area."""
    a, b, c = (mesh.vertices[mesh.faces[:, corner]] for corner in range(3))
    areas = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    chosen = random.choice(len(areas), SAMPLES, p=areas / areas.sum())
    u, v = random.random((2, SAMPLES, 1))
    u, v = np.where(u + v > 1, 1 - u, u), np.where(u + v > 1, 1 - v, v)
    return (a[chosen] + u * (b - a)[chosen] + v * (c - a)[chosen]).astype(np.float32)


def true_photos(scan: Path) -> list[Photo]:
    """A scan's photos where they were taken from, in the frame of its object."""
    poses = truth_of(scan)
    return [Photo(name, 0, each.rotation, -each.rotation @ each.centre) for name, each in poses.items()]


def _rounded(value: float) -> float:
    return round(float(value), 4)


if __name__ == "__main__":
    main()
