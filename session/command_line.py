# SPDX-License-Identifier: GPL-3.0-or-later
"""``blender -b --command scan_cutout …``: the same work for scripts that are not Python."""

import argparse
import contextlib
import itertools
import json
import sys
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy

from ..properties import job_settings
from ..properties.typed import existing
from ..scan.common.declared import Unit, names_of, settings_of
from ..scan.common.errors import BadUseError, OutputError, ScanError
from ..scan.common.files import refuse_unwritable
from ..scan.common.options import add_options, given_of
from ..scan.engines.settings import ReconstructSettings
from ..scan.export.settings import ExportSettings, Overwriting, TurntableSettings
from ..scan.job.job_end import JobEnd
from ..scan.meshing.settings import ModelSettings
from ..scan.reconstruction.settings import ImportSettings, SceneContent
from ..scan.tasks.settings import NOT_OF_A_SCAN, AdoptSettings, ScanSteps, StripSettings
from ..scan.texturing.settings import TextureSettings
from . import driver, steps
from .handing_on import Wishes

_EXIT_CODES = (
    "exit codes: 0 all done, 1 unexpected, 2 bad use, 3 server unreachable, 4 some photos failed, or lack a "
    "cutout, a place, a picture or a mask, or there is no model or no texture, 5 engine failed, 130 interrupted"
)

Given = dict[str, Any]

_GROUPS = (StripSettings, ReconstructSettings, TextureSettings, ImportSettings)
_FOLDERS = {each.name for group in _GROUPS for each in settings_of(group) if each.declaration.unit is Unit.FOLDER}
_PATHS = _FOLDERS | {"filepath", "mesh", "turntable", "certificate"}


_handle: Any = None


def register() -> None:
    """Make the command known to Blender."""
    global _handle  # noqa: PLW0603 - Blender hands out a handle that must be given back
    _handle = bpy.utils.register_cli_command(steps.COMMAND, run)


def unregister() -> None:
    """Take it back."""
    global _handle  # noqa: PLW0603
    bpy.utils.unregister_cli_command(_handle)
    _handle = None


def run(arguments: list[str]) -> int:
    """Run the command with the arguments behind its name, and return the exit code."""
    try:
        options = vars(_parser().parse_args(arguments))
    except SystemExit as end:  # argparse has printed the help, or what is wrong
        return int(end.code or 0)
    verb, report_file = options.pop("verb"), options.pop("json")
    given = given_of(options)
    for name in _PATHS & given.keys():
        if isinstance(given[name], str):  # whether masks are used, and where they lie, have one name
            given[name] = str(Path(given[name]).absolute())
    try:
        # Opened first: a report that has no place to go to shall not be found out after an hour of work.
        with report_file.open("w", encoding="utf-8") if report_file else contextlib.nullcontext() as report:
            ended = _guarded(verb, given)
            if report:
                json.dump(ended.to_json(), report, indent=1)
    except OSError as error:
        ended = JobEnd.of(BadUseError(f"The report {report_file} cannot be written ({error.strerror})"))
    print(f"Scan Cutout: {ended.message}", file=sys.stderr)
    return ended.exit_code


def _guarded(verb: str, given: Given) -> JobEnd:
    """How the work ended, whatever went wrong: who started it may have only the report to look at."""
    try:
        return _VERBS[verb](given)
    except ScanError as error:
        return JobEnd.of(error)
    except Exception:  # noqa: BLE001 - told on the console and, as the end, to the caller
        traceback.print_exc()
        message = f"An unexpected error ended {verb}; the console says where. What was done is kept"
        return JobEnd.of(ScanError(message))


def _strip(given: Given) -> JobEnd:
    return _drive(steps.strip(job_settings.strip_settings(bpy.context, given)))


def _adopt(given: Given) -> JobEnd:
    return _drive(steps.adopt_masks(job_settings.adopt_settings(given)))


def _reconstruct(given: Given) -> JobEnd:
    return _drive(steps.reconstruct(job_settings.reconstruct_settings(bpy.context, given)))


def _model(given: Given) -> JobEnd:
    return _drive(steps.build_model(job_settings.model_settings(bpy.context, given)))


def _texture(given: Given) -> JobEnd:
    return _drive(steps.texture_model(job_settings.texture_settings(bpy.context, given)))


def _import(given: Given) -> JobEnd:
    if not (given.get("directory") or given.get("filepath")):
        raise BadUseError("There is nothing to import; name a folder with --output, or a file with --file")
    folder = given.get("directory") or str(Path(given["filepath"]).parent)
    blend, wishes = _blend_file(given.pop("blend", None), folder), _wishes(given)
    scene = existing(bpy.context.scene).session_uid
    return wishes.fulfil(bpy.context, _save(blend, _drive(steps.import_scan(ImportSettings(**given), scene))))


