# SPDX-License-Identifier: GPL-3.0-or-later
"""What the operators do, as jobs for the worker with a little work between them.

A generator of steps yields a job, is sent how it ended, and returns how all of it ended. Who drives it decides whether
Blender waits (``driver``) or goes on working (``current_job``); the steps are the same.
"""

import contextlib
from collections.abc import Generator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import bpy

from .. import __package__ as base_package
from ..properties.typed import existing
from ..scan.common.errors import BadUseError, NoModelError, OutputError
from ..scan.common.hashes import short_hash
from ..scan.common.options import as_arguments
from ..scan.engines.settings import ReconstructSettings
from ..scan.export.settings import TurntableSettings
from ..scan.job.folder import JobFolder
from ..scan.job.job_end import JobEnd
from ..scan.meshing.settings import ModelSettings
from ..scan.reconstruction.importing import plan_import
from ..scan.reconstruction.ply import read_ply, write_ply
from ..scan.reconstruction.readers import registry
from ..scan.reconstruction.settings import ImportSettings, SceneContent
from ..scan.reconstruction.upright import check_in_folder
from ..scan.tasks.settings import AdoptSettings, StripSettings
from ..scan.texturing.settings import TextureSettings
from ..scene import building, remodelled, turntable
from ..scene.model_alone import chosen_model
from . import handing_on, imports

COMMAND = "scan_cutout"
"""What Blender's command line calls the extension."""


@dataclass(frozen=True)
class Job:
    """Something for a worker to do in a job folder."""

    title: str
    folder: JobFolder
    content: dict[str, Any]
    """``task`` and ``settings``, as they go into ``job.json``."""


Steps = Generator[Job, JobEnd, JobEnd]

_NAME, _NAME_HASH = 40, 6
"""Letters of the name of a mesh's file that say which it is, and those that no other has."""


def strip(settings: StripSettings) -> Steps:
    """Make masks. Raises BadUseError before anything is started."""
    settings.check()
    return (yield _job("Strip Backgrounds", settings.output, "strip", asdict(settings)))


def adopt_masks(settings: AdoptSettings) -> Steps:
    """Make somebody's own masks those of the photos. Raises BadUseError before anything is started."""
    settings.check()
    return (yield _job("Adopt Masks", settings.output, "adopt_masks", asdict(settings)))


def reconstruct(settings: ReconstructSettings) -> Steps:
    """Find the cameras. Raises BadUseError before anything is started."""
    settings.check()
    return (yield _job("Reconstruct", settings.output, "reconstruct", asdict(settings)))


def build_model(settings: ModelSettings) -> Steps:
    """Build the mesh. Raises BadUseError before anything is started."""
    settings.check()
    return (yield _job("Build Model", settings.output, "build_model", asdict(settings)))


def texture_model(settings: TextureSettings) -> Steps:
    """Make the model's texture. Raises BadUseError before anything is started."""
    settings.check()
    return (yield _job("Texture Model", settings.output, "texture_model", asdict(settings)))


def texture_mesh(settings: TextureSettings, thing: bpy.types.Object | None, *, packed: bool) -> Steps:
    """Make a texture for the mesh of an object, which stands in a scan, and show it on it.

    Raises BadUseError before anything is started, or where the object cannot show the texture any more that was made;
    OutputError where the mesh cannot be handed over.
    """
    settings.check()
    photos = registry.read(registry.find(Path(settings.cameras or settings.output))).photos
    mesh = remodelled.read(bpy.context, thing, photos, with_uvs=settings.keep_uvs)
    name, number = existing(thing).name, existing(thing).session_uid
    # Another name than the model's own files have, whatever the object is called.
    stem = f"mesh_{bpy.path.clean_name(name)[:_NAME]}_{short_hash(name)[:_NAME_HASH]}"
    file = JobFolder(Path(settings.output)).model / f"{stem}.ply"
    write_ply(file, mesh)
    painted = yield from texture_model(replace(settings, mesh=str(file)))
    if not painted.can_continue:
        return painted
    picture = Path(painted.details["texture"])
    made = read_ply(Path(painted.details["textured_mesh"]))
    try:
        # Asked for by number, as the scene below.
        there = next((each for each in bpy.data.objects if each.session_uid == number), None)
        if there is None:
            raise BadUseError(f"{name} is not in the file any more")
        remodelled.show(there, made, picture, packed=packed, keep_uvs=settings.keep_uvs)
    except BadUseError as error:
        raise BadUseError(f"{error}. The texture is kept as {picture}") from error
    return painted


