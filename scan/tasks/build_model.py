# SPDX-License-Identifier: GPL-3.0-or-later
"""The task build_model: a watertight mesh from photos, their masks and their cameras."""

import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

from ..common.declared import from_json
from ..common.errors import ModelError, NoModelError
from ..common.files import cannot_write, save
from ..common.hashes import short_hash
from ..common.text import count, some
from ..job import one_thread  # noqa: F401 - before anything that imports numpy
from ..job.context import JobContext
from ..job.job_end import JobEnd
from ..job.resources import memory
from ..job.versions import versions
from ..meshing.build import Builder, Scene
from ..meshing.checkpoints import Checkpoints
from ..meshing.efforts import EFFORTS
from ..meshing.finish import finished, reduced, surface_of
from ..meshing.gaps import findings, have_neighbours
from ..meshing.planning import edge_for, needed_on_disk
from ..meshing.settings import ModelSettings
from ..reconstruction.models import camera_key, full_model_file, model_file, model_report
from ..reconstruction.ply import read_ply, write_ply
from ..reconstruction.types import Mesh, Reconstruction
from ..views.arrays import Arrays
from ..views.prepare import Shots, keep_all, left_out_words, look
from ..views.shots import Source, sources_of
from ..views.threads import Workers
from .solved_scan import end_facts, file_facts, refuse_full_disk, run_on
from .telling import Telling

_STEP = "Building the model"
_RECIPE = 3
"""Names the way a model is made; raised when that changes, so that old ones are made anew."""


def run(values: dict[str, Any], context: JobContext) -> JobEnd:
    """Make the model; its end, with the details, is in ``model/report.json``, too.

    What was there already is not made again. Raises BadUseError before anything is written; NoModelError where no model
    can be made of what there is, before the work begins; OutputError.
    """
    settings = from_json(ModelSettings, values)
    settings.check()
    return run_on(
        settings,
        context,
        "build_model",
        lambda reconstruction, workers: _Job(settings, context, reconstruction, workers).run,
        "Cancelled. What was done so far is kept, run again to go on",
    )


class _Known(NamedTuple):
    """What an earlier run has built."""

    mesh: Mesh
    """With all its faces."""
    wrong_masks: list[str]


