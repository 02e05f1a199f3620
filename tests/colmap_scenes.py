# SPDX-License-Identifier: GPL-3.0-or-later
"""Cameras of every model, scenes with them, and the way to ask COLMAP itself about both."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scan.reconstruction.camera_models import MODELS
from scan.reconstruction.types import Camera

# Strong lenses, for errors to be large; what the letter stands for decides, so that no model is forgotten.
_LENS = {
    "k": -0.06,
    "k0": 0.02,
    "k1": -0.07,
    "k2": 0.02,
    "k3": -0.004,
    "k4": 0.01,
    "k5": 0.002,
    "k6": 0.003,
    "p0": 0.002,
    "p1": 0.003,
    "p2": -0.002,
    "sx1": 0.004,
    "sy1": -0.003,
    "s0": 0.002,
    "s1": -0.001,
    "s2": 0.001,
    "s3": 0.0005,
    "omega": 0.9,
    "alpha": 0.6,
    "beta": 1.1,
}
SHAPES = {"landscape": (2400, 1800), "portrait": (1800, 2400)}


class Reference:
    """COLMAP in a process of its own. The Python with pycolmap in it is this one, unless the environment names another.

    It ends with this process, whose end of the pipe closes then.
    """

    def __init__(self) -> None:
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - lasts as long as the process
        self._process = subprocess.Popen(
            [
                os.environ.get("PYCOLMAP_PYTHON", sys.executable),
                str(Path(__file__).with_name("pycolmap_reference.py")),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            encoding="utf-8",
        )

    def ask(self, question: Sequence[str], about: object) -> Any:
        """Ask something; see ``pycolmap_reference.py``. A question that is not answered fails the test."""
        assert self._process.stdin
        assert self._process.stdout
        line = ""
        with contextlib.suppress(OSError):
            self._process.stdin.write(json.dumps({"question": question, "about": about}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        if not line:
            _resident.cache_clear()  # the next question goes to a new process
            code = self._process.wait()
            self._said.seek(0)
            words = self._said.read().decode("utf-8", "replace")
            pytest.fail(f"pycolmap ended with exit code {code}:\n{words}", pytrace=False)
        answer = json.loads(line)
        if "error" in answer:
            pytest.fail(f"pycolmap did not answer:\n{answer['error']}", pytrace=False)
        return answer["answer"]


@functools.cache
def _resident() -> Reference:
    return Reference()


def reference(*question: str, asked: object = None) -> Any:
    """Ask COLMAP, in the one process that answers all questions of all tests."""
    return _resident().ask(question, asked)


def camera_of(model: str, shape: str, identifier: int = 1) -> Camera:
    """A camera with its principal point far off the centre, to the left and below."""
    width, height = SHAPES[shape]
    values = {"f": 2000.0, "fx": 2000.0, "fy": 2060.0, "cx": 0.38 * width, "cy": 0.64 * height}
    values |= {"w": float(width), "h": float(height), **_LENS}
    return Camera(identifier, model, width, height, tuple(values[name] for name in MODELS[model].names))


def as_json(camera: Camera) -> dict[str, Any]:
    """A camera as the reference wants it."""
    return {name: getattr(camera, name) for name in ("identifier", "model", "width", "height", "parameters")}


def scene_of(cameras: list[Camera], points: int = 60) -> dict[str, Any]:
    """A scene as the reference wants it: one photo of each camera around a ball of points, each rolled differently."""
    random = np.random.default_rng(4)
    photos = []
    for index, camera in enumerate(cameras):
        quaternion = random.normal(size=4)
        photos.append(
            {
                "name": f"Side {index % 2}/ö {index:03}.jpg",
                "camera": camera.identifier,
                "quaternion": (quaternion / np.linalg.norm(quaternion)).tolist(),
                "translation": [*random.uniform(-0.2, 0.2, 2).tolist(), 4.0],
            }
        )
    positions, colors = random.normal(size=(points, 3)), random.integers(0, 256, (points, 3))
    return {
        "cameras": [as_json(camera) for camera in cameras],
        "photos": photos,
        "points": [
            {"position": position, "color": color}
            for position, color in zip(positions.tolist(), colors.tolist(), strict=True)
        ],
    }
