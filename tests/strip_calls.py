# SPDX-License-Identifier: GPL-3.0-or-later
"""How tests in bpy call the extension's operators and its command."""

from __future__ import annotations

import json
from typing import Any

# Calls an operator with keyword arguments and tells how it ended: its result, or the sentence a script would get.
CALL = """
import json
def call(operator, keywords):
    try:
        return sorted(operator(**keywords)), ""
    except RuntimeError as error:
        return ["RuntimeError"], str(error)
name, keywords = arguments
result = call(getattr(bpy.ops.scan_cutout, name), json.loads(keywords))
"""

# What the command does: Blender's module has no command line, so the function behind it is called.
COMMAND = """
import contextlib, io, sys
from bl_ext.user_default.scan_cutout.session import command_line
with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
    code = command_line.run(arguments)
result = [code, out.getvalue(), err.getvalue()]
"""


def call(blender: Any, operator: str, env: dict[str, str] | None = None, **keywords: Any) -> tuple[list[str], str, str]:
    """The operator's result, its error, and what Blender printed."""
    run = blender.run(CALL, operator, json.dumps(keywords, default=str), env=env)
    ended, words = run.result
    return ended, words, run.stdout + run.stderr
