# SPDX-License-Identifier: GPL-3.0-or-later
"""The task check_programs: which photogrammetry programs there are on this computer, for the preferences."""

from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

from ..engines.catalog import ENGINES
from ..engines.engine import Availability, make_engine
from ..job.context import JobContext
from ..job.job_end import JobEnd

_PATIENCE = 10.0  # seconds for each
_TICK = 0.05


@dataclass(frozen=True, kw_only=True)
class ProgramsSettings:
    """What is looked for."""

    executables: dict[str, str] = field(default_factory=dict)
    """Engine → path of its program; those that are not in it are looked for on PATH and in the usual places."""


def run(values: dict[str, Any], context: JobContext) -> JobEnd:
    """Look for every engine's program, all at once; the end's detail ``programs`` has what was found by engine."""
    settings = ProgramsSettings(**values)
    engines = {each.name: make_engine(each.name, settings.executables.get(each.name, "")) for each in ENGINES}
    pool = ThreadPoolExecutor(len(engines))
    looks = {name: pool.submit(engine.look, _PATIENCE) for name, engine in engines.items()}
    while wait(looks.values(), timeout=_TICK).not_done:
        if context.cancel.is_set():
            pool.shutdown(wait=False)
            return JobEnd.cancelled()
    found = {name: look.result() for name, look in looks.items()}
    return JobEnd.done(
        ". ".join(_words(engines[name].title, availability) for name, availability in found.items()),
        programs={name: _facts(availability) for name, availability in found.items()},
    )


def _facts(availability: Availability) -> dict[str, str]:
    if availability.reason:
        return {"problem": availability.reason}
    return {"path": availability.path, "version": availability.version}


def _words(title: str, availability: Availability) -> str:
    if availability.reason:
        return availability.reason
    return f"{title} has version {availability.version}" + (f" ({availability.path})" if availability.path else "")
