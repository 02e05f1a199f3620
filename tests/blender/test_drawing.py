# SPDX-License-Identifier: GPL-3.0-or-later
"""All that the extension draws can be drawn, in every state and by every Blender it runs in.

The bpy module has no window and never draws; the window tests have one, of the newest Blender. What is newer than 4.2
would be found by a user of 4.2. So here the draw functions run on real data and real jobs, and only the layout is
another one: it checks every call against the description that this very Blender has of its own layouts, icons and
operators (checking_layout.py).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from faulty_server import Answer, FaultyServer
from rings import leave_solve, ring, small_turn, turned

from bpy_process import Blender

_SCRIPT = Path(__file__).with_name("draw_everything.py")
SIDEBAR = (
    "SCAN_CUTOUT_PT_scan",
    "SCAN_CUTOUT_PT_photos",
    "SCAN_CUTOUT_PT_background",
    "SCAN_CUTOUT_PT_background_advanced",
    "SCAN_CUTOUT_PT_strip",
    "SCAN_CUTOUT_PT_reconstruct",
    "SCAN_CUTOUT_PT_model",
    "SCAN_CUTOUT_PT_import",
    "SCAN_CUTOUT_PT_export",
)


@pytest.mark.compat
def test_everything_is_drawn_in_every_state(
    blender_installed: Blender,
    server: FaultyServer,
    add_photos: Callable[[int], Sequence[str]],
    photos: Path,
    tmp_path: Path,
) -> None:
    add_photos(8)
    (photos / "A").mkdir()
    for name in ("IMG_0002.JPG", "A/DSC_1.NEF", "IMG_0003.NEF"):  # the last one has what was developed of it
        (photos / name).write_bytes(b"damaged")
    server.script = lambda request: Answer() if request.number < 3 else Answer(status=503)
    with FaultyServer() as gone:
        nowhere = gone.endpoint
    run = blender_installed.run(_SCRIPT, photos, tmp_path / "outputs", server.endpoint, nowhere)
    drawn = run.result
    assert "Traceback" not in run.stderr

    for state, seen in drawn.items():
        assert set(SIDEBAR) <= seen.keys(), state
        assert {"STATUSBAR_HT_header", "SCAN_CUTOUT_MT_main"} <= seen.keys(), state
        assert "scan_cutout.scan_to_scene" in seen["SCAN_CUTOUT_PT_scan"], state

    def scan(state: str) -> str:
        return drawn[state]["SCAN_CUTOUT_PT_scan"]

    assert "Choosethefolderwiththephotos" in drawn["factory"]["SCAN_CUTOUT_PT_photos"]
    assert "Thereisnophotofolder" in drawn["photo folder gone"]["SCAN_CUTOUT_PT_photos"]
    assert "scan_cutout.look_at_photos" in drawn["not looked at"]["SCAN_CUTOUT_PT_photos"]
    _check_photos(drawn)
    assert "Starting…" in scan("starting")
    for said in ("5of9", "2failed", "503", "template_icon", "scan_cutout.cancel_job"):
        assert said in scan("running")
    for said in ("IMG_0002.JPG", "A/DSC_1.NEF", "isaRAWfile", "scan_cutout.open_path", "Log"):
        assert said in scan("running")
    assert "Abouttoend" in scan("cancelling")
    assert "Cancelled:3of9photoshaveamask" in scan("cancelled")
    for said in ("IMG_0002.JPG", "A/DSC_1.NEF", "isaRAWfile", "scan_cutout.open_path", "RetryFailedPhotos"):
        assert said in scan("failed photos")
    assert "3of9photoshaveamask" in drawn["failed photos"]["SCAN_CUTOUT_PT_strip"]
    assert "Noserveranswers" in scan("stopped")
    assert "Matching12pairs" in scan("engine's step")
    assert "left" not in scan("engine's step"), "nobody knows yet"
    assert re.search(r"1of7200.*\d:\d\d:\d\dleft", scan("pace of Matching 7200 pairs"))
    assert "photos/s" not in scan("pace of Matching 7200 pairs")
    assert re.search(r"1of40.*\d\.\dphotos/s,[\d:]+left", scan("pace of photos"))
    _check_ended(drawn, str(tmp_path / "outputs" / "output").replace(" ", ""))
    solved, before = (drawn[state]["SCAN_CUTOUT_PT_reconstruct"] for state in ("solved", "looked at"))
    assert "placed38of40photos" in solved
    assert solved.count("scan_cutout.reconstruct") == 2 * before.count("scan_cutout.reconstruct") > 0, "Solve Again"
    _check_model(drawn)
    assert "Askingtheserver…" in drawn["asking, answered"]["SCAN_CUTOUT_PT_background"]
    assert "Noserveranswers" in drawn["not answered"]["SCAN_CUTOUT_PT_background"]
    _check_places(drawn, server.endpoint, nowhere)
    assert "embedded_model" in drawn["embedded"]["SCAN_CUTOUT_PT_background"]
    assert "cutout_color" in drawn["embedded"]["SCAN_CUTOUT_PT_background"]
    for said in ("proxy_size", "full_resolution", "Onlyarembgserver"):
        assert said in drawn["embedded"]["SCAN_CUTOUT_PT_background_advanced"]


def _check_photos(drawn: Mapping[str, Mapping[str, str]]) -> None:
    """What is drawn of photos, and of masks that somebody has made already."""
    looked_at, own, inverted = (
        drawn[state]["SCAN_CUTOUT_PT_photos"] for state in ("looked at", "own masks", "own masks inverted")
    )
    for said in ("9photos", "8JPEG,1RAW", "1RAWphoto", "develop_raw", "1RAWfilepassedover", "template_icon"):
        assert said in looked_at
    assert "scan_cutout.adopt_masks" not in looked_at
    assert ("2masksofyourownarethere" in own, "BlackIstheObject" in own) == (True, False)
    assert own.count("scan_cutout.adopt_masks") * 2 == inverted.count("scan_cutout.adopt_masks") > 0
    for said in ("2masksofyourownarethere", "2of2masksmaybeinverted", "BlackIstheObject", "WhiteIstheObject"):
        assert said in inverted


def _check_model(drawn: Mapping[str, Mapping[str, str]]) -> None:
    """What is drawn of a model, and of what it may take of the computer."""
    solved, built = (drawn[state]["SCAN_CUTOUT_PT_model"] for state in ("solved", "built"))
    for said in ("build_model", "model_quality", "faces", "all_faces", "scan_cutout.build_model"):
        assert said in solved
    assert ("Modelwith" in solved, "Modelwith59,998faces" in built) == (False, True)
    assert built.count("scan_cutout.build_model") == 2 * solved.count("scan_cutout.build_model"), "Build Again"
    assert "BuildModel" in drawn["building"]["SCAN_CUTOUT_PT_scan"]
    ended = drawn["built of some"]["SCAN_CUTOUT_PT_scan"]
    assert ("Themodelismadeof1photo" in ended, "1of2photoshaveamask" in ended) == (True, False)
    export, rendered = (drawn[state]["SCAN_CUTOUT_PT_export"] for state in ("built", "rendered"))
    for said in ("scan_cutout.export_model", "scan_cutout.render_turntable", "turntable_samples", "turntable_frames"):
        assert said in export
    places = ["/temporary" in drawn[state]["SCAN_CUTOUT_PT_scan"] for state in ("built elsewhere", "rendered")]
    assert places == [True, False]
    assert ("ShowTurntable" in export, "ShowTurntable" in rendered) == (False, True)
    for said in ("threads", "all_but_one_thread", "memory", "half_memory"):
        assert said in drawn["factory"]["ScanCutoutPreferences"]


def _check_ended(drawn: dict[str, dict[str, str]], output: str) -> None:
    """What the panel says of a job that has ended, in the folder ``output``."""

    def scan(state: str) -> str:
        return drawn[state]["SCAN_CUTOUT_PT_scan"]

    ended = scan("ended with warnings")
    assert "Warning1" in ended
    assert "Warning2" not in ended
    assert "and98morewarnings" in ended, "one of the engine's and a hundred of the test"
    assert output in scan("another folder is chosen")
    assert output not in ended
    many = scan("many failed photos")
    for said in ("IMG_0004.JPG", "295More", "IMG_0199.JPG", "Thereporthasallofthem"):
        assert said in many
    assert "IMG_0200.JPG" not in many


def _check_places(drawn: Mapping[str, Mapping[str, str]], endpoint: str, nowhere: str) -> None:
    """What is drawn of two servers, and of folders that are gone, not there yet, or of names that are no text."""
    both = drawn["one of two answers"]["SCAN_CUTOUT_PT_background"]
    assert f"answersat{endpoint.split('/')[2]}" in both
    assert f"{nowhere.split('/')[2]}:Noserveranswers" in both
    gone = drawn["photo folder gone, output there"]
    assert "Thereisnophotofolder" in gone["SCAN_CUTOUT_PT_photos"]
    assert "3masks" in gone["SCAN_CUTOUT_PT_strip"]
    assert "placed38of40photos" in gone["SCAN_CUTOUT_PT_reconstruct"]
    for said in ("isaRAWfile", "RetryFailedPhotos"):
        assert said in gone["SCAN_CUTOUT_PT_scan"]
    assert "Savethe.blendfirst" in drawn["never saved"]["SCAN_CUTOUT_PT_photos"]
    if sys.platform == "linux":
        assert "Side?" in drawn["not UTF-8"]["SCAN_CUTOUT_PT_photos"]
        assert "IMG_?.JPG" in drawn["not UTF-8, running"]["SCAN_CUTOUT_PT_scan"]
        assert "IMG_?.JPG" in drawn["not UTF-8"]["SCAN_CUTOUT_PT_scan"]


def test_what_this_blender_does_not_have_is_found(blender_installed: Blender) -> None:
    """The checks themselves: most of the errors above would else be silence."""
    found = blender_installed.run(
        """
        import sys
        sys.path.insert(0, arguments[0])
        from checking_layout import CheckingLayout

        scene = bpy.context.scene
        wrong = {
            "a function": lambda layout: layout.no_such_function(),
            "an icon": lambda layout: layout.label(text="", icon="NO_SUCH_ICON"),
            "a parameter": lambda layout: layout.row(align=True, no_such_parameter=1),
            "too many": lambda layout: layout.progress("", "", 0.5, "BAR", True, 1, 2, 3),
            "too few": lambda layout: layout.prop(scene),
            "a kind": lambda layout: layout.label(text=12),
            "no text": lambda layout: layout.label(text="IMG_\\udcfc.JPG"),
            "its text": lambda layout: setattr(layout.operator("wm.url_open"), "url", "\\udcfc"),
            "a property": lambda layout: layout.prop(scene, "no_such_property"),
            "a menu": lambda layout: layout.menu("NO_MT_such"),
            "an operator": lambda layout: layout.operator("wm.no_such_operator"),
            "its property": lambda layout: setattr(layout.operator("wm.path_open"), "no_such", ""),
            "its kind": lambda layout: setattr(layout.operator("wm.path_open"), "filepath", 1),
            "an attribute": lambda layout: setattr(layout, "no_such_attribute", 1),
            "a value": lambda layout: setattr(layout, "alignment", "NOWHERE"),
        }
        result = []
        for name, call in wrong.items():
            try:
                call(CheckingLayout([], is_open=True))
            except AssertionError:
                result.append(name)
        layout = CheckingLayout(seen := [], is_open=True)
        layout.column(align=True).box().operator("wm.path_open", text="Open", icon="TEXT").filepath = "/"
        layout.operator("wm.path_open").filepath = "/IMG_\\udcfc.JPG"
        layout.row().prop(scene, "frame_start", text="Start")
        layout.use_property_split = True
        assert seen == ["Open", "wm.path_open", "wm.path_open", "Start", "frame_start"], seen
        result.append(len(wrong))
        """,
        Path(__file__).parent,
    ).result
    assert len(found) - 1 == found[-1], found


def test_the_panel_offers_the_photo_that_is_looked_through_as_the_front(
    blender_installed: Blender, tmp_path: Path
) -> None:
    leave_solve(tmp_path / "Vase", turned(ring("up", 10, 20.0), small_turn(np.array([40.0, -70.0, 25.0]))))
    code = """
