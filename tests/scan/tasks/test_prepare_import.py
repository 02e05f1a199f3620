# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker's undistorted copies: made from stored pixels, once, and each failure told with its photo."""

import os
from pathlib import Path

import numpy as np
import pytest
from colmap_scenes import reference, scene_of
from conftest import journaled
from PIL import Image

from scan.common.errors import OutputError
from scan.engines.colmap.model_files import rename_photos
from scan.job.context import JobContext
from scan.job.folder import JobFolder
from scan.job.job_end import JobEnd
from scan.job.journal import Journal
from scan.reconstruction.copies import Copies
from scan.reconstruction.pinhole import view
from scan.reconstruction.types import Camera
from scan.tasks.prepare_import import Prepare, PrepareSettings

BENT = Camera(1, "SIMPLE_RADIAL", 320, 240, (300.0, 150.0, 130.0, 0.08))
STRAIGHT = Camera(2, "SIMPLE_PINHOLE", 320, 240, (300.0, 150.0, 130.0))
COUNT = 4


class Project:
    """A model with photos and masks, and what prepares them."""

    def __init__(self, root: Path) -> None:
        self.photos, self.masks, self.output = root / "photos", root / "masks", root / "copies"
        self.model = root / "models" / "bin"
        scene = scene_of([BENT] * COUNT + [STRAIGHT])
        scene["cameras"] = scene["cameras"][-2:]
        reference("write", str(root / "models"), asked=scene)
        self.names = [photo["name"] for photo in scene["photos"]][:COUNT]
        for photo in scene["photos"]:
            self.save(photo["name"], Image.new("RGB", (320, 240), (200, 60, 60)))
            mask = self.masks / f"{photo['name']}.png"
            mask.parent.mkdir(parents=True, exist_ok=True)
            Image.new("L", (320, 240), 255).save(mask)

    def save(self, name: str, image: Image.Image, **options: object) -> None:
        """Put a photo in place, whatever its name says it is."""
        path = self.photos / name
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(path, **{"format": "JPEG", **options})

    def prepare(self, *, is_cancelled: bool = False) -> JobEnd:
        """Run the task as the worker does."""
        folder = JobFolder(self.output)
        folder.root.mkdir(exist_ok=True)
        journal = Journal(folder.journal, "run")
        settings = PrepareSettings(model=str(self.model), photos=str(self.photos), masks=str(self.masks))
        try:
            context = JobContext(folder, journal)
            if is_cancelled:
                context.cancel.set()
            return Prepare(settings, context).run()
        finally:
            journal.close()

    def made(self) -> list[str]:
        """Every photo that was done, in all runs."""
        return sorted(event["photo"] for event in journaled(self.output))


@pytest.fixture
def project(tmp_path) -> Project:
    return Project(tmp_path)


def test_only_what_blender_cannot_show_is_copied(project):
    assert project.prepare().status == "done"
    assert project.made() == sorted(project.names)
    copies, flat = Copies(project.output), view(BENT).pinhole
    for name in project.names:
        with Image.open(copies.photo(name)) as photo, Image.open(copies.mask(name)) as mask:
            assert photo.size == mask.size == (flat.width, flat.height)
            assert mask.mode == "L"
            np.testing.assert_allclose(photo.getpixel((150, 130)), (200, 60, 60), atol=3)
    files = [path for path in project.output.rglob("*") if path.suffix in {".jpg", ".png"}]
    assert len(files) == 2 * COUNT


def test_what_was_erased_of_a_mask_is_not_kept_in_its_copy(project):
    for name in project.names:
        mask = project.masks / f"{name}.png"
        Image.merge("LA", (Image.open(mask).convert("L"), Image.new("L", (320, 240)))).save(mask)
    project.prepare()
    for name in project.names:
        assert Image.open(Copies(project.output).mask(name)).getextrema() == (0, 0)


def test_a_second_run_makes_what_changed(project):
    project.prepare()
    assert project.prepare().status == "done"
    assert len(project.made()) == COUNT
    project.save(project.names[1], Image.new("RGB", (320, 240)))
    (project.masks / f"{project.names[2]}.png").unlink()
    Copies(project.output).photo(project.names[3]).unlink()
    project.prepare()
    assert project.made() == sorted(project.names + project.names[1:])


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda project, name: (project.photos / name).unlink(), "cannot be read"),
        (lambda project, name: (project.photos / name).write_bytes(b"\xff\xd8 no"), "not a JPEG"),
        (lambda project, name: project.save(name, Image.new("RGB", (240, 320))), "240 × 320"),
        (lambda project, name: (project.masks / f"{name}.png").write_bytes(b"no"), "has a mask that cannot"),
        (lambda project, name: Image.new("L", (9, 9)).save(project.masks / f"{name}.png"), "its mask is 9 × 9"),
    ],
)
def test_a_photo_that_fails_is_named_and_the_others_go_on(project, harm, words):
    harm(project, project.names[0])
    ended = project.prepare()
    assert ended.has_failures
    assert project.names[0] in ended.message
    assert words in ended.message
    assert project.made() == sorted(project.names[1:])


@pytest.mark.skipif(os.name == "nt", reason="Windows limits whole paths, too")
def test_a_photo_whose_name_fits_no_copy_fails_alone(project):
    """As one of a scan without masks may have it: 252 bytes, and a copy's name has four more."""
    long, names = "n" * 248 + ".jpg", project.names
    rename_photos(project.model, {names[0]: long})
    (project.photos / names[0]).rename(project.photos / long)
    ended = project.prepare()
    assert ended.has_failures
    assert f"{long}, which has a name that does not fit" in ended.message
    assert project.made() == sorted(names[1:])


@pytest.mark.parametrize("kind", ["JPEG", "TIFF", "PNG"])
def test_stored_pixels_are_taken_however_the_photo_was_held(project, kind):
    picture = Image.new("RGB", (320, 240), (20, 20, 20))
    picture.paste((250, 250, 250), (0, 0, 160, 120))
    exif = Image.Exif()
    exif[0x0112] = 6
    project.save(project.names[0], picture, format=kind, exif=exif)
    assert project.prepare().status == "done"
    with Image.open(Copies(project.output).photo(project.names[0])) as copy:
        assert copy.getexif().get(0x0112, 1) == 1
        assert copy.getpixel((40, 40))[0] > 200
        assert copy.getpixel((280, 40))[0] < 60
        assert copy.getpixel((40, 200))[0] < 60


def test_cancelled_it_leaves_whole_copies_and_goes_on_later(project):
    assert project.prepare(is_cancelled=True).status == "cancelled"
    assert project.prepare().status == "done"
    assert sorted(set(project.made())) == sorted(project.names)


def test_a_folder_that_takes_no_files_is_told(project):
    project.output.mkdir()
    (project.output / "photos").write_text("in the way")
    with pytest.raises(OutputError, match="cannot be written"):
        project.prepare()
