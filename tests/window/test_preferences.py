# SPDX-License-Identifier: GPL-3.0-or-later
"""The preferences in their window: what they say of a server, and that Blender goes on while one hangs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from faulty_server import Answer, FaultyServer

from blender_window import WindowBlender
from rembg_server import RembgServer

CLOSED = "http://127.0.0.1:9/api/remove"

# What the scripts begin with.
BEGIN = """
import os
import signal
import addon_utils
from bl_ext.user_default.scan_cutout.session import driver, programs, queries

MODULE = "bl_ext.user_default.scan_cutout"
stored = bpy.context.preferences.addons[MODULE].preferences

def answer():
    return queries.answer(queries.of_endpoint(stored.endpoint))

def opened():
    return bpy.context.window_manager.windows[-1]

def button(operator):
    place = yield from find(operator, "WINDOW", "PREFERENCES", opened())
    check(place, f"{operator} is not in sight")
    return place or (0, 0)

def open_preferences():
    with using():
        bpy.ops.preferences.addon_show(module=MODULE)
    return until(lambda: opened() != main_window() and area("PREFERENCES", opened()))

def open_large_preferences():
    area().type = "PREFERENCES"
    bpy.context.preferences.active_section = "ADDONS"
    bpy.context.window_manager.addon_search = "Scan Cutout"
    yield drawn()
    known = next(each for each in addon_utils.modules(refresh=False) if each.__name__ == MODULE)
    if not addon_utils.module_bl_info(known)["show_expanded"]:
        with using("PREFERENCES"):
            bpy.ops.preferences.addon_expand(module=MODULE)
    yield drawn()

def unfold_below(above):
    # The heading is somewhere below that button; what is below both moves down.
    x, y = yield from button(above)
    _, before = yield from button("scan_cutout.check_programs")
    for step in range(36, 90, 9):
        yield click(x, y - step, window=opened())
        yield drawn()
        after = yield from find("scan_cutout.check_programs", "WINDOW", "PREFERENCES", opened())
        if after is None or after[1] < before - 40:
            return
    check(False, f"nothing below {above} could be unfolded")
"""


def run(window: WindowBlender, code: str, *arguments: object) -> Any:
    return window.run(BEGIN + code, *arguments).result


@pytest.mark.full
def test_a_server_is_tested_from_its_button(
    window: WindowBlender, rembg: RembgServer, keep: Callable[..., None]
) -> None:
    done = window.run(
        BEGIN
        + """
def steps():
    stored.endpoint = arguments[0]
    yield open_preferences()
    yield drawn()
    place = yield from button("scan_cutout.check_endpoint")
    shot("preferences")
    yield click(*place, window=opened())
    is_known = queries.of_endpoint(stored.endpoint) in queries._questions    # it may have answered by now
    check(is_known, "the server is not asked")
    yield until(answer)
    yield drawn()
    shot("preferences_answered")
    said = answer()
    found = stored.endpoint

    # All of it, unfolded, in a large area: for the README.
    with bpy.context.temp_override(window=opened()):
        bpy.ops.wm.window_close()
    yield drawn()
    stored.model = "u2netp"
    yield from open_large_preferences()
    for above in ("scan_cutout.check_endpoint", "scan_cutout.copy_docker_command"):
        yield from unfold_below(above)
    yield move(600, 400)
    for _ in range(8):
        yield press("WHEELDOWNMOUSE")
    yield drawn()
    shot("preferences_unfolded")
    return [found, said.to_json()]
""",
        rembg.endpoint.removesuffix("/remove"),  # as rembg prints it when it starts
    )
    found, answer = done.result
    assert found == rembg.endpoint, "the field does not show what was found"
    keep("preferences", [done.folder / "preferences_unfolded.png"], (168, 150, 1316, 905))
    assert answer["status"] == "done"
    assert answer["version"] == "2.0.86"
    assert {"u2net", "u2netp"} <= set(answer["models"])


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        pytest.param(False, "connection refused", id="closed port", marks=pytest.mark.full),
        pytest.param(True, None, id="hanging server"),
    ],
)
def test_blender_goes_on_while_a_server_does_not_answer(
    window: WindowBlender, server: FaultyServer, answers: bool, words: str | None
) -> None:
    server.openapi = Answer(hang=True)
    said = run(
        window,
        """
start, beats = driver.start, []

def start_and_hold(*given):
    worker = start(*given)
    os.kill(worker.pid, signal.SIGSTOP)    # the patience that it has with a server never ends
    return worker

def steps():
    stored.endpoint = arguments[0]
    yield open_preferences()
    yield drawn()
    place = yield from button("scan_cutout.check_endpoint")
    if arguments[1]:
        yield click(*place, window=opened())
        yield until(answer)
    else:
        driver.start = start_and_hold
        yield click(*place, window=opened())
        check(queries.is_asked(queries.of_endpoint(stored.endpoint)), "the server is not asked, or was waited for")
        yield click(*place, window=opened())     # nothing happens, and nothing has to be waited for
        bpy.app.timers.register(lambda: beats.append(True) or 0.01)
        yield until(lambda: len(beats) >= 10)
        check(queries.is_asked(queries.of_endpoint(stored.endpoint)), "the server is not asked any more")
    said = answer() and answer().message
    yield drawn()
    shot("preferences")
    stored.endpoint += "/"
    check(not queries.is_asked(queries.of_endpoint(stored.endpoint)), "another address has the old one's answer")
    return said
