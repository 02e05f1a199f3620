# SPDX-License-Identifier: GPL-3.0-or-later
"""Real COLMAP on photos whose cameras are known, such as people have them: turned, of two cameras, HEIC."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from built_models import truth
from engine_scan import EMBEDDED, EXECUTABLE, Solves, need, observations
from PIL import Image
from raw_files import dng

from scan.reconstruction.placement import Shape, change_of_frame, place
from scan.reconstruction.readers import registry
from scan.reconstruction.settings import PlacementSettings
from scan.reconstruction.types import Photo
from scan.reconstruction.upright import find_up

sys.path.insert(0, str(Path(__file__).parents[3] / "tools"))
from bench_cameras import compare, read_poses, truth_of

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]
COUNT = 8
# In a process of its own, so that the reader has no other libheif beside it, as in Blender.
AS_HEIC = """
import sys, pillow_heif
from PIL import Image
pillow_heif.register_heif_opener()
for path in sys.argv[1:]:
    with Image.open(path) as photo:
        photo.save(path.replace(".JPG", ".HEIC"), quality=95, exif=photo.info["exif"])
"""


@pytest.fixture
def solves(turntable, tmp_path):
    """Give ``Solves`` on eight neighbouring photos as they are, and their true masks."""
    for number in range(1, COUNT + 1):
        name = f"upright/IMG_{number:04}.JPG"
        for source, target in (
            (turntable / "photos" / name, tmp_path / "photos" / name),
            (turntable / "true_masks" / f"{name}.png", tmp_path / "output" / "masks" / f"{name}.png"),
        ):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    made = Solves(tmp_path / "photos", tmp_path / "output")
    yield made
    made.close()


def store(solves, number, change, **exif_values):
    """Store a photo and its mask after a change of both, with other values in EXIF (``Orientation``, ``Model``)."""
    name = f"upright/IMG_{number:04}.JPG"
    for path in (solves.photos / name, solves.output / "masks" / f"{name}.png"):
        with Image.open(path) as image:
            exif = image.getexif()
            for key, value in exif_values.items():
                exif[{"orientation": 0x0112, "model": 0x0110}[key]] = value
            changed = change(image)
            more = {"quality": 95, "exif": exif} if path.suffix == ".JPG" else {}
            changed.save(path, **more)


def own_name(name):
    """The name of a photo in the truth: HEIC and RAW photos go as their JPEGs."""
    return name.replace(".HEIC.jpg", ".JPG").replace(".NEF.jpg", ".JPG")


@pytest.mark.parametrize("engine", [EMBEDDED, pytest.param(EXECUTABLE, marks=pytest.mark.full)])
def test_turned_photos_of_two_cameras_and_heic_are_placed_where_they_were_taken(solves, turntable, engine):
    need(engine)
    for number in (2, 3, 4):  # stored in portrait, which viewers turn back
        store(solves, number, lambda image: image.transpose(Image.Transpose.ROTATE_90), orientation=6)
    for number in (5, 6):
        store(solves, number, lambda image: image.resize((960, 720), Image.Resampling.BOX), model="Another One")
    masks = solves.output / "masks" / "upright"
    for number in (7, 8):
        photo = solves.photos / "upright" / f"IMG_{number:04}.JPG"
        subprocess.run([sys.executable, "-c", AS_HEIC, photo], check=True)
        photo.unlink()
        (masks / f"{photo.name}.png").rename(masks / f"{photo.stem}.HEIC.jpg.png")
    for path in masks.iterdir():
        with Image.open(path) as mask:
            mask.point([0] * 128 + [255] * 128).save(path)
    finished = solves.run(engine, quality="NORMAL")[-1]
    assert (finished["status"], finished["registered"]) == ("done", COUNT), finished["message"]
    results = Path(finished["results"])
    assert int.from_bytes((results / "cameras.bin").read_bytes()[:8], "little") == 3
    poses = {own_name(name): pose for name, pose in read_poses(results).items()}
    errors = compare(poses, truth_of(turntable))
    assert errors["position_worst"] < 1.5
    # Those that are stored turned see the object turned, as COLMAP and our reader take stored pixels.
    assert abs(errors["rotation_worst"] - 90) < 1
    assert errors["rotation"] < 1
    for name, found in observations(results).items():
        with Image.open(masks / f"{Path(name).name}.png") as mask:
            kept = np.asarray(mask) > 0
        columns, rows = np.array(found).astype(int).T
        assert kept[rows.clip(0, kept.shape[0] - 1), columns.clip(0, kept.shape[1] - 1)].mean() > 0.95
        assert len(found) > 300


def test_raw_photos_are_placed_where_they_were_taken(solves, turntable):
    """Half as bright as the sensor could have them: darker than a camera's own JPEGs."""
    for path in (solves.photos / "upright").iterdir():
        with Image.open(path) as photo:
            exif = photo.info["exif"].removeprefix(b"Exif\0\0")
            path.with_suffix(".NEF").write_bytes(dng(photo, exposure=0.5, exif=exif))
        path.unlink()
    for path in (solves.output / "masks" / "upright").iterdir():
        path.rename(path.with_name(path.name.replace(".JPG.png", ".NEF.jpg.png")))
    finished = solves.run(develop_raw=True)[-1]
    assert (finished["status"], finished["registered"]) == ("done", COUNT), finished["message"]
    poses = {own_name(name): pose for name, pose in read_poses(Path(finished["results"])).items()}
    errors = compare(poses, truth_of(turntable))
    print(errors)
    assert errors["position_worst"] < 0.5
    assert errors["rotation_worst"] < 0.5


@pytest.mark.parametrize("engine", [EMBEDDED, EXECUTABLE])
def test_two_runs_find_the_same_cameras(solves, engine):
    """To 0.01 % of their distance."""
    need(engine)
    first = read_poses(Path(solves.run(engine)[-1]["results"]))
    second = read_poses(Path(solves.run(engine, again=True)[-1]["results"]))
    assert len(first) == len(second) == COUNT
    assert compare(first, second)["position_worst"] < 0.01


def test_solved_photos_put_the_object_upright_on_the_floor_in_its_size(solves, turntable):
    """Of the object's true shape, in the frame of the solve: the rest is the model's."""
    photos = registry.read(Path(solves.run(quality="NORMAL")[-1]["results"])).photos
    assert len(photos) == COUNT
    poses = truth_of(turntable).items()
    true = [Photo(name, 0, each.rotation, -each.rotation @ each.centre) for name, each in poses]
    change = change_of_frame(photos, true)
    points, faces = truth(turntable)
    shape = Shape(points @ change[:3, :3].T + change[:3, 3], faces)
    up = find_up(photos)
    found = place(PlacementSettings(height=0.215), up, photos, shape).matrix @ change
    tilt = np.degrees(np.arccos(found[2, 2] / np.linalg.norm(found[:3, 2])))
    print(f"{tilt:.4f} degrees, foot {found[2, 3] / 0.215:.4%}, scale {np.linalg.norm(found[:3, 2]) - 1:.4%}")
    assert tilt < 0.5
    assert abs(found[2, 3]) < 0.003 * 0.215
    assert np.linalg.norm(found[:3, 2]) == pytest.approx(1, abs=0.003)
