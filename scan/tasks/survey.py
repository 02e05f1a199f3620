# SPDX-License-Identifier: GPL-3.0-or-later
"""The task survey: what is to be known of a photo folder before the work begins, and what is done already."""

import json
import os
import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ..common.errors import BadUseError, Cancelled, ModelError, PhotoError
from ..common.files import cannot_write, is_file
from ..common.samples import spread
from ..common.text import count
from ..engines.catalog import names
from ..engines.engine import make_engine
from ..engines.preflight import about_cameras, about_left_out, look_at, too_few
from ..job.context import JobContext
from ..job.events import Event
from ..job.folder import JobFolder, refuse_overlap
from ..job.history import last_failures, last_records, left_masks, made_masks
from ..job.job_end import JobEnd
from ..job.journal import read_journal
from ..job.settings import check_photo_folder
from ..masks.own_masks import about_own_masks, find_own_masks
from ..masks.renamed import find_renamed
from ..masks.settings import Threshold
from ..photos.file_types import named_kind
from ..photos.other_files import about_others
from ..photos.photo import Photo, find_with_developed
from ..photos.pixels import make_proxy
from ..photos.twins import about_developed, about_shots_twice
from ..reconstruction.models import find_model, find_texture, model_report
from ..reconstruction.readers import registry
from ..review.thumbnails import SIZE, write_thumbnail
from .adopt_masks import Adoption, may_be_inverted
from .reconstruct import engine_folder


@dataclass(frozen=True, kw_only=True)
class SurveySettings:
    """What is looked at."""

    photos: str
    """The photo folder; its subfolders are the sides of the scan."""
    output: str = ""
    """The job folder that the scan has or will have; empty while none is chosen."""
    engine: str = "COLMAP"
    """The engine that the scan is to be solved with, by its name in the settings."""
    thumbnails: int = 0
    """How many small pictures are made, at most."""
    develop_raw: bool = False
    """Whether the scan will develop RAW photos."""


@dataclass(frozen=True)
class _Sorted:
    """The photos of a folder by what can be done with them."""

    readable: dict[Photo, Photo]
    """Photo → as engines get it: a HEIC or RAW photo that was converted before is a JPEG."""
    raw: list[Photo]
    """RAW photos of which there is no JPEG yet."""
    unconverted: list[Photo]
    """HEIC photos likewise."""
    left_out: dict[str, str]
    """Photo → why nothing can be done with it."""


def run(values: dict[str, Any], context: JobContext) -> JobEnd:
    """Look at the photos; the details of the end are what was found. The thumbnails go to the job's folder."""
    settings, folder, cancel = SurveySettings(**values), context.folder, context.cancel
    root = Path(settings.photos)
    output = JobFolder(Path(settings.output)) if settings.output else None
    events = read_journal(output.journal) if output else []
    try:
        check_photo_folder(settings.photos)
        photos, developed = find_with_developed(root, converted=(output or folder).converted)
    except BadUseError as error:
        # The photos may be on a disk that is not here today: what was made of them can be seen and imported.
        left = _state(None, output, events) if output else None
        return JobEnd.of(error, output=left)
    found = _sort(photos)
    try:
        warnings = [*_about_kinds(found, develops=settings.develop_raw), *about_others(root)]
        if words := about_shots_twice(photo.name for photo in photos):
            warnings.append(words)
        warnings += _about_photos(found, settings, cancel)
        own = find_own_masks(root, photos, output, made_masks(events))
        warnings += own.doubts()
        thumbnails = _thumbnails(found.readable, settings.thumbnails, folder, cancel)
    except Cancelled:
        return JobEnd.cancelled()
    if output:
        try:
            refuse_overlap(root, output.root)
        except BadUseError as error:
            warnings.append(str(error))
        warnings += _about_renamed(photos, root, output, events)
    sides = Counter("" if photo.name.parent == PurePosixPath() else str(photo.name.parent) for photo in photos)
    return JobEnd.done(
        f"{count(len(photos), 'photo')} in {count(len(sides), 'folder')}",
        count=len(photos),
        sides=[{"name": name, "count": number} for name, number in sides.items()],
        formats=dict(Counter(named_kind(photo.name) for photo in photos).most_common()),
        notes=[words] if (words := about_developed(developed)) else [],
        warnings=warnings,
        own_masks=_about_own(Adoption(photos, own, output or folder, events)),
        thumbnails=thumbnails,
        output=_state(photos, output, events) if output else None,
    )


def _sort(photos: Sequence[Photo]) -> _Sorted:
    found = _Sorted({}, [], [], {})
    for photo in photos:
        try:
            working = photo.working
        except PhotoError as error:
            found.left_out[str(photo.name)] = str(error)
            continue
        if photo.needs_jpeg and not working.path.is_file():
            (found.raw if photo.is_raw else found.unconverted).append(photo)
        else:
            found.readable[photo] = working
    return found


