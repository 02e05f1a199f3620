# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator that puts the command which starts a rembg server on the clipboard."""

import bpy

from ..properties.typed import OperatorResult, existing

# Published to this computer only: the server asks nobody for a password. And onnxruntime, which runs its models, shall
# not tell its makers of it.
DOCKER_COMMAND = (
    "docker run -d -p 127.0.0.1:7000:7000 -e ORT_DISABLE_TELEMETRY=1 --name=rembg --restart=always danielgatis/rembg s"
)


class SCAN_CUTOUT_OT_copy_docker_command(bpy.types.Operator):
    """Copy the command, to be pasted into a terminal"""

    bl_idname = "scan_cutout.copy_docker_command"
    bl_label = "Copy Command"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Put it on the clipboard."""
        existing(context.window_manager).clipboard = DOCKER_COMMAND
        self.report({"INFO"}, "The command is on the clipboard; paste it into a terminal")
        return {"FINISHED"}
