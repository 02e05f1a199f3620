# SPDX-License-Identifier: GPL-3.0-or-later
"""``blender -b --command scan_cutout …``: the same work for scripts that are not Python."""

import argparse
import contextlib
import itertools
import json
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy

from ..properties import job_settings
from ..scan.common.errors import BadUseError, OutputError, ScanError
from ..scan.reconstruction.importing import ImportSettings
from ..scan.tasks.settings import BACKENDS, CUTOUTS, ENGINES, MAPPERS, QUALITIES
from . import driver, steps

_COMMAND = "scan_cutout"
_EXIT_CODES = (
    "exit codes: 0 all done, 1 unexpected, 2 bad use, 3 server unreachable, 4 some photos failed, or lack a "
    "cutout, a place or a picture, 5 engine failed, 130 interrupted"
)

Given = dict[str, Any]
Finish = dict[str, Any]

_SOLVE_OPTIONS = {"engine", "quality", "mapper", "masks", "executable"}

_handle: Any = None


def register() -> None:
    """Make the command known to Blender."""
    global _handle  # noqa: PLW0603 - Blender hands out a handle that must be given back
    _handle = bpy.utils.register_cli_command(_COMMAND, run)


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
    given = {name: value for name, value in options.items() if value is not None}
    for folder in {"photos", "output"} & given.keys():
        given[folder] = str(Path(given[folder]).absolute())
    try:
        # Opened first: a report that has no place to go to shall not be found out after an hour of work.
        with report_file.open("w", encoding="utf-8") if report_file else contextlib.nullcontext() as report:
            finished = _guarded(verb, given)
            if report:
                json.dump(finished, report, indent=1)
    except OSError as error:
        finished = BadUseError(f"The report {report_file} cannot be written ({error.strerror})").end()
    print(f"Scan Cutout: {finished['message']}", file=sys.stderr)
    return int(finished["exit_code"])


def _guarded(verb: str, given: Given) -> Finish:
    """How the work ended, whatever went wrong: who started it may have only the report to look at."""
    try:
        return _VERBS[verb](given)
    except ScanError as error:
        return error.end()
    except Exception:  # noqa: BLE001 - told on the console and, as the end, to the caller
        traceback.print_exc()
        return ScanError(f"An unexpected error ended {verb}; the console says where. What was done is kept").end()


def _strip(given: Given) -> Finish:
    return _drive(steps.strip(job_settings.strip_settings(bpy.context, given)))


def _reconstruct(given: Given) -> Finish:
    return _drive(steps.reconstruct(job_settings.reconstruct_settings(bpy.context, given)))


def _import(given: Given) -> Finish:
    blend = _blend_file(given)
    importing = ImportSettings(directory=given["output"], photos=given.get("photos", ""))
    return _save(blend, _drive(steps.import_scan(importing, bpy.context.scene.session_uid, animated_camera=False)))


def _run(given: Given) -> Finish:
    blend = _blend_file(given)
    solving = {name: given.pop(name) for name in _SOLVE_OPTIONS & given.keys()}
    solving.update(photos=given["photos"], output=given["output"])
    stripping = job_settings.strip_settings(bpy.context, given)
    solving = job_settings.reconstruct_settings(bpy.context, solving)
    scene = bpy.context.scene.session_uid
    return _save(blend, _drive(steps.scan_to_scene(stripping, solving, scene, animated_camera=False)))


def _drive(what: steps.Steps) -> Finish:
    return driver.drive(bpy.context, what, lambda told: print(f"Scan Cutout: {told['message']}", file=sys.stderr))


def _blend_file(given: Given) -> Path:
    """Where the scene goes. Raises BadUseError where it cannot, which shall not be found out after an hour of work."""
    named = given.pop("blend", None)
    blend = (Path(named) if named else _untaken(Path(given["output"]))).absolute()
    try:
        if blend.suffix != ".blend" or blend.is_dir():
            raise BadUseError(f"The scene cannot be saved as {blend}; name a file that ends with .blend")
        # Nothing is made yet, not even the folder: the settings may still be refused.
        there = next((each for each in blend.parents if each.exists()), blend.parent)
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise BadUseError(
            f"The scene cannot be saved as {blend} ({error.strerror}); name another place with --blend or --output"
        ) from error
    return blend


def _untaken(folder: Path) -> Path:
    """A file for the scene: an earlier one, unless it is named, stays as somebody may have worked on in it."""
    names = itertools.chain(["scan.blend"], (f"scan_{number}.blend" for number in itertools.count(2)))
    return next(folder / name for name in names if not (folder / name).exists())