def _run(given: Given) -> JobEnd:
    blend, wishes = _blend_file(given.pop("blend", None), given["output"]), _wishes(given)
    stripping = job_settings.strip_settings(bpy.context, given)
    solving = job_settings.reconstruct_settings(bpy.context, given)
    modelling = job_settings.wanted_model(bpy.context, given)
    painting = job_settings.wanted_texture(bpy.context, given)
    content = job_settings.scene_content(given)
    scene = existing(bpy.context.scene).session_uid
    scanned = _save(blend, _drive(steps.scan_to_scene(stripping, solving, modelling, painting, content, scene)))
    return wishes.fulfil(bpy.context, scanned)


def _hand_on(given: Given) -> JobEnd:
    return _wishes(given).fulfil(bpy.context, JobEnd.done(""))


def _wishes(given: Given) -> Wishes:
    """What the model in the scene shall become. Raises BadUseError before there is one, where it cannot."""
    wishes = Wishes.taken_from(given)
    wishes.check(has_model=given.get("build_model", True))
    return wishes


def _drive(what: steps.Steps) -> JobEnd:
    return driver.drive(bpy.context, what, lambda step: print(f"Scan Cutout: {step.message}", file=sys.stderr))


def _blend_file(named: str | None, output: str) -> Path:
    """Where the scene goes. Raises BadUseError where it cannot, which shall not be found out after an hour of work."""
    blend = (Path(named) if named else _untaken(Path(output))).absolute()
    if blend.suffix != ".blend":
        raise BadUseError(f"The scene cannot be saved as {blend}; name a file that ends with .blend")
    refuse_unwritable(blend, f"The scene cannot be saved as {blend}", "name another place with --blend or --output")
    return blend


def _untaken(folder: Path) -> Path:
    """A file for the scene: an earlier one, unless it is named, stays as somebody may have worked on in it."""
    names = itertools.chain(["scan.blend"], (f"scan_{number}.blend" for number in itertools.count(2)))
    return next(folder / name for name in names if not (folder / name).exists())


def _save(blend: Path, imported: JobEnd) -> JobEnd:
    """Save the scene, if anything came into it."""
    if not imported.can_continue:
        return imported
    try:
        blend.parent.mkdir(parents=True, exist_ok=True)
        bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    except (OSError, RuntimeError) as error:
        message = (
            f"The scene cannot be saved as {blend} ({str(error).strip()}); what was done is kept: make room, or name "
            "another file with --blend, and import it again"
        )
        return JobEnd.of(OutputError(message), **imported.details)
    return replace(
        imported, message=f"{imported.message}. Saved as {blend}", details={**imported.details, "blend": str(blend)}
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"blender -b --command {steps.COMMAND}",
        description="Photos of an object, its background removed, to a 3D model",
        epilog=_EXIT_CODES,
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    both = ("photos", "output")
    strip, adopt, reconstruct, model, texture, bring, run, export, turntable = (
        verbs.add_parser(name, help=words, epilog=_EXIT_CODES)
        for name, words in (
            ("strip", "make a mask for every photo of a folder"),
            ("adopt", "take masks of your own for those of the photos"),
            ("reconstruct", "find the cameras of photos that have masks"),
            ("model", "build a mesh of the object from photos that have masks and cameras"),
            ("texture", "paint the model with what the photos show"),
            ("import", "bring what was reconstructed into a scene, and save it"),
            ("run", "all of these, one after the other"),
            ("export", "write the model of the open file to files for other programs"),
            ("turntable", "render the model of the open file"),
        )
    )
    add_options(strip, StripSettings, required=both)
    add_options(adopt, AdoptSettings, required=both)
    add_options(reconstruct, ReconstructSettings, required=("output",))
    add_options(model, ModelSettings, required=("output",))
    add_options(texture, TextureSettings, required=("output",))
    add_options(bring, ImportSettings)
    add_options(run, StripSettings, required=both)
    add_options(run, ReconstructSettings, without=names_of(StripSettings))
    before = {*names_of(StripSettings), *names_of(ReconstructSettings)}
    add_options(run, ModelSettings, without=before | NOT_OF_A_SCAN)
    add_options(run, TextureSettings, without={*before, *names_of(ModelSettings), *NOT_OF_A_SCAN})
    add_options(run, ScanSteps)
    add_options(run, SceneContent)
    add_options(export, ExportSettings, required=("export",))
    add_options(turntable, TurntableSettings, required=("turntable",))
    for one in (bring, run):
        add_options(one, ExportSettings)
        add_options(one, TurntableSettings, without=names_of(Overwriting))
    for one in (strip, adopt, reconstruct, model, texture, bring, run, export, turntable):
        one.add_argument("--json", type=Path, metavar="FILE", help="Write how the run ended to this file")
    for one in (bring, run):
        one.add_argument(
            "--blend",
            metavar="FILE",
            help="Where to save the scene, in place of what is there (default: scan.blend in the output folder, or the "
            "next of scan_2.blend, … that is not there)",
        )
    return parser


_VERBS: dict[str, Callable[[Given], JobEnd]] = {
    "strip": _strip,
    "adopt": _adopt,
    "reconstruct": _reconstruct,
    "model": _model,
    "texture": _texture,
    "import": _import,
    "run": _run,
    "export": _hand_on,
    "turntable": _hand_on,
}
