# SPDX-License-Identifier: GPL-3.0-or-later
"""A scan whose photos have names that Blender's own data cannot have is imported, and its photos are found."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from colmap_scenes import camera_of, reference, scene_of

from bpy_process import Blender
from scan.engines.colmap.model_files import rename_photos

NAMES = ["A: top\\back/caf\udce9.jpg", "C:\\windows.jpg", "A: top\\back/1?\n.jpg", "n" * 300 + ".jpg"]

PLACE = """
import sys
sys.path.insert(0, arguments[1])
from checking_layout import CheckingLayout
from bl_ext.user_default.scan_cutout.ui.sidebar_placement import SCAN_CUTOUT_PT_placement
scene = bpy.context.scene
bpy.ops.scan_cutout.import_reconstruction(directory=arguments[0])
cameras = {each.data["scan_cutout_photo"]: each for each in scene.objects if each.type == "CAMERA" and each.parent}
(odd,) = [name for name in cameras if "\\udce9" in name]
bpy.ops.scan_cutout.look_through_photo(camera=cameras[odd].name)
SCAN_CUTOUT_PT_placement.draw_settings(None, bpy.context, CheckingLayout([], is_open=True), scene.scan_cutout)
shown = odd.replace("\\udce9", "?")
placed = bpy.ops.scan_cutout.stand_upright(front=shown, up_side=shown.rpartition("/")[0])
result = {"photos": sorted(cameras), "name": scene.camera.name, "placed": [*placed]}
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of photos with these names, which are not there."""
    folder = tmp_path_factory.mktemp("names") / "models"
    scene = scene_of([camera_of("SIMPLE_PINHOLE", "landscape", number) for number in range(1, len(NAMES) + 1)])
    reference("write", str(folder), asked=scene)
    written = [photo["name"] for photo in scene["photos"]]
    rename_photos(folder / "bin", dict(zip(written, NAMES, strict=True)))
    return folder / "bin"


@pytest.mark.compat
@pytest.mark.skipif(os.name == "nt", reason="Windows takes no such names")
def test_cameras_of_photos_of_any_name_are_imported_and_placed(blender_installed: Blender, model: Path) -> None:
    found = blender_installed.run(PLACE, model, Path(__file__).parent).result
    assert found["photos"] == sorted(NAMES)
    assert found["name"] == "A: top\\back/caf?.jpg"
    assert found["placed"] == ["FINISHED"]
