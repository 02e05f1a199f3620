# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a script in a Blender window; blender_window.py starts this in Blender.

    blender … --python run_in_window.py -- FOLDER SCRIPT [ARGUMENT…]

The script defines ``steps()``, a generator. What it yields is waited for while Blender goes on as ever: a condition
(any function) to become true, for as long as that takes; ``rounds(n)`` of Blender's loop, in each of which it handles
events and timers and draws; a few of them where nothing is yielded. A number is one of seconds, for measurements and
pictures: no result may depend on it. What ``steps`` returns is the result. Blender quits when it ends. The script finds
in its globals, besides ``bpy``, ``arguments`` and the path ``folder``, all that stands in HELPERS. Places are in pixels
from the window's lower left corner.

What is being waited for stands in ``<folder>/waiting.txt``, for whoever gives up.
"""

import contextlib
import inspect
import json
import os
import runpy
import subprocess
import sys
import traceback
from pathlib import Path

import bpy

_POLL = 0.02  # seconds between looks at a condition: Blender has its own to do
_ROUNDS = 3  # between two steps: what is handled in one may be known only in the next

folder, script, *arguments = sys.argv[sys.argv.index("--") + 1 :]
folder = Path(folder)
failed = []
_mouse = [0, 0]


class _Rounds(int):
    """A number of rounds of Blender's loop."""


class _Condition(tuple):
    """A function and the words for what it waits for."""

    __slots__ = ()


def rounds(count=_ROUNDS):
    """To be yielded: let Blender go round so often. A key or a click is handled by then, and drawn."""
    return _Rounds(count)


def drawn():
    """To be yielded: let Blender draw all there is as it is now. Buttons stay where they are then."""
    for window in bpy.context.window_manager.windows:
        for each in window.screen.areas:
            each.tag_redraw()
    # Edges that Blender smooths take a round for each of eight drawings.
    return rounds() if bpy.context.preferences.system.viewport_aa == "OFF" else rounds(4 * _ROUNDS)


def until(condition, what=""):
    """To be yielded: wait for a condition. The words are told where the test is ended before it comes true."""
    return _Condition((condition, what or inspect.getsource(condition).strip()))


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
    return rounds()


def press(key, window=None, **more):
    """Press and let go of a key or a mouse button where the mouse is; ``shift=True`` and the like may be given."""
    window = window or main_window()
    for value in ("PRESS", "RELEASE"):
        window.event_simulate(type=key, value=value, x=_mouse[0], y=_mouse[1], **more)
        more.pop("unicode", None)  # letting go of a key writes nothing
    return rounds()


def click(x, y, button="LEFTMOUSE", window=None, **more):
    """Move the mouse and press a button of it."""
    move(x, y, window)
    return press(button, window, **more)


def write(text, window=None):
    """Type a text into the field that is being edited."""
    for letter in text:
        key = letter.upper() if letter.isascii() and letter.isalpha() else "A"
        press(key, window, unicode=letter)
    return rounds()


def shot(name):
    """Take a picture of the whole screen, ``<folder>/<name>.png``, as Blender has drawn it by the last step."""
    path = folder / f"{name}.png"
    subprocess.run(["import", "-window", "root", str(path)], check=True)
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
            yield move(x, y, window)  # the button is left in one round, and the one under the mouse entered in the next
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


HELPERS = (
    until,
    rounds,
    drawn,
    check,
    main_window,
    area,
    region,
    using,
    move,
    press,
    click,
    write,
    shot,
    sidebar,
    find,
)


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
    waiting = None  # a condition
    left = _ROUNDS

    def tick():
        nonlocal waiting, left
        if left > 1:
            left -= 1
            return 0.0
        try:
            if waiting is not None:
                condition, words = waiting
                if not condition():
                    return _POLL
                waiting = None
                _tell(f"the end of what comes after: {words}")
            return wait_for(next(generator))
        except StopIteration as stop:
            _write_result(stop.value)
        except BaseException:  # noqa: BLE001 - whatever it was, it belongs into the report
            error = traceback.format_exc()
            with contextlib.suppress(Exception):
                shot("failure")
            _write_result(error=error)
        _tell("Blender to quit")
        _quit()
        return None

    def wait_for(step):
        nonlocal waiting, left
        left = 0
        if step is None or isinstance(step, _Rounds):
            left = step or _ROUNDS
        elif isinstance(step, int | float):
            left = _ROUNDS
            return float(step)
        else:
            waiting = step if isinstance(step, _Condition) else until(step)
            _tell(waiting[1])
        return 0.0

    return tick


def _tell(words):
    (folder / "waiting.txt").write_text(words, encoding="utf-8")


def main():
    """Read the script, and begin once the window is there and drawn."""
    sys.stdout.reconfigure(line_buffering=True)  # what was printed is in the console when Blender is killed
    names = {helper.__name__: helper for helper in HELPERS}
    names.update(bpy=bpy, folder=folder, arguments=arguments)
    try:
        steps = runpy.run_path(script, names, run_name="__main__")["steps"]
    except BaseException:  # noqa: BLE001 - as above
        _write_result(error=traceback.format_exc())
        os._exit(1)
    # Persistent: a script may load another file.
    bpy.app.timers.register(_drive(steps()), persistent=True)


main()
