# SPDX-License-Identifier: GPL-3.0-or-later
"""The task texture_model: what the photos show, on a mesh, without the light that fell on it."""

import io
import json
import shutil
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..common.declared import from_json
from ..common.errors import BadUseError, ModelError, NoModelError
from ..common.files import cannot_write, save
from ..common.hashes import hash_file, short_hash
from ..common.text import count, some
from ..job import one_thread  # noqa: F401 - before anything that imports numpy
from ..job.context import JobContext
from ..job.job_end import JobEnd
from ..job.resources import memory
from ..job.versions import versions
from ..reconstruction.models import camera_key, model_file, texture_files
from ..reconstruction.ply import read_ply, write_ply
from ..reconstruction.types import Mesh, Reconstruction
from ..texturing.pictures import Pictures, frame_around, pixels_a_radius, read_pictures
from ..texturing.planning import needed_on_disk, scale_for
from ..texturing.settings import TextureSettings
from ..texturing.sights import sights_of
from ..texturing.texture import Texture, texture_of
from ..views.arrays import Arrays
from ..views.shots import Source, sources_of
from ..views.surface import Surface, face_normals
from ..views.threads import Workers
from ..views.view import Floats
from .solved_scan import end_facts, file_facts, refuse_full_disk, run_on
from .telling import Telling

_STEP = "Texturing the model"
_RECIPE = 2
"""Names the way a texture is made; raised when that changes, so that old ones are made anew."""
_COMPRESSION = 4


def run(values: dict[str, Any], context: JobContext) -> JobEnd:
    """Make the texture; its end, with the details, is in ``model/texture.json``, too.

    What was there already is not made again. Raises BadUseError before anything is written; NoModelError where there is
    nothing to make it of; OutputError.
    """
    settings = from_json(TextureSettings, values)
    settings.check()
    return run_on(
        settings,
        context,
        "texture_model",
        lambda reconstruction, workers: _Job(settings, context, reconstruction, workers).run,
        "Cancelled. The texture was not finished; run again to make it",
    )


