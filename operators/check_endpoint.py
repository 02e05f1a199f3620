# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator that asks rembg servers who they are."""

from dataclasses import asdict
from pathlib import Path

import bpy

from .. import __package__ as base_package
from ..properties import job_settings
from ..properties.typed import BoolProperty, OperatorResult, StringProperty, with_properties
from ..scan.common.errors import ScanError
from ..scan.common.files import temporary_folder
from ..scan.job.folder import JobFolder
from ..session import driver, found_endpoint, queries
from ..session.job_operator import report
from ..session.steps import Job


@with_properties
class SCAN_CUTOUT_OT_check_endpoint(bpy.types.Operator):
    """Ask the rembg server for its version and its models"""

    bl_idname = "scan_cutout.check_endpoint"
    bl_label = "Test Connection"
    bl_options = {"REGISTER"}

    endpoint: str = StringProperty(
        name="Endpoint",
        description="Address of the rembg server; unset, those in the preferences",
        options={"SKIP_SAVE"},
    )
    show: bool = BoolProperty(
        name="Show Preferences",
        description="Open the preferences, which show the answer",
        options={"SKIP_SAVE", "HIDDEN"},
    )

    def execute(self, context: bpy.types.Context) -> OperatorResult:
        """Run by a user: the preferences show the answers when they come. Run by a script: wait and report them.

        The endpoint that was found takes the place of what the preferences had for it. An error where one of the
        servers does not answer, or is not rembg.
        """
        is_by_hand = self.options.is_invoke and not bpy.app.background
        stored = job_settings.preferences(context)
        if is_by_hand and not self.endpoint and stored and stored.backend == "EMBEDDED":
            self.report({"WARNING"}, "The backend is Embedded; there is no server to test")
            return {"CANCELLED"}
        if is_by_hand and self.show:
            bpy.ops.preferences.addon_show(module=base_package)
        given = {"endpoint": self.endpoint} if self.properties.is_property_set("endpoint") else {}
        ask = self._ask if is_by_hand else self._wait_for
        # All of them, whatever the first one says.
        answered = [ask(context, address) for address in job_settings.endpoint_settings(context, given).addresses]
        return {"FINISHED"} if all(answered) else {"CANCELLED"}

    def _ask(self, context: bpy.types.Context, address: str) -> bool:
        name = queries.of_endpoint(address)
        try:
            content = _content(context, address)
        except ScanError as error:
            queries.forget(name)
            self.report({"WARNING"}, str(error))  # which the preferences say as well, below the address
            return False
        if not queries.is_asked(name):  # a server that hangs is not asked faster by asking more
            queries.ask(context, name, content, lambda answer: found_endpoint.keep(bpy.context, address, answer))
        return True

    def _wait_for(self, context: bpy.types.Context, address: str) -> bool:
        try:
            content = _content(context, address)
            with temporary_folder() as folder:
                ended = driver.run_blocking(context, Job(self.bl_label, JobFolder(Path(folder)), content))
        except ScanError as error:
            self.report({"ERROR"}, str(error))
            return False
        found_endpoint.keep(context, address, ended)
        report(self, ended)
        return ended.can_continue


def _content(context: bpy.types.Context, address: str) -> dict[str, object]:
    """A job like any other, so that a server that hangs hangs a process and not Blender. Raises BadUseError."""
    asked = job_settings.endpoint_settings(context, {"endpoint": address})
    asked.check()
    return {"task": "check_endpoint", "settings": asdict(asked)}
