# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a scan is put: its foot on the floor, its front forward, its height as it is known."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
from built_models import ball, box, leave_model
from rings import at, leave_solve, ring, seen, small_turn, turned

from scan.common.errors import BadUseError
from scan.job.events import PhotoDone
from scan.job.journal import Journal
from scan.job.records import PhotoRecord
from scan.reconstruction.importing import plan_import
from scan.reconstruction.placement import AS_SOLVED, Placement, Shape, change_of_frame, place
from scan.reconstruction.settings import ImportSettings, PlacementSettings
from scan.reconstruction.types import Photo
from scan.reconstruction.upright import find_up

TURN = small_turn(np.array([40.0, -70.0, 25.0]))
"""How the world of the solve lies."""
PHOTOS = ring("A", 12, 20.0)
ASIDE = np.array([3.0, 0, 0])
ASKEW = turned(PHOTOS, TURN)


def placed(shape: Shape, given: PlacementSettings | None = None, *, unit: float = 1.0) -> Placement:
    """Where a shape of the upright world is put that lies in the askew one; as the way from the upright world."""
    settings = given or PlacementSettings()
    lying = dataclasses.replace(shape, points=shape.points @ TURN.T)
    found = place(settings, find_up(ASKEW, settings.up_side), ASKEW, lying, unit=unit)
    return Placement(found.rotation @ TURN, found.scale, found.translation)


def test_it_stands_on_the_floor_at_the_origin_before_its_first_photo() -> None:
    points, faces = box((1.0, 2.0, 3.0))
    points += np.array([0.2, -0.3, 5.0])
    found = placed(Shape(points, faces))
    put = (np.c_[points, np.ones(len(points))] @ found.matrix.T)[:, :3]
    assert put[:, 2].min() == pytest.approx(0, abs=1e-9)
    assert put[:, 2].max() == pytest.approx(3)
    np.testing.assert_allclose(put[:, :2].min(0) + put[:, :2].max(0), 0, atol=1e-9)
    np.testing.assert_allclose(found.rotation @ [0, 0, 1], [0, 0, 1], atol=1e-6)
    camera = found.matrix @ [*PHOTOS[0].position, 1]
    assert camera[1] < -1
    assert abs(camera[0]) < 1e-3
    assert found.scale == 1


@pytest.mark.parametrize("number", [0, 3, 7])
def test_the_front_is_what_the_photo_named_shows(number: int) -> None:
    points, faces = box((1.0, 1.0, 1.0))
    found = placed(Shape(points, faces), PlacementSettings(front=PHOTOS[number].name.upper()))
    camera = found.matrix @ [*PHOTOS[number].position, 1]
    np.testing.assert_allclose(camera[:2], [0, -4 * np.cos(np.radians(20))], atol=1e-5)


def test_the_front_is_before_the_middle_of_what_is_not_alike_on_all_sides() -> None:
    """Where the middle is depends on how it is turned."""
    prism = np.array([[2.0, 0, 0], [-1, 0.2, 0], [0.3, 1.1, 0], [2.0, 0, 1], [-1, 0.2, 1], [0.3, 1.1, 1]])
    prism += np.array([1, 1.5, 0])  # nor where the cameras look
    found = placed(Shape(prism, np.array([[0, 1, 2], [3, 5, 4]], np.int32)), PlacementSettings(front=PHOTOS[8].name))
    camera = found.matrix @ [*PHOTOS[8].position, 1]
    assert abs(camera[0]) < 0.02
    assert camera[1] < -3


def test_from_straight_above_the_lower_edge_is_the_front() -> None:
    above = seen("A/above.jpg", at(90, 88), roll=60)
    photos = [*PHOTOS, above]
    points, faces = box((1.0, 1.0, 1.0))
    found = place(PlacementSettings(front=above.name), find_up(photos), photos, Shape(points, faces))
    np.testing.assert_allclose(found.rotation @ above.rotation[1], [0, -1, 0], atol=0.05)


