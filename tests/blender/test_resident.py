# SPDX-License-Identifier: GPL-3.0-or-later
"""One bpy runs all scripts of a file of tests, and every script finds it as a process of its own would."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from faulty_server import FaultyServer

import environments
from bpy_process import Blender, ScriptError
from resident_bpy import ResidentBlender

# All that tests may change, and what a script finds of it at its beginning.
STATE = """
    import os, sys, tempfile, threading
    from bl_ext.user_default.scan_cutout.operators import asking, picture, previewing, running, survey, thumbnails

    DRIVERS = {"run_in_bpy", "fresh_bpy"}

    def told(struct, depth=3):
        for each in struct.bl_rna.properties:
            name = each.identifier
            # What tells where it is in memory; and of 4.2 what nobody has set, whose curve is no curve.
            if name in ("rna_type", "session_uid", "uv_sculpt"):
                continue
            value = getattr(struct, name)
            if each.type == "COLLECTION":
                yield name, len(value)
            elif each.type == "POINTER":
                is_own = value is not None and depth and not isinstance(value, bpy.types.ID)
                yield name, dict(told(value, depth - 1)) if is_own else getattr(value, "name", repr(value is None))
            else:
                value = value[:] if getattr(each, "is_array", False) else value
                yield name, repr(sorted(value) if isinstance(value, set) else value)

    def registered():
        for name in dir(bpy.types):
            functions = getattr(getattr(getattr(bpy.types, name), "draw", None), "_draw_funcs", ())
            yield name, sorted(f"{each.__module__}.{each.__qualname__}" for each in functions)

    def state():
        preferences, scene, wm = bpy.context.preferences, bpy.context.scene, bpy.context.window_manager
        data = {name: getattr(bpy.data, name) for name in dir(bpy.data)}
        handlers = {name: getattr(bpy.app.handlers, name) for name in dir(bpy.app.handlers)}
        own = "bl_ext.user_default.scan_cutout"
        return {
            "preferences": dict(told(preferences)), "add-ons": sorted(preferences.addons.keys()),
            "own preferences": dict(told(preferences.addons[own].preferences)), "online": bpy.app.online_access,
            "scene": dict(told(scene)), "own settings": dict(told(scene.scan_cutout)), "window manager": dict(told(wm)),
            "scene's objects": {each.name: [*each.location, *each.scale] for each in scene.objects},
            "data": {name: sorted(one.name for one in each) for name, each in data.items()
                     if isinstance(each, bpy.types.bpy_prop_collection)},
            "file": [bpy.data.filepath, bpy.data.is_saved, bpy.data.is_dirty],
            "areas": [each.ui_type for each in bpy.context.screen.areas],
            "context": [bpy.context.workspace.name, bpy.context.mode, bpy.context.object.name],
            "undo": bpy.ops.ed.undo.poll(),
            "handlers": {name: sorted(f"{each.__module__}.{each.__qualname__}" for each in functions)
                         for name, functions in handlers.items() if isinstance(functions, list)},
            "types": dict(registered()), "operators": sorted(dir(bpy.ops.scan_cutout)),
            "job": [running.now(), running.last(), previewing.now(), survey._found, thumbnails._collection],
            "questions": list(asking._questions), "images": picture._freed,
            "timers": [bpy.app.timers.is_registered(each) for each in (asking._look, previewing._tick)],
            # Python's own modules stay, once they are there.
            "modules": sorted({name.partition(".")[0] for name in sys.modules} - sys.stdlib_module_names - DRIVERS),
            "path": sys.path[1:], "folder": os.getcwd(), "environment": dict(os.environ), "temporary": tempfile.tempdir,
        }
"""

CHANGES = """
    import os, sys, tempfile
    from pathlib import Path
    import PIL.Image
    from bl_ext.user_default.scan_cutout.operators import settings, survey

    photos, output, endpoint = arguments
    preferences, scene = bpy.context.preferences, bpy.context.scene
    stored = settings.preferences(bpy.context)
    stored.endpoint, stored.model, stored.backend, stored.in_flight = endpoint, "another", "EMBEDDED", 1
    stored.further_endpoints.add().address = endpoint
    preferences.system.use_online_access = True
    preferences.edit.undo_steps, preferences.view.ui_scale = 3, 1.5
    preferences.edit.grease_pencil_default_color = (0.5, 0.5, 0.5, 0.5)
    scene.scan_cutout.directory, scene.scan_cutout.output_directory, scene.scan_cutout.threshold = photos, output, 5
    survey.take((scene.scan_cutout.photos, scene.scan_cutout.output), {"status": "done"})
    scene.render.resolution_x, scene.frame_end = 123, 7
    bpy.ops.mesh.primitive_cube_add()
    bpy.context.object.name = "Left"
    bpy.data.images.new("Left", 4, 4)
    bpy.data.node_groups.new("Left", "GeometryNodeTree").use_fake_user = True
    bpy.context.screen.areas[0].ui_type = "IMAGE_EDITOR"
    bpy.ops.ed.undo_push(message="Left")
    bpy.app.handlers.load_post.append(len)
    def left(*_given): pass
    left = bpy.app.handlers.persistent(left)
    bpy.app.handlers.save_pre.append(left)
    bpy.app.handlers.load_pre.clear()
    bpy.ops.wm.save_as_mainfile(filepath=output + ".blend")
    sys.path.insert(0, output)
    sys.modules["left_module"] = sys
    os.environ["LEFT"] = "behind"
    del os.environ["PATH"]
    os.chdir(os.path.dirname(output))
    tempfile.tempdir = output
    settings.strip_settings = None
"""


def test_a_script_finds_nothing_of_the_one_before(
    blender_installed: ResidentBlender, photos: Path, output: Path, tmp_path: Path
) -> None:
    photos.joinpath("a.jpg").touch()
    state = f"{STATE}\n    result = state()"
    alone = blender_installed.run(state, alone=True).result
    assert blender_installed.run(state).result == alone, "the first script"
    changes = (CHANGES, photos, output, "http://127.0.0.1:9")
    assert blender_installed.run(*changes).returncode == 0
    process = "import os; result = os.getpid()"
    before = blender_installed.run(process).result
    blender_installed.run(*changes)
    found = blender_installed.run(state).result
    assert {name: value for name, value in found.items() if value != alone[name]} == {}
    assert blender_installed.run(process).result == before, "it was another process"
    changed = blender_installed.run(f"{CHANGES}\n{STATE}\n    result = state()", *changes[1:]).result
    same = {name for name in alone if changed[name] == alone[name]}
    assert same <= {"add-ons", "types", "operators", "questions", "images", "timers", "undo"}, "a change is not seen"
