# SPDX-License-Identifier: GPL-3.0-or-later
"""A bpy that stays and runs one script after the other; resident_bpy.py starts this with a bpy environment's Python.

    python serve_in_bpy.py MODULE

Takes requests as JSON, one a line, on its standard input: ``script``, ``arguments``, ``result_file``, ``stdout`` and
``stderr`` (files), ``environment`` and ``folder`` (the current one). Segmenter each with a line, ``{"returncode": …}``,
once it is over. Each run finds Blender as a process of its own would find it (fresh_bpy.py). Ends with its input.
"""

import ctypes
import faulthandler
import importlib
import json
import os
import queue
import sys
import threading
import traceback


def main():
    """Serve until nobody asks any more, or until a run leaves what cannot be cleaned up."""
    # Workers, and whatever a script prints, shall find neither: both become private, and others take their numbers.
    requests, answers = os.fdopen(os.dup(0), encoding="utf-8"), os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    faulthandler.enable()
    asked = queue.SimpleQueue()
    threading.Thread(target=read, args=(requests, asked), daemon=True).start()
    try:
        # Bpy not before the first run, which then has all that Blender and the add-on print while they start.
        session = None
        while True:
            request = json.loads(asked.get())
            say_into(request["stdout"], request["stderr"])
            name_test(request["environment"].get("SCAN_CUTOUT_TEST", ""))
            session = session or importlib.import_module("fresh_bpy").Session(sys.argv[1])
            code = session.run(request)
            flush()
            answers.write(json.dumps({"returncode": code}) + "\n")
            answers.flush()
    except BaseException:  # noqa: BLE001 - the run that it belongs to tells of it
        traceback.print_exc()
        flush()
        os._exit(1)  # as in run_in_bpy.py


def read(requests, asked):
    """Hand on the requests. At their end nobody waits any more: this process ends, with whatever runs in it."""
    for line in requests:
        asked.put(line)
    os._exit(0)


def name_test(name):
    """Where coverage measures this process, have it note the test to which all that runs from now on belongs."""
    coverage = sys.modules.get("coverage")
    measuring = coverage and coverage.Coverage.current()
    if measuring:
        measuring.switch_context(name)


def say_into(stdout, stderr):
    """Have all that is printed from now on in files, by Python, by Blender and by processes that are started."""
    flush()
    for number, path in ((1, stdout), (2, stderr)):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        os.dup2(file, number)
        os.close(file)


def flush():
    """Have all that was printed in the files."""
    sys.stdout.flush()
    sys.stderr.flush()
    (ctypes.CDLL(None) if os.name != "nt" else ctypes.cdll.ucrtbase).fflush(None)


if __name__ == "__main__":
    main()
