# SPDX-License-Identifier: GPL-3.0-or-later
"""The installed extension develops RAW photos with the LibRaw that it carries, and its Blender's numpy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import draw_photo
from PIL import Image
from raw_files import dng

# Strips with the operator, then with the command and its option; both as a script has them.
STRIP = """
import json, pathlib
from bl_ext.user_default.scan_cutout.session import command_line
photos, output, endpoint = arguments
bpy.ops.scan_cutout.strip_backgrounds(directory=photos, output_directory=output, endpoint=endpoint, model="u2netp")
failed = json.loads(pathlib.Path(output, "report.json").read_bytes())["photos"]["failed"]
line = ["strip", "--photos", photos, "--output", output, "--endpoint", endpoint, "--model", "u2netp", "--develop-raw"]
code = command_line.run(line)
bpy.context.scene.scan_cutout.develop_raw = True
result = [failed, code, bpy.context.scene.scan_cutout.given()["develop_raw"]]
"""


@pytest.mark.compat
def test_raw_photos_are_developed_where_that_is_asked_for(
    blender_installed: Any, server: Any, photos: Path, output: Path
) -> None:
    (photos / "DSC_1.NEF").write_bytes(dng(draw_photo(), packed=True))
    (photos / "DSC_2.NEF").write_bytes(b"passed over")
    draw_photo().save(photos / "dsc_2.jpg")
    (failed,), code, given = blender_installed.run(STRIP, photos, output, server.endpoint).result
    assert failed["photo"] == "DSC_1.NEF"
    assert failed["reason"].startswith("is a RAW file; tick Develop RAW Photos (--develop-raw)")
    assert (code, given) == (0, True)

    with Image.open(output / "converted" / "DSC_1.NEF.jpg") as jpeg:
        difference = np.abs(np.asarray(jpeg, np.float64) - np.asarray(draw_photo()))
    assert np.median(difference) <= 2
    assert sorted(path.name for path in (output / "masks").iterdir()) == ["DSC_1.NEF.jpg.png", "dsc_2.jpg.png"]
