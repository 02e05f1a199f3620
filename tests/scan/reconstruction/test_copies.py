# SPDX-License-Identifier: GPL-3.0-or-later
"""Undistorted copies lie in a folder that nobody else writes to, and stay what a saved scene shows."""

import dataclasses
import json
import shutil
from pathlib import Path

import pytest
from colmap_scenes import reference, scene_of
from PIL import Image

from scan.common.errors import BadUseError
from scan.job.context import JobContext
from scan.job.events import PhotoDone
from scan.job.folder import JobFolder
from scan.job.journal import Journal
from scan.job.records import PhotoRecord
from scan.reconstruction.copies import copies_folder
from scan.reconstruction.importing import ImportPlan, plan_import
from scan.reconstruction.settings import ImportSettings
from scan.reconstruction.types import Camera
from scan.tasks.prepare_import import Prepare, PrepareSettings

BENT = Camera(1, "SIMPLE_RADIAL", 320, 240, (300.0, 150.0, 130.0, 0.08))
COUNT = 2


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> dict[float, Path]:
    """Two solves of the same photos, by the distortion of their lens."""
    folder = tmp_path_factory.mktemp("models")
    for bend in (0.08, -0.1):
        camera = dataclasses.replace(BENT, parameters=(*BENT.parameters[:3], bend))
        scene = scene_of([camera] * COUNT)
        reference("write", str(folder / str(bend)), asked={**scene, "cameras": scene["cameras"][-1:]})
    return {bend: folder / str(bend) / "bin" for bend in (0.08, -0.1)}


def lay_out(root: Path, model: Path, photos: str, solved: str) -> Path:
    """A scan in ``root``: photos in a folder of this name, masks in ``masks``, and the model."""
    for number in range(COUNT):
        name = f"Side {number % 2}/ö {number:03}.jpg"
        for path in (root / photos / name, root / "masks" / f"{name}.png"):
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB" if path.suffix == ".jpg" else "L", (320, 240), 200).save(path)
    return Path(shutil.copytree(model, root / solved))


def prepare(settings: ImportSettings) -> ImportPlan:
    """What an import does before it touches Blender; every photo shall have its copy then."""
    plan = plan_import(settings)
    folder = JobFolder(plan.copies.root)
    run = folder.prepare(plan.job)
    journal = Journal(folder.journal, run)
    asked = PrepareSettings(**folder.read(run)["settings"])
    ended = Prepare(asked, JobContext(folder, journal)).run()
    journal.close()
    assert ended.is_done, ended.message
    for photo in plan.reconstruction.photos:
        assert plan.picture(photo.name, photo.camera).is_relative_to(plan.copies.root)
        assert plan.mask(photo.name, photo.camera).is_relative_to(plan.copies.root)
    return plan


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("photos", ["images", "photos"])
@pytest.mark.parametrize("solved", ["sparse/0", "engines/colmap/sparse"])
def test_where_copies_go_all_else_stays_as_it_was(tmp_path, models, photos, solved):
    """Also in the folder of a scan, whose masks and photos are named as copies are, and of a job that made masks."""
    model = lay_out(tmp_path, models[0.08], photos, solved)
    job = JobFolder(tmp_path)
    job.settings.write_text(json.dumps({"task": "strip", "settings": {"photos": str(tmp_path / photos)}, "run": "1"}))
    journal = Journal(job.journal, "1")
    journal.write(PhotoDone(photo="Side 0/ö 000.jpg", record=PhotoRecord(mask_key="1", mask_sha256="2")))
    journal.close()
    before = contents(tmp_path)
    settings = ImportSettings(directory=str(model), photos=str(tmp_path / photos), copies=str(tmp_path))
    first, again = prepare(settings), prepare(settings)
    assert {path: path.read_bytes() for path in before} == before
    assert first.copies.root == again.copies.root
    assert first.copies.root.parent == tmp_path
    assert all(path.is_relative_to(first.copies.root) for path in contents(tmp_path).keys() - before.keys())


@pytest.mark.parametrize("place", ["", "deeper"])
@pytest.mark.parametrize("originals", ["photos", "masks"])
def test_copies_never_go_among_the_photos_or_masks(tmp_path, models, originals, place):
    model = lay_out(tmp_path, models[0.08], "photos", "sparse")
    before = sorted(tmp_path.rglob("*"))
    output = tmp_path / originals / place
    with pytest.raises(BadUseError, match=f"in the {originals[:-1]} folder"):
        prepare(ImportSettings(directory=str(model), photos=str(tmp_path / "photos"), copies=str(output)))
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("output", ["", "chosen"])
@pytest.mark.parametrize("solved", ["sparse/0", "engines/colmap/sparse"])
def test_another_solve_leaves_the_copies_that_a_saved_scene_shows(tmp_path, models, solved, output):
    model = lay_out(tmp_path, models[0.08], "images", solved)
    JobFolder(tmp_path).settings.write_text(json.dumps({"settings": {"photos": str(tmp_path / "images")}}))
    settings = ImportSettings(directory=str(model), copies=str(tmp_path / output) if output else "")
    first = prepare(settings)
    shown = contents(first.copies.root)
    if not output and solved.startswith("engines"):
        assert first.copies.root.parent == model.parent
        shutil.rmtree(model)  # as a solve does
    shutil.copytree(models[-0.1], model, dirs_exist_ok=True)
    second = prepare(settings)
    assert second.copies.root != first.copies.root
    assert contents(first.copies.root) == shown


def test_the_folder_is_named_by_all_that_makes_a_lens(models):
    others = [
        dataclasses.replace(BENT, **change)
        for change in (
            {"identifier": 2},
            {"model": "SIMPLE_RADIAL_FISHEYE"},
            {"width": 321},
            {"height": 241},
            *({"parameters": (*BENT.parameters[:n], 0.07, *BENT.parameters[n + 1 :])} for n in range(4)),
        )
    ]
    names = {copies_folder(lenses) for lenses in ([BENT], [BENT, others[0]], *([other] for other in others))}
    assert len(names) == 2 + len(others)
    assert copies_folder([dataclasses.replace(BENT)]) == copies_folder([BENT])
    # The same from either format of the model, in which the numbers of a lens are written otherwise.
    binary, text = (plan_import(ImportSettings(directory=str(models[0.08].parent / form))) for form in ("bin", "txt"))
    assert binary.copies.root.name == text.copies.root.name == copies_folder(binary.reconstruction.cameras.values())
