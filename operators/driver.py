# SPDX-License-Identifier: GPL-3.0-or-later
"""Between Blender and the worker: where settings come from, and a job run to its end while Blender waits."""

import os
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import bpy

from .. import __package__ as base_package
from ..scan import weights
from ..scan.job import JobFolder
from ..scan.journal import Event
from ..scan.process import Worker
from ..scan.requirements import refuse_missing
from ..scan.settings import TOKEN_VARIABLE, EndpointSettings, ReconstructSettings, StripSettings

_FROM_PREFERENCES = ("endpoint", "in_flight", "timeout", "first_timeout", "retry_for")


def preferences(context: bpy.types.Context) -> bpy.types.AddonPreferences | None:
    """The extension's preferences; None at factory start-up, where defaults count."""
    addon = context.preferences.addons.get(base_package)
    return addon.preferences if addon else None


def token(context: bpy.types.Context) -> str:
    """The endpoint's token from the environment, else from the preferences."""
    return os.environ.get(TOKEN_VARIABLE) or getattr(preferences(context), "token", "")


def endpoint_settings(context: bpy.types.Context, given: Mapping[str, Any]) -> EndpointSettings:
    """What was given, the rest from the preferences, and whether Blender may go online."""
    stored = preferences(context)
    values = {name: getattr(stored, name) for name in _FROM_PREFERENCES} if stored else {}
    values.update((name, given[name]) for name in _FROM_PREFERENCES if name in given)
    return EndpointSettings(**values, online=bpy.app.online_access)


def strip_settings(context: bpy.types.Context, given: Mapping[str, Any]) -> StripSettings:
    """Settings of a run: what was given (by the names of StripSettings and EndpointSettings), else the defaults."""
    own = {name: value for name, value in given.items() if name not in _FROM_PREFERENCES}
    stored = preferences(context)
    own.setdefault("backend", stored.backend if stored else "ENDPOINT")
    if "model" not in own and own["backend"] == "EMBEDDED":
        own["model"] = stored.embedded_model if stored else weights.BUNDLED
    elif "model" not in own and stored:
        own["model"] = stored.model
    return StripSettings(**own, endpoint=endpoint_settings(context, given))


def run_strip(context: bpy.types.Context, settings: StripSettings) -> Event:
    """Strip the backgrounds and wait for it, with a line on stderr for every photo.

    Returns the ``finished`` event. Raises BadUseError before anything is started.
    """
    settings.check()
    job = {"task": "strip", "settings": asdict(settings)}
    return run_blocking(context, JobFolder(Path(settings.output)), job)


def reconstruct_settings(context: bpy.types.Context, given: Mapping[str, Any]) -> ReconstructSettings:
    """Settings of a solve: what was given, else the defaults. Without photos, those of the output folder's last job."""
    values = dict(given)
    if not values["photos"] and (photos := JobFolder(Path(values["output"])).photos()):
        values["photos"] = str(photos)
    if values.get("engine") == "COLMAP_EXECUTABLE" and (stored := preferences(context)):
        values.setdefault("executable", bpy.path.abspath(stored.colmap_executable))
    return ReconstructSettings(**values)


def run_reconstruct(context: bpy.types.Context, settings: ReconstructSettings) -> Event:
    """Find the cameras and wait for it, with its progress on stderr.

    Returns the ``finished`` event. Raises BadUseError before anything is started.
    """
    settings.check()
    job = {"task": "reconstruct", "settings": asdict(settings)}
    return run_blocking(context, JobFolder(Path(settings.output)), job)


def run_blocking(context: bpy.types.Context, folder: JobFolder, job: dict[str, Any]) -> Event:
    """Run a job to its end and return its ``finished`` event. Ctrl-C cancels it in good order.

    Raises BadUseError where the job cannot be started.
    """
    refuse_missing()
    worker = Worker([sys.executable, *bpy.app.python_args], folder, job, token(context))
    story = worker.stories()
    total = done = 0
    while True:
        try:
            event = next(story)
        except KeyboardInterrupt:
            worker.cancel()
            continue
        match event["event"]:
            case "progress":
                done, total = event["done"] + event["failed"], event["total"]
                if "step" in event:
                    _tell(f"{event['step']}: {done}/{total}")
            case "photo_done":
                done += 1
                _tell(f"{done}/{total} {event['photo']} ({event['seconds']:.2f} s)")
            case "photo_failed":
                done += 1
                _tell(f"{done}/{total} {event['photo']} failed: {event['reason']}")
            case "paused":
                _tell(f"Waiting: {event['reason']}")
            case "log":
                _tell(event["text"])
            case "finished":
                return event


def report_finished(operator: bpy.types.Operator, finished: dict[str, Any]) -> set[str]:
    """Turn the end of a job into an operator's report and return value."""
    if finished["status"] == "done":
        operator.report({"INFO"}, finished["message"])
    elif finished["status"] == "some_failed":
        operator.report({"WARNING"}, finished["message"])
    else:
        operator.report({"ERROR"}, finished["message"])
        return {"CANCELLED"}
    return {"FINISHED"}


def _tell(text: str) -> None:
    # A file name may hold what the terminal cannot show.
    print(f"Scan Cutout: {text}".encode(errors="backslashreplace").decode(), file=sys.stderr, flush=True)
