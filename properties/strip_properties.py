# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of a strip as an operator's properties, named as in ``scan.tasks.settings.StripSettings``."""

from typing import Any

import bpy
from bpy.props import CollectionProperty, EnumProperty, IntProperty, StringProperty

from ..scan.tasks.settings import AnswerSettings
from .scan_properties import RELATIVE, MaskProperties, read

BACKENDS = (
    ("ENDPOINT", "rembg Endpoint", "A rembg server, on this computer or another one"),
    ("EMBEDDED", "Embedded", "The model that comes with the extension, or another one on this computer; no server"),
)


class StripProperties(MaskProperties):
    """Mixed into an operator: beside the mask settings, what belongs to a call or to the computer."""

    directory: StringProperty(  # type: ignore[valid-type]
        name="Photos",
        description="Folder with the photos; each subfolder is one side of the scan",
        subtype="DIR_PATH",
        options={"SKIP_SAVE"} | RELATIVE,
    )
    files: CollectionProperty(  # type: ignore[valid-type]
        name="Files",
        description="Photos in that folder; none means all of them, subfolders included",
        type=bpy.types.OperatorFileListElement,
        options={"SKIP_SAVE"},
    )
    output_directory: StringProperty(  # type: ignore[valid-type]
        name="Output",
        description="Folder for masks and reports, outside of the photo folder; an earlier run there is continued",
        subtype="DIR_PATH",
        options={"SKIP_SAVE"} | RELATIVE,
    )
    # Without the scene's limits: Blender would change what a script gives in silence, where a run refuses it in words.
    proxy_size: IntProperty(  # type: ignore[valid-type]
        name="Proxy Size",
        description="Long edge in pixels of what the model is given, from 256 to 8192; 0 is Full Resolution",
        default=AnswerSettings.proxy_size,
    )
    backend: EnumProperty(  # type: ignore[valid-type]
        name="Backend",
        description="What removes the backgrounds; unset, what the preferences say",
        items=BACKENDS,
    )
    endpoint: StringProperty(  # type: ignore[valid-type]
        name="Endpoint",
        description="Address of the rembg server; unset, the one in the preferences",
    )
    model: StringProperty(  # type: ignore[valid-type]
        name="Model",
        description="Name of the model, or for the embedded backend a file; unset, the one in the preferences",
    )

    def given(self, shown: dict[str, Any]) -> dict[str, Any]:
        """What the caller has set, by the names of the settings; ``shown`` counts for what is left."""
        own = [*MaskProperties.__annotations__, "backend", "endpoint", "model"]
        return {
            **{name: shown[name] for name in MaskProperties.__annotations__.keys() & shown.keys()},
            **read(self.properties, own),
            "photos": bpy.path.abspath(self.directory) or shown.get("photos", ""),
            "output": bpy.path.abspath(self.output_directory) or shown.get("output", ""),
            "files": tuple(each.name for each in self.files),
        }
