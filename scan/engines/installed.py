# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an engine is on this computer at all. Nothing is started, and nothing loaded: Blender asks, too."""

import importlib.util
import platform
import shutil
import sys

from .catalog import Entry, Kind


def missing(entry: Entry, executable: str) -> str:
    """Why an engine cannot be used, and what to do; empty where it is there.

    ``executable`` is the path of the user's program, empty where none is set.
    """
    return _no_package(entry) if entry.kind is Kind.EMBEDDED else _no_program(entry, executable)


def find_program(entry: Entry, path: str) -> str:
    """The user's own program: ``path``; where that is empty, the one on PATH or in the usual places; empty for none."""
    if path:
        return shutil.which(path) or ""
    wanted = (*entry.executables, *entry.usual_places.get(sys.platform, ()))
    return next(filter(None, map(shutil.which, wanted)), "")


def _no_package(entry: Entry) -> str:
    if importlib.util.find_spec(entry.package) is not None:
        return ""
    if entry.platforms and not _is_among(entry.platforms):
        return f"There is no embedded {entry.title} for {_this_computer()}; {entry.instead}"
    return (
        f"The embedded {entry.title} is missing; remove Scan Cutout and install the zip made for this system, or "
        f"{entry.instead}"
    )


def _no_program(entry: Entry, path: str) -> str:
    if find_program(entry, path):
        return ""
    named = " or ".join(entry.executables)
    where = f"There is no program {path}" if path else f"No program {named} was found on PATH or in the usual places"
    return f"{where}; set its path in the preferences, {entry.instead}"


def _is_among(platforms: tuple[str, ...]) -> bool:
    system = {"darwin": "macos", "win32": "windows"}.get(sys.platform, sys.platform)
    processor = {"x86_64": "x64", "AMD64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    return f"{system}-{processor}" in platforms


def _this_computer() -> str:
    if sys.platform == "darwin" and platform.machine() == "x86_64":
        return "Macs with an Intel processor"
    return f"this processor ({platform.machine()})"
