# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of the job in the sidebar: how it goes, how it ended, and what can be done about what failed."""

from collections.abc import Mapping
from pathlib import Path

import bpy

from ..operators.cancel_job import SCAN_CUTOUT_OT_cancel_job
from ..operators.strip_backgrounds import SCAN_CUTOUT_OT_strip_backgrounds
from ..properties.stored import Settings
from ..properties.typed import Icon, existing
from ..scan.job.folder import JobFolder
from ..scan.job.job_end import JobEnd
from ..session import current_job, survey, thumbnails
from .job_words import counted, pace
from .sidebar_panel import open_file, say
from .sidebar_photos import draw_thumbnails

_FAILURES = 5  # so many are named at first
_MOST_FAILURES = 200  # and so many where all are asked for
_WARNINGS = 3
_LINES = 2
_COLUMNS = 2
_ICONS: dict[str, Icon] = {"done": "CHECKMARK", "cancelled": "CANCEL"}


def draw_job(layout: bpy.types.UILayout, settings: Settings) -> None:
    """Draw the running job, else what the last one left."""
    if job := current_job.now():
        _draw_running(layout, job, settings)
        return
    last = current_job.last()
    is_elsewhere = last is not None and last.root != Path(settings.output)
    if last is not None and last.result is not None:
        _draw_ended(layout, last, last.result)
        # What was rendered says itself where it is, and the job's own folder is of no use any more.
        if is_elsewhere and "turntable" not in last.result.details:
            say(layout, f"In {last.root}", "FILE_FOLDER")
            _draw_files(layout, JobFolder(last.root), has_report=False)
    output = survey.output_state(settings)
    if failed := output.get("failed"):
        _draw_failures(layout, failed, Path(settings.photos))
        again = SCAN_CUTOUT_OT_strip_backgrounds.bl_idname
        existing(layout.operator(again, text="Retry Failed Photos", icon="FILE_REFRESH")).retry = True
    if output.get("report") or (last is not None and not is_elsewhere):
        _draw_files(layout, JobFolder(Path(settings.output)), has_report=output.get("report", False))


def _draw_running(layout: bpy.types.UILayout, job: current_job.RunningJob, settings: Settings) -> None:
    progress = job.progress
    column = layout.column()
    say(column, job.title if job.title == job.label else f"{job.label}: {job.title}", "SORTTIME")
    column.progress(factor=progress.factor, text=counted(job))
    if words := ", ".join(filter(None, (_failed(len(progress.failures)), pace(job)))):
        say(column, words)
    if job.is_cancelled:
        say(column, "About to end; photos in flight are waited for", "CANCEL")
    elif progress.waiting:
        say(column, progress.waiting, "ERROR")
    draw_thumbnails(column, thumbnails.latest, _COLUMNS)
    lines = [line for line in progress.lines if line != progress.step][-_LINES:]
    for line in [*lines, progress.step] if progress.step else lines:
        say(column, line, "INFO")
    column.operator(SCAN_CUTOUT_OT_cancel_job.bl_idname, text="Cancel", icon="CANCEL")
    if progress.failures:
        is_shown = job.folder.root == Path(settings.output)  # else the photos lie anywhere
        _draw_failures(layout, progress.failures, Path(settings.photos) if is_shown else None)
    _draw_files(layout, job.folder, has_report=False)


def _draw_ended(layout: bpy.types.UILayout, job: current_job.RunningJob, result: JobEnd) -> None:
    column = layout.column()
    column.label(text=job.label, icon=_ICONS.get(result.status, "ERROR"))
    say(column, _ended(result), "BLANK1")
    warnings = job.progress.warnings
    for warning in warnings[:_WARNINGS]:
        say(column, warning, "ERROR")
    if len(warnings) > _WARNINGS:
        say(column, f"and {len(warnings) - _WARNINGS} more warnings; the contact sheet shows all masks", "BLANK1")


def _ended(result: JobEnd) -> str:
    """How it ended; failed photos are listed, and so not in it."""
    details = result.details
    # Those of a strip name both.
    if result.status in {"some_failed", "all_failed"} and "no_cutouts" in details and details["photos"]["failed"]:
        photos, bare = details["photos"], len(details["no_cutouts"])
        words = f"{photos['done']} of {photos['found']} photos have a mask, {_failed(len(photos['failed']))}"
        return f"{words}; {bare} without a cutout" if bare else words
    return result.message


def _failed(number: int) -> str:
    return f"{number} failed" if number else ""


def _draw_failures(layout: bpy.types.UILayout, failed: Mapping[str, str], photos: Path | None) -> None:
    failures = list(failed.items())
    _draw_some_failures(layout, failures[:_FAILURES], photos)
    if len(failures) > _FAILURES:
        header, body = layout.panel("scan_cutout_failures", default_closed=True)
        header.label(text=f"{len(failures) - _FAILURES} More")
        if body is not None:
            _draw_some_failures(body, failures[_FAILURES:_MOST_FAILURES], photos)
            if len(failures) > _MOST_FAILURES:
                say(body, "The report has all of them", "BLANK1")


def _draw_some_failures(layout: bpy.types.UILayout, failures: list[tuple[str, str]], photos: Path | None) -> None:
    column = layout.column()  # no box, in which the light theme's texts are pale
    for index, (name, reason) in enumerate(failures):
        if index:
            column.separator(factor=0.5)
        row = column.row()
        say(row, f"{name} {reason}", "ERROR", less=1.2)
        if photos:
            open_file(row, photos / name, "", "IMAGE_DATA", "Show this photo in the system’s own program for it")


def _draw_files(layout: bpy.types.UILayout, folder: JobFolder, *, has_report: bool) -> None:
    row = layout.row(align=True)
    open_file(row, folder.root, "Folder", "FILE_FOLDER", "Open the folder with masks and results")
    if has_report:
        open_file(row, folder.report, "Report", "TEXT", "Read what was done with each photo, as JSON")
    open_file(row, folder.log, "Log", "CONSOLE", "Read what happened in each run, line by line, for bug reports")
