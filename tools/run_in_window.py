# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a script in a Blender window; blender_window.py starts this in Blender.

    blender … --python run_in_window.py -- FOLDER SCRIPT [ARGUMENT…]

The script defines ``steps()``, a generator. What it yields is waited for while Blender goes on as ever: a number of
seconds, or a condition (any function) to become true, for two minutes unless ``until`` says otherwise. However slow
Blender is, it goes round (events, timers, drawing) a few times before the next step. What ``steps`` returns is the
result. Blender quits when it ends. The script finds in its globals, besides ``bpy``, ``arguments`` and
the path ``folder``, all that stands in HELPERS. Places are in pixels from the window's lower left corner.
"""

import contextlib
import inspect
import json
import os
import runpy
import subprocess
import sys
import time
import traceback
from pathlib import Path

import bpy

_POLL = 0.05
_SETTLE = 0.15  # seconds after a key or a click: it is handled when Blender comes to it, and then drawn
_ROUNDS = 3  # of Blender's loop at least between two steps: what is handled in one may be known only in the next
_LOOKS = 40  # at a condition at least, before its time is up: a machine that stood still is no failure

folder, script, *arguments = sys.argv[sys.argv.index("--") + 1 :]
folder = Path(folder)
failed = []
_mouse = [0, 0]


def until(condition, seconds=120.0, what=""):
    """To be yielded: wait for a condition, and fail with words where it does not come true in time."""
    return condition, seconds, what or inspect.getsource(condition).strip()


def check(condition, words):
    """Note a failure, and go on: all of them are told in the end."""
    if not condition:
        caller = inspect.stack()[1]
        failed.append(f"{Path(caller.filename).name}:{caller.lineno}: {words}")


def main_window():
    """Give the first window, which stays when a file is loaded although its object does not."""
    return bpy.context.window_manager.windows[0]


def area(kind="VIEW_3D", window=None):
    """Give the first area of a kind."""
    return next(each for each in (window or main_window()).screen.areas if each.type == kind)


def region(kind="WINDOW", area_kind="VIEW_3D", window=None):
    """Give a region of the first area of a kind: WINDOW, UI (the sidebar) and so on."""
    return next(each for each in area(area_kind, window).regions if each.type == kind)


def using(area_kind="VIEW_3D", window=None):
    """Give a context manager under which operators believe to be called in that area."""
    window = window or main_window()
    return bpy.context.temp_override(
        window=window, area=area(area_kind, window), region=region("WINDOW", area_kind, window)
    )


def move(x, y, window=None):
    """Move the mouse. Yield what this and the next ones return, so that Blender comes to handle it."""
    _mouse[:] = int(x), int(y)
    (window or main_window()).event_simulate(type="MOUSEMOVE", value="NOTHING", x=_mouse[0], y=_mouse[1])
    return _SETTLE


def press(key, window=None, **more):
    """Press and let go of a key or a mouse button where the mouse is; ``shift=True`` and the like may be given."""
    window = window or main_window()
    for value in ("PRESS", "RELEASE"):
        window.event_simulate(type=key, value=value, x=_mouse[0], y=_mouse[1], **more)
        more.pop("unicode", None)  # letting go of a key writes nothing
    return _SETTLE


def click(x, y, button="LEFTMOUSE", window=None, **more):
    """Move the mouse and press a button of it."""
    move(x, y, window)
    return press(button, window, **more)


def write(text, window=None):
    """Type a text into the field that is being edited."""
    for letter in text:
        key = letter.upper() if letter.isascii() and letter.isalpha() else "A"
        press(key, window, unicode=letter)
    return _SETTLE


def shot(name):
    """Take a picture of the whole screen, ``<folder>/<name>.png``, as Blender has drawn it by the last step."""
    path = folder / f"{name}.png"
    subprocess.run(["import", "-window", "root", str(path)], check=True, timeout=240)
    return path


def sidebar(tab):
    """To be yielded: open the 3D View's sidebar and wait for one of its tabs to be in front."""

    def in_front():
        area().spaces.active.show_region_ui = True
        with contextlib.suppress(AttributeError, TypeError):  # there are no tabs before they are drawn once
            region("UI").active_panel_category = tab
        return region("UI").width > 1 and region("UI").active_panel_category == tab

    return until(in_front, what=f"the sidebar's tab {tab} to be in front")