class _Job:
    """One texture of one mesh."""

    def __init__(
        self, settings: TextureSettings, context: JobContext, reconstruction: Reconstruction, workers: Workers
    ) -> None:
        self._settings = settings
        self._folder = context.folder
        self._reconstruction = reconstruction
        self._workers = workers
        self._telling = Telling(_STEP, context.journal, workers)
        self._mesh_file = Path(settings.mesh) if settings.mesh else model_file(context.folder)
        self._mesh_hash = hash_file(self._mesh_file)
        self._files = texture_files(context.folder, Path(settings.mesh) if settings.mesh else None)

    def run(self) -> JobEnd:
        """Raises BadUseError, NoModelError, Cancelled, OutputError."""
        settings = self._settings
        if not self._mesh_file.is_file():
            raise NoModelError(f"There is no model in {self._folder.model}; build it first")
        mesh = read_ply(self._mesh_file)
        if settings.keep_uvs:
            self._check_uvs(mesh.uvs)
        masks = settings.masks if settings.masks.is_dir() else None
        sources = sources_of(self._reconstruction, Path(settings.photos), masks, self._folder.converted)
        key = self._key(sources)
        if not settings.texture_again and (earlier := self._earlier(key)):
            return earlier
        work = self._folder.model / f"texture-{key}"
        try:
            return self._make(mesh, sources, key, work)
        except OSError as error:
            raise cannot_write(work, error) from error
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def _check_uvs(self, uvs: Floats | None) -> None:
        """Raises BadUseError where there are none that could be kept."""
        name = self._mesh_file.name
        if uvs is None:
            raise BadUseError(f"{name} has no UV map that could be kept; unwrap it first, or leave Keep UVs off")
        outside = int((~((uvs.max(1) > 0) & (uvs.min(1) < 1)).all(1)).sum())
        if outside == len(uvs):
            raise BadUseError(
                f"All of the UV map of {name} lies outside of the square of the texture; move it there, or leave Keep "
                "UVs off"
            )
        if outside:
            self._telling.warn(
                f"{count(outside, 'face')} of {name} stay unpainted: in its UV map, they lie outside of the square of "
                "the texture"
            )

    def _key(self, sources: list[Source]) -> str:
        """Names the texture: same key, same cameras, photos, masks, mesh and settings."""
        settings = self._settings
        wanted = (settings.size, settings.remove_lighting, settings.keep_uvs)
        return short_hash(_RECIPE, camera_key(self._reconstruction), file_facts(sources), self._mesh_hash, wanted)

    def _earlier(self, key: str) -> JobEnd | None:
        """How the same texture was made before, if it is still there."""
        try:
            report: dict[str, Any] = json.loads(self._files.report.read_bytes())
            if report["key"] != key or not self._files.picture.is_file():
                return None
            end = _end(report)
            read_ply(self._files.mesh)  # an import needs it whole
        except (ModelError, OSError, ValueError, KeyError, TypeError):
            return None
        words = "Nothing has changed since, so that it was not painted again; Texture Again does"
        return replace(end, message=f"{end.message}. {words}")

    def _make(self, mesh: Mesh, sources: list[Source], key: str, work: Path) -> JobEnd:
        begin = time.monotonic()
        settings, tell = self._settings, self._telling.tell
        tell("Reading the photos", 0.0)
        arrays = Arrays(work)
        if not sources or not len(mesh.faces):
            raise NoModelError("There is nothing to make a texture of: no photo has a camera, or the mesh has no faces")
        vertices = mesh.vertices[np.unique(mesh.faces)]
        frame = frame_around(vertices)
        surface = Surface(frame.to_unit(mesh.vertices), mesh.faces.astype(np.int64))
        scale = self._scale(surface, pixels_a_radius(sources, frame), len(sources), work)
        pictures = read_pictures(sources, vertices, frame, scale, arrays, self._workers)
        if pictures.left_out:
            self._telling.warn(
                f"{count(len(pictures.left_out), 'photo')} left out of the texture: {some(sorted(pictures.left_out))}"
            )
        tell("Looking at what hides what", 0.1)
        sights = sights_of(pictures.views, arrays, surface, self._workers)
        texture = texture_of(
            surface,
            sights,
            settings.size,
            places=_places(mesh.uvs, settings.size) if settings.keep_uvs and mesh.uvs is not None else None,
            polygons=None if mesh.polygons is None else mesh.polygons.astype(np.int64),
            without_light=settings.remove_lighting,
            workers=self._workers,
            tell=tell,
        )
        if settings.remove_lighting and not texture.is_lit:
            self._telling.warn(
                "The light was left in the texture: it did not stand still while the object turned, or comes from "
                "everywhere alike"
            )
        tell("Saving the texture", 0.95)
        self._files.report.unlink(missing_ok=True)  # what is written now is not what it tells of
        save(self._files.picture, _png(texture))
        write_ply(self._files.mesh, replace(mesh, uvs=_uvs(texture)))
        report = self._report(pictures, texture, key)
        report["texture_seconds"] = round(time.monotonic() - begin, 3)
        save(self._files.report, json.dumps(report, indent=1).encode())
        tell("Done", 1.0)
        return _end(report)

    def _scale(self, surface: Surface, pixels: float, photos: int, work: Path) -> float:
        """How much smaller the views are than the photos, in which a radius takes so many ``pixels``.

        Raises NoModelError where memory or disk are too small, or the mesh has no area.
        """
        settings = self._settings
        area = float(np.linalg.norm(face_normals(surface), axis=1).sum() / 2)
        if not area > 0:
            raise NoModelError(f"The mesh {self._mesh_file.name} has no area; choose another")
        most = settings.memory * 1e9 or memory() / 2
        scale = scale_for(settings.size, area, len(surface.faces), pixels, photos, most)
        refuse_full_disk(work, needed_on_disk(scale * pixels, photos), self._folder.root, "The texture", "made")
        return scale

    def _report(self, pictures: Pictures, texture: Texture, key: str) -> dict[str, Any]:
        failed, files = pictures.left_out, self._files
        light = "without the lamps' light" if texture.is_lit else "with the light as it was"
        message = f"The texture has {self._settings.size:,} pixels a side, {light}, made of "
        message += count(len(pictures.views), "photo")
        if failed:
            message += f". Left out: {some(sorted(failed))}; {files.report} says why"
        return {
            **end_facts(len(self._reconstruction.photos), len(pictures.views), failed),
            "message": message,
            "textured_mesh": str(files.mesh),
            "texture": str(files.picture),
            "size": self._settings.size,
            "is_light_removed": texture.is_lit,
            "used": round(texture.used, 4),
            "unseen": round(texture.unseen, 4),
            "warnings": self._telling.warnings,
            "key": key,
            "mesh_hash": self._mesh_hash,
            "settings": asdict(self._settings),
            "versions": versions(),
        }


def _end(report: dict[str, Any]) -> JobEnd:
    names = (
        *("status", "exit_code", "message", "textured_mesh", "texture", "size", "is_light_removed", "used", "unseen"),
        *("warnings", "texture_seconds", "photos"),
    )
    return JobEnd.from_json({name: report[name] for name in names})


def _places(uvs: Floats, size: int) -> Floats:
    """Texels, x to the right and y down, of UVs."""
    return np.asarray(np.stack([uvs[..., 0], 1 - uvs[..., 1]], -1) * size, np.float32)


def _uvs(texture: Texture) -> Floats:
    """The opposite."""
    size = np.float32(len(texture.picture))
    return np.stack([texture.places[..., 0] / size, 1 - texture.places[..., 1] / size], -1)


def _png(texture: Texture) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(texture.picture).save(buffer, "PNG", compress_level=_COMPRESSION)
    return buffer.getvalue()
