# SPDX-License-Identifier: GPL-3.0-or-later
"""The task reconstruct, the second half of the work: an engine finds the cameras from the photos and their masks."""

import json
import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ..common.declared import from_json
from ..common.errors import Cancelled, EngineError, PhotoError
from ..common.files import cannot_write, save
from ..common.text import count, some
from ..engines.engine import Availability, Engine, EngineFolder, Scan, Solution, Watch, make_engine
from ..engines.preflight import Preflight, preflight
from ..engines.settings import ReconstructSettings
from ..job.context import JobContext
from ..job.events import Started
from ..job.folder import JobFolder, refuse_overlap
from ..job.job_end import JobEnd
from ..job.priority import lower_priority
from ..job.versions import versions
from ..masks.unfit_names import unfit_photos
from ..photos.converted import as_jpeg
from ..photos.photo import Photo, find_photos

_TICK = 0.05


def run(values: dict[str, Any], context: JobContext) -> JobEnd:
    """Run one solve; its end, with the details, is in ``engines/<engine>/report.json``, too.

    Some have failed where photos were left out or could not be placed. What was there already is not made again.
    Raises BadUseError before anything is started, EngineError and OutputError later.
    """
    settings = from_json(ReconstructSettings, values)
    settings.check()
    folder, journal = context.folder, context.journal
    begin = time.monotonic()
    engine = make_engine(settings.engine, settings.executable)
    photos = find_photos(Path(settings.photos), settings.files, folder.converted)
    for place in {photo.path.parent for photo in photos}:
        refuse_overlap(place, folder.root)  # again, since a linked folder lies elsewhere
    lower_priority()
    journal.write(Started(task="reconstruct", photos=len(photos), engine=settings.engine))
    watch = Watch(journal, context.cancel)
    try:
        working, unread = _working(photos, watch, develop_raw=settings.develop_raw)
        end = _solve(settings, folder, engine, working, unread, watch)
    except Cancelled:
        return JobEnd.cancelled("Cancelled. What was found so far is kept, run again to go on")
    return replace(end, details={**end.details, "seconds": round(time.monotonic() - begin, 3)})


def engine_folder(folder: JobFolder, engine: str) -> EngineFolder:
    """Where an engine, by its name in the settings, has its place in a job folder."""
    return EngineFolder(folder.engines / engine.lower())


def _working(photos: list[Photo], watch: Watch, *, develop_raw: bool) -> tuple[list[Photo], dict[Photo, PhotoError]]:
    """Returns what engines get for the photos, themselves or their JPEGs, and why some have none. Raises Cancelled."""
    others = [photo for photo in photos if photo.needs_jpeg]
    if not others:
        return photos, {}
    watch.step(f"Preparing {count(len(others), 'HEIC or RAW photo')}")
    jpegs, unread = {}, {}
    for number, photo in enumerate(others):
        if watch.cancel.is_set():
            raise Cancelled
        warnings: list[str] = []
        try:  # it is there already, unless it was never stripped
            jpegs[photo] = as_jpeg(photo, warnings, develop_raw=develop_raw)
        except PhotoError as error:
            unread[photo] = error
        for warning in warnings:
            watch.say(f"{photo.name}: {warning}", "warning")
        watch.progress(number + 1, len(others))
    return [jpegs.get(photo, photo) for photo in photos], unread


def _look(engine: Engine, cancel: threading.Event) -> Availability:
    """Whether the engine can be used; a program may take long to say so. Raises Cancelled."""
    pool = ThreadPoolExecutor(1)
    look = pool.submit(engine.look)
    pool.shutdown(wait=False)  # a look that nobody waits for ends with the worker
    while wait([look], timeout=_TICK).not_done:
        if cancel.is_set():
            raise Cancelled
    return look.result()


