# SPDX-License-Identifier: GPL-3.0-or-later
"""What lies in the photo folder and in the output folder, for the sidebar.

A worker is asked whenever that may have changed: a folder was chosen, a job ended, a file was loaded, or the user wants
to know.
"""

from pathlib import Path
from typing import Any

import bpy

from ..properties import scene_settings
from ..properties.stored import Settings, settings_in
from ..properties.typed import persistent
from ..scan.job.job_end import JobEnd
from . import queries, thumbnails

_NAME = "survey"

_found: tuple[tuple[str, str], JobEnd] | None = None
"""Photo folder and output folder, and what was found in them last."""


def ask(context: bpy.types.Context) -> None:
    """Have a worker look at the scene's folders, if there is a window to show what it finds."""
    if bpy.app.background:
        return
    folders = _folders(settings_in(context.scene))
    photos, output = folders
    if not photos:
        queries.forget(_NAME)
        return
    settings = settings_in(context.scene)
    asked = {"photos": photos, "output": output, "engine": settings.engine, "develop_raw": settings.develop_raw}
    asked["thumbnails"] = thumbnails.surveyed.size
    queries.ask(context, _NAME, {"task": _NAME, "settings": asked}, lambda answer: take(folders, answer))


def ask_after_job(context: bpy.types.Context) -> None:
    """Have a worker look at what a job has left, which may have been another scene's."""
    global _found  # noqa: PLW0603
    if _found and _found[0] != _folders(settings_in(context.scene)):
        _found = None
    ask(context)


def found(settings: Settings) -> JobEnd | None:
    """What was found last in the folders of a scene's settings; None where nothing is known of them."""
    return _found[1] if _found and _found[0] == _folders(settings) else None


def is_asked() -> bool:
    """Whether a worker is looking."""
    return queries.is_asked(_NAME)


def results(settings: Settings) -> str:
    """The folder with what an engine found in the scene's photos, best the engine chosen; empty if none did."""
    return str(_solved(settings).get("results", ""))


def model(settings: Settings) -> dict[str, Any]:
    """What is known of the mesh that was built of these ``results``; empty if none was."""
    return _solved(settings).get("model") or {}


def missing_photos(settings: Settings) -> str:
    """What to do where there are no photos to work on; empty where there are."""
    if settings.is_adrift:
        return "Save the .blend first: its folder is what // stands for"
    return "" if settings.photos else "Choose the folder with the photos first"


def missing_masks(settings: Settings) -> str:
    """What to do where the masks are known not to be there; empty else."""
    return "Strip the backgrounds first" if output_state(settings).get("masks") == 0 else ""


def missing_model(settings: Settings) -> str:
    """What to do where there is no model of the scene's cameras; empty where there is, or that is not known."""
    return "Build the model first" if found(settings) and not model(settings) else ""


def missing_results(settings: Settings) -> str:
    """What to do where there is nothing to import, or to build a model of; empty where there is."""
    if words := missing_photos(settings):
        return words
    known = found(settings)
    if known is None:
        return "Look at the photos first"
    if results(settings):
        return ""
    return "Reconstruct the scan first" if known.is_done else known.message


def output_state(settings: Settings) -> dict[str, Any]:
    """Returns what earlier jobs left in the output folder, see ``scan.tasks.survey``; empty where that is not known."""
    known = found(settings)
    return (known.details.get("output") if known else None) or {}


def _solved(settings: Settings) -> dict[str, Any]:
    """What an engine found, best the engine chosen; empty if none did."""
    solved = {each["engine"]: each for each in output_state(settings).get("solved", ())}
    return solved.get(settings.engine) or next(iter(solved.values()), {})


def _folders(settings: Settings) -> tuple[str, str]:
    return settings.photos, settings.output


def take(folders: tuple[str, str], answer: JobEnd) -> None:
    """Keep what was found in a photo folder and an output folder."""
    global _found  # noqa: PLW0603 - one folder is looked at, whatever panels show it
    _found = folders, answer
    thumbnails.surveyed.clear()
    for made in answer.details.get("thumbnails", ()):
        thumbnails.surveyed.add(Path(made["file"]))


@persistent
def _after_load(*_file: object) -> None:
    ask(bpy.context)


def register() -> None:
    """Be told of files that are loaded, and of settings that are changed."""
    bpy.app.handlers.load_post.append(_after_load)
    scene_settings.on_change.append(ask)


def unregister() -> None:
    """Leave nothing behind."""
    global _found  # noqa: PLW0603
    scene_settings.on_change.remove(ask)
    bpy.app.handlers.load_post.remove(_after_load)
    _found = None
