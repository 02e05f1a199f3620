# SPDX-License-Identifier: GPL-3.0-or-later
"""The preferences of the extension: which server, how it is asked, how patiently."""

import bpy
from bpy.props import EnumProperty, FloatProperty, IntProperty, StringProperty

from .. import __package__ as base_package
from ..operators.check_endpoint import SCAN_CUTOUT_OT_check_endpoint
from ..operators.strip_properties import BACKENDS
from ..scan import models, weights
from ..scan.requirements import missing
from ..scan.settings import DEFAULT_ENDPOINT, MAX_IN_FLIGHT, TOKEN_VARIABLE, EndpointSettings

_DEFAULTS = EndpointSettings()


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
    model: StringProperty(  # type: ignore[valid-type]
        name="Model",
        description="Name of the rembg model; the server loads it, or downloads it, when it is first asked for",
        default=models.DEFAULT_MODEL,
    )
    embedded_model: StringProperty(  # type: ignore[valid-type]
        name="Embedded Model",
        description="Name of a model on this computer, or an ONNX file; u2netp comes with the extension",
        default=weights.BUNDLED,
    )
    token: StringProperty(  # type: ignore[valid-type]
        name="Token",
        description=f"Sent to a server that asks for one; the environment variable {TOKEN_VARIABLE} goes before it",
        subtype="PASSWORD",
    )
    colmap_executable: StringProperty(  # type: ignore[valid-type]
        name="COLMAP",
        description="The COLMAP program, for the engine COLMAP (Executable); empty for the one on PATH",
        subtype="FILE_PATH",
    )
    in_flight: IntProperty(  # type: ignore[valid-type]
        name="Requests in Flight",
        description="Photos the server is asked for at the same time",
        default=_DEFAULTS.in_flight,
        min=1,
        max=MAX_IN_FLIGHT,
    )
    timeout: FloatProperty(  # type: ignore[valid-type]
        name="Timeout",
        description="How long one answer of the server may take",
        default=_DEFAULTS.timeout,
        min=1,
        max=86400,
        subtype="TIME_ABSOLUTE",
    )
    first_timeout: FloatProperty(  # type: ignore[valid-type]
        name="First Timeout",
        description="How long the first answer of a run may take, in which the server loads or downloads its model",
        default=_DEFAULTS.first_timeout,
        min=1,
        max=86400,
        subtype="TIME_ABSOLUTE",
    )
    retry_for: FloatProperty(  # type: ignore[valid-type]
        name="Retry For",
        description="How long a server that went away is waited for before the run stops; it can be continued later",
        default=_DEFAULTS.retry_for,
        min=0,
        max=86400,
        subtype="TIME_ABSOLUTE",
    )

    def draw(self, _context: bpy.types.Context) -> None:
        """Draw the panel."""
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        if words := missing():
            layout.label(text=words, icon="ERROR")
        column = layout.column()
        column.prop(self, "backend")
        if self.backend == "EMBEDDED":
            self._draw_embedded(column)
        else:
            self._draw_endpoint(column)

    def _draw_embedded(self, column: bpy.types.UILayout) -> None:
        column.prop(self, "embedded_model")
        if words := weights.unavailable():
            column.label(text=words, icon="ERROR")

    def _draw_endpoint(self, column: bpy.types.UILayout) -> None:
        column.prop(self, "endpoint")
        column.operator(SCAN_CUTOUT_OT_check_endpoint.bl_idname)
        column.prop(self, "model")
        if note := models.note(self.model):
            column.label(text=note, icon="INFO")
        column.prop(self, "token")
        if self.token:
            column.label(text="Blender stores the token unencrypted, in its user preferences", icon="INFO")
        column.separator()
        column.prop(self, "colmap_executable")
        column.separator()
        for name in ("in_flight", "timeout", "first_timeout", "retry_for"):
            column.prop(self, name)


register, unregister = bpy.utils.register_classes_factory((ScanCutoutPreferences,))
