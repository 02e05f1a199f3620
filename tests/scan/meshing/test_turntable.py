# SPDX-License-Identifier: GPL-3.0-or-later
"""A model of the repository's scan, from few and small photos: much nearer to the truth than what the masks leave."""

import dataclasses
import json
from typing import NamedTuple

import numpy as np
import pytest
from built_models import truth
from mesh_scenes import THREADS, Lens, Pose, hull_of, write_model
from PIL import Image

from scan.job.folder import JobFolder
from scan.meshing.decimate import decimated
from scan.meshing.efforts import EFFORTS
from scan.meshing.hull import Outline
from scan.meshing.settings import ModelSettings
from scan.meshing.trust import wrong_masks
from scan.reconstruction.models import model_file
from scan.reconstruction.ply import read_ply
from scan.views.distances import signed_distances
from scan.views.raster import depth_map
from scan.views.surface import Surface, is_closed
from scan.views.view import View, halved

CHOSEN = (*range(0, 20, 3), *range(20, 40, 4))
"""Seven of the jug standing, five of it upside down."""
SIZE = (426, 320)
FACES = 6000
NEAREST = 40
"""Of so many triangles with the nearest middles the nearest is looked for."""


def lay_out(turntable, root, chosen=CHOSEN):
    """Photos and true masks at a third of their size, and the true cameras; each photo's pose."""
    told = json.loads((turntable / "cameras.json").read_bytes())
    lens = told["intrinsics"]
    across, down = SIZE[0] / lens["width"], SIZE[1] / lens["height"]
    reduced = Lens("PINHOLE", *SIZE, (lens["fx"] * across, lens["fy"] * down, lens["cx"] * across, lens["cy"] * down))
    images = []
    for photo in (told["photos"][number] for number in chosen):
        name, matrix = photo["photo"], np.array(photo["camera_from_object"])
        for source, target, mode in (
            (turntable / "photos" / name, root / "photos" / name, "RGB"),
            (turntable / "true_masks" / f"{name}.png", root / "masks" / f"{name}.png", "L"),
        ):
            target.parent.mkdir(parents=True, exist_ok=True)
            with Image.open(source) as picture:
                small = picture.convert(mode).resize(SIZE, Image.Resampling.BOX)
            (small if mode == "RGB" else small.point([0] * 128 + [255] * 128)).save(target, quality=95)
        images.append((name, 1, Pose(matrix[:3, :3], matrix[:3, 3])))
    write_model(root / "sparse", [reduced], images)
    return reduced, images


def sampled(points, faces, count=1500):
    """Points of triangles, even by area."""
    random = np.random.default_rng(0)
    a, b, c = (points[faces[:, corner]] for corner in range(3))
    areas = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    chosen = random.choice(len(faces), count, p=areas / areas.sum())
    u, v = random.random((2, count, 1))
    u, v = np.where(u + v > 1, 1 - u, u), np.where(u + v > 1, 1 - v, v)
    return a[chosen] + u * (b - a)[chosen] + v * (c - a)[chosen]


def to_triangles(point, a, b, c):
    """How far points are from triangles, row by row."""
    normal = np.cross(b - a, c - a)
    above, nearest = np.ones(len(point), bool), np.full(len(point), np.inf)
    for start, end in ((a, b), (b, c), (c, a)):
        along = end - start
        above &= (np.cross(along, point - start) * normal).sum(1) >= 0
        share = ((point - start) * along).sum(1) / np.maximum((along * along).sum(1), 1e-300)
        nearest = np.minimum(nearest, np.linalg.norm(start + share.clip(0, 1)[:, None] * along - point, axis=1))
    height = np.abs(((point - a) * normal).sum(1)) / np.maximum(np.linalg.norm(normal, axis=1), 1e-300)
    return np.where(above, np.minimum(nearest, height), nearest)


