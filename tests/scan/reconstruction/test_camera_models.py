# SPDX-License-Identifier: GPL-3.0-or-later
"""Every camera model projects as COLMAP does, and what Blender cannot show is undistorted to what it can."""

import numpy as np
import pytest
from colmap_scenes import SHAPES, as_json, camera_of, reference
from PIL import Image

from scan.common.errors import ModelError
from scan.reconstruction.camera_models import MODELS, project
from scan.reconstruction.pinhole import TOLERANCE, pixel_rays, view
from scan.reconstruction.types import Camera
from scan.reconstruction.undistort import Undistortion

EVERY = [(model, shape) for model in MODELS for shape in SHAPES]


def test_no_model_of_colmap_is_missing():
    known = reference("models")
    assert known == {name: [model.number, list(model.names)] for name, model in MODELS.items()}


def test_every_model_projects_as_colmap_does():
    random = np.random.default_rng(1)
    # A ray straight ahead is where formulas divide 0 by 0.
    u, v = np.append(random.uniform(-1.2, 1.2, (2, 500)), [[0.0], [0.0]], axis=1)
    depth = random.uniform(0.3, 20, u.shape)
    rays = np.stack([u * depth, v * depth, depth], axis=1).tolist()
    cameras = [camera_of(*each) for each in EVERY]
    expected = reference("project", asked=[{**as_json(camera), "rays": rays} for camera in cameras])
    for camera, theirs in zip(cameras, expected, strict=True):
        ours = np.stack(project(camera, u, v), axis=1)
        np.testing.assert_allclose(ours, np.array(theirs, dtype=float), atol=1e-8, err_msg=camera.model)


@pytest.mark.parametrize(("omega", "tolerance"), [(0.0, 1e-9), (1e-5, 1e-6), (0.02, 1e-6)])
def test_a_lens_that_hardly_bends_is_a_pinhole(omega, tolerance):
    u, v = np.array([0.0, 1e-12, 0.5]), np.array([0.0, 0.0, -0.3])
    x, y = project(Camera(1, "FOV", 800, 600, (700, 700, 400, 300, omega)), u, v)
    np.testing.assert_allclose(x, 400 + 700 * u, atol=max(tolerance, omega**2 * 100))
    np.testing.assert_allclose(y, 300 + 700 * v, atol=max(tolerance, omega**2 * 100))


@pytest.mark.parametrize(
    ("model", "parameters", "shown"),
    [
        ("SIMPLE_PINHOLE", (3000, 1000, 3500), True),
        ("PINHOLE", (3000, 3000, 2000, 1500), True),
        ("PINHOLE", (3000, 3000.01, 2000, 1500), True),
        ("PINHOLE", (3000, 3001, 2000, 1500), False),
        ("SIMPLE_RADIAL", (3000, 2000, 1500, 0.0), True),
        ("SIMPLE_RADIAL", (3000, 2000, 1500, 1e-5), True),
        ("SIMPLE_RADIAL", (3000, 2000, 1500, 1e-4), False),
        ("OPENCV", (3000, 3000, 2000, 1500, 0, 0, 0, 0), True),
        ("OPENCV", (3000, 3000, 2000, 1500, 0, 0, 1e-4, 0), False),
        ("SIMPLE_FISHEYE", (30000, 2000, 1500), False),
    ],
)
def test_pixels_decide_what_blender_can_show(model, parameters, shown):
    found = view(Camera(1, model, 4000, 3000, parameters))
    assert found.undistorted is not shown
    if shown:
        assert (found.pinhole.width, found.pinhole.height) == (4000, 3000)


