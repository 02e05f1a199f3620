# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a script in the bpy module and leave with its result; bpy_process.py starts this with a bpy environment's Python.

    python run_in_bpy.py RESULT_FILE SCRIPT MODULE [ARGUMENT…]

MODULE is an add-on to enable first, or "". The script finds ``bpy`` and ``arguments``; what it assigns to ``result`` is
written to RESULT_FILE as JSON.
"""

import json
import os
import runpy
import sys
import traceback

import bpy  # first of Blender's modules: it is what makes the others importable

import addon_utils  # isort: skip


def enable(module, **how):
    """Enable an add-on, or nothing for ""."""
    if module and addon_utils.enable(module, default_set=True, **how) is None:
        raise RuntimeError(f"Blender could not enable {module}; what it printed says why.")


def outcome(script, arguments):
    """Run a script; give the exit code, and its result as JSON or None where it did not get there."""
    try:
        names = runpy.run_path(script, {"bpy": bpy, "arguments": arguments}, run_name="__main__")
        return 0, json.dumps(names.get("result"))
    except SystemExit as leaving:
        return (leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)), None
    except BaseException:  # noqa: BLE001 - whatever it was, it belongs into the report
        traceback.print_exc()
        return 1, None


def write(result_file, text):
    """Leave the result, if there is one."""
    if text is not None:
        with open(result_file, "w", encoding="utf-8") as out:  # noqa: PTH123 - the simplest code for the least to go wrong
            out.write(text)


def main():
    """Run the script that the command line names and return the exit code."""
    result_file, script, module, *arguments = sys.argv[1:]
    try:
        enable(module)
        code, text = outcome(script, arguments)
        write(result_file, text)
    except Exception:  # noqa: BLE001 - as above
        traceback.print_exc()
        return 1
    return code


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Without the interpreter's own clean-up: there bpy has crashed after all was well.
    os._exit(code)
