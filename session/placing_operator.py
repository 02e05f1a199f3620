# SPDX-License-Identifier: GPL-3.0-or-later
"""What the operators share that change where a scan stands."""

import bpy

from ..properties.typed import OperatorMixin, OperatorResult, existing
from ..scan.common.errors import ScanError, printable
from ..scene import photo_cameras, placing


class PlacingOperator(OperatorMixin):
    """Mixed into an operator whose ``place`` changes the scan of the active object, else the scene's only one."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """There is a scan, in a scene that can be changed."""
        if existing(context.scene).library is not None:
            cls.poll_message_set("This scene is linked from another file; choose a scene of this file")
            return False
        # Not all objects of the scene, which may be many, are looked at whenever a panel is drawn.
        if any(photo_cameras.PHOTO in photo_cameras.noted(each) for each in bpy.data.cameras):
            return True
        cls.poll_message_set("There is no scan in the scene; import a reconstruction first")
        return False

    def place(self, context: bpy.types.Context, root: bpy.types.Object) -> None:
        """Change the scan of this root. Raises ScanError before anything is changed."""
        raise NotImplementedError

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Change it; an error is reported as such, which makes a calling script fail."""
        try:
            self.place(context, placing.chosen_root(context))
        except ScanError as error:
            self.report({"ERROR"}, printable(str(error)))
            return {"CANCELLED"}
        return {"FINISHED"}