""",
        server.endpoint if answers else CLOSED,
        words or "",
    )
    assert words in said if words else said is None
    # A question that outlives Blender would stand still for ever.
    window.wait_until_workers_are_gone()


@pytest.mark.full
def test_every_address_is_tested_and_only_this_computer_is_asked(window: WindowBlender, rembg: RembgServer) -> None:
    result = run(
        window,
        """
def steps():
    good, closed = arguments
    stored.endpoint = good
    yield from open_large_preferences()
    for address in (closed, "https://masks.example.com/api/remove", "masks.example.com", ""):
        place = yield from button("scan_cutout.add_endpoint")
        yield click(*place)
        stored.further_endpoints[-1].address = address
    yield drawn()
    with using("PREFERENCES"):
        bpy.ops.scan_cutout.remove_endpoint(index=3)
    check(bpy.context.preferences.is_dirty, "Blender would not save the addresses")
    stored.model = "bria-rmbg"
    stored.colmap_executable = "/nowhere/colmap"
    yield click(*(yield from button("scan_cutout.check_endpoint")))
    yield until(lambda: answer() and queries.answer(queries.of_endpoint(closed)))
    yield until(lambda: programs.answer(bpy.context))
    while not programs.answer(bpy.context).details["programs"]["COLMAP"].get("version"):
        bpy.ops.scan_cutout.check_programs()    # on a busy machine, pycolmap may not have told it in time
        yield until(lambda: programs.answer(bpy.context))
    found = programs.answer(bpy.context).details["programs"]
    check("There is no program /nowhere/colmap" in found["COLMAP_EXECUTABLE"]["problem"], found)
    yield move(10, 10)
    yield drawn()
    shot("preferences_full")
    bpy.ops.script.execute_preset(
        filepath=bpy.utils.preset_paths("interface_theme")[0] + "/Blender_Light.xml",
        menu_idname="USERPREF_MT_interface_theme_presets",
    )
    yield drawn()
    shot("preferences_full_light")
    stored.backend = "EMBEDDED"
    area("PREFERENCES").tag_redraw()
    yield drawn()
    shot("preferences_embedded")
    return {each: (ended := queries.answer(queries.of_endpoint(each))) and ended.status for each in
            [stored.endpoint, *(further.address for further in stored.further_endpoints)]}
""",
        rembg.endpoint,
        CLOSED,
    )
    assert result.pop(rembg.endpoint) == "done"
    assert result.pop(CLOSED, "failed") == "failed"
    assert set(result.values()) <= {None}, "an address was asked that may not be"


@pytest.mark.full
def test_the_model_is_chosen_from_those_of_the_server(window: WindowBlender, server: FaultyServer) -> None:
    chosen = run(
        window,
        """
def steps():
    stored.endpoint = arguments[0]
    yield open_preferences()
    yield drawn()
    x, y = yield from button("scan_cutout.check_endpoint")
    yield click(x, y, window=opened())
    yield until(answer)
    yield drawn()
    x, y = yield from button("scan_cutout.check_endpoint")
    right = region("WINDOW", "PREFERENCES", opened())
    yield move(right.x + right.width - 30, y - 26, opened())    # the list at the end of the field below it
    yield click(right.x + right.width - 30, y - 26, window=opened())
    yield drawn()
    shot("preferences_models")
    yield press("ESC", window=opened())
    yield move(x, y - 26, window=opened())
    yield click(x, y - 26, window=opened())                     # the field itself
    yield press("A", window=opened(), ctrl=True)
    yield press("BACK_SPACE", window=opened())
    yield write("isnet", window=opened())
    yield drawn()
    yield press("RET", window=opened())
    yield drawn()
    return stored.model
""",
        server.endpoint,
    )
    assert chosen == "isnet-general-use"


@pytest.mark.full
def test_the_docker_command_is_copied(window: WindowBlender) -> None:
    copied = run(
        window,
        """
def steps():
    yield open_preferences()
    yield drawn()
    x, y = yield from button("scan_cutout.check_endpoint")
    # The heading below the model's field unfolds.
    for step in range(40, 100, 8):
        yield click(opened().width // 2, y - step, window=opened())
        place = yield from find("scan_cutout.copy_docker_command", "WINDOW", "PREFERENCES", opened())
        if place:
            break
    shot("preferences_server")
    yield click(*place, window=opened())
    yield drawn()
    return bpy.context.window_manager.clipboard
""",
    )
    assert copied.startswith("docker run -d -p 127.0.0.1:7000:7000 ")
