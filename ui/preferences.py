# SPDX-License-Identifier: GPL-3.0-or-later
"""The preferences of the extension: which server, how it is asked, how patiently, and which programs."""

from collections.abc import Iterator

import bpy
from bpy.props import CollectionProperty, EnumProperty, FloatProperty, IntProperty, StringProperty

from .. import __package__ as base_package
from ..operators.check_programs import ask_for_programs
from ..properties.strip_properties import BACKENDS
from ..scan.segmentation import model_notes, weights
from ..scan.tasks.settings import DEFAULT_ENDPOINT, MAX_IN_FLIGHT, TOKEN_VARIABLE, EndpointSettings
from ..session import queries
from . import model_field, preferences_panel

_DEFAULTS = EndpointSettings()


def _served_models(preferences: bpy.types.AddonPreferences, _context: object, _typed: str) -> Iterator[str]:
    return model_field.suggested(preferences)


def _embedded_models(_preferences: object, _context: object, _typed: str) -> Iterator[str]:
    return iter(weights.found())  # on this computer


def _forget_answers(_preferences: object, _context: object) -> None:
    queries.forget_all(queries.ENDPOINTS)  # with another token, a server may answer otherwise


def _check_programs(preferences: bpy.types.AddonPreferences, context: bpy.types.Context) -> None:
    if not bpy.app.background:
        ask_for_programs(context, preferences.colmap_executable)


class ScanCutoutEndpoint(bpy.types.PropertyGroup):
    """One more rembg server"""

    address: StringProperty(  # type: ignore[valid-type]
        name="Endpoint",
        description="Address of another rembg server, used side by side with the others",
    )


class ScanCutoutPreferences(bpy.types.AddonPreferences):
    """Kept by Blender in its own user preferences"""

    bl_idname = base_package

    backend: EnumProperty(  # type: ignore[valid-type]
        name="Backend",
        description="What removes the backgrounds, unless a run says otherwise",
        items=BACKENDS,
    )
    endpoint: StringProperty(  # type: ignore[valid-type]
        name="Endpoint",
        description="Address of the rembg server that removes the backgrounds",
        default=DEFAULT_ENDPOINT,
    )
    further_endpoints: CollectionProperty(type=ScanCutoutEndpoint)  # type: ignore[valid-type]
    model: StringProperty(  # type: ignore[valid-type]
        name="Model",
        description="Name of the rembg model; the server loads it, or downloads it, when it is first asked for",
        default=model_notes.DEFAULT_MODEL,
        search=_served_models,
        search_options={"SUGGESTION"},
    )
    embedded_model: StringProperty(  # type: ignore[valid-type]
        name="Embedded Model",
        description="Name of a model on this computer, or an ONNX file; u2netp comes with the extension",
        default=weights.BUNDLED,
        search=_embedded_models,
        search_options={"SUGGESTION"},
    )
    token: StringProperty(  # type: ignore[valid-type]
        name="Token",
        description=f"Sent to a server that asks for one; the environment variable {TOKEN_VARIABLE} goes before it",
        subtype="PASSWORD",
        update=_forget_answers,
    )
    colmap_executable: StringProperty(  # type: ignore[valid-type]
        name="COLMAP",
        description="The COLMAP program, for the engine COLMAP (Executable); empty for the one that is installed",
        subtype="FILE_PATH",
        update=_check_programs,
    )
    in_flight: IntProperty(  # type: ignore[valid-type]
        name="Requests in Flight",
        description="Photos a server is asked for at the same time; fewer spare its memory",
        default=_DEFAULTS.in_flight,
        min=1,
        max=MAX_IN_FLIGHT,
    )
    timeout: FloatProperty(  # type: ignore[valid-type]
        name="Timeout per Photo",
        description="How long one answer of the server may take",
        default=_DEFAULTS.timeout,
        min=1,
        max=86400,
        subtype="TIME_ABSOLUTE",
    )
    first_timeout: FloatProperty(  # type: ignore[valid-type]
        name="Timeout of First Photo",
        description="How long the first answer of a run may take, in which the server loads or downloads its model",
        default=_DEFAULTS.first_timeout,
        min=1,
        max=86400,
        subtype="TIME_ABSOLUTE",
    )
    retry_for: FloatProperty(  # type: ignore[valid-type]
        name="Wait for Lost Server",
        description="How long a server that went away is waited for before the run stops; it can be continued later",
        default=_DEFAULTS.retry_for,
        min=0,
        max=86400,
        subtype="TIME_ABSOLUTE",
    )

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the panel."""
        preferences_panel.draw(self, context)


register, unregister = bpy.utils.register_classes_factory((ScanCutoutEndpoint, ScanCutoutPreferences))