class _Job:
    """One model of one scan."""

    def __init__(
        self, settings: ModelSettings, context: JobContext, reconstruction: Reconstruction, workers: Workers
    ) -> None:
        self._settings = settings
        self._folder = context.folder
        self._reconstruction = reconstruction
        self._workers = workers
        self._effort = EFFORTS[settings.model_quality]
        self._telling = Telling(_STEP, context.journal, workers)

    def run(self) -> JobEnd:
        """Raises NoModelError, Cancelled, OutputError."""
        settings, sources = self._settings, self._sources()
        edge = self._edge(sources)
        key = self._key(sources, edge)
        work = self._folder.model / f"work-{key}"
        earlier = None if settings.model_again else self._earlier(key)
        if earlier and earlier["settings"]["faces"] == settings.faces:
            shutil.rmtree(work, ignore_errors=True)
            return _unchanged(earlier)
        self._telling.tell("Looking at the masks", 0.0)
        shots = look(sources, edge, self._workers)
        if not have_neighbours(shots.views):
            raise NoModelError(
                "No two photos show the same part of the object, so that they cannot be compared; take photos at most "
                "20° apart, all around it"
            )
        try:
            self._make_room(work, needed_on_disk(self._effort, len(sources), edge))
            return self._build(shots, key, work, self._known(earlier) if earlier else None)
        except OSError as error:
            raise cannot_write(work, error) from error

    def _sources(self) -> list[Source]:
        """The photos that have a camera, each with its files."""
        masks = self._settings.masks
        if not masks.is_dir():
            raise NoModelError(
                f"There are no masks in {masks}; strip the backgrounds first: the masks bound the model from all sides"
            )
        return sources_of(self._reconstruction, Path(self._settings.photos), masks, self._folder.converted)

    def _edge(self, sources: Sequence[Source]) -> float:
        """How large the object may be in the views, in pixels. Raises NoModelError where memory is too small."""
        settings = self._settings
        sides = [max(source.pinhole.width, source.pinhole.height) for source in sources]
        largest = max(sides, default=self._effort.edge)
        effort = replace(self._effort, edge=min(self._effort.edge, largest))  # no larger than it can be in a photo
        return edge_for(effort, len(sources), settings.worker_threads, settings.memory * 1e9 or memory() / 2)

    def _key(self, sources: Sequence[Source], edge: float) -> str:
        """Names the surface: same key, same cameras, photos, masks and effort."""
        facts = file_facts(sources)
        return short_hash(_RECIPE, camera_key(self._reconstruction), facts, asdict(replace(self._effort, edge=edge)))

    def _earlier(self, key: str) -> dict[str, Any] | None:
        """The report of the same surface as it was made before, if that is still there."""
        try:
            report: dict[str, Any] = json.loads(model_report(self._folder).read_bytes())
            is_it = report["key"] == key and isinstance(report["wrong_masks"], list)
            is_it = is_it and isinstance(report["settings"]["faces"], int)
            _end(report)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        there = model_file(self._folder).is_file() and full_model_file(self._folder).is_file()
        return report if is_it and there else None

    def _known(self, earlier: dict[str, Any]) -> _Known | None:
        """The surface of an earlier run; None where its file is damaged."""
        try:
            return _Known(read_ply(full_model_file(self._folder)), earlier["wrong_masks"])
        except ModelError:
            return None

    def _make_room(self, work: Path, needed: int) -> None:
        """Remove the work on other models. Raises NoModelError where the disk is too full."""
        for path in self._folder.model.glob("work-*"):
            if path != work or self._settings.model_again:
                shutil.rmtree(path, ignore_errors=True)
        refuse_full_disk(work, needed, self._folder.root, "The model", "built")

    def _build(self, shots: Shots, key: str, work: Path, known: _Known | None) -> JobEnd:
        """Build the surface, or take the one that is known, and reduce it to the faces wanted."""
        begin = time.monotonic()
        arrays = Arrays(work / "views")
        self._telling.tell("Reading the photos", 0.01)
        shots = keep_all(shots, arrays, self._workers)
        self._telling.warn(left_out_words(shots.left_out), *findings(shots.views))
        scene = Scene(shots.views, [part.ends for part in shots.parts], arrays, self._effort)
        builder = Builder(scene, Checkpoints(work), self._workers, self._telling.tell)
        if known:
            full, builder.wrong_masks = known
            surface = surface_of(full, shots.frame)
        else:
            surface = builder.build()
            full = finished(surface, builder.quality(surface, builder.depths(surface)), None, shots.frame)
        if builder.wrong_masks:
            self._telling.warn(
                f"{count(len(builder.wrong_masks), 'mask')} did not count, since what they cut away is in the others "
                f"({some(builder.wrong_masks)}); look at them on the contact sheet"
            )
        self._telling.tell("Coloring the mesh", 0.95)
        fewer = reduced(surface, self._settings.faces)
        if fewer is None:
            self._telling.warn("The mesh could not be reduced and stay closed: it has all its faces")
        final = surface if fewer is None else fewer
        depths = builder.depths(final)
        mesh = finished(final, builder.quality(final, depths), builder.colors(final, depths), shots.frame)
        model_report(self._folder).unlink(missing_ok=True)  # what is written now is not what it tells of
        if not known:
            write_ply(full_model_file(self._folder), full)
        write_ply(model_file(self._folder), mesh)
        report = self._report(shots, key, full, mesh)
        report["wrong_masks"] = builder.wrong_masks
        report["build_seconds"] = round(time.monotonic() - begin, 3)
        save(model_report(self._folder), json.dumps(report, indent=1).encode())
        shutil.rmtree(work, ignore_errors=True)
        self._telling.tell("Done", 1.0)
        return _end(report)

    def _report(self, shots: Shots, key: str, full: Mesh, mesh: Mesh) -> dict[str, Any]:
        failed = shots.left_out
        seen = float((mesh.quality > 0).mean())
        message = f"The model has {count(len(mesh.faces), 'face')}, made of {count(len(shots.views), 'photo')}"
        if failed:
            message += f". Left out: {some(sorted(failed))}; {model_report(self._folder)} says why"
        return {
            **end_facts(len(self._reconstruction.photos), len(shots.views), failed),
            "message": message,
            "mesh": str(model_file(self._folder)),
            "full_mesh": str(full_model_file(self._folder)),
            "faces": len(mesh.faces),
            "vertices": len(mesh.vertices),
            "full_faces": len(full.faces),
            "seen": round(seen, 4),
            "warnings": self._telling.warnings,
            "key": key,
            "cameras": camera_key(self._reconstruction),
            "settings": asdict(self._settings),
            "versions": versions(),
        }


def _unchanged(report: dict[str, Any]) -> JobEnd:
    """How the same model was made before."""
    end = _end(report)
    return replace(
        end, message=f"{end.message}. Nothing has changed since, so that it was not built again; Build Again does"
    )


def _end(report: dict[str, Any]) -> JobEnd:
    names = (
        *("status", "exit_code", "message", "mesh", "full_mesh", "faces", "vertices", "full_faces", "seen", "warnings"),
        *("build_seconds", "photos"),
    )
    return JobEnd.from_json({name: report[name] for name in names})
