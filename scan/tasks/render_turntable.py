# SPDX-License-Identifier: GPL-3.0-or-later
"""The task render_turntable: a second Blender renders the model, while the user's goes on."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..common.errors import Cancelled, EngineError
from ..engines.programs.program import NOTE, Program
from ..export.settings import RENDERED
from ..job.context import JobContext
from ..job.events import Started, StepProgress
from ..job.job_end import JobEnd
from ..job.priority import lower_priority

_RENDERED = re.compile(RENDERED.format(done=r"(\d+)", total=r"(\d+)"))
_STEP = "Rendering"


@dataclass(frozen=True, kw_only=True)
class RenderSettings:
    """Which Blender is started, and what for."""

    command: list[str]
    """It writes how it ended to ``report``."""
    report: str
    frames: int


def run(values: dict[str, Any], context: JobContext) -> JobEnd:
    """Have Blender render, and return how it says that it ended. Raises EngineError where it says nothing."""
    settings = RenderSettings(**values)
    lower_priority()
    report = Path(settings.report)
    report.unlink(missing_ok=True)
    context.journal.write(Started(task="render_turntable"))
    context.journal.write(StepProgress(step=_STEP, total=settings.frames))

    def read(line: str) -> None:
        if found := _RENDERED.search(line):
            context.journal.write(StepProgress(step=_STEP, done=int(found[1]), total=int(found[2])))

    blender = Program(
        title="Blender",
        folder=context.folder.root,
        log=context.folder.log,
        note=context.folder.engines / "blender" / NOTE,
        cancel=context.cancel,
        # What it has not finished stays in the job's folder, also where it is ended for that.
        environment={"TMPDIR": str(context.folder.root)},
    )
    try:
        blender.run(settings.command, "rendering", read)
    except Cancelled:
        return JobEnd.cancelled("Cancelled; nothing was rendered")
    except EngineError:
        if not report.is_file():
            raise
    return JobEnd.from_json(json.loads(report.read_bytes()))
