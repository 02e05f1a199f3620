# SPDX-License-Identifier: GPL-3.0-or-later
"""The finished model leaves Blender: a file that the user names, and a turntable while Blender goes on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from finished_models import MAKE_MODEL
from PIL import Image

from blender_window import WindowBlender

BEGIN = (
    MAKE_MODEL
    + """
import pathlib
from bl_ext.user_default.scan_cutout.session import current_job

def browser():
    windows = bpy.context.window_manager.windows
    return next((each for each in windows if each.screen.areas[0].type == "FILE_BROWSER"), None)

def name_file(path):
    # As by hand: what is in the field, and Enter.
    yield until(browser)
    yield until(lambda: area("FILE_BROWSER", browser()).spaces.active.params)
    yield drawn()
    params = area("FILE_BROWSER", browser()).spaces.active.params
    proposed = params.directory.decode() + params.filename
    params.directory, params.filename = str(path.parent).encode(), path.name
    yield drawn()
    opened = browser()
    yield move(opened.width // 2, opened.height // 2, opened)
    yield press("RET", opened)
    yield until(lambda: browser() is None)
    return proposed
"""
)


def test_a_turntable_is_rendered_while_blender_goes_on(window: WindowBlender, tmp_path: Path) -> None:
    picture = tmp_path / "vase.png"
    code = """
def steps():
    make_scan(None)
    settings = bpy.context.scene.scan_cutout
    settings.turntable_width, settings.turntable_height, settings.turntable_samples = 160, 120, 1
    before = everything()
    with using():
        started = sorted(bpy.ops.scan_cutout.render_turntable("INVOKE_DEFAULT", filepath=arguments[0]))
    title = current_job.now().title
    check(before == everything(), "the scene was changed")
    with using():
        bpy.ops.mesh.primitive_cube_add()       # modelling goes on
    bpy.data.objects.remove(bpy.context.object)
    yield until(lambda: current_job.now() is None)
    last = current_job.last()
    left = sorted(each.name for each in last.root.iterdir() if each.suffix == ".blend")
    check(bpy.data.filepath == "", "the file has another name now")
    return [started, title, last.result.status, last.result.message, left, last.progress.done]
"""
    started, title, status, message, left, done = window.run(BEGIN + code, picture).result
    assert (started, title, status) == (["RUNNING_MODAL"], "Render Turntable", "done"), message
    assert message == f"The turntable is rendered to {picture}"
    assert (left, done) == ([], 1)
    with Image.open(picture) as found:
        pixels = np.asarray(found.convert("RGB")).astype(int)
    assert pixels.shape == (120, 160, 3)
    assert pixels[50, 80, 0] > 2 * pixels[50, 80, 2], "no model is in the picture"
    window.wait_until_workers_are_gone()


@pytest.mark.full
def test_a_model_is_exported_to_the_file_that_is_named_in_the_file_browser(
    window: WindowBlender, tmp_path: Path
) -> None:
    code = """
def steps():
    make_scan(picture())
    place = pathlib.Path(arguments[0])
    proposed = []
    for name in ("vase.glb", "vase.glb", "vase.obj"):
        with using():
            bpy.ops.scan_cutout.export_model("INVOKE_DEFAULT")
        proposed.append((yield from name_file(place / name)))
        yield until(lambda: (place / name).is_file())
        yield drawn()
        if name == "vase.glb" and len(proposed) == 1:
            (place / name).write_bytes(b"mine")
    try:
        with using():
            bpy.ops.scan_cutout.export_model(filepath=str(place / "vase.usdz"))
        refused = ""
    except RuntimeError as error:
        refused = str(error)
    return [proposed, refused, sorted(each.name for each in place.iterdir()), (place / "vase.glb").stat().st_size]
"""
    proposed, refused, names, size = window.run(BEGIN + code, tmp_path).result
    assert [Path(each).name for each in proposed] == ["Vase.glb"] * 3
    assert names == ["vase.glb", "vase.mtl", "vase.obj", "vase_texture.png"]
    assert size > 1000
    # Debian's Blender has no USD.
    assert "Blender cannot write .usdz files: this one was built without them; take one from blender.org" in refused
