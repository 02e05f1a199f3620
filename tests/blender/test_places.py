# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders and files as Blender names them: what is not there, or cannot be, is told in words."""

from __future__ import annotations

# Arguments: a folder to save in. Leaves "here.blend", whose scene has photos beside it.
SAVE = """
from pathlib import Path

place = Path(arguments[0])
settings = bpy.context.scene.scan_cutout
settings.directory, settings.output_directory = "//photos/", "//out"
bpy.ops.wm.save_as_mainfile(filepath=str(place / "here.blend"))
"""

# A file of its own, in another folder, that shows that scene.
LINK = """
bpy.ops.wm.read_homefile(use_empty=False)
(place / "other").mkdir()
bpy.ops.wm.save_as_mainfile(filepath=str(place / "other" / "there.blend"))
with bpy.data.libraries.load(str(place / "here.blend"), link=True) as (_, linked):
    linked.scenes = ["Scene"]
scene = next(each for each in bpy.data.scenes if each.library)
"""


def test_a_folder_is_named_from_its_own_blend_file(blender_installed, tmp_path):
    code = """
shown = scene.scan_cutout
result = [bpy.context.scene.scan_cutout.directory, shown.directory, shown.photos, shown.output, shown.is_adrift]
"""
    own, directory, photos, output, is_adrift = blender_installed.run(SAVE + LINK + code, tmp_path).result
    assert (own, directory) == ("", "//photos/")
    assert (photos, output) == (str(tmp_path / "photos"), str(tmp_path / "out"))
    assert is_adrift is False


def test_a_file_that_was_never_saved_has_no_folder(blender_installed, tmp_path):
    code = """
    import os
    os.chdir(arguments[0])
    os.mkdir("photos")
    settings = bpy.context.scene.scan_cutout
    def said(operator):
        with bpy.context.temp_override(scan_cutout_shown=settings):
            try:
                return str(getattr(bpy.ops.scan_cutout, operator)())
            except RuntimeError as error:
                return str(error)
    result = {}
    for photos, output in (("//photos", ""), (arguments[0] + "/photos/", "//out")):
        settings.directory, settings.output_directory = photos, output
        result[photos or output] = [settings.photos, settings.output, *map(said, (
            "strip_backgrounds", "reconstruct", "build_model", "import_reconstruction", "scan_to_scene",
            "look_at_photos"))]
    """
    unsaved, half = blender_installed.run(code, tmp_path).result.values()
    assert unsaved[:2] == ["", ""], "a folder of the process was taken for one beside the file"
    assert half[:2] == [str(tmp_path / "photos"), ""]
    for words in unsaved[2:] + half[2:]:
        assert words.strip().endswith("Save the .blend first: its folder is what // stands for")


def test_the_root_of_a_disk_stays_one(blender_installed):
    code = """
    settings = bpy.context.scene.scan_cutout
    result = []
    for path in arguments:
        settings.directory = path
        result.append(settings.photos)
    """
    assert blender_installed.run(code, "/", "/scans/", "/scans/vase").result == ["/", "/scans", "/scans/vase"]


def test_nothing_is_brought_into_a_scene_of_another_file(blender_installed, tmp_path):
    code = """
bpy.context.window.scene = scene
def said(operator):
    try:
        return str(getattr(bpy.ops.scan_cutout, operator)(directory=arguments[0]))
    except RuntimeError as error:
        return str(error)
result = [bpy.context.scene == scene, *map(said, ("scan_to_scene", "import_reconstruction", "strip_backgrounds"))]
"""
    is_linked, whole, bring, strip = blender_installed.run(SAVE + LINK + code, tmp_path).result
    assert is_linked is True
    for words in (whole, bring):
        assert words.strip().endswith("This scene is linked from another file; choose a scene of this file")
    assert "No output folder" in strip, "masks are made without a scene"


def test_a_file_that_went_away_is_told_of(blender_installed, tmp_path):
    code = """
    result = []
    for path in (arguments[0], arguments[0] + "/IMG_\\udcfc.JPG"):
        try:
            bpy.ops.scan_cutout.open_path(path=path)
            result.append("")
        except RuntimeError as error:
            result.append(str(error))
    """
    gone, odd = blender_installed.run(code, tmp_path / "gone").result
    assert gone.strip() == f"Error: {tmp_path / 'gone'} is not there any more"
    assert odd.strip().endswith("IMG_?.JPG is not there any more")


def test_a_place_for_temporary_files_that_is_gone_is_told_of(blender_installed, tmp_path):
    code = """
    import tempfile
    from bl_ext.user_default.scan_cutout.session import live_preview, queries
    from bl_ext.user_default.scan_cutout.scan.common.errors import OutputError
    tempfile.tempdir = arguments[0] + "/gone"
    try:
        bpy.ops.scan_cutout.check_endpoint(endpoint="http://127.0.0.1:9")
    except RuntimeError as error:
        result = [str(error)]
    content = {"task": "check_programs", "settings": {}}
    queries.ask(bpy.context, "programs", content)
    result.append(queries.answer("programs").message)
    queries.forget("programs")
    try:
        live_preview.Preview(bpy.context, "")
    except OutputError as error:
        result.append(str(error))
    """
    said = blender_installed.run(code, tmp_path).result
    assert len(said) == 3
    for words in said:
        assert "No folder for temporary files can be made (No such file or directory); make room" in words


def test_buttons_that_do_it_again_say_what_they_do(blender_installed):
    code = """
    from types import SimpleNamespace
    from bl_ext.user_default.scan_cutout.operators.build_model import SCAN_CUTOUT_OT_build_model as build
    from bl_ext.user_default.scan_cutout.operators.reconstruct import SCAN_CUTOUT_OT_reconstruct as reconstruct
    from bl_ext.user_default.scan_cutout.operators.strip_backgrounds import SCAN_CUTOUT_OT_strip_backgrounds as strip
    result = [strip.description(bpy.context, SimpleNamespace(retry=retry)) for retry in (False, True)]
    result += [reconstruct.description(bpy.context, SimpleNamespace(again=again)) for again in (False, True)]
    result += [build.description(bpy.context, SimpleNamespace(model_again=again)) for again in (False, True)]
    """
    strip, retry, reconstruct, again, build, once_more = blender_installed.run(code).result
    assert strip == reconstruct == build == "", "the class's own words"
    assert retry.startswith("Strip again what failed")
    assert again.startswith("Solve the scan from the beginning")
    assert once_more.startswith("Make the model from the beginning")
