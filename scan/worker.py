# SPDX-License-Identifier: GPL-3.0-or-later
"""The process that Blender starts: runs one job, tells its story in the journal, leaves.

Its standard input carries one line of JSON (the secrets) and then stays open, for messages to a task that takes them:
when it closes, because the job was cancelled or because Blender is gone, the worker finishes what is in flight and
leaves.
"""

import json
import os
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, TextIO

from .common.declared import from_json
from .common.errors import EndpointError, OutputError, ScanError
from .common.files import save
from .engines.programs.program import end_left_over
from .engines.settings import ReconstructSettings
from .job.folder import JobFolder
from .job.inbox import Inbox
from .job.journal import Journal
from .job.priority import lower_priority
from .segmentation.rembg_client import RembgClient
from .segmentation.settings import EndpointSettings
from .tasks.check_programs import ProgramsSettings, check_programs
from .tasks.outcome import CANCELLED
from .tasks.prepare_import import Prepare, PrepareSettings
from .tasks.preview import Preview
from .tasks.reconstruct import reconstruct
from .tasks.settings import StripSettings
from .tasks.strip import Strip
from .tasks.survey import SurveySettings, survey

_TICK = 0.05
_PATIENCE = 10.0
"""Seconds that Test Connection waits, whoever hangs: the server, the network or the look-up of a name."""

Finish = dict[str, Any]
Task = Callable[[dict[str, Any], JobFolder, Journal, str, Inbox], Finish]


def main(root: Path, run: str, token: str, output: TextIO, inbox: Inbox) -> int:
    """Run the job in the folder ``root`` that was prepared as ``run``, and return the exit code.

    An end that has no journal to go to is printed to ``output`` as a ``finished`` event. ``inbox`` holds what Blender
    says meanwhile.
    """
    # Pillow warns of damaged metadata, which is common and harmless here.
    warnings.simplefilter("ignore")
    folder = JobFolder(root)
    try:
        with folder.lock():
            job = folder.read(run)
            journal = Journal(folder.journal, run, log=sys.stderr)
            try:
                # The lock is ours, so an engine that still works in here has lost its worker.
                end_left_over(folder.engines)
                finish = _run(job, folder, journal, token, inbox)
                _end_story(journal, finish, run, output)
            finally:
                journal.close()
    except ScanError as error:
        finish = error.end()
        _print_finished(finish, run, output)
    return int(finish["exit_code"])


def _end_story(journal: Journal, finish: Finish, run: str, output: TextIO) -> None:
    try:
        journal.finish(**finish)
    except OutputError:
        if finish["exit_code"] != 1:
            raise
        # A disk that is full has stopped the run already: that, with what is done, is the story, not its last line.
        _print_finished(finish, run, output)


def _print_finished(finish: Finish, run: str, output: TextIO) -> None:
    print(json.dumps({"event": "finished", "run": run, "time": time.time(), **finish}), file=output, flush=True)


def _run(job: dict[str, Any], folder: JobFolder, journal: Journal, token: str, inbox: Inbox) -> Finish:
    try:
        return _TASKS[job["task"]](job["settings"], folder, journal, token, inbox)
    except ScanError as error:
        return error.end()
    except Exception:  # noqa: BLE001 - the outermost edge: a defect ends in words and a log, not in silence
        traceback.print_exc()
        return ScanError(f"An unexpected error ended the job; {folder.log} says where. What was done is kept").end()


def _strip(values: dict[str, Any], folder: JobFolder, journal: Journal, token: str, inbox: Inbox) -> Finish:
    settings = from_json(StripSettings, values)
    settings.check()
    if settings.backend == "EMBEDDED":
        lower_priority()
    outcome = Strip(settings, folder, journal, token, inbox.cancel).run()
    report = outcome.to_json(values)
    try:
        save(folder.report, json.dumps(report, indent=1).encode(), f"{outcome.message}. Make room, then run again")
    except OutputError:
        if outcome.trouble is None:  # else that is what the user should read
            raise
    return {key: report[key] for key in ("status", "exit_code", "message", "photos", "no_cutouts", "seconds")}


def _check_endpoint(values: dict[str, Any], _folder: JobFolder, _journal: Journal, token: str, inbox: Inbox) -> Finish:
    begin = time.monotonic()
    client = RembgClient(from_json(EndpointSettings, values), token)
    pool = ThreadPoolExecutor(1)
    try:
        asked = pool.submit(client.capabilities)
        while not wait([asked], timeout=_TICK).done:
            if inbox.cancel.is_set():
                return {"status": "cancelled", "exit_code": CANCELLED, "message": "Cancelled"}
            if time.monotonic() - begin > _PATIENCE:
                raise EndpointError(
                    f"{client.url} did not answer within {_PATIENCE:.0f} s: the server is very busy, or something "
                    "else listens there; look at its log, then try again"
                )
        abilities = asked.result()
    finally:
        pool.shutdown(wait=False)
    return {
        "status": "done",
        "exit_code": 0,
        "message": f"rembg {abilities.version} answers with {len(abilities.models)} models",
        "version": abilities.version,
        "models": abilities.models,
        "seconds": round(time.monotonic() - begin, 3),
    }


def _prepare_import(values: dict[str, Any], folder: JobFolder, journal: Journal, _token: str, inbox: Inbox) -> Finish:
    return Prepare(PrepareSettings(**values), folder, journal, inbox.cancel).run()


def _reconstruct(values: dict[str, Any], folder: JobFolder, journal: Journal, _token: str, inbox: Inbox) -> Finish:
    settings = from_json(ReconstructSettings, values)
    settings.check()
    return reconstruct(settings, folder, journal, inbox.cancel)


def _survey(values: dict[str, Any], folder: JobFolder, _journal: Journal, _token: str, inbox: Inbox) -> Finish:
    return survey(SurveySettings(**values), folder, inbox.cancel)


def _preview(values: dict[str, Any], folder: JobFolder, journal: Journal, token: str, inbox: Inbox) -> Finish:
    settings = from_json(StripSettings, values)
    if settings.backend == "EMBEDDED":
        lower_priority()
    return Preview(settings, folder, journal, token, inbox).run()


def _check_programs(values: dict[str, Any], _folder: JobFolder, _journal: Journal, _token: str, inbox: Inbox) -> Finish:
    return check_programs(ProgramsSettings(**values), inbox.cancel)


_TASKS: dict[str, Task] = {
    "strip": _strip,
    "check_endpoint": _check_endpoint,
    "check_programs": _check_programs,
    "reconstruct": _reconstruct,
    "prepare_import": _prepare_import,
    "survey": _survey,
    "preview": _preview,
}


def start(arguments: list[str]) -> None:
    """The bootstrap's way in: ``arguments`` are the job folder and the name of the run. Does not return."""
    root, run = arguments
    secrets = json.loads(_read_line())
    # Nobody reads the pipe before the end: what libraries print goes to the log, lest it fill it.
    output = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    inbox = Inbox()
    threading.Thread(target=inbox.listen, daemon=True).start()
    code = main(Path(root), run, secrets["token"], output, inbox)
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads may still hang in a request to a server that does not answer: they must not hold the process.
    os._exit(code)


def _read_line() -> bytes:
    """The first line of standard input, and not a byte more, so that nothing is left in a buffer."""
    line = bytearray()
    while (byte := os.read(0, 1)) not in (b"", b"\n"):
        line += byte
    return bytes(line)
