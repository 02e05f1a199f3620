# SPDX-License-Identifier: GPL-3.0-or-later
"""What the window tests of jobs share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from blender_window import WindowBlender
from scan.job.events import Finished, PhotoDone
from scan.job.journal import read_journal

AddPhotos = Callable[[int], Sequence[str]]


class HeldServer(NamedTuple):
    """A real server that answers a few requests, and the others once there is a file ``gate``."""

    endpoint: str
    gate: Path


# What the scripts begin with; ``arguments`` are the photo folder, the output folder and the endpoint.
BEGIN = """
from bl_ext.user_default.scan_cutout.session import current_job

def set_up():
    photos, output, endpoint = arguments[:3]
    stored = bpy.context.preferences.addons["bl_ext.user_default.scan_cutout"].preferences
    stored.endpoint, stored.model = endpoint, "u2netp"
    stored.timeout = 900    # seconds: longer than any test, so that a held job is held, and none ends by itself
    scene = bpy.context.scene.scan_cutout
    scene.directory, scene.output_directory = photos, output

def begin():
    set_up()
    with using():
        return sorted(bpy.ops.scan_cutout.strip_backgrounds("INVOKE_DEFAULT"))

def has_begun():
    job = current_job.now()
    return job is not None and job.progress.total > 0

def is_over():
    return current_job.now() is None

def leftovers():
    handlers = [each for each in bpy.app.handlers.load_post if "scan_cutout" in each.__module__]
    return [hasattr(bpy.types.Scene, "scan_cutout"), len(handlers), "STRIP" in dir(bpy.ops.scan_cutout)]
"""


def run(window: WindowBlender, code: str, *arguments: object, **more: Any) -> Any:
    return window.run(BEGIN + code, *arguments, **more).result


def run_again(window: WindowBlender, *arguments: object) -> Any:
    """Another Blender goes on with the job; what it says of the photos."""
    code = """
def steps():
    begin()
    yield until(is_over)
    return current_job.last().result.details["photos"]
"""
    return run(window, code, *arguments)


def finish_of(output: Path) -> dict[str, Any]:
    return [event for event in read_journal(output / "journal.jsonl") if isinstance(event, Finished)][-1].end.to_json()


def count_made(output: Path) -> int:
    """How many photos a run has made. A mask whose line in the journal did not come to be is made again."""
    made = {event.photo for event in read_journal(output / "journal.jsonl") if isinstance(event, PhotoDone)}
    assert len(made) <= len(list((output / "masks").rglob("*.png")))
    return len(made)
