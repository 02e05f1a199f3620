# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender has of a setting is what is declared of it, in operators, in the scene and in the preferences."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bpy_process import Blender
from scan.common.declared import Home, Setting, Unit, settings_of
from scan.engines import catalog
from scan.engines.settings import ReconstructSettings
from scan.export.settings import ExportSettings, TurntableSettings
from scan.meshing.settings import ModelSettings
from scan.reconstruction.settings import ImportSettings, SceneContent
from scan.tasks.settings import NOT_OF_A_SCAN, AdoptSettings, ScanSteps, StripSettings
from scan.texturing.settings import TextureSettings

TOYS = Path(__file__).parents[1] / "toys"
OPERATORS = {
    "strip_backgrounds": (StripSettings,),
    "adopt_masks": (AdoptSettings,),
    "reconstruct": (ReconstructSettings,),
    "build_model": (ModelSettings,),
    "import_reconstruction": (ImportSettings,),
    "texture_model": (TextureSettings,),
    "scan_to_scene": (StripSettings, ReconstructSettings, ModelSettings, TextureSettings, ScanSteps, SceneContent),
    "export_model": (ExportSettings,),
    "render_turntable": (TurntableSettings,),
}
READ = """
    def told(properties):
        return {
            each.identifier: {
                "name": each.name, "description": each.description, "type": each.type,
                "items": [[item.identifier, item.name, item.description] for item in getattr(each, "enum_items", ())],
                "default": [*each.default_array] if getattr(each, "is_array", False) else getattr(each, "default", 0),
                "range": [getattr(each, "hard_min", None), getattr(each, "hard_max", None)],
            }
            for each in properties if each.identifier not in {"rna_type", "name"}
        }

    result = {name: told(getattr(bpy.ops.scan_cutout, name).get_rna_type().properties) for name in arguments}
    result["scene"] = told(bpy.context.scene.scan_cutout.bl_rna.properties)
    stored = bpy.context.preferences.addons["bl_ext.user_default.scan_cutout"].preferences
    result["preferences"] = told(stored.bl_rna.properties)
"""
TYPES = {bool: "BOOLEAN", int: "INT", float: "FLOAT", str: "STRING", tuple: "COLLECTION"}


def fits(each: Setting, found: dict[str, Any], *, has_limits: bool) -> None:
    """Compare a property with what is declared of its setting."""
    given = each.declaration
    assert found["name"] == given.label
    assert found["description"].startswith(given.help)
    kind = "ENUM" if each.choices else "FLOAT" if given.unit is Unit.COLOR else TYPES[each.type]
    assert found["type"] == kind
    assert found["items"] == [[choice.name, choice.label, choice.help] for choice in each.choices]
    if each.type in (int, float):
        # Where 0 is the default and lies out of the range, the checkbox beside it says so.
        assert found["default"] == pytest.approx(max(each.default, given.low or 0) if has_limits else each.default)
        assert (found["range"] == pytest.approx([given.low, given.high], rel=1e-6)) is has_limits
    elif given.unit is Unit.COLOR:
        assert [round(channel * 255) for channel in found["default"]] == [*bytes.fromhex(each.default[1:])]
    elif each.type is bool or each.choices:
        assert found["default"] == each.default


def zeros_of(settings: dict[str, Setting]) -> dict[str, bool]:
    """The checkboxes that stand for 0, and whether that is the default."""
    return {each.declaration.zero.name: each.default == 0 for each in settings.values() if each.declaration.zero}


