# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an engine is on this computer at all. Nothing is started, and nothing loaded: Blender asks, too."""

import importlib.util
import platform
import shutil
import sys

INSTEAD = "choose the engine COLMAP (Executable), with a COLMAP of your own"
GET = "install it from https://colmap.github.io, or choose the engine COLMAP, which comes with the extension"

if sys.platform == "darwin":
    _USUAL_PLACES = ("/opt/homebrew/bin/colmap", "/usr/local/bin/colmap", "/opt/local/bin/colmap")
elif sys.platform == "win32":
    _USUAL_PLACES = (r"C:\Program Files\COLMAP\COLMAP.bat", r"C:\COLMAP\COLMAP.bat")
else:
    _USUAL_PLACES = ("/usr/local/bin/colmap", "/snap/bin/colmap")


def missing(engine: str, executable: str) -> str:
    """Why an engine, by its name in the settings, cannot be used, and what to do; empty where it is there."""
    return no_executable(executable) if engine == "COLMAP_EXECUTABLE" else no_package()


def no_package() -> str:
    """Why COLMAP, as it comes with the extension, is not there, and what to do; empty where it is."""
    if importlib.util.find_spec("pycolmap") is not None:
        return ""
    if sys.platform == "darwin" and platform.machine() == "x86_64":
        return f"There is no embedded COLMAP for Macs with an Intel processor; {INSTEAD}"
    if sys.platform == "linux" and platform.machine() != "x86_64":
        return f"There is no embedded COLMAP for this processor ({platform.machine()}); {INSTEAD}"
    return f"The embedded COLMAP is missing; remove Scan Cutout and install the zip made for this system, or {INSTEAD}"


def no_executable(path: str) -> str:
    """Why there is no program for ``path``, and what to do; empty where there is one."""
    if find_executable(path):
        return ""
    where = f"There is no program {path}" if path else "No program colmap was found on PATH or in the usual places"
    return f"{where}; set its path in the preferences, {GET}"


def find_executable(path: str) -> str:
    """The user's own COLMAP: the program ``path``; where that is empty, the one on PATH or in the usual places."""
    if path:
        return shutil.which(path) or ""
    # Blender that was started from the dock or a menu has a PATH of its own.
    return next(filter(None, map(shutil.which, ("colmap", *_USUAL_PLACES))), "")