def _solve(
    settings: ReconstructSettings,
    folder: JobFolder,
    engine: Engine,
    photos: list[Photo],
    unread: dict[Photo, PhotoError],
    watch: Watch,
) -> JobEnd:
    def mask_of(photo: Photo) -> Path:
        return folder.mask(photo.name)

    unfit = unfit_photos(photos, folder)
    refused = {photo: PhotoError(unfit[name]) for photo in photos if (name := str(photo.name)) in unfit} | unread
    found = preflight(
        photos, mask_of if settings.masks else None, engine.requirements, engine.title, watch.cancel, refused
    )
    for finding in found.findings:
        watch.say(finding.text, finding.level)
    availability = _look(engine, watch.cancel)
    if availability.reason:
        raise EngineError(availability.reason)
    place = engine_folder(folder, settings.engine)
    scan = Scan(found.photos, settings)
    key = engine.key(scan, availability)
    if not settings.again and (earlier := _earlier(place, key, settings.mapper)):
        return earlier
    try:
        if settings.again:
            place.remove_work()
        place.root.mkdir(parents=True, exist_ok=True)
        begin = time.monotonic()
        solution = engine.solve(scan, place, key, watch)
        report = _report(settings, engine, availability.version, place, len(photos), found, solution)
        report.update(key=key, solve_seconds=round(time.monotonic() - begin, 3))
        save(place.report, json.dumps(report, indent=1).encode())
    except OSError as error:
        raise cannot_write(place.root, error) from error
    return _end(report)


def _earlier(place: EngineFolder, key: str, mapper: str) -> JobEnd | None:
    """How the same solve ended before, if its results are still there."""
    try:
        report = json.loads(place.report.read_bytes())
        if (report["key"], report["settings"]["mapper"]) != (key, mapper) or not place.results.is_dir():
            return None
        end = _end(report)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return replace(
        end, message=f"{end.message}. Nothing has changed since, so that it was not solved again; Solve Again does"
    )


def _end(report: dict[str, Any]) -> JobEnd:
    names = (
        *("status", "exit_code", "message", "engine", "version", "results", "registered", "total", "models", "points"),
        *("mean_reprojection_error", "solve_seconds"),
    )
    return JobEnd.from_json({name: report[name] for name in names})


def _report(
    settings: ReconstructSettings,
    engine: Engine,
    version: str,
    place: EngineFolder,
    total: int,
    found: Preflight,
    solution: Solution,
) -> dict[str, Any]:
    best, *others = solution.models
    placed = set(best.registered)
    unplaced = {
        photo.name: f"could not be placed; {solution.notes.get(photo.name, 'too little matches')}"
        for photo in found.photos
        if photo.name not in placed
    }
    failed = {**found.left_out, **unplaced}
    error = None if math.isnan(best.mean_error) else round(best.mean_error, 4)
    message = (
        f"{engine.title} {version} placed {len(placed)} of {count(total, 'photo')}, with {count(best.points, 'point')}"
        f"{f' and a mean reprojection error of {error:.2f} pixels' if error is not None else ''}"
    )
    if unplaced:
        message += f". Not placed: {some(sorted(unplaced))}; more photos between them and their neighbours help"
    if found.left_out:
        message += f". Left out: {some(sorted(found.left_out))}; {place.report} says why"
    if others:
        sizes = ", ".join(str(len(model.registered)) for model in others)
        message += f". Parts that did not join, with {sizes} photos, are in {place.other_results}"
    return {
        "status": "some_failed" if failed else "done",
        "exit_code": PhotoError.exit_code if failed else 0,
        "message": message,
        "engine": settings.engine,
        "version": version,
        "results": str(place.results),
        "registered": len(placed),
        "total": total,
        "models": len(solution.models),
        "points": best.points,
        "mean_reprojection_error": error,
        "photos": {
            "found": total,
            "done": len(placed),
            "failed": [{"photo": name, "reason": reason} for name, reason in sorted(failed.items())],
        },
        "other_models": [
            {"results": str(model.path), "registered": sorted(model.registered), "points": model.points}
            for model in others
        ],
        "settings": asdict(settings),
        "engine_settings": solution.facts,
        "versions": {**versions(), "engine": version},
        "log": str(place.log),
    }