@pytest.mark.compat
def test_properties_are_what_is_declared(blender_installed: Blender) -> None:
    found = blender_installed.run(READ, *OPERATORS).result
    for name, groups in OPERATORS.items():
        wanted = {each.in_blender: each for group in reversed(groups) for each in settings_of(group)}
        wanted = {name: each for name, each in wanted.items() if not each.declaration.no_operator}
        if name == "scan_to_scene":
            wanted = {name: each for name, each in wanted.items() if each.name not in NOT_OF_A_SCAN}
        zeros = zeros_of(wanted)
        assert found[name].keys() - {"retry", "filter_glob", "check_existing"} == wanted.keys() | zeros.keys(), name
        assert {zero: found[name][zero]["default"] for zero in zeros} == zeros
        for own, each in wanted.items():
            fits(each, found[name][own], has_limits=False)
    groups = (*OPERATORS["scan_to_scene"], TurntableSettings)
    every = {each.in_blender: each for group in groups for each in settings_of(group)}
    kept = {name: each for name, each in every.items() if each.declaration.home is Home.SCENE}
    assert found["scene"].keys() == kept.keys() | zeros_of(kept).keys()
    stored = {name: each for name, each in every.items() if each.declaration.home is Home.PREFERENCES}
    rows = {row.name for row in catalog.rows()}
    own = rows | {"token", "embedded_model", "bl_idname"}
    assert found["preferences"].keys() - own == (stored.keys() - {"executable"}) | zeros_of(stored).keys()
    assert {zero: found["preferences"][zero]["default"] for zero in zeros_of(stored)} == zeros_of(stored)
    del stored["further_endpoints"], stored["executable"]  # a collection, and a row for each program
    for place, settings in (("scene", kept), ("preferences", stored)):
        for name, each in settings.items():
            if each.declaration.unit is not Unit.FOLDER:  # a solve's photos may be those of the last job
                fits(each, found[place][name], has_limits=True)


@pytest.mark.compat
def test_a_toy_engine_and_a_toy_reader_are_shown_like_the_others(blender_installed: Blender) -> None:
    code = """
        import importlib
        from types import SimpleNamespace
        from pathlib import Path
        import addon_utils

        package = "bl_ext.user_default.scan_cutout"
        for name, folder in (("scan.engines", "engines"), ("scan.reconstruction.readers", "readers")):
            importlib.import_module(f"{package}.{name}").__path__.append(str(Path(arguments[0], folder)))
        toy = importlib.import_module(f"{package}.scan.engines.catalog")
        toy.ENGINES += (importlib.import_module(f"{package}.scan.engines.toy_engine").ENTRY,)
        kept = {name: module for name, module in sys.modules.items() if name.startswith(f"{package}.scan.")}
        # Not by the operators, which would take the extension's packages out of a folder that other tests use, too.
        addon_utils.disable(package, default_set=True, refresh_handled=True)
        for name in [name for name in sys.modules if name.startswith(package) and name not in kept]:
            del sys.modules[name]
        importlib.import_module(f"{package}.scan.reconstruction.readers.registry").readers.cache_clear()
        addon_utils.enable(package, default_set=True, refresh_handled=True)
        scene = bpy.context.scene.scan_cutout
        scene.engine = "TOY"
        stored = bpy.context.preferences.addons[package].preferences
        stored.toy_executable = "/usr/bin/toy"
        sources = importlib.import_module(f"{package}.properties.job_settings")
        handler = bpy.types.FileHandler.bl_rna_get_subclass_py("SCAN_CUTOUT_FH_import_reconstruction")
        seen = []
        menu = SimpleNamespace(layout=SimpleNamespace(operator=lambda name, **given: seen.append(given["text"])))
        importlib.import_module(f"{package}.ui.menus")._draw_import(menu, bpy.context)
        engine = sources.reconstruct_settings(bpy.context, scene.given() | {"photos": "p", "output": "o"})
        result = [engine.engine, engine.executable, handler.bl_file_extensions, seen]
    """
    found = blender_installed.run("import sys\n" + "\n".join(line[8:] for line in code.splitlines()), TOYS, alone=True)
    assert found.result == ["TOY", "/usr/bin/toy", ".bin;.txt;.toy", ["Photogrammetry Scan (COLMAP, Toy)"]]
