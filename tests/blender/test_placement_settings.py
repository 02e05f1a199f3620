# SPDX-License-Identifier: GPL-3.0-or-later
"""How a scan's placement is asked for: in calls, by the command line, in the panel; and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from faulty_server import FaultyServer
from placed_scans import BEGIN, TOP, make_scan

from bpy_process import Blender


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """Give a job folder with ten photos of a box that stands upright, and eight of it upside down."""
    return make_scan(tmp_path / "Vase")


@pytest.mark.compat
def test_side_front_and_height_are_taken_by_import_and_by_stand_upright(blender_installed: Blender, scan: Path) -> None:
    """In a scene whose unit is the millimetre: a length in a call is in the scene's units."""
    found = blender_installed.run(
        BEGIN
        + """
scene.unit_settings.scale_length = 0.001
given = {"up_side": "down", "front": "down/0002.jpg", "height": 180}
bring(**given)
result = [[ends()[1][2], top(), list(camera("down/0002.jpg").matrix_world.translation), matrix()]]
bpy.ops.scan_cutout.reset_placement()
bpy.ops.scan_cutout.stand_upright(**given)
result += [[ends()[1][2], top(), list(camera("down/0002.jpg").matrix_world.translation), matrix()]]
bpy.ops.scan_cutout.stand_upright()    # keeps the scale
result += [[ends()[1][2], top(), list(camera("up/0000.jpg").matrix_world.translation), matrix()]]
""",
        scan,
        TOP,
    ).result
    imported, put, again = found
    np.testing.assert_allclose(imported[3], put[3], atol=1e-4 * 180)
    for height, top, front, _ in (imported, put):
        assert height == pytest.approx(180, rel=1e-4)
        np.testing.assert_allclose(top, [0, 0, 0], atol=0.02)
        assert front[1] < -300
        assert abs(front[0]) < 1
    height, top, front, _ = again
    assert height == pytest.approx(180, rel=1e-4)
    np.testing.assert_allclose(top, [0, 0, 180], atol=0.02)
    assert abs(front[0]) < 1


@pytest.mark.compat
def test_what_cannot_be_is_refused_and_nothing_is_changed(blender_installed: Blender, scan: Path) -> None:
    found = blender_installed.run(
        BEGIN
        + """
scale, upright = "scale_by_distance", "stand_upright"
result = [refused(name) for name in (scale, upright, "reset_placement")]
bring()
before = matrix()
given = {"point_a": (0, 0, 0), "point_b": (0, 0, 1)}
result += [refused(scale, distance=1), refused(scale, point_a=(1, 2, 3), point_b=(1, 2, 3), distance=1),
           *(refused(scale, distance=each, **given) for each in (0, -1, math.nan, math.inf)),
           refused(upright, up_side="left"), refused(upright, front="nobody.jpg"),
           *(refused(upright, height=each) for each in (-1, math.nan))]
unchanged = matrix() == before
bring(same_scan="ADD")
bpy.context.view_layer.objects.active = None
result += [refused(upright)]
bpy.context.view_layer.objects.active = camera("up/0000.jpg")
result += [refused(upright), unchanged]
""",
        scan,
    ).result
    assert [("import a reconstruction first" in each) for each in found[:3]] == [True] * 3
    assert "Two points are needed" in found[3]
    assert "same" in found[4]
    assert ["larger than 0" in each for each in found[5:9]] == [True] * 4
    assert "There are no photos with a camera in left" in found[9]
    assert "The front nobody.jpg is no photo" in found[10]
    assert ["Height must be from 0 to 1,000,000 metres" in each for each in found[11:13]] == [True] * 2
    assert "There are 2 scans in the scene: Vase, Vase.001; select one" in found[13]
    assert found[14:] == ["", True]


@pytest.mark.compat
def test_the_command_line_places_it(blender_installed: Blender, scan: Path, tmp_path: Path) -> None:
    found = blender_installed.run(
        BEGIN
        + """
from bl_ext.user_default.scan_cutout.session import command_line
result = []
for given in (["--height", "0.18", "--side", "down", "--front", "down/0001.jpg"], ["--no-upright"],
              ["--side", "left"], ["--height", "-1"], ["--front", "x.jpg"]):
    bpy.ops.wm.read_homefile(use_empty=True)
    code = command_line.run(["import", "--output", arguments[0], "--blend", arguments[1], *given])
    result.append([code, ends(), top(), matrix()] if code == 0 else code)
""",
        scan,
        tmp_path / "scene.blend",
        TOP,
    ).result
    placed, plain, *refused = found
    np.testing.assert_allclose([placed[1][0][2], placed[1][1][2]], [0, 0.18], atol=1e-4)
    np.testing.assert_allclose(placed[2], [0, 0, 0], atol=1e-4)
    np.testing.assert_allclose(plain[3], [[1, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]], atol=1e-6)
    assert refused == [2, 2, 2]


def test_a_whole_scan_refuses_a_side_or_a_front_before_the_work(
    blender_installed: Blender,
    server: FaultyServer,
    add_photos: Callable[[int], Sequence[str]],
    photos: Path,
    output: Path,
) -> None:
    add_photos(1)
    found = blender_installed.run(
        """
        from bl_ext.user_default.scan_cutout.session import command_line
        base = ["run", "--photos", arguments[0], "--output", arguments[1], "--endpoint", arguments[2]]
        more = (["--side", "left"], ["--front", "left/1.jpg"], ["--height", "nan"])
        result = [command_line.run([*base, *each]) for each in more]
        """,
        photos,
        output,
        server.endpoint,
    ).result
    assert found == [2, 2, 2]
    assert server.visits == []
    assert not output.exists()


def test_the_panel_offers_the_photo_that_is_looked_through_as_the_front(blender_installed: Blender, scan: Path) -> None:
    found = blender_installed.run(
        BEGIN
        + """
import sys
sys.path.insert(0, arguments[1])
from checking_layout import CheckingLayout
from bl_ext.user_default.scan_cutout.ui.sidebar_placement import SCAN_CUTOUT_PT_placement

def drawn():
    layout = CheckingLayout(seen := [], is_open=True)
    SCAN_CUTOUT_PT_placement.draw_settings(None, bpy.context, layout, scene.scan_cutout)
    return seen

bring(animated_camera=True)
(tour,) = [each for each in root().children if each.type == "CAMERA" and "scan_cutout_photo" not in each.data]
result = []
for each in (tour, camera("up/0003.jpg")):
    bpy.ops.scan_cutout.look_through_photo(camera=each.name)
    result.append(drawn())
""",
        scan,
        Path(__file__).parent,
    ).result
    plain, with_front = found
    assert plain.count("scan_cutout.stand_upright") == 1
    assert with_front.count("scan_cutout.stand_upright") == 2
    assert {"up_side", "front", "height", "scan_cutout.scale_by_distance", "scan_cutout.reset_placement"} <= set(plain)