@pytest.mark.parametrize(("model", "shape"), EVERY)
def test_the_undistorted_picture_is_what_the_pinhole_camera_sees(model, shape):
    camera = camera_of(model, shape)
    found = view(camera)
    if not found.undistorted:
        pytest.skip("shown as it is")
    # Pictures that hold each pixel's own place: what comes out says where it was taken from.
    x, y = np.meshgrid(np.arange(camera.width) + 0.5, np.arange(camera.height) + 0.5)
    undistortion = Undistortion(camera, found)
    from_x, from_y = (np.asarray(undistortion.apply(Image.fromarray(places.astype(np.float32)))) for places in (x, y))
    random = np.random.default_rng(2)
    columns, rows = random.integers(0, found.pinhole.width, 3000), random.integers(0, found.pinhole.height, 3000)
    u, v = pixel_rays(found.pinhole, columns + 0.5, rows + 0.5)
    rays = np.stack([u, v, np.ones_like(u)], axis=1).tolist()
    expected = np.array(reference("project", asked=[{**as_json(camera), "rays": rays}])[0], dtype=float)
    taken = np.stack([from_x[rows, columns], from_y[rows, columns]], axis=1)
    inner = (expected > 1).all(axis=1) & (expected < np.array([camera.width, camera.height]) - 1).all(axis=1)
    inner &= np.hypot(u, v) < found.reach * 0.98
    assert inner.mean() > 0.5
    assert np.abs(taken - expected)[inner].max() <= 0.05
    outer = ((expected < -1) | (expected > np.array([camera.width, camera.height]) + 1)).any(axis=1)
    assert (taken[outer] == 0).all(), "where the photo shows nothing it is black"


@pytest.mark.parametrize(("model", "shape"), EVERY)
def test_the_undistorted_picture_loses_next_to_nothing_within_sixty_degrees(model, shape):
    camera = camera_of(model, shape)
    found = view(camera)
    u, v = np.meshgrid(*[np.linspace(-1, 1, 201) * np.tan(np.radians(60))] * 2)
    x, y = project(camera, u, v)
    visible = (x > 1) & (x < camera.width - 1) & (y > 1) & (y < camera.height - 1)
    visible &= np.hypot(u, v) < min(found.reach, np.tan(np.radians(59)))
    across = found.pinhole.focal * u[visible] + found.pinhole.center_x
    down = found.pinhole.focal * v[visible] + found.pinhole.center_y
    # A lens that is not the same all round may lose a little of a corner.
    slack = 0.01 * found.pinhole.width
    assert across.min() > -slack
    assert across.max() < found.pinhole.width + slack
    assert down.min() > -slack
    assert down.max() < found.pinhole.height + slack


def test_a_lens_that_folds_back_shows_each_thing_once():
    camera = Camera(1, "SIMPLE_RADIAL", 1200, 900, (900, 600, 450, -0.9))
    found = view(camera)
    radius = np.linspace(0, found.reach, 400)
    x, _ = project(camera, radius, np.zeros_like(radius))
    assert (np.diff(x) > 0).all()
    assert found.reach == pytest.approx((3 * 0.9) ** -0.5, abs=0.02)


@pytest.mark.parametrize(
    ("model", "parameters"),
    [("SIMPLE_RADIAL", (900, 90000, 450, -0.9)), ("PINHOLE", (900, 950, 90000, 450)), ("FOV", (9, 9, -9, 0, 3.2))],
)
def test_a_lens_that_shows_nothing_is_refused_in_words(model, parameters):
    with pytest.raises(ModelError, match=r"Camera 1 .*solve"):
        view(Camera(1, model, 1200, 900, parameters))


def test_masks_stay_masks():
    camera = camera_of("OPENCV", "landscape")
    mask = Image.new("L", (camera.width, camera.height))
    mask.paste(255, (600, 400, 1700, 1300))
    made = Undistortion(camera, view(camera)).apply_to_mask(mask)
    assert set(np.unique(np.asarray(made))) == {0, 255}
    assert TOLERANCE < 0.05


def test_a_part_of_the_undistorted_picture_is_as_in_the_whole():
    camera = camera_of("OPENCV", "landscape")
    made = Undistortion(camera, view(camera))
    noise = np.random.default_rng(3).integers(0, 256, (camera.height, camera.width), np.uint8)
    photo, box = Image.fromarray(noise), (601, 405, 1203, 907)
    whole, part = made.apply(photo), made.apply(photo, box)
    assert part.size == whole.size
    assert part.crop(box).tobytes() == whole.crop(box).tobytes()
    assert not np.asarray(part)[:300].any(), "what is far from it is not computed"
    masked = made.apply_to_mask(photo, box).crop(box)
    assert masked.tobytes() == made.apply_to_mask(photo).crop(box).tobytes()
