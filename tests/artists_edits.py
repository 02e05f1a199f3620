# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests in bpy do to a scan, as artists do, each edit in a file of its own."""

EACH_EDIT = """
import json, textwrap

def each_edit():
    # Of the second argument, name and code of each edit, once ``bring`` has brought the scan into an empty file.
    global scene
    for name, edit in json.loads(arguments[1]).items():
        bpy.ops.wm.read_homefile(use_empty=True)
        scene = bpy.context.scene
        bring()
        yield name, textwrap.dedent(edit)
"""
"""Stands behind a script's own ``bring``; a script goes over ``each_edit()``."""