def _about_kinds(found: _Sorted, *, develops: bool) -> list[str]:
    warnings = []
    if found.raw:
        suffixes = ", ".join(sorted({photo.name.suffix.upper() for photo in found.raw}))
        become = (
            "will be developed to JPEG in the output folder"
            if develops
            else "cannot be read as RAW: tick Develop RAW Photos, or export JPEG or TIFF files into the same folder"
        )
        warnings.append(f"{count(len(found.raw), 'RAW photo')} ({suffixes}) {become}")
    if found.unconverted:
        warnings.append(
            f"{count(len(found.unconverted), 'HEIC photo')} will be converted to JPEG in the output folder, since "
            "photogrammetry programs read no HEIC; this takes about a second each"
        )
    return warnings


def _about_photos(found: _Sorted, settings: SurveySettings, cancel: threading.Event) -> list[str]:
    """What preflight would say of the photos before a solve."""
    engine = make_engine(settings.engine)
    looked, left_out = look_at(list(found.readable.values()), None, engine.requirements, engine.title, cancel)
    findings = about_left_out(found.left_out | left_out)
    if looked:
        findings += about_cameras([each.photo for each in looked], engine.title)
    warnings = [finding.text for finding in findings if finding.level == "warning"]
    to_come = len(found.unconverted) + (len(found.raw) if settings.develop_raw else 0)
    if words := too_few(len(looked) + to_come, engine.requirements, engine.title):
        warnings.append(words)
    return warnings


def _about_renamed(photos: Sequence[Photo], root: Path, output: JobFolder, events: Sequence[Event]) -> list[str]:
    """Where the masks are that photos seem to have lost with their names."""
    number = len(find_renamed(photos, last_records(events), root, output, left_masks(events)).moves)
    if not number:
        return []
    photos_have = "1 photo has another name" if number == 1 else f"{number} photos have other names"
    return [f"{photos_have} than when masks were made: Strip Backgrounds brings these along"]


def _thumbnails(
    readable: dict[Photo, Photo], most: int, folder: JobFolder, cancel: threading.Event
) -> list[dict[str, str]]:
    """Make up to so many small pictures, spread evenly over the photos, and name them."""
    chosen = spread(list(readable), most)

    def make(index: int) -> dict[str, str] | None:
        if cancel.is_set():
            raise Cancelled
        file = folder.thumbnails / f"{index}.npy"
        try:
            write_thumbnail(file, make_proxy(readable[chosen[index]], SIZE).picture)
        except PhotoError:
            return None  # damaged; the warnings name it
        except OSError as error:
            raise cannot_write(file, error, "make room") from error
        return {"photo": str(chosen[index].name), "file": str(file)}

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return [made for made in pool.map(make, range(len(chosen))) if made]


def _about_own(adoption: Adoption) -> dict[str, Any]:
    """What is to be known of masks that somebody has made elsewhere and that were not adopted yet."""
    pending = list(adoption.pending().values())
    return {
        "count": len(pending),
        "said": about_own_masks(pending),
        "inverted": may_be_inverted(pending, Threshold.threshold),
    }


def _state(photos: Sequence[Photo] | None, output: JobFolder, events: Sequence[Event]) -> dict[str, Any]:
    """What earlier jobs left in the output folder; without ``photos``, of whatever photos there were.

    ``events`` are those of these jobs.
    """
    failed = last_failures(events)
    if photos is None:
        masks = sum(1 for _ in output.masks.rglob("*.png"))
    else:
        masks = sum(_has_mask(photo, output) for photo in photos)
        failed = {name: failed[name] for photo in photos if (name := str(photo.name)) in failed}
    return {
        "masks": masks,
        "failed": failed,
        "report": output.report.is_file(),
        "contact_sheet": output.contact_sheet.is_file(),
        "solved": [solved for engine in names() if (solved := _solved(output, engine))],
    }


def _has_mask(photo: Photo, output: JobFolder) -> bool:
    try:
        return is_file(output.mask(photo.working.name))
    except PhotoError:
        return False


def _solved(output: JobFolder, engine: str) -> dict[str, Any] | None:
    """What an engine found, if that is still there, and what was built of it."""
    place = engine_folder(output, engine)
    try:
        report = json.loads(place.report.read_bytes())
        solved = {"engine": engine, "registered": report["registered"], "total": report["total"]}
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if not place.results.is_dir():
        return None
    return {**solved, "results": str(place.results), "model": _model(output, place.results)}


def _model(output: JobFolder, results: Path) -> dict[str, Any] | None:
    """What is to be known of the model that was built of the cameras in a folder; None without one."""
    try:
        report = json.loads(model_report(output).read_bytes())
        model: dict[str, Any] = {"faces": int(report["faces"])}
        # Read only now: of a large scan that takes a while.
        file = find_model(results, registry.read(results))
        if file is None:
            return None
    except (ModelError, OSError, ValueError, KeyError, TypeError):
        return None
    texture = _texture(file)
    return {**model, "texture": texture} if texture else model


def _texture(model: Path) -> dict[str, Any] | None:
    """What is to be known of a model's texture; None without one."""
    try:
        files = find_texture(model)
        return {"size": int(json.loads(files.report.read_bytes())["size"])} if files else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