@pytest.mark.parametrize("unit", [1.0, 0.001])
def test_a_known_height_is_the_height(unit: float) -> None:
    points, faces = box((1.0, 2.0, 3.0))
    found = placed(Shape(points, faces), PlacementSettings(height=0.18), unit=unit)
    assert found.scale == pytest.approx(0.06 / unit)
    np.testing.assert_allclose(found.matrix @ [0, 0, 1.5, 1], [0, 0, 0.18 / unit, 1], atol=1e-6 / unit)


def test_noise_below_a_flat_foot_is_not_what_it_stands_on() -> None:
    points, faces = box((1.0, 1.0, 2.0), step=0.02)
    noisy = points + np.random.default_rng(4).normal(0, 0.002, points.shape)
    low, high = noisy[:, 2].min(), noisy[:, 2].max()
    assert high - low > 2.01
    found = Shape(noisy, faces).bounds(np.eye(3))
    assert found is not None
    np.testing.assert_allclose([found[0][2], found[1][2]], [-1, 1], atol=0.0005)


@pytest.mark.parametrize("times", range(6))
def test_what_is_round_stands_on_its_lowest_point(times: int) -> None:
    mesh = ball(times=times)
    found = Shape(mesh.vertices, mesh.faces).bounds(np.eye(3))
    assert found is not None
    np.testing.assert_allclose(found, [[-1] * 3, [1] * 3], atol=0.001)


def test_a_spike_is_nothing_to_stand_on() -> None:
    points, faces = box((1.0, 1.0, 1.0), step=0.01)
    points[np.argmin(np.abs(points - [0, 0, -0.5]).sum(1))] = [0, 0, -1.5]
    points[np.argmin(np.abs(points - [0, 0.5, 0]).sum(1))] = [0, 3.0, 0]
    found = Shape(points, faces).bounds(np.eye(3))
    assert found is not None
    np.testing.assert_allclose(found, [[-0.5] * 3, [0.5] * 3], atol=1e-9)
    few, triangles = box((1.0, 1.0, 1.0), step=1.0)
    few[few[:, 2] < 0, 2] -= [0, 0.2, 0, 0.2] * 3
    found = Shape(few, triangles).bounds(np.eye(3))
    assert found is not None
    assert found[0][2] == pytest.approx(-0.7), "of a dozen vertices each is a corner"


def test_of_points_strays_do_not_count() -> None:
    random = np.random.default_rng(7)
    points = random.uniform([-1, -1, 0], [1, 1, 2], (5000, 3))
    points = np.concatenate([points, random.normal(0, 50, (200, 3))])
    found = placed(Shape(points), PlacementSettings(height=2.0))
    assert found.scale == pytest.approx(1, rel=0.04)
    np.testing.assert_allclose(found.translation, 0, atol=0.06)


def test_what_is_not_known_to_be_up_stays_as_it_lay_but_centred() -> None:
    points, faces = box((1.0, 2.0, 4.0))
    up = find_up(PHOTOS[:2])
    found = place(PlacementSettings(height=1.0), up, PHOTOS[:2], Shape(points + ASIDE, faces))
    np.testing.assert_array_equal(found.rotation, AS_SOLVED)
    assert found.scale == pytest.approx(1 / 2), "its y is what was up in the picture"
    np.testing.assert_allclose(found.translation, [-1.5, 0, 0.5], atol=1e-9)
    nothing = place(PlacementSettings(height=1.0), up, PHOTOS[:2], Shape(np.empty((0, 3))))
    np.testing.assert_array_equal(nothing.matrix[:3], np.c_[AS_SOLVED, np.zeros(3)])


def test_not_upright_is_as_the_engine_left_it_but_to_scale() -> None:
    points, faces = box((1.0, 2.0, 4.0))
    settings = PlacementSettings(upright=False, height=1.0)
    found = place(settings, find_up(PHOTOS), PHOTOS, Shape(points + ASIDE, faces))
    np.testing.assert_allclose(found.matrix[:3], np.c_[AS_SOLVED / 2, np.zeros(3)])


