# SPDX-License-Identifier: GPL-3.0-or-later
"""What is up, told from rings of photos that were made by a formula, and from the repository's own solve."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from rings import around, dome, forward, ring, turned, walk

from scan.common.errors import BadUseError
from scan.reconstruction.settings import PlacementSettings
from scan.reconstruction.types import Photo
from scan.reconstruction.upright import check_in_folder, check_names, find_up

UP = np.array([0.36, -0.48, 0.8])
"""Up in the world of the solve, which lies askew."""


def off(found: np.ndarray | None) -> float:
    """The angle between what was found and the truth, in degrees."""
    assert found is not None
    assert np.linalg.norm(found) == pytest.approx(1)
    return float(np.degrees(np.arccos(np.clip(found @ UP, -1, 1))))


def askew(photos: list[Photo]) -> list[Photo]:
    """The same photos in a world in which ``UP`` is what z was."""
    y = np.cross(UP, [1.0, 0, 0])
    y /= np.linalg.norm(y)
    return turned(photos, np.array([np.cross(y, UP), y, UP]).T)


@pytest.mark.parametrize("roll", [0.0, 7.0, 90.0, 180.0, -90.0])
@pytest.mark.parametrize("elevation", [-20.0, 0.0, 19.0, 70.0])
def test_a_ring_of_a_turntable_tells_exactly_what_its_axis_is(elevation: float, roll: float) -> None:
    photos = ring("A", 20, elevation, roll=roll)
    found = find_up(askew(photos), "", dict.fromkeys((each.name for each in photos), _orientation(roll)))
    assert off(found.direction) < 0.01
    assert (found.side, found.said) == ("A", "upright as in the 20 photos")


def _orientation(roll: float) -> int:
    """What a camera writes that was held like this."""
    return {90.0: 6, 180.0: 3, -90.0: 8}.get(roll, 1)


@pytest.mark.parametrize("roll", [90.0, -90.0])
def test_photos_on_their_side_without_exif_look_down(roll: float) -> None:
    assert off(find_up(askew(ring("A", 12, 25.0, roll=roll))).direction) < 0.01


def test_three_rings_at_their_heights_tell_as_much_as_one() -> None:
    photos = [*ring("A", 16, 5.0), *ring("A", 16, 30.0, first=100), *ring("A", 16, 60.0, first=200)]
    assert off(find_up(askew(photos)).direction) < 0.05
    # Not all the way round, where what the rings have between them does not balance, and the camera is tilted.
    photos = [*ring("A", 10, 5.0, roll=7, over=150), *ring("A", 10, 30.0, roll=7, over=120, first=100)]
    assert off(find_up(askew(photos)).direction) < 0.1


def test_a_walk_with_the_camera_in_the_hand_tells_it_nearly() -> None:
    errors = [off(find_up(askew(walk("A", 40, seed))).direction) for seed in range(12)]
    print(f"mean {np.mean(errors):.2f}, most {max(errors):.2f} degrees")
    assert np.mean(errors) < 1.0
    assert max(errors) < 2.0


@pytest.mark.parametrize("number", [30, 80])
def test_photos_from_all_over_a_dome_are_level(number: int) -> None:
    """Every third is on its side."""
    for seed in range(4):
        photos = dome("A", number, seed)
        orientations = {each.name: 6 for each in photos[::3]}
        assert off(find_up(askew(photos), "", orientations).direction) < 1.0, seed


def test_many_photos_are_no_trouble() -> None:
    assert off(find_up(askew(ring("A", 1500, 19.0))).direction) < 0.05


def test_the_side_is_the_one_named_or_the_largest_or_the_first() -> None:
    upright, flipped = ring("up", 10, 20.0), turned(ring("down", 12, 20.0), np.diag([1.0, -1.0, -1.0]))
    photos = askew([*upright, *flipped])
    assert off(find_up(photos, "up").direction) < 0.01
    assert off(find_up(photos, "up/").direction) < 0.01
    found = find_up(photos)
    assert (found.side, found.said) == ("down", "upright as in the 12 photos of down")
    assert off(found.direction) > 179.9
    assert find_up(askew([*upright, *flipped[:10]])).side == "down"
    assert [each.name for each in found.photos] == sorted(each.name for each in flipped)
    assert find_up(ring("", 5, 20.0)).side == "."


def test_both_sides_in_one_folder_are_as_most_of_them() -> None:
    photos = [*ring("A", 14, 20.0), *turned(ring("A", 9, 20.0, first=100), np.diag([1.0, -1.0, -1.0]))]
    assert off(find_up(askew(photos)).direction) < 0.01


@pytest.mark.parametrize(
    "photos",
    [ring("A", 2, 20.0), ring("A", 1, 20.0), forward("A", 12), around("A", 12), ring("A", 12, 20.0, over=40)],
    ids=["two", "one", "steps sideways", "at random", "a bow of forty degrees"],
)
def test_what_is_no_ring_tells_nothing(photos: list[Photo]) -> None:
    found = find_up(askew(photos))
    assert found.direction is None
    assert found.said.startswith("left as it lay, since no ring was found in its ")
    assert len(found.photos) == len(photos)


def test_a_side_or_a_front_that_is_not_there_is_refused() -> None:
    names = ["up/1.jpg", "down/deep/2.jpg", "3.jpg"]
    for side in ("", "up", "down/deep/", "."):
        check_names(PlacementSettings(up_side=side, front="3.jpg"), names)
    with pytest.raises(BadUseError, match=r"no photos with a camera in down; .* upright in \., down/deep, up$"):
        check_names(PlacementSettings(up_side="down"), names)
    # What the disk took for the folder or the photo before the solve is it afterwards.
    check_names(PlacementSettings(up_side="UP", front="Up/1.JPG"), names)
    check_names(PlacementSettings(front="up/1.HEIC"), ["up/1.HEIC.jpg"])
    with pytest.raises(BadUseError, match=r"The front 1.jpg is no photo that has a camera; choose one such as 3.jpg"):
        check_names(PlacementSettings(front="1.jpg"), names)


def test_a_side_is_found_as_the_disk_finds_it() -> None:
    photos = ring("A: Top", 12, 20.0) + ring("Down", 16, 20.0)
    for side in ("A: Top", "a: top", "./A: Top"):
        assert {photo.name.partition("/")[0] for photo in find_up(photos, side).photos} == {"A: Top"}


def test_what_is_not_in_the_photo_folder_is_refused_before_any_solve(tmp_path: Path) -> None:
    for name in ("up/1.jpg", "up/2.HEIC"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    for front in ("", "up/1.jpg", "up/2.HEIC.jpg"):
        check_in_folder(PlacementSettings(up_side="up", front=front), tmp_path)
    for given in (
        {"up_side": "down"},
        {"up_side": "up/1.jpg"},
        {"front": "1.jpg"},
        {"front": "up"},
        {"front": "n" * 300},
    ):
        with pytest.raises(BadUseError, match=f"There is no .* {next(iter(given.values()))} in "):
            check_in_folder(PlacementSettings(**given), tmp_path)


def test_the_true_cameras_of_the_repository(turntable: Path) -> None:
    told = json.loads((turntable / "cameras.json").read_bytes())["photos"]
    poses = [(each["photo"], np.array(each["camera_from_object"])) for each in told]
    photos = [Photo(name, 1, matrix[:3, :3], matrix[:3, 3]) for name, matrix in poses]
    for side, sign in (("upright", 1.0), ("flipped", -1.0)):
        found = find_up(photos, side).direction
        assert found is not None
        np.testing.assert_allclose(found, [0, 0, sign], atol=1e-6)