def find(wanted, kind="UI", area_kind="VIEW_3D", window=None):
    """Look for a button by moving the mouse over a region; to be called with ``yield from``, for it takes a while.

    ``wanted`` is an operator such as ``scan_cutout.check_endpoint``, or the name of a property. The place that comes
    back is None where it is not in sight.
    """
    where = region(kind, area_kind, window)
    for share in (0.5, 0.25, 0.75, 0.1, 0.9):
        x = where.x + int(where.width * share)
        # Buttons are 20 pixels high.
        for y in range(where.y + where.height - 8, where.y, -14):
            move(x, y, window)
            yield 0  # the button is left in one round, and the one under the mouse entered in the next
            if wanted not in _under_mouse(kind, area_kind, window):
                continue
            # Blender may not have come to this move yet: then the button is where the mouse was before it.
            for place in (y, y + 14):
                yield move(x, place, window)
                if wanted in _under_mouse(kind, area_kind, window):
                    return x, place
    return None


def _under_mouse(kind, area_kind, window):
    """Name the operator or the property of the button under the mouse, as Blender's own copying of names does."""
    buttons = bpy.ops.ui
    window = window or main_window()
    with bpy.context.temp_override(window=window, area=area(area_kind, window), region=region(kind, area_kind, window)):
        bpy.context.window_manager.clipboard = ""
        if buttons.copy_python_command_button.poll():
            buttons.copy_python_command_button()
        elif buttons.copy_data_path_button.poll():
            buttons.copy_data_path_button()
    text = bpy.context.window_manager.clipboard
    return text.removeprefix("bpy.ops.").partition("(")[0], text.rpartition(".")[2]


HELPERS = (until, check, main_window, area, region, using, move, press, click, write, shot, sidebar, find)


def _write_result(result=None, error=""):
    """All at once: who waits for the file finds it whole."""
    text = json.dumps({"result": result, "error": error, "failed": failed}, default=str)
    (folder / "result.new").write_text(text, encoding="utf-8")
    (folder / "result.new").rename(folder / "result.json")


def _quit():
    with bpy.context.temp_override(window=main_window()):
        bpy.ops.wm.quit_blender()


def _drive(generator):
    """Give a function for Blender's timer that goes from step to step."""
    waiting = None  # a condition, the time until which it has to come true, the looks it has left, and its words
    rounds = _ROUNDS

    def tick():
        nonlocal waiting, rounds
        if rounds > 1:
            rounds -= 1
            return 0.0
        try:
            if waiting is not None:
                condition, deadline, looks, words = waiting
                if not condition():
                    if time.monotonic() < deadline or looks > 0:
                        waiting = condition, deadline, looks - 1, words
                        return _POLL
                    waiting = None
                    return wait_for(generator.throw(TimeoutError(f"This did not come true in time: {words}")))
                waiting = None
            return wait_for(next(generator))
        except StopIteration as stop:
            _write_result(stop.value)
        except BaseException:  # noqa: BLE001 - whatever it was, it belongs into the report
            error = traceback.format_exc()
            with contextlib.suppress(Exception):
                shot("failure")
            _write_result(error=error)
        _quit()
        return None

    def wait_for(step):
        nonlocal waiting, rounds
        if isinstance(step, int | float):
            rounds = _ROUNDS
            return float(step)
        condition, seconds, words = step if isinstance(step, tuple) else until(step)
        waiting = condition, time.monotonic() + seconds, _LOOKS, words
        return 0.0

    return tick


def main():
    """Read the script, and begin once the window is there and drawn."""
    names = {helper.__name__: helper for helper in HELPERS}
    names.update(bpy=bpy, folder=folder, arguments=arguments)
    try:
        steps = runpy.run_path(script, names, run_name="__main__")["steps"]
    except BaseException:  # noqa: BLE001 - as above
        _write_result(error=traceback.format_exc())
        os._exit(1)
    # Persistent: a script may load another file.
    bpy.app.timers.register(_drive(steps()), first_interval=0.5, persistent=True)


main()
