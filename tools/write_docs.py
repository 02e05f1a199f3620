# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the parts of the documentation that come from the code.

    python tools/write_docs.py

``docs/settings.md`` is written whole. In other files a part between ``<!-- from the code: NAME -->`` and
``<!-- end -->`` is: ``engines`` is the table of ``scan/engines/catalog.py``, ``events`` and
``record`` are what a journal holds.
"""

from __future__ import annotations

import dataclasses
import re
import sys
from collections.abc import Callable, Iterator

from environments import ROOT

sys.path.insert(0, str(ROOT))
from scan.common.declared import Home, Setting, Unit, settings_of
from scan.engines import catalog
from scan.engines.settings import ReconstructSettings
from scan.export.settings import ExportSettings, TurntableSettings
from scan.job.events import Event
from scan.job.records import PhotoRecord
from scan.meshing.settings import ModelSettings
from scan.reconstruction.settings import ImportSettings
from scan.tasks.settings import AdoptSettings, ScanSteps, StripSettings
from scan.texturing.settings import TextureSettings

SETTINGS = ROOT / "docs" / "settings.md"
PARTLY_WRITTEN = ("README.md", "docs/architecture.md")

_GROUPS = (
    ("Strip Backgrounds", "strip_backgrounds", "strip", StripSettings),
    ("Adopt Masks", "adopt_masks", "adopt", AdoptSettings),
    ("Reconstruct", "reconstruct", "reconstruct", ReconstructSettings),
    ("Build Model", "build_model", "model", ModelSettings),
    ("Texture Model", "texture_model", "texture", TextureSettings),
    ("Import Reconstruction", "import_reconstruction", "import", ImportSettings),
    ("Scan to Scene", "scan_to_scene", "run", ScanSteps),
    ("Export Model", "export_model", "export", ExportSettings),
    ("Render Turntable", "render_turntable", "turntable", TurntableSettings),
)
_BEGINNING = """# Settings

<!-- Written by tools/write_docs.py from the declarations in scan/: change those, then run `make docs`. -->

Every setting, what it does and where it is set. In a call of an operator it has the name in the first column, on
the command line the option in the second. Left out, it comes from the preferences where they keep it, else it is the
default; what a scene keeps counts for who presses a button. The backend EMBEDDED has a model of its own in the
preferences, *Embedded Model* (`u2netp`).
`bpy.ops.scan_cutout.scan_to_scene` and the command `run` take the settings of all steps but for the folders of a
model's cameras and masks and those of an import, and one of their own. The commands `run` and `import` also take what
their model shall become.
"""
_NOT = ("is not set in a call", "has no option", "is kept nowhere")
_PLACES = {Home.CALL: "–", Home.SCENE: "the scene (sidebar)", Home.PREFERENCES: "the preferences"}


def settings() -> str:
    """What is in ``docs/settings.md``."""
    return "\n".join([_BEGINNING, *(line for group in _GROUPS for line in _section(*group))]) + "\n"


def _section(title: str, operator: str, verb: str, group: type) -> Iterator[str]:
    yield f"## {title}"
    yield ""
    yield f"`bpy.ops.scan_cutout.{operator}(…)`, `blender -b --command scan_cutout {verb} …`"
    yield ""
    yield "| in a call | option | setting | values | default | kept in |"
    yield "|---|---|---|---|---|---|"
    reasons = []
    for each in settings_of(group):
        given = each.declaration
        call = "–" if given.no_operator else f"`{each.in_blender}`"
        option = "–" if given.no_option else f"`{each.option}`"
        if zero := given.zero:
            call, option = f"{call}, `{zero.name}`", f"{option}, `--{zero.name.replace('_', '-')}`"
        of = f" (`{'`, `'.join(given.of)}` only)" if given.of else ""
        what = f"*{given.label}*: {given.help}{of}".replace("|", "\\|")
        yield f"| {call} | {option} | {what} | {_values(each)} | {_default(each)} | {_PLACES[given.home]} |"
        refusals = (given.no_operator, given.no_option, given.no_home)
        for place, reason in zip(_NOT, refusals, strict=True):
            if reason:
                reasons.append(f"- *{given.label}* {place}: {reason[0].lower()}{reason[1:]}.")
    yield ""
    if reasons:
        yield from reasons
        yield ""


def _values(each: Setting) -> str:
    given = each.declaration
    if each.choices:
        return ", ".join(f"`{choice.name}`" for choice in each.choices)
    if each.range:
        return each.range
    if each.type is bool:
        return "yes or no"
    words = {Unit.COLOR: "#rrggbb", Unit.FOLDER: "a folder", Unit.FILE: "a file", Unit.FILES: "names below the folder"}
    return words.get(given.unit, "text" if each.type is str else "addresses")


def _default(each: Setting) -> str:
    if each.type is bool:
        return "yes" if each.default else "no"
    is_given = isinstance(each.default, str | int | float) and each.default != ""
    return f"`{each.default}`" if is_given else "–"


def engines() -> str:
    """The table of the engines."""
    rows = ["| engine | in settings | | gives | runs on |", "|---|---|---|---|---|"]
    for each in catalog.ENGINES:
        platforms = ", ".join(each.platforms) or "all"
        rows.append(f"| {each.label} | `{each.name}` | {each.kind.value} | {', '.join(each.gives)} | {platforms} |")
    return "\n".join(rows)


def events() -> str:
    """The table of the journal's events."""
    rows = ["| event | fields | |", "|---|---|---|"]
    for kind in Event.__subclasses__():
        what = (kind.__doc__ or "").split("\n\n")[0].replace("\n", " ")
        rows.append(f"| `{kind.name}` | {', '.join(_fields(kind)) or '–'} | {what} |")
    return "\n".join(rows)


def _fields(kind: type[Event]) -> list[str]:
    named = []
    for each in dataclasses.fields(kind):
        if each.name == "record":
            named.append("those of the photo's record")
        elif each.name == "end":
            named.append("`status`, `exit_code`, `message`, the task's own")
        elif each.name not in {"run", "time"}:
            named.append(f"`{each.name}`")
    return named


def record() -> str:
    """The fields of a photo's record."""
    return ", ".join(f"`{each.name}`" for each in dataclasses.fields(PhotoRecord) if each.name != "announced")


PARTS: dict[str, Callable[[], str]] = {"engines": engines, "events": events, "record": record}


def with_parts(text: str) -> str:
    """A text with its parts from the code written anew."""

    def written(found: re.Match[str]) -> str:
        return f"{found[1]}\n{PARTS[found[2]]()}\n{found[4]}"

    return re.sub(r"(<!-- from the code: (\w+) -->)(.*?)(<!-- end -->)", written, text, flags=re.DOTALL)


def main() -> None:
    """Write all of it."""
    SETTINGS.write_text(settings(), "utf-8", newline="\n")
    for name in PARTLY_WRITTEN:
        path = ROOT / name
        path.write_text(with_parts(path.read_text("utf-8")), "utf-8", newline="\n")


if __name__ == "__main__":
    main()
