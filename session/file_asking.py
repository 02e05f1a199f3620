# SPDX-License-Identifier: GPL-3.0-or-later
"""What operators share that write a file of the model: by hand they ask for it, in Blender's file browser."""

from pathlib import Path
from typing import Any

import bpy
from bpy.props import BoolProperty, StringProperty

from ..properties.declared import given
from ..properties.typed import OperatorMixin, OperatorResult, existing
from ..scene.model_alone import NO_MODEL, has_model
from .handing_on import proposed_file


def browser_properties(suffixes: tuple[str, ...]) -> dict[str, Any]:
    """Those of the file browser: what it shows, and that it asks before a file is overwritten."""
    shown = ";".join(f"*{suffix}" for suffix in suffixes)
    return {
        "filter_glob": StringProperty(default=shown, options={"HIDDEN"}),
        "check_existing": BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"}),
    }


class FileAsking(OperatorMixin):
    """Mixed into an operator whose properties are those of a group with a file and whether it may be overwritten."""

    suffix: str
    """That of the file which is proposed."""
    _has_asked = False

    @classmethod
    def finds_model(cls, context: bpy.types.Context) -> bool:
        """Whether there is a model; else that is said."""
        if has_model(context):
            return True
        cls.poll_message_set(NO_MODEL)
        return False

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> OperatorResult:
        """Ask for the file, unless it is named."""
        if self.properties.filepath:
            return self.execute(context)
        self.properties.filepath = str(proposed_file(context, self.suffix))
        self._has_asked = True
        existing(context.window_manager).fileselect_add(self)
        return {"RUNNING_MODAL"}

    def wanted(self, group: type) -> dict[str, Any]:
        """What was set. What the file browser has asked about may be overwritten, and nothing that comes with it."""
        values = given(self.properties, group)
        if self._has_asked and Path(self.properties.filepath).is_file():
            values["overwrite"] = True
        return values