def _save(blend: Path, imported: Finish) -> Finish:
    """Save the scene, if anything came into it."""
    if not steps.can_continue(imported):
        return imported
    try:
        blend.parent.mkdir(parents=True, exist_ok=True)
        bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    except (OSError, RuntimeError) as error:
        message = (
            f"The scene cannot be saved as {blend} ({str(error).strip()}); what was done is kept: make room, or name "
            "another file with --blend, and import it again"
        )
        return {**imported, **OutputError(message).end()}
    return {**imported, "message": f"{imported['message']}. Saved as {blend}", "blend": str(blend)}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"blender -b --command {_COMMAND}",
        description="Photos of an object, its background removed, to a 3D model",
        epilog=_EXIT_CODES,
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    parsers = {
        name: verbs.add_parser(name, help=words, epilog=_EXIT_CODES)
        for name, words in (
            ("strip", "make a mask for every photo of a folder"),
            ("reconstruct", "find the cameras of photos that have masks"),
            ("import", "bring what was reconstructed into a scene, and save it"),
            ("run", "all three, one after the other"),
        )
    }
    for name, one in parsers.items():
        required = name in {"strip", "run"}
        one.add_argument(
            "--photos", required=required, metavar="DIR", help="folder with the photos, a subfolder for each side"
        )
        one.add_argument(
            "--output", required=True, metavar="DIR", help="folder for masks and results, outside of the photos"
        )
        one.add_argument("--json", type=Path, metavar="FILE", help="write how the run ended to this file")
    for name in ("strip", "run"):
        _add_strip_options(parsers[name])
    for name in ("reconstruct", "run"):
        _add_solve_options(parsers[name])
    for name in ("import", "run"):
        parsers[name].add_argument(
            "--blend",
            metavar="FILE",
            help="where to save the scene, in place of what is there (default: OUTPUT/scan.blend, or the next of "
            "scan_2.blend, … that is not there)",
        )
    return parser


def _add_strip_options(strip: argparse.ArgumentParser) -> None:
    strip.add_argument("--backend", type=str.upper, choices=BACKENDS, help="what removes them (default: preferences)")
    strip.add_argument("--endpoint", metavar="URL", help="address of the rembg server (default: from the preferences)")
    strip.add_argument("--model", metavar="NAME", help="name of the model (default: from the preferences)")
    size = strip.add_mutually_exclusive_group()
    size.add_argument(
        "--proxy-size",
        type=int,
        metavar="PIXELS",
        help="long edge of what the model is given (256 to 8192; 0: as --full-resolution)",
    )
    size.add_argument(
        "--full-resolution", dest="proxy_size", action="store_const", const=0, help="give it the photo file itself"
    )
    strip.add_argument("--threshold", type=int, metavar="N", help="soft mask values from this on are kept (1 to 255)")
    strip.add_argument("--fill-holes", type=float, metavar="PERCENT", help="fill holes up to this share of the picture")
    strip.add_argument("--drop-islands", type=float, metavar="PERCENT", help="drop islands up to this share of it")
    strip.add_argument("--grow", type=int, metavar="PIXELS", help="grow the mask, or shrink it where negative")
    strip.add_argument("--refine-edges", action="store_true", default=None, help="draw the edge to the photo's own")
    strip.add_argument("--alpha-matting", action="store_true", default=None, help="let the server estimate the edge")
    strip.add_argument("--matting-foreground", type=int, metavar="N", help="surely the object from this value on")
    strip.add_argument("--matting-background", type=int, metavar="N", help="surely background up to this value")
    strip.add_argument("--matting-erode", type=int, metavar="PIXELS", help="draw both back from the edge by so much")
    strip.add_argument("--post-process", action="store_true", default=None, help="let the server smooth the mask")
    strip.add_argument("--extras", metavar="JSON", help="more of what the server's model takes; no secrets")
    strip.add_argument("--cutouts", type=str.upper, choices=CUTOUTS, help="pictures to make beside the masks")
    strip.add_argument("--cutout-colour", metavar="#RRGGBB", help="behind the object in JPEG cutouts")
    strip.add_argument("--in-flight", type=int, metavar="N", help="requests sent at the same time")
    strip.add_argument("--timeout", type=float, metavar="SECONDS", help="how long one answer may take")
    strip.add_argument("--retry-for", type=float, metavar="SECONDS", help="how long a server that went away is awaited")


def _add_solve_options(solve: argparse.ArgumentParser) -> None:
    solve.add_argument("--engine", type=str.upper, choices=ENGINES, help="what finds the cameras")
    solve.add_argument("--quality", type=str.upper, choices=QUALITIES, help="how closely the photos are looked at")
    solve.add_argument("--mapper", type=str.upper, choices=MAPPERS, help="camera after camera, or all at once")
    solve.add_argument("--no-masks", dest="masks", action="store_false", default=None, help="use the whole photos")
    solve.add_argument("--executable", metavar="FILE", help="the engine's program (default: preferences, then PATH)")


_VERBS: dict[str, Callable[[Given], Finish]] = {
    "strip": _strip,
    "reconstruct": _reconstruct,
    "import": _import,
    "run": _run,
}
