# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds features in crops of the photos, a batch at a time, and moves them to the photos' own pixels.

A batch goes through three states: its crops are files, its features are in a database of their own, and then in that
of the solve. Only the last is kept, so that a solve that was stopped goes on behind the last whole batch.
"""

import os
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from ...common.errors import EngineError
from ...common.text import count
from ..engine import ScanPhoto
from ..layout import link_photo, refuse_missing
from . import database
from .crops import Crop, crop_of, write_crop
from .running import Runner
from .settings import Effort
from .steps import FILE_DONE, Extract

IMAGES = "images"
_CROPS, _MASKS = "crops", "crop_masks"
_FOUND, _CAMERAS = "crops.db", "cameras.db"
_BATCH = 100
"""Photos whose crops are on the disk at once: 2 MB each."""
_MOST_THREADS = 8
_CAP = 20_000
"""Features in a crop, before its mask is applied and the largest of those on the object are kept."""
_TINY = 64
"""Pixels of a photo's longest edge where only its header is wanted."""
_MEGABYTES, _MEGABYTES_A_MEGAPIXEL = 50, 90
"""Memory for finding features in a picture, a little more than 4.2.1 takes."""


def create_database(runner: Runner, name: str, photos: Sequence[ScanPhoto], names: Mapping[str, str]) -> None:
    """Make the database of a solve, with the cameras of its photos and no features yet.

    COLMAP reads the camera from one photo of each lens. ``names`` is photo → its name in the database. Raises
    EngineError, OutputError and Cancelled.
    """
    place, cameras = runner.work / name, runner.work / _CAMERAS
    if place.exists():
        return
    first: dict[tuple[object, ...], ScanPhoto] = {}
    for photo in photos:
        first.setdefault(photo.facts.camera_key(), photo)
    shutil.rmtree(runner.work / IMAGES, ignore_errors=True)
    for photo in first.values():
        link_photo(photo, runner.work / IMAGES / names[photo.name])
    cameras.unlink(missing_ok=True)
    some = [names[photo.name] for photo in first.values()]
    runner.run(
        Extract(
            database=_CAMERAS,
            images=IMAGES,
            names=runner.list("lenses.txt", some),
            masks="",
            longest_edge=_TINY,
            features=1,
            first_octave=0,
            megabytes=_MEGABYTES,
        ),
        "reading the cameras",
    )
    read = database.photo_names(cameras)
    for photo in first.values():
        if names[photo.name] not in read:
            refuse_missing(photo)
            raise EngineError(
                f"{runner.commands.title} cannot read {photo.name}; save it as another JPEG or PNG, then run again"
            )
    lenses = {names[photo.name]: names[first[photo.facts.camera_key()].name] for photo in photos}
    database.create(cameras, place, lenses)
    cameras.unlink(missing_ok=True)


def find_features(
    runner: Runner, name: str, photos: Sequence[ScanPhoto], names: Mapping[str, str], effort: Effort
) -> None:
    """Find the features of those photos that have none in the database yet.

    Raises EngineError, OutputError and Cancelled.
    """
    done = database.feature_counts(runner.work / name)
    if not (todo := [photo for photo in photos if names[photo.name] not in done]):
        return
    runner.watch.step(f"Finding features in {count(len(photos), 'photo')}")
    for start in range(0, len(todo), _BATCH):
        batch = {f"{names[photo.name]}.bmp": photo for photo in todo[start : start + _BATCH]}
        crops = {crop: crop_of(photo, effort) for crop, photo in batch.items()}
        _write(runner, batch, crops)
        _find(runner, batch, crops, effort, (len(photos) - len(todo) + start, len(photos)))
        moved = {crop: (names[photo.name], crops[crop]) for crop, photo in batch.items()}
        kept = effort.kept if _is_masked(batch) else effort.whole_features
        database.move_features(runner.work / _FOUND, runner.work / name, moved, kept)
        _tidy(runner)


def _write(runner: Runner, photos: Mapping[str, ScanPhoto], crops: Mapping[str, Crop]) -> None:
    _tidy(runner)

    def write(name: str) -> None:
        runner.stop_if_cancelled()
        write_crop(photos[name], crops[name], runner.work / _CROPS / name, runner.work / _MASKS / f"{name}.png")

    with ThreadPoolExecutor(min(_MOST_THREADS, os.cpu_count() or 1)) as pool:
        for _ in pool.map(write, photos):
            pass


def _find(
    runner: Runner,
    photos: Mapping[str, ScanPhoto],
    crops: Mapping[str, Crop],
    effort: Effort,
    progress: tuple[int, int],
) -> None:
    """Find the features of a batch; ``progress`` is how many photos were done before, and how many there are."""
    before, total = progress
    is_masked = _is_masked(photos)
    sizes = [crop.size for crop in crops.values()]
    pixels = max(width * height for width, height in sizes) * (1 if is_masked else 4)
    runner.run(
        Extract(
            database=_FOUND,
            images=_CROPS,
            names=runner.list("crops.txt", list(crops)),
            masks=_MASKS if is_masked else "",
            longest_edge=max(map(max, sizes)),
            features=_CAP if is_masked else effort.whole_features,
            first_octave=0 if is_masked else -1,
            megabytes=_MEGABYTES + _MEGABYTES_A_MEGAPIXEL * pixels // 1_000_000,
        ),
        "finding features",
        FILE_DONE,
        lambda found: (before + int(found[1]), total),
    )


def _is_masked(photos: Mapping[str, ScanPhoto]) -> bool:
    """Whether photos have masks: all of a scan, or none."""
    return any(photo.mask_path for photo in photos.values())


def _tidy(runner: Runner) -> None:
    for folder in (_CROPS, _MASKS):
        shutil.rmtree(runner.work / folder, ignore_errors=True)
    for path in runner.work.glob(f"{_FOUND}*"):  # SQLite's own files beside it, too
        path.unlink()
