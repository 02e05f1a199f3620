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


def main() -> int:
    """Run the script that the command line names and return the exit code."""
    result_file, script, module, *arguments = sys.argv[1:]
    try:
        if module and addon_utils.enable(module, default_set=True) is None:
            raise RuntimeError(f"Blender could not enable {module}; what it printed says why.")
        names = runpy.run_path(script, {"bpy": bpy, "arguments": arguments}, run_name="__main__")
        text = json.dumps(names.get("result"))
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except BaseException:  # noqa: BLE001 - whatever it was, it belongs into the report
        traceback.print_exc()
        return 1
    with open(result_file, "w", encoding="utf-8") as out:  # noqa: PTH123 - the simplest code for the least to go wrong
        out.write(text)
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Without the interpreter's own clean-up: there bpy has crashed after all was well.
    os._exit(code)
