# SPDX-License-Identifier: GPL-3.0-or-later
"""The installed extension makes a server's masks without one, with the packages and weights it carries."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import requests
from PIL import Image, ImageDraw

import build

# Started as a worker is: an isolated Python of its own, with Blender's module search path.
START = """
    import json, pathlib, subprocess, sys
    import addon_utils

    modules = [module for module in addon_utils.modules() if "scan_cutout" in module.__name__]
    root = pathlib.Path(modules[0].__file__).parent
    search = json.dumps([str(root), *filter(None, sys.path)])
    command = [sys.executable, *bpy.app.python_args, "-c", arguments[0], search, *arguments[1:]]
    done = subprocess.run(command, capture_output=True, text=True)
    result = json.loads(done.stdout) if done.returncode == 0 else done.stderr
"""
MAKE_MASK = """
import json, sys

search, picture, mask = sys.argv[1:]
sys.path[:] = json.loads(search)
import numpy, onnxruntime
from PIL import Image
from scan.segmentation.onnx_model import EmbeddedModel

model = EmbeddedModel("u2netp")
model.soft_mask(Image.open(picture)).save(mask)
needless = sorted({"flatbuffers", "google", "packaging", "sympy", "coloredlogs"} & set(sys.modules))
print(json.dumps([onnxruntime.__version__, onnxruntime.__file__, str(model.weights.path), numpy.__version__, needless]))
"""


@pytest.fixture
def picture() -> Image.Image:
    """Give an upright picture of a bright thing before a dark ground."""
    image = Image.new("RGB", (300, 400), (40, 44, 38))
    ImageDraw.Draw(image).ellipse((70, 60, 240, 350), (230, 190, 150))
    return image


def test_the_installed_extension_makes_the_servers_masks(blender_installed, rembg, picture, tmp_path):
    picture.save(tmp_path / "picture.png")
    result = blender_installed.run(START, MAKE_MASK, tmp_path / "picture.png", tmp_path / "mask.png").result
    assert isinstance(result, list), result
    version, runtime, weights, numpy_version, needless = result

    entry = next(entry for entry in build.fetch.load_lock()["wheels"] if entry["distribution"] == "onnxruntime")
    assert version == build.fetch.version_of(entry, blender_installed.target)
    home = blender_installed.home / "extensions"
    assert home / ".local" in Path(runtime).parents
    assert home in Path(weights).parents
    assert needless == []
    if blender_installed.version.startswith("4.2"):
        assert numpy_version == "1.24.3", "the one in official builds"

    answer = requests.post(
        rembg.endpoint,
        files={"file": ("picture.png", (tmp_path / "picture.png").read_bytes(), "image/png")},
        data={"model": "u2netp", "om": "true"},
        timeout=(None, None),
    )
    theirs = np.asarray(Image.open(io.BytesIO(answer.content)), np.int16)
    ours = np.asarray(Image.open(tmp_path / "mask.png"), np.int16)
    assert 0.05 < np.mean(theirs > 127) < 0.95
    assert np.mean(np.abs(ours - theirs) <= 1) >= 0.999
