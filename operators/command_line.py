# SPDX-License-Identifier: GPL-3.0-or-later
"""``blender -b --command scan_cutout …``: the same work for scripts that are not Python."""

import argparse
import contextlib
import json
import sys
from pathlib import Path
from typing import Any

import bpy

from ..scan.errors import BadUseError, ScanError
from ..scan.settings import BACKENDS, CUTOUTS
from . import driver

_COMMAND = "scan_cutout"
_EXIT_CODES = (
    "exit codes: 0 all done, 1 unexpected, 2 bad use, 3 server unreachable, 4 some photos failed, 130 interrupted"
)

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
        options = _parser().parse_args(arguments)
    except SystemExit as end:  # argparse has printed the help, or what is wrong
        return int(end.code or 0)
    try:
        # Opened first: a report that has no place to go to shall not be found out after an hour of work.
        with options.json.open("w", encoding="utf-8") if options.json else contextlib.nullcontext() as report:
            finished = _strip(options)
            if report:
                json.dump(finished, report, indent=1)
    except OSError as error:
        finished = _failure(BadUseError(f"The report {options.json} cannot be written ({error.strerror})"))
    print(f"Scan Cutout: {finished['message']}", file=sys.stderr)
    return int(finished["exit_code"])


def _strip(options: argparse.Namespace) -> dict[str, Any]:
    given = {name: value for name, value in vars(options).items() if value is not None and name not in {"verb", "json"}}
    for folder in ("photos", "output"):
        given[folder] = str(Path(given[folder]).absolute())
    try:
        return driver.run_strip(bpy.context, driver.strip_settings(bpy.context, given))
    except ScanError as error:
        return _failure(error)


def _failure(error: ScanError) -> dict[str, Any]:
    return {"status": "failed", "exit_code": error.exit_code, "message": str(error)}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"blender -b --command {_COMMAND}",
        description="Photos of an object, background removed",
        epilog=_EXIT_CODES,
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    strip = verbs.add_parser("strip", help="make a mask for every photo of a folder", epilog=_EXIT_CODES)
    strip.add_argument(
        "--photos", required=True, metavar="DIR", help="folder with the photos, a subfolder for each side"
    )
    strip.add_argument(
        "--output", required=True, metavar="DIR", help="folder for masks and reports, outside of the photos"
    )
    strip.add_argument("--backend", type=str.upper, choices=BACKENDS, help="what removes them (default: preferences)")
    strip.add_argument("--endpoint", metavar="URL", help="address of the rembg server (default: from the preferences)")
    strip.add_argument("--model", metavar="NAME", help="name of the model (default: from the preferences)")
    strip.add_argument("--proxy-size", type=int, metavar="PIXELS", help="long edge of what the model is given (0: all)")
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
    strip.add_argument("--json", type=Path, metavar="FILE", help="write how the run ended to this file")
    return parser