@pytest.mark.parametrize("height", [-0.1, math.nan, math.inf, 2e6, "1", True])
def test_a_height_that_cannot_be_is_refused(height: float) -> None:
    with pytest.raises(BadUseError, match="Height must be "):
        PlacementSettings(height=height).check_placement()


def test_another_solve_lies_elsewhere_by_what_its_cameras_say() -> None:
    """One photo is new, one is gone; the others have the noise of a solve."""
    random = np.random.default_rng(1)
    turn, scale, shift = small_turn(np.array([10.0, 80.0, -30.0])), 0.37, np.array([3.0, -1.0, 2.0])
    now = []
    for photo in [*PHOTOS[1:], dataclasses.replace(PHOTOS[0], name="A/new.jpg")]:
        place_ = scale * turn @ photo.position + shift + random.normal(0, 1e-4, 3)
        rotation = small_turn(random.normal(0, 0.01, 3)) @ photo.rotation @ turn.T
        now.append(Photo(photo.name, 1, rotation, -rotation @ place_))
    change = change_of_frame(PHOTOS, now)
    assert change is not None
    np.testing.assert_allclose(change @ [*(scale * turn @ [1, 2, 3] + shift), 1], [1, 2, 3, 1], atol=5e-3)
    same = change_of_frame(PHOTOS, PHOTOS)
    assert same is not None
    np.testing.assert_allclose(same, np.eye(4), atol=1e-12)


def test_cameras_that_do_not_tell_where_another_solve_lies() -> None:
    moved = [*PHOTOS[:-1], Photo(PHOTOS[-1].name, 1, PHOTOS[-1].rotation, PHOTOS[-1].translation + 1)]
    one_place = [Photo(each.name, 1, each.rotation, np.zeros(3)) for each in PHOTOS]
    others = [dataclasses.replace(each, name=f"B{each.name}") for each in PHOTOS]
    for now in (moved, one_place, others, PHOTOS[:1], []):
        assert change_of_frame(PHOTOS, now) is None


@pytest.fixture
def solved(tmp_path: Path) -> Path:
    """Give a job folder with a solve of photos that lie on their side, as EXIF says, from a little below."""
    photos = turned(ring("A", 8, -10.0, roll=90.0), small_turn(np.array([0, 0, 5.0])))
    leave_model(tmp_path / "Vase", leave_solve(tmp_path / "Vase", photos), ball())
    return tmp_path / "Vase"


def test_an_import_knows_from_the_journal_how_the_camera_was_held(solved: Path) -> None:
    settings = ImportSettings(directory=str(solved))
    plan = plan_import(settings)
    assert plan.orientations == {}
    assert plan.up.direction is not None
    np.testing.assert_allclose(plan.up.direction, [0, 0, -1], atol=1e-4)
    journal = Journal(solved / "journal.jsonl", "run")
    for photo in plan.reconstruction.photos:
        journal.write(PhotoDone(photo=photo.name, record=PhotoRecord(mask_sha256="1", orientation=6)))
    journal.close()
    plan = plan_import(settings)
    assert set(plan.orientations.values()) == {6}
    assert plan.up.direction is not None
    np.testing.assert_allclose(plan.up.direction, [0, 0, 1], atol=1e-4)
    (solved / "journal.jsonl").unlink()
    (solved / "journal.jsonl").mkdir()
    assert plan_import(settings).orientations == {}, "it cannot be read"


@pytest.mark.parametrize(
    ("given", "words"), [({"up_side": "B"}, "upright in A"), ({"front": "A/9.jpg"}, "0000"), ({"height": -1.0}, "to")]
)
def test_an_import_refuses_what_is_not_there(solved: Path, given: dict, words: str) -> None:
    with pytest.raises(BadUseError, match=words):
        plan_import(ImportSettings(directory=str(solved), **given))
