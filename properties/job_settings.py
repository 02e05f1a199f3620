# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the settings of a job come from: what was given, else the preferences, else the defaults."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import bpy

from .. import __package__ as base_package
from ..scan.job.folder import JobFolder
from ..scan.segmentation import weights
from ..scan.tasks.settings import TOKEN_VARIABLE, EndpointSettings, ReconstructSettings, StripSettings

_FROM_PREFERENCES = ("endpoint", "in_flight", "timeout", "first_timeout", "retry_for")


def preferences(context: bpy.types.Context) -> bpy.types.AddonPreferences | None:
    """The extension's preferences; None at factory start-up, where defaults count."""
    addon = context.preferences.addons.get(base_package)
    return addon.preferences if addon else None


def token(context: bpy.types.Context) -> str:
    """The endpoint's token from the environment, else from the preferences."""
    return os.environ.get(TOKEN_VARIABLE) or getattr(preferences(context), "token", "")


def endpoint_settings(context: bpy.types.Context, given: Mapping[str, Any]) -> EndpointSettings:
    """What was given, the rest from the preferences, and whether Blender may go online.

    An endpoint that was given is used alone.
    """
    stored = preferences(context)
    values = {name: getattr(stored, name) for name in _FROM_PREFERENCES} if stored else {}
    values.update((name, given[name]) for name in _FROM_PREFERENCES if name in given)
    if stored and "endpoint" not in given:
        values["further"] = tuple(each.address for each in stored.further_endpoints if each.address)
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


def reconstruct_settings(context: bpy.types.Context, given: Mapping[str, Any]) -> ReconstructSettings:
    """Settings of a solve: what was given, else the defaults. Without photos, those of the output folder's last job."""
    values = dict(given)
    if not values.get("photos"):
        values["photos"] = str(JobFolder(Path(values["output"])).photos() or "")
    if values.get("engine") == "COLMAP_EXECUTABLE" and (stored := preferences(context)):
        values.setdefault("executable", bpy.path.abspath(stored.colmap_executable))
    return ReconstructSettings(**values)
