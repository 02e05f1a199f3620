# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator that puts a scan where its engine had it."""

import bpy
import numpy as np

from ..scan.reconstruction.placement import AS_SOLVED, Placement
from ..scene import placing
from ..session.placing_operator import PlacingOperator


class SCAN_CUTOUT_OT_reset_placement(PlacingOperator, bpy.types.Operator):
    """Put the scan where the engine had it, as it lay there and in the engine's own scale"""

    bl_idname = "scan_cutout.reset_placement"
    bl_label = "Reset Placement"
    bl_options = {"REGISTER", "UNDO"}

    def place(self, _context: bpy.types.Context, root: bpy.types.Object) -> None:
        """Put it there."""
        placing.put(placing.read(root), Placement(AS_SOLVED, 1.0, np.zeros(3)).matrix)