def import_scan(settings: ImportSettings, scene: int, *, with_mesh: bool = True, with_texture: bool = True) -> Steps:
    """Bring a scan into the scene with this ``session_uid``; where it was deleted meanwhile, into the current one.

    The mesh comes ``with_mesh``, where one was built of these cameras, ``with_texture`` where it has one. Ends as
    ``some_failed`` where the photos are known and cameras have no picture all the same, where a mask or the texture
    cannot be shown, or photos are lost from the model's files; a model alone is whole. Raises BadUseError, and leaves
    the scene as it was.
    """
    plan = plan_import(settings, with_mesh=with_mesh, with_texture=with_texture)
    unfit: dict[str, dict[str, str]] = {}
    if plan.job is not None:
        # What is only looked at leaves nothing beside the model, which may lie where nothing can be written.
        title, place = ("Undistort Photos", plan.copies.root) if plan.has_copies else ("Check Photos", _checks())
        checked = yield Job(title, JobFolder(place), plan.job)
        if not checked.can_continue:
            return checked
        unfit = {what: dict(checked.details.get(what, {}).get("failed", {})) for what in ("photos", "masks")}
    # Asked for by number and late: undo, meanwhile, replaces Blender's data, and references to them would crash it.
    there = next((each for each in bpy.data.scenes if each.session_uid == scene), existing(bpy.context.scene))
    outcome = building.build(there, plan, settings, unfit.get("photos", {}), unfit.get("masks", {}))
    return imports.ended(plan, settings, outcome)


def render_turntable(settings: TurntableSettings, *, is_apart: bool) -> Steps:
    """Render the model in this process, or apart in a second Blender that opens a copy of the file.

    Raises BadUseError before anything is started, and OutputError.
    """
    turntable.check_turntable(settings)
    # The second Blender works in another folder.
    settings = replace(settings, turntable=str(Path(settings.turntable).absolute()))
    if not is_apart:
        return JobEnd.done(handing_on.rendered(bpy.context, settings), turntable=settings.turntable)
    chosen_model(bpy.context)
    folder = JobFolder(Path(bpy.app.tempdir, "scan_cutout_turntable"))
    copy, report = folder.root / "scene.blend", folder.root / "end.json"
    try:
        folder.root.mkdir(parents=True, exist_ok=True)
        bpy.ops.wm.save_as_mainfile(filepath=str(copy), copy=True)
        # Where the extension was switched on a moment ago, the preferences on disk may not know of it.
        opened = [bpy.app.binary_path, "-b", str(copy), "--addons", base_package]
        command = [*opened, "--command", COMMAND, "turntable", "--json", str(report), *as_arguments(settings)]
        job = {"command": command, "report": str(report), "frames": settings.frames}
        return (yield Job("Render Turntable", folder, {"task": "render_turntable", "settings": job}))
    except (OSError, RuntimeError) as error:
        raise OutputError(
            f"A copy of the file cannot be saved as {copy} ({str(error).strip()}); make room on the disk where this "
            "computer keeps temporary files, then try again"
        ) from error
    finally:
        with contextlib.suppress(OSError):  # else it goes with the folder, when Blender ends
            copy.unlink()


def scan_to_scene(
    stripping: StripSettings,
    solving: ReconstructSettings,
    modelling: ModelSettings | None,
    painting: TextureSettings | None,
    content: SceneContent,
    scene: int,
) -> Steps:
    """All of it, one after the other, without a mesh where ``modelling`` is None, or a texture where ``painting`` is.

    ``content`` is what comes into the scene, ``scene`` as in ``import_scan``. It ends as the first step in which
    something failed, else as done; where no mesh can be built, cameras and points come in all the same. Raises
    BadUseError; what was done before it is kept.
    """
    solving.check()
    for wanted in filter(None, (modelling, painting)):
        wanted.check()
    content.check_placement()
    stripping.check()
    check_in_folder(content, Path(stripping.photos))
    stripped = yield from strip(stripping)
    if not stripped.can_continue:
        return stripped
    solved = yield from reconstruct(solving)
    if not solved.can_continue:
        return solved
    results = solved.details["results"]
    built = None
    if modelling is not None:
        built = yield from build_model(replace(modelling, cameras=results))
        if not built.can_continue and built.exit_code != NoModelError.exit_code:
            return built
    has_mesh, painted = built is not None and built.can_continue, None
    if has_mesh and painting is not None:
        painted = yield from texture_model(replace(painting, cameras=results))
        if not painted.can_continue and painted.exit_code != NoModelError.exit_code:
            return painted
    importing = ImportSettings(directory=results, **asdict(content))
    has_texture = painted is not None and painted.can_continue
    imported = yield from import_scan(importing, scene, with_mesh=has_mesh, with_texture=has_texture)
    if not imported.can_continue:
        return imported
    return _whole({"strip": stripped, "solve": solved}, {"model": built, "texture": painted}, imported)


def _whole(ends: dict[str, JobEnd], wished: dict[str, JobEnd | None], imported: JobEnd) -> JobEnd:
    """How all steps together ended, of which the last one went well enough; ``wished`` are those it can do without."""
    message = imported.message
    for name, end in wished.items():
        if end is not None:
            ends[name] = end if end.can_continue else JobEnd.some_failed(end.message, **end.details)
            message += "" if end.can_continue else f". No {name} was made: {end.message}"
    first = next((end for end in ends.values() if end.exit_code), imported)
    details = {**imported.details, **{name: end.to_json() for name, end in ends.items()}}
    return JobEnd(status=first.status, exit_code=first.exit_code, message=message, details=details)


def _job(title: str, output: str, task: str, settings: dict[str, Any]) -> Job:
    return Job(title, JobFolder(Path(output)), {"task": task, "settings": settings})


def _checks() -> Path:
    return Path(bpy.app.tempdir, "scan_cutout_import")
