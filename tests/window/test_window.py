# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension in a real Blender window: it installs, it enables, its operators and its command are there."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from faulty_server import Answer, FaultyServer, always
from PIL import Image

from blender_window import SIZE, WindowBlender
from bpy_process import ScriptError
from rembg_server import RembgServer


def test_it_is_enabled_drawn_and_listens_and_says_nothing_on_the_console(window: WindowBlender) -> None:
    run = window.run("""
        def steps():
            import PIL
            yield move(800, 500)
            before = region("UI").width
            yield press("N")
            yield until(lambda: region("UI").width != before, "the sidebar to open or close")
            yield drawn()
            shot("window")
            return {
                "background": bpy.app.background,
                "enabled": "bl_ext.user_default.scan_cutout" in bpy.context.preferences.addons,
                "operator": bpy.ops.scan_cutout.strip_backgrounds.idname(),
                "pillow": PIL.__file__,
                "size": [main_window().width, main_window().height],
            }
    """)
    assert run.result["background"] is False
    assert run.result["enabled"] is True
    assert run.result["operator"] == "SCAN_CUTOUT_OT_strip_backgrounds"
    assert run.result["pillow"].startswith(str(window.home)), "the Pillow that the zip carries is not the one in use"
    assert run.result["size"] == list(SIZE)
    assert run.complaints == []
    assert run.returncode == 0
    pixels = np.asarray(Image.open(run.folder / "window.png").convert("RGB"))
    assert pixels.shape == (SIZE[1], SIZE[0], 3)
    assert pixels.mean() > 20
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 500


@pytest.mark.full
def test_what_fails_in_a_script_is_told_in_its_words(window: WindowBlender) -> None:
    run = window.run("""
        def steps():
            check(False, "this was not so")
            yield until(lambda: 1 / 0)
    """)
    with pytest.raises(ScriptError, match=r"(?s)this was not so.*ZeroDivisionError"):
        _ = run.result
    assert (run.folder / "failure.png").exists()


@pytest.mark.full
def test_what_was_waited_for_is_told_where_the_wait_is_interrupted(window: WindowBlender) -> None:
    """As pytest-timeout does it, whose signal raises an error in the middle of whatever is under way."""
    running = window.start("""
        def steps():
            print("hello from the script")
            yield until(lambda: False, "that to happen")
    """)

    def time_is_up() -> None:
        waiting = running.folder / "waiting.txt"
        if waiting.exists() and waiting.read_text(encoding="utf-8"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as told:
        running.until(time_is_up)
    notes = "\n".join(told.value.__notes__)
    assert "Waited for: that to happen" in notes
    assert "hello from the script" in notes
    assert Image.open(running.folder / "failure.png").size == SIZE
    window.wait_until_gone()


@pytest.mark.full
def test_what_goes_wrong_while_a_panel_is_drawn_is_a_complaint(window: WindowBlender) -> None:
    run = window.run("""
        class BROKEN_PT_panel(bpy.types.Panel):
            bl_label, bl_category = "Broken", "Item"
            bl_space_type, bl_region_type = "VIEW_3D", "UI"

            def draw(self, context):
                self.layout.operator("scan_cutout.no_such_operator")
                self.layout.prop(context.scene, "no_such_property")
                self.layout.label(text=1 / 0)

        class BROKEN_OT_operator(bpy.types.Operator):
            bl_idname, bl_label = "broken.operator", "Broken"

        def steps():
            bpy.utils.register_class(BROKEN_PT_panel)
            bpy.utils.register_class(BROKEN_OT_operator)
            yield sidebar("Item")
            yield drawn()
            with using():
                bpy.ops.broken.operator("INVOKE_DEFAULT")
    """)
    assert run.result is None
    for complaint in ("no_such_operator", "no_such_property", "ZeroDivisionError", "Invalid operator call"):
        assert any(complaint in line for line in run.complaints), run.console
    window.expected += run.complaints


@pytest.mark.full
def test_a_button_is_found_and_pressed(window: WindowBlender) -> None:
    run = window.run("""
        class TRIED_PT_panel(bpy.types.Panel):
            bl_label, bl_category = "Tried", "Item"
            bl_space_type, bl_region_type = "VIEW_3D", "UI"

            def draw(self, context):
                self.layout.operator("mesh.primitive_monkey_add")
                self.layout.prop(context.scene.render, "film_transparent")

        def steps():
            bpy.utils.register_class(TRIED_PT_panel)
            yield sidebar("Item")
            yield click(*(yield from find("mesh.primitive_monkey_add")))
            yield until(lambda: "Suzanne" in bpy.data.objects)
            yield click(*(yield from find("film_transparent")))
            yield until(lambda: bpy.context.scene.render.film_transparent)
    """)
    assert run.result is None


@pytest.mark.full
def test_a_killed_blender_is_gone_and_another_starts(window: WindowBlender) -> None:
    running = window.start("""
        def steps():
            (folder / "there").touch()
            yield until(lambda: False, "the end, from outside")
    """)
    running.until((running.folder / "there").exists)
    assert window.processes() != []
    run = running.end()
    assert run.returncode != 0
    with pytest.raises(ScriptError, match="did not get to its end"):
        _ = run.result
    window.wait_until_gone()
    assert window.run("def steps():\n    yield\n    return bpy.data.filepath").result == ""
    window.wait_until_gone()


@pytest.mark.full
def test_a_killed_blender_leaves_no_worker(
    window: WindowBlender, server: FaultyServer, add_photos: Callable[[int], Sequence[str]], photos: Path, output: Path
) -> None:
    add_photos(3)
    server.script = always(Answer(hang=True))
    running = window.start(
        """
        def steps():
            yield
            bpy.ops.scan_cutout.strip_backgrounds(
                directory=arguments[0], output_directory=arguments[1], endpoint=arguments[2], model="u2netp"
            )
        """,
        *(photos, output, server.endpoint),
    )
    running.until(lambda: server.requests)
    assert window.workers() != []
    running.end()
    window.wait_until_gone()


def test_the_command_line_makes_masks(
    window: WindowBlender, rembg: RembgServer, add_photos: Callable[[int], Sequence[str]], photos: Path, output: Path
) -> None:
    names = add_photos(3)
    end = output.with_name("end.json")
    options = ["--photos", photos, "--output", output, "--endpoint", rembg.endpoint, "--model", "u2netp", "--json", end]
    done = window.command("strip", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(end.read_text(encoding="utf-8"))["exit_code"] == 0
    for name in names:
        mask = Image.open(output / "masks" / f"{name}.png")
        assert mask.mode == "L"
        assert mask.size == (320, 240)
    window.wait_until_gone()


@pytest.mark.full
def test_a_bad_use_of_the_command_line_is_told_by_its_exit_code(window: WindowBlender, output: Path) -> None:
    done = window.command("strip", "--photos", output / "nowhere", "--output", output)
    assert done.returncode == 2, done.stdout + done.stderr