import sys
sys.path.insert(0, arguments[1])
from checking_layout import CheckingLayout
from bl_ext.user_default.scan_cutout.ui.sidebar_placement import SCAN_CUTOUT_PT_placement
scene = bpy.context.scene

def drawn():
    layout = CheckingLayout(seen := [], is_open=True)
    SCAN_CUTOUT_PT_placement.draw_settings(None, bpy.context, layout, scene.scan_cutout)
    return seen

bpy.ops.scan_cutout.import_reconstruction(directory=arguments[0], animated_camera=True)
cameras = [each for each in scene.objects if each.type == "CAMERA" and each.parent]
(tour,) = [each for each in cameras if "scan_cutout_photo" not in each.data]
(third,) = [each for each in cameras if each.data.get("scan_cutout_photo") == "up/0003.jpg"]
result = []
for each in (tour, third):
    bpy.ops.scan_cutout.look_through_photo(camera=each.name)
    result.append(drawn())
"""
    plain, with_front = blender_installed.run(code, tmp_path / "Vase", Path(__file__).parent).result
    assert plain.count("scan_cutout.stand_upright") == 1
    assert with_front.count("scan_cutout.stand_upright") == 2
    assert {"up_side", "front", "height", "scan_cutout.scale_by_distance", "scan_cutout.reset_placement"} <= set(plain)
