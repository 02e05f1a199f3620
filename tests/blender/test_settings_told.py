# SPDX-License-Identifier: GPL-3.0-or-later
"""Every setting of a strip reaches the worker: from scripts, and from the command."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import certifi
import pytest
from strip_calls import COMMAND, call

from bpy_process import Blender

AWAY = "http://127.0.0.1:9/api/remove"
# Something other than the default for every setting: what is given, and what the worker is told where it differs. The
# server that is away ends these runs, after job.json was written.
CHOICES: dict[str, Any] = {
    "backend": "ENDPOINT",
    "endpoint": AWAY,
    "model": "u2net_custom",
    "proxy_size": 512,
    "full_resolution": False,
    "threshold": 77,
    "fill_holes": 0.1,
    "drop_islands": 2.5,
    "grow": -3,
    "refine_edges": True,
    "alpha_matting": True,
    "matting_foreground": 250,
    "matting_background": 7,
    "matting_erode": 4,
    "post_process": True,
    "extras": '{"model_path": "/m.onnx"}',
    "cutouts": "JPEG",
    "cutout_color": [1.0, 0.5, 0.0],
    "in_flight": 3,
    "timeout": 7.5,
    "first_timeout": 8.25,
    "retry_for": 0.0,
    "certificate": certifi.where(),
    "develop_raw": True,
    "adopt_masks": True,
    "mask_object": "BLACK",
}
TOLD = {**CHOICES, "cutout_color": "#ff8000"}
del TOLD["full_resolution"]  # which is a proxy size: see test_proxy_size.py


def settings_of(output: Path) -> dict[str, Any]:
    """What the worker was told, by the names of CHOICES and what more there is of the endpoint."""
    settings: dict[str, Any] = json.loads((output / "job.json").read_text())["settings"]
    return {**settings, **settings["endpoint"]}


@pytest.fixture
def photos(photos: Path, add_photo: Callable[..., Path]) -> Path:
    """Give a folder with a photo."""
    add_photo("IMG_0001.JPG")
    return photos


def test_every_property_reaches_the_worker(blender_installed: Blender, photos: Path, tmp_path: Path) -> None:
    code = """
    properties = bpy.ops.scan_cutout.strip_backgrounds.get_rna_type().properties
    result = [each.identifier for each in properties if each.identifier != "rna_type"]
    """
    named = {"directory", "files", "output_directory", "retry"}  # the last changes the tooltip, and nothing else
    assert set(blender_installed.run(code).result) == CHOICES.keys() | named, "none is left out here"
    ended, words, _ = call(
        blender_installed, "strip_backgrounds", directory=photos, output_directory=tmp_path / "out", **CHOICES
    )
    assert (ended, "No server answers" in words) == (["RuntimeError"], True)
    assert "choose the backend Embedded" in words
    settings = settings_of(tmp_path / "out")
    assert {name: settings[name] for name in TOLD} == TOLD


def test_every_option_of_the_command_reaches_the_worker(
    blender_installed: Blender, photos: Path, tmp_path: Path
) -> None:
    arguments = ["strip", "--photos", photos, "--output", tmp_path / "out"]
    for name, value in {**TOLD, "cutouts": "jpeg"}.items():
        option = f"--{name.replace('_', '-')}"
        arguments += [option] if value is True else [f"{option}={value}"]
    code, _, err = blender_installed.run(COMMAND, *arguments).result
    assert (code, "No server answers" in err) == (3, True)
    settings = settings_of(tmp_path / "out")
    assert {name: settings[name] for name in TOLD} == TOLD


def test_what_is_not_given_is_the_workers_own_default(blender_installed: Blender, photos: Path, tmp_path: Path) -> None:
    call(blender_installed, "strip_backgrounds", directory=photos, output_directory=tmp_path / "a", endpoint=AWAY)
    arguments = ["strip", "--photos", photos, "--output", tmp_path / "b", "--endpoint", AWAY]
    blender_installed.run(COMMAND, *arguments)
    one, other = settings_of(tmp_path / "a"), settings_of(tmp_path / "b")
    assert {name: one[name] for name in one if one[name] != other[name]} == {"output": str(tmp_path / "a")}
    plain = {"grow": 0, "fill_holes": 0.0, "cutouts": "NONE", "cutout_color": "#000000", "extras": "", "threshold": 128}
    assert {name: one[name] for name in plain} == plain
