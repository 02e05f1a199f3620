# SPDX-License-Identifier: GPL-3.0-or-later
"""The preferences of the extension: which server, how it is asked, how patiently, and which programs."""

from collections.abc import Iterator

import bpy
from bpy.props import CollectionProperty, StringProperty

from .. import __package__ as base_package
from ..properties.declared import kept_properties
from ..properties.stored import Preferences
from ..scan.common.declared import Home
from ..scan.engines import catalog
from ..scan.segmentation import weights
from ..scan.segmentation.settings import TOKEN_VARIABLE, SegmentationSettings
from ..scan.views.settings import Resources
from ..session import programs, queries
from . import model_field, preferences_panel


def _served_models(preferences: Preferences, _context: object, _typed: str) -> Iterator[str]:
    return model_field.suggested(preferences)


def _embedded_models(_preferences: object, _context: object, _typed: str) -> Iterator[str]:
    return iter(weights.found())  # on this computer


def _forget_answers(_preferences: object, _context: object) -> None:
    queries.forget_all(queries.ENDPOINTS)  # with another token or certificate, a server may answer otherwise


def _check_programs(_preferences: object, context: bpy.types.Context) -> None:
    if not bpy.app.background:
        programs.ask(context)


class ScanCutoutEndpoint(bpy.types.PropertyGroup):
    """One more rembg server"""

    __annotations__ = {
        "address": StringProperty(
            name="Endpoint", description="Address of another rembg server, used side by side with the others"
        )
    }


class ScanCutoutPreferences(Preferences):
    """Kept by Blender in its own user preferences"""

    bl_idname = base_package

    __annotations__ = {
        **kept_properties(
            Home.PREFERENCES,
            SegmentationSettings,
            Resources,
            # A collection of its own, below.
            without=("further",),
            more={
                "model": {"search": _served_models, "search_options": {"SUGGESTION"}},
                "certificate": {"update": _forget_answers},
            },
        ),
        "further_endpoints": CollectionProperty(type=ScanCutoutEndpoint),
        # The model of the backend Embedded: so each keeps its own when the user goes from one to the other.
        "embedded_model": StringProperty(
            name="Embedded Model",
            description="Name of a model on this computer, or an ONNX file; u2netp comes with the extension",
            default=weights.BUNDLED,
            search=_embedded_models,
            search_options={"SUGGESTION"},
        ),
        # A secret: never in a job's settings, nor in the call of an operator or a command.
        "token": StringProperty(
            name="Token",
            description="Sent to a server that asks for one; user:password for one that asks for both. The environment "
            f"variable {TOKEN_VARIABLE} goes before it",
            subtype="PASSWORD",
            update=_forget_answers,
        ),
        **{
            row.name: StringProperty(name=row.label, description=row.help, subtype="FILE_PATH", update=_check_programs)
            for row in catalog.rows()
        },
    }

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the panel."""
        preferences_panel.draw(self, context)


register, unregister = bpy.utils.register_classes_factory((ScanCutoutEndpoint, ScanCutoutPreferences))
