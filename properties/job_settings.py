# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the settings of a job come from: what was given, else the preferences, else the defaults."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import bpy

from .. import __package__ as base_package
from ..scan.common.declared import names_of
from ..scan.engines import catalog
from ..scan.engines.settings import ReconstructSettings
from ..scan.export.settings import TurntableSettings
from ..scan.job.folder import JobFolder
from ..scan.meshing.settings import ModelSettings
from ..scan.reconstruction.settings import SceneContent
from ..scan.segmentation import weights
from ..scan.segmentation.settings import TOKEN_VARIABLE, EndpointSettings
from ..scan.tasks.settings import AdoptSettings, ScanSteps, StripSettings
from ..scan.texturing.settings import TextureSettings
from ..scan.views.settings import Resources
from .declared import given as set_in
from .declared import plain
from .stored import Preferences
from .typed import existing

_OF_ENDPOINT = [name for name in names_of(EndpointSettings) if name != "further"]


def preferences(context: bpy.types.Context) -> Preferences | None:
    """The extension's preferences; None at factory start-up, where defaults count."""
    addon = existing(context.preferences).addons.get(base_package)
    return cast("Preferences", addon.preferences) if addon else None


def token(context: bpy.types.Context) -> str:
    """The endpoint's token from the environment, else from the preferences."""
    stored = preferences(context)
    return os.environ.get(TOKEN_VARIABLE) or (stored.token if stored else "")


def executables(context: bpy.types.Context) -> dict[str, str]:
    """Engine → path of the user's program, as far as the preferences name some."""
    stored = preferences(context)
    rows = {each.name: each.preference for each in catalog.ENGINES if each.preference is not None}
    paths = {name: bpy.path.abspath(getattr(stored, row.name)) for name, row in rows.items()} if stored else {}
    return {name: path for name, path in paths.items() if path}


def endpoint_settings(context: bpy.types.Context, given: Mapping[str, Any]) -> EndpointSettings:
    """What was given, the rest from the preferences, and whether Blender may go online.

    An endpoint that was given is used alone.
    """
    stored = preferences(context)
    values = {name: plain(getattr(stored, name)) for name in _OF_ENDPOINT} if stored else {}
    if stored:
        values["certificate"] = bpy.path.abspath(stored.certificate)
    values.update((name, given[name]) for name in _OF_ENDPOINT if name in given)
    if stored and "endpoint" not in given:
        values["further"] = tuple(each.address for each in stored.further_endpoints if each.address)
    return EndpointSettings(**values, online=bpy.app.online_access)


def strip_settings(context: bpy.types.Context, given: Mapping[str, Any]) -> StripSettings:
    """Settings of a strip: what was given of it by the names of the settings, else the preferences and the defaults."""
    names = set(names_of(StripSettings)).difference(names_of(EndpointSettings))
    own = {"photos": "", "output": "", **{name: value for name, value in given.items() if name in names}}
    stored = preferences(context)
    own.setdefault("backend", stored.backend if stored else "ENDPOINT")
    if "model" not in own and own["backend"] == "EMBEDDED":
        own["model"] = stored.embedded_model if stored else weights.BUNDLED
    elif "model" not in own and stored:
        own["model"] = stored.model
    return StripSettings(**own, endpoint=endpoint_settings(context, given))


def adopt_settings(given: Mapping[str, Any]) -> AdoptSettings:
    """Which masks of somebody's own are adopted: what was given of it, else the defaults."""
    return AdoptSettings(**{"photos": "", "output": "", **_of(AdoptSettings, given)})


def reconstruct_settings(context: bpy.types.Context, given: Mapping[str, Any]) -> ReconstructSettings:
    """Settings of a solve: what was given of it, else the preferences and the defaults.

    Without photos, those of the output folder's last job.
    """
    values = _of_job(ReconstructSettings, given)
    engine = values.get("engine", ReconstructSettings.engine)
    values.setdefault("executable", executables(context).get(engine, ""))
    return ReconstructSettings(**values)


def model_settings(context: bpy.types.Context, given: Mapping[str, Any]) -> ModelSettings:
    """Settings of a model: what was given of it, else the preferences and the defaults.

    Without photos, those of the output folder's last job.
    """
    return ModelSettings(**_of_solved_scan(context, ModelSettings, given))


def wanted_model(context: bpy.types.Context, given: Mapping[str, Any]) -> ModelSettings | None:
    """Settings of the model that a scan ends with; None where it was said that it shall have none."""
    return model_settings(context, given) if given.get("build_model", ScanSteps.build_model) else None


def texture_settings(context: bpy.types.Context, given: Mapping[str, Any]) -> TextureSettings:
    """Settings of a texture: what was given of it, else the preferences and the defaults.

    Without photos, those of the output folder's last job.
    """
    return TextureSettings(**_of_solved_scan(context, TextureSettings, given))


def wanted_texture(context: bpy.types.Context, given: Mapping[str, Any]) -> TextureSettings | None:
    """Settings of the texture of the model that a scan ends with; None where it shall have none."""
    return texture_settings(context, given) if given.get("texture", ScanSteps.texture) else None


def scene_content(given: Mapping[str, Any]) -> SceneContent:
    """What an import makes in the scene: what was given of it, else the defaults."""
    return SceneContent(**_of(SceneContent, given))


def turntable_settings(given: Mapping[str, Any]) -> TurntableSettings:
    """How the model is rendered: what was given of it, else the defaults."""
    return TurntableSettings(**_of(TurntableSettings, given))


def _of_solved_scan(context: bpy.types.Context, group: type, given: Mapping[str, Any]) -> dict[str, Any]:
    """What ``_of_job`` returns, and what the preferences say of the computer."""
    stored = preferences(context)
    return (set_in(stored, Resources) if stored else {}) | _of_job(group, given)


def _of(group: type, given: Mapping[str, Any]) -> dict[str, Any]:
    """What was given of a group's settings."""
    return {name: given[name] for name in names_of(group) if name in given}


def _of_job(group: type, given: Mapping[str, Any]) -> dict[str, Any]:
    """What was given of a group's settings, with the photos of the output folder's last job where it names none."""
    values = {"output": "", **_of(group, given)}
    if not values.get("photos"):
        values["photos"] = str(JobFolder(Path(values["output"])).photos() or "")
    return values
