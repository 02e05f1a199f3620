# SPDX-License-Identifier: GPL-3.0-or-later
"""The photogrammetry programs that can be used. An engine is one file and one entry here.

Menus, preferences, sidebar, command line, survey and the documentation's tables come from these entries. Blender's own
process imports them: nothing is loaded here and nothing looked for on the computer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from ..common.declared import Choice
from ..common.errors import BadUseError


class Kind(Enum):
    """Where an engine comes from."""

    EMBEDDED = "comes with the extension"
    PROGRAM = "a program of the user's own"


@dataclass(frozen=True, kw_only=True)
class PathPreference:
    """The row of the preferences in which the user names an engine's program."""

    name: str
    """Of the property."""
    label: str
    help: str


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What is known of an engine before it is asked anything."""

    name: str
    """In settings and job folders."""
    label: str
    """In menus."""
    title: str
    """What messages call it, wherever in a sentence, without an article."""
    help: str
    kind: Kind
    implementation: str
    """Its class as ``module.Class`` below this package: made with this entry and the path of the user's program."""
    gives: tuple[str, ...]
    """Of cameras, points, mesh, texture."""
    platforms: tuple[str, ...] = ()
    """Those it runs on, by their names in ``blender_manifest.toml``; empty for all."""
    instead: str
    """What to do where it is missing, beside installing it: ends a sentence."""
    package: str = ""
    """The Python package that an embedded engine is."""
    executables: tuple[str, ...] = ()
    """What a program is called, on PATH."""
    usual_places: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """``sys.platform`` → where the program lies beside: Blender that was started from a menu has a PATH of its own."""
    preference: PathPreference | None = None


ENGINES: tuple[Entry, ...] = (
    Entry(
        name="COLMAP",
        label="COLMAP (Embedded)",
        title="COLMAP",
        help="COLMAP as it comes with the extension",
        kind=Kind.EMBEDDED,
        implementation="colmap.embedded.ColmapEmbedded",
        gives=("cameras", "points"),
        platforms=("linux-x64", "windows-x64", "macos-arm64"),
        instead="choose the engine COLMAP (Executable), with a COLMAP of your own",
        package="pycolmap",
    ),
    Entry(
        name="COLMAP_EXECUTABLE",
        label="COLMAP (Executable)",
        title="COLMAP (Executable)",
        help="The COLMAP that is installed on this computer, 3.8 or later",
        kind=Kind.PROGRAM,
        implementation="colmap.executable.ColmapExecutable",
        gives=("cameras", "points"),
        instead=(
            "install it from https://colmap.github.io, or choose the engine COLMAP, which comes with the extension"
        ),
        executables=("colmap",),
        usual_places={
            "darwin": ("/opt/homebrew/bin/colmap", "/usr/local/bin/colmap", "/opt/local/bin/colmap"),
            "win32": (r"C:\Program Files\COLMAP\COLMAP.bat", r"C:\COLMAP\COLMAP.bat"),
            "linux": ("/usr/local/bin/colmap", "/snap/bin/colmap"),
        },
        preference=PathPreference(
            name="colmap_executable",
            label="COLMAP",
            help="The COLMAP program, for the engine COLMAP (Executable); empty for the one that is installed",
        ),
    ),
)


def names() -> list[str]:
    """The engines' names in the settings."""
    return [each.name for each in ENGINES]


def choices() -> list[Choice]:
    """The engines as the values of a setting."""
    return [Choice(each.name, each.label, each.help) for each in ENGINES]


def rows() -> list[PathPreference]:
    """The rows of the preferences in which programs are named."""
    return [each.preference for each in ENGINES if each.preference is not None]


def entry(name: str) -> Entry:
    """The engine of that name. Raises BadUseError where there is none."""
    for each in ENGINES:
        if each.name == name:
            return each
    raise BadUseError(f"There is no engine {name!r}; there are {', '.join(names())}")
