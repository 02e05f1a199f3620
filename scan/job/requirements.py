# SPDX-License-Identifier: GPL-3.0-or-later
"""The Python packages the worker needs, looked for before it is started."""

import importlib.util

from ..common.errors import BadUseError

_FROM_BLENDER = ("numpy", "requests")
_FROM_THE_EXTENSION = ("PIL",)


def missing() -> str:
    """What is missing and what to do about it, in a sentence; empty where nothing is."""
    lost = [name for name in _FROM_BLENDER if importlib.util.find_spec(name) is None]
    if lost:
        return (
            f"This Blender lacks the Python packages {' and '.join(lost)}, which every Blender from blender.org has; "
            "use that one, or install them for this one's Python (on Debian: apt install python3-numpy "
            "python3-requests)"
        )
    lost = [name for name in _FROM_THE_EXTENSION if importlib.util.find_spec(name) is None]
    if lost:
        return "The extension's own packages are missing; remove Scan Cutout and install the zip made for this system"
    return ""


def refuse_missing() -> None:
    """Raise BadUseError where something is missing."""
    if words := missing():
        raise BadUseError(words)
