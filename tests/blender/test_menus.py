# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's search finds what stands in menus: every operator that is for users has to."""

from __future__ import annotations

from pathlib import Path

import pytest

from bpy_process import Blender


@pytest.mark.compat
def test_every_public_operator_is_in_the_menu(blender_installed: Blender) -> None:
    public, internal, seen = blender_installed.run(
        """
        import sys
        from types import SimpleNamespace
        sys.path.insert(0, arguments[0])
        from checking_layout import CheckingLayout
        from bl_ext.user_default.scan_cutout.ui.menus import SCAN_CUTOUT_MT_main

        SCAN_CUTOUT_MT_main.draw(SimpleNamespace(layout=CheckingLayout(seen := [], is_open=True)), bpy.context)
        operators = [each for each in bpy.types.Operator.__subclasses__() if ".scan_cutout." in each.__module__]
        public = [each.bl_idname for each in operators if "INTERNAL" not in getattr(each, "bl_options", ())]
        result = [public, [each.bl_idname for each in operators if each.bl_idname not in public], seen]
        """,
        Path(__file__).parent,
    ).result
    assert {"scan_cutout.strip_backgrounds", "scan_cutout.cancel_job"} <= set(public)
    assert set(public) <= set(seen)
    assert not set(internal) & set(seen)
