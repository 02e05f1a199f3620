# SPDX-License-Identifier: GPL-3.0-or-later
"""What the operators do, told as jobs for the worker with a little work between them.

A generator of steps yields a job, is sent how it ended, and returns how all of it ended. Who drives it decides whether
Blender waits (``driver``) or goes on working (``current_job``); the steps are the same.
"""

from collections.abc import Generator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import bpy

from ..properties.typed import existing
from ..scan.common.errors import PhotoError
from ..scan.engines.settings import ReconstructSettings
from ..scan.job.folder import JobFolder
from ..scan.reconstruction.importing import ImportPlan, plan_import
from ..scan.reconstruction.settings import ImportSettings, SceneContent
from ..scan.tasks.settings import StripSettings
from ..scene import building

Finish = dict[str, Any]
"""A ``finished`` event: at least ``status``, ``exit_code`` and ``message``."""


@dataclass(frozen=True)
class Job:
    """Something for a worker to do in a job folder."""

    title: str
    folder: JobFolder
    content: dict[str, Any]
    """``task`` and ``settings``, as they go into ``job.json``."""


Steps = Generator[Job, Finish, Finish]


def can_continue(finished: Finish) -> bool:
    """Whether what was made is worth going on with."""
    return finished["status"] in {"done", "some_failed"}


def strip(settings: StripSettings) -> Steps:
    """Make masks. Raises BadUseError before anything is started."""
    settings.check()
    return (yield _job("Strip Backgrounds", settings.output, "strip", asdict(settings)))


def reconstruct(settings: ReconstructSettings) -> Steps:
    """Find the cameras. Raises BadUseError before anything is started."""
    settings.check()
    return (yield _job("Reconstruct", settings.output, "reconstruct", asdict(settings)))


def import_scan(settings: ImportSettings, scene: int) -> Steps:
    """Bring a scan into the scene with this ``session_uid``; where it was deleted meanwhile, into the current one.

    Ends as ``some_failed`` where the photos are known and cameras have no picture all the same; a model alone is whole.
    Raises BadUseError, and leaves the scene as it was.
    """
    plan = plan_import(settings)
    unfit = ""
    if plan.job is not None:
        finished = yield Job("Undistort Photos", JobFolder(plan.copies.root), plan.job)
        if not can_continue(finished):
            return finished
        unfit = finished["message"] if finished["status"] == "some_failed" else ""
    # Asked for by number and late: undo, meanwhile, replaces Blender's data, and references to them would crash it.
    there = next((each for each in bpy.data.scenes if each.session_uid == scene), existing(bpy.context.scene))
    building.build(there, plan, settings)
    said, is_whole = _summary(plan, unfit)
    if is_whole:
        return {"status": "done", "exit_code": 0, "message": said}
    return {"status": "some_failed", "exit_code": PhotoError.exit_code, "message": said}


def scan_to_scene(stripping: StripSettings, solving: ReconstructSettings, content: SceneContent, scene: int) -> Steps:
    """All of it, one after the other; ``content`` is what comes into the scene, ``scene`` as in ``import_scan``.

    It ends as the first step in which something failed, else as done. Raises BadUseError; what was done before it is
    kept.
    """
    solving.check()
    stripped = yield from strip(stripping)
    if not can_continue(stripped):
        return stripped
    solved = yield from reconstruct(solving)
    if not can_continue(solved):
        return solved
    importing = ImportSettings(directory=solved["results"], **asdict(content))
    imported = yield from import_scan(importing, scene)
    if not can_continue(imported):
        return imported
    first = next((end for end in (stripped, solved) if end["exit_code"]), imported)
    how = {name: first[name] for name in ("status", "exit_code")}
    return {**imported, **how, "strip": stripped, "solve": solved}


def _job(title: str, output: str, task: str, settings: dict[str, Any]) -> Job:
    return Job(title, JobFolder(Path(output)), {"task": task, "settings": settings})


def _summary(plan: ImportPlan, unfit: str) -> tuple[str, bool]:
    """What came into the scene, and whether every camera has its picture, if there are any."""
    photos = plan.reconstruction.photos
    bare = sum(plan.picture(photo.name, photo.camera) is None for photo in photos)
    points = plan.reconstruction.points
    said = f"{plan.name}: {len(photos)} cameras and {len(points.positions)} points"
    known = points.errors[points.errors >= 0]
    if len(known):
        said += f", which miss the photos by {known.mean():.2f} pixels on average"
    if plan.photos is None:
        said += "; their photos were not found, name their folder to have them behind the cameras"
    elif bare:
        said += f"; {bare} have no picture behind them: " + (unfit or f"not all are in {plan.photos}")
    return said, plan.photos is None or not bare
