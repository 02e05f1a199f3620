# SPDX-License-Identifier: GPL-3.0-or-later
"""The process that Blender starts: runs one job, writes its events to the journal, leaves.

Its standard input carries one line of JSON (the secrets) and then stays open, for messages to a task that takes them:
when it closes, because the job was cancelled or because Blender is gone, the worker finishes what is in flight and
leaves.
"""

import importlib
import json
import os
import pkgutil
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from . import tasks
from .common.errors import BadUseError, OutputError, ScanError
from .engines.programs.program import end_left_over
from .job.context import JobContext
from .job.events import Finished
from .job.folder import JobFolder
from .job.inbox import Inbox
from .job.job_end import JobEnd
from .job.journal import Journal

Task = Callable[[dict[str, Any], JobContext], JobEnd]


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
                end = _run(job, JobContext(folder, journal, token, inbox))
                _end_journal(journal, end, run, output)
            finally:
                journal.close()
    except ScanError as error:
        end = JobEnd.of(error)
        _print_finished(end, run, output)
    return end.exit_code


def find_task(name: str) -> Task:
    """Returns the function ``run`` of the module in ``scan.tasks`` that is called ``name``, which is imported now.

    A task is one file. Raises BadUseError where there is none of that name.
    """
    if name in {module.name for module in pkgutil.iter_modules(tasks.__path__)}:
        module = importlib.import_module(f".{name}", tasks.__name__)
        run: Task | None = getattr(module, "run", None)
        if run is not None and getattr(run, "__module__", "") == module.__name__:
            return run
    raise BadUseError(f"There is no task {name!r}")


def _run(job: dict[str, Any], context: JobContext) -> JobEnd:
    try:
        return find_task(job["task"])(job["settings"], context)
    except ScanError as error:
        return JobEnd.of(error)
    except Exception:  # noqa: BLE001 - the outermost edge: a defect ends in words and a log, not in silence
        traceback.print_exc()
        log = context.folder.log
        return JobEnd.of(ScanError(f"An unexpected error ended the job; {log} says where. What was done is kept"))


def _end_journal(journal: Journal, end: JobEnd, run: str, output: TextIO) -> None:
    try:
        journal.finish(end)
    except OutputError:
        if end.exit_code != ScanError.exit_code:
            raise
        # A full disk has stopped the run already: that, with what is done, is to be read, not its last line.
        _print_finished(end, run, output)


def _print_finished(end: JobEnd, run: str, output: TextIO) -> None:
    print(json.dumps(Finished(run=run, time=time.time(), end=end).to_json()), file=output, flush=True)


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