def distances(points, vertices, faces):
    """How far points are from a mesh."""
    middles, found = vertices[faces].mean(1), []
    for some in np.array_split(points, max(1, len(points) // 100)):
        squares = ((some[:, None] - middles) ** 2).sum(-1)
        near = faces[np.argpartition(squares, NEAREST, axis=1)[:, :NEAREST].ravel()]
        tried = to_triangles(np.repeat(some, NEAREST, 0), *(vertices[near[:, corner]] for corner in range(3)))
        found.append(tried.reshape(-1, NEAREST).min(1))
    return np.concatenate(found)


class Unit:
    """The jug's frame about its middle, in shares of its diagonal: single precision is enough there."""

    def __init__(self, points, share=1.0):
        self.middle = (points.min(0) + points.max(0)) / 2
        self.length = share * float(np.linalg.norm(points.max(0) - points.min(0)))

    def points(self, points):
        """Points of the jug's frame in this one."""
        return (points - self.middle) / self.length

    def view(self, lens, at):
        """What of a photo makes a view: all but its last two columns."""
        moved = (at.translation + at.rotation @ self.middle) / self.length
        rotation, moved = at.rotation.astype(np.float32), moved.astype(np.float32)
        return View("photo", SIZE[0] // 4 * 4, SIZE[1], *lens.parameters, rotation, moved)


def seen_twice(samples, surface, views):
    """The samples that at least two views see."""
    seen = np.zeros(len(samples), int)
    for view in views:
        depth = depth_map(surface, view)
        x, y, own = view.project(samples.astype(np.float32))
        inside = (x >= 0) & (y >= 0) & (x < view.width) & (y < view.height)
        at = np.clip(y, 0, view.height - 1).astype(int), np.clip(x, 0, view.width - 1).astype(int)
        seen += inside & (own < depth[at] + 0.01)
    return seen >= 2


def grey(view, mask):
    with Image.open(mask) as picture:
        return np.asarray(picture)[:, : view.width].astype(np.float32)


def outline(view, mask):
    return Outline(view, signed_distances(grey(view, mask)))


@pytest.mark.parametrize("lacking", [None, 0, 5])
def test_of_true_masks_of_half_a_ring_only_one_that_lacks_a_fifth_is_wrong(turntable, tmp_path, lacking):
    lens, images = lay_out(turntable, tmp_path, range(12))
    unit = Unit(truth(turntable)[0], 0.5)
    outlines = []
    for number, (name, _, at) in enumerate(images):
        view = unit.view(lens, at)
        mask = halved(grey(view, tmp_path / "masks" / f"{name}.png"), 1)
        if number == lacking:
            so_far = np.cumsum(mask.sum(0))
            mask[:, so_far > 0.8 * so_far[-1]] = 0
        outlines.append(Outline(view.halved(1), signed_distances(mask)))
    assert wrong_masks(outlines, THREADS) == ([] if lacking is None else [lacking])


class Errors(NamedTuple):
    """How far the truth, where two photos see it, is from a mesh and from the hull of the same masks."""

    of_mesh: np.ndarray
    of_hull: np.ndarray


def compared(scan, root, workers, chosen):
    """The errors of a model of the quality Draft with 6,000 faces, and of the hull with as many."""
    lens, images = lay_out(scan, root, chosen)
    folder = JobFolder(root / "output")
    settings = ModelSettings(
        photos=str(root / "photos"),
        output=str(folder.root),
        cameras=str(root / "sparse"),
        mask_folder=str(root / "masks"),
        model_quality="DRAFT",
        faces=FACES,
        threads=2,
    )
    job = {"task": "build_model", "settings": dataclasses.asdict(settings)}
    story = workers.end(workers.start_job(folder, job))
    assert story.exit_code == 0, story.message
    mesh = read_ply(model_file(folder))
    assert is_closed(Surface(mesh.vertices.astype(np.float32), mesh.faces.astype(np.int64)))

    points, faces = truth(scan)
    unit = Unit(points)
    views = [unit.view(lens, at) for _, _, at in images]
    samples = sampled(unit.points(points), faces)
    samples = samples[seen_twice(samples, Surface(unit.points(points).astype(np.float32), faces), views)]
    assert len(samples) > 500
    masks = [root / "masks" / f"{name}.png" for name, _, _ in images]
    hull = hull_of([outline(view, mask) for view, mask in zip(views, masks, strict=True)], 128)
    left = decimated(hull, FACES)
    return Errors(
        distances(samples, unit.points(mesh.vertices), mesh.faces.astype(np.int64)),
        distances(samples, left.vertices.astype(float), left.faces),
    )


@pytest.fixture
def coarse_draft(monkeypatch):
    """The quality Draft with coarser grids, which take most of its time."""
    monkeypatch.setitem(EFFORTS, "DRAFT", dataclasses.replace(EFFORTS["DRAFT"], coarse=112, fine=128))


@pytest.mark.usefixtures("coarse_draft")
def test_it_is_at_most_half_as_far_from_the_truth_as_the_hull(turntable, tmp_path, workers):
    of_mesh, of_hull = compared(turntable, tmp_path, workers, CHOSEN)
    assert of_mesh.mean() < of_hull.mean() / 2
    assert np.quantile(of_mesh, 0.9) < np.quantile(of_hull, 0.9) / 2
    assert np.median(of_mesh) < 0.001


@pytest.mark.usefixtures("coarse_draft")
@pytest.mark.parametrize("name", ["plain", "glossy"])
def test_an_object_on_which_photos_agree_by_chance_is_no_further_from_the_truth_than_the_hull(
    name, turntable, tmp_path, workers
):
    of_mesh, of_hull = compared(turntable.parent / "objects" / name, tmp_path, workers, range(0, 24, 2))
    assert of_mesh.mean() < of_hull.mean()
