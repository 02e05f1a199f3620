# SPDX-License-Identifier: GPL-3.0-or-later
"""After an import, Adjust Last Operation chooses whether it takes the place of the earlier one."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from blender_window import WindowBlender


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A solved scan of three photos that Blender shows as they are, with the photos."""
    folder, images = tmp_path / "Vase" / "sparse" / "0", tmp_path / "Vase" / "images"
    for each in (folder, images):
        each.mkdir(parents=True)
    (folder / "cameras.txt").write_text("1 SIMPLE_PINHOLE 400 300 350 200 150\n")
    (folder / "images.txt").write_text("".join(f"{n} 1 0 0 0 {n} 0 4 1 {n}.jpg\n\n" for n in (1, 2, 3)))
    (folder / "points3D.txt").write_text("".join(f"{n} {n / 10} 0 0 200 100 50 0.5\n" for n in range(20)))
    for n in (1, 2, 3):
        Image.new("RGB", (400, 300), (90, 120, 150)).save(images / f"{n}.jpg")
    return folder


@pytest.mark.full
def test_replace_or_add_is_chosen_afterwards(window: WindowBlender, model: Path) -> None:
    code = """
from bl_ext.user_default.scan_cutout.session import current_job

def scans():
    return sorted(each.name for each in bpy.data.collections if each.name.startswith("Vase") and each.children)

def last():
    return bpy.context.window_manager.operators[-1]

def import_scan():
    with using():
        bpy.ops.scan_cutout.import_reconstruction("INVOKE_DEFAULT", True, directory=arguments[0])
    check(current_job.now() is not None, "it was waited for")
    yield until(lambda: current_job.now() is None, "the import")
    yield drawn()

def adjust(how):
    last().properties.same_scan = how
    with using():
        bpy.ops.ed.undo_redo()
    yield drawn()

def steps():
    yield from import_scan()
    yield from import_scan()
    check(last().bl_idname == "SCAN_CUTOUT_OT_import_reconstruction", last().bl_idname)
    result = [scans()]
    yield from adjust("ADD")
    result.append(scans())
    yield from adjust("REPLACE")
    result.append(scans())
    return result
"""
    assert window.run(code, model).result == [["Vase"], ["Vase", "Vase.001"], ["Vase"]]
