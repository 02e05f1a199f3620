# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks that somebody has made already, adopted by a script and by the command."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bpy_process import Blender

NOWHERE = "http://127.0.0.1:9/api/remove"
CODE = """
import json
from bl_ext.user_default.scan_cutout.session import command_line

photos, *outputs, endpoint = arguments
folders = {"directory": photos, "output_directory": outputs[0]}
result = []
try:
    bpy.ops.scan_cutout.adopt_masks(**folders)
except RuntimeError as error:
    result.append(str(error))
result.append([*bpy.ops.scan_cutout.adopt_masks(**folders, mask_object="BLACK")])
given = ["--photos", photos, "--endpoint", endpoint, "--adopt-masks", "--mask-object", "black"]
result.append(command_line.run(["adopt", "--photos", photos, "--output", outputs[1], "--mask-object", "BLACK"]))
result.append(command_line.run(["strip", *given, "--output", outputs[2]]))
settings = {"endpoint": endpoint, "adopt_masks": True, "mask_object": "WHITE", "threshold": 1}
result.append([*bpy.ops.scan_cutout.strip_backgrounds(**settings, directory=photos, output_directory=outputs[3])])
"""


@pytest.mark.compat
def test_masks_are_adopted_by_operator_and_command_without_a_server(
    blender_installed: Blender, add_photos: Callable[[int], Sequence[str]], photos: Path, tmp_path: Path
) -> None:
    names = add_photos(3)
    kept = np.zeros((240, 320), bool)
    kept[60:180, 80:240] = True
    (photos / "masks").mkdir()
    for name in names:
        Image.fromarray(np.uint8(~kept * 255)).save(photos / "masks" / f"{name}.png")
    outputs = [tmp_path / name for name in ("operator", "adopt", "strip", "script")]
    refused, *ended = blender_installed.run(CODE, photos, *outputs, NOWHERE).result
    assert "3 of 3 masks of your own that were looked at keep the picture's edge" in refused
    assert ended == [["FINISHED"], 0, 0, ["FINISHED"]]
    for output in outputs:
        found = [np.asarray(Image.open(output / "masks" / f"{name}.png")) > 0 for name in names]
        assert all(np.array_equal(mask, ~kept if output.name == "script" else kept) for mask in found), output
    report = json.loads((outputs[2] / "report.json").read_bytes())
    assert report["message"] == "3 of 3 photos have a mask, 3 of them adopted now, 0 of them made now"
    assert report["bytes"] == {"sent": 0, "received": 0}
