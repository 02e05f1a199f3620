# SPDX-License-Identifier: GPL-3.0-or-later
"""The process that Blender starts: runs one job, tells its story in the journal, leaves.

Its standard input carries one line of JSON (the secrets) and then stays open: when it closes, because the job was
cancelled or because Blender is gone, the worker finishes what is in flight and leaves.
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
from typing import Any

from .engines.program import end_left_over
from .errors import OutputError, ScanError
from .files import write_atomically
from .job import JobFolder
from .journal import Journal
from .priority import step_back
from .reconstruct import reconstruct
from .reconstruction.prepare import Prepare, PrepareSettings
from .rembg import RembgClient
from .report import CANCELLED
from .settings import ReconstructSettings, StripSettings, endpoint_settings
from .strip import Strip

_TICK = 0.05

Finish = dict[str, Any]
Task = Callable[[dict[str, Any], JobFolder, Journal, str, threading.Event], Finish]


def main(root: Path, run: str, token: str) -> int:
    """Run the job in the folder ``root`` that was prepared as ``run``, and return the exit code.

    A refusal that has no journal to go to is printed to standard output as a ``finished`` event.
    """
    # Pillow warns of damaged metadata, which is common and harmless here.
    warnings.simplefilter("ignore")
    cancel = threading.Event()
    threading.Thread(target=_cancel_when_closed, args=(cancel,), daemon=True).start()
    folder = JobFolder(root)
    try:
        with folder.lock():
            job = folder.read(run)
            journal = Journal(folder.journal, run)
            try:
                # The lock is ours, so an engine that still works in here has lost its worker.
                end_left_over(folder.engines)
                finish = _run(job, folder, journal, token, cancel)
                journal.write("finished", **finish)
            finally:
                journal.close()
    except ScanError as error:
        finish = _failure(error)
        print(json.dumps({"event": "finished", "run": run, "time": time.time(), **finish}), flush=True)
    return int(finish["exit_code"])


def _run(job: dict[str, Any], folder: JobFolder, journal: Journal, token: str, cancel: threading.Event) -> Finish:
    try:
        return _TASKS[job["task"]](job["settings"], folder, journal, token, cancel)
    except ScanError as error:
        return _failure(error)
    except Exception:  # noqa: BLE001 - the outermost edge: a defect ends in words and a log, not in silence
        traceback.print_exc()
        words = f"An unexpected error ended the job; {folder.log} says where. What was done is kept"
        return {"status": "failed", "exit_code": 1, "message": words}


def _strip(values: dict[str, Any], folder: JobFolder, journal: Journal, token: str, cancel: threading.Event) -> Finish:
    settings = StripSettings.from_json(values)
    settings.check()
    if settings.backend == "EMBEDDED":
        step_back()
    outcome = Strip(settings, folder, journal, token, cancel).run()
    report = outcome.to_json(values)
    try:
        write_atomically(folder.report, json.dumps(report, indent=1).encode())
    except OSError as error:
        if outcome.trouble is None:  # else that is what the user should read
            raise OutputError(
                f"{folder.report} cannot be written ({error.strerror}); {outcome.message}. Make room, then run again"
            ) from error
    return {key: report[key] for key in ("status", "exit_code", "message", "photos", "seconds")}


def _check_endpoint(
    values: dict[str, Any], _folder: JobFolder, _journal: Journal, token: str, cancel: threading.Event
) -> Finish:
    begin = time.monotonic()
    pool = ThreadPoolExecutor(1)
    try:
        asked = pool.submit(RembgClient(endpoint_settings(values), token).capabilities)
        while not wait([asked], timeout=_TICK).done:
            if cancel.is_set():
                return {"status": "cancelled", "exit_code": CANCELLED, "message": "Cancelled"}
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


def _prepare_import(
    values: dict[str, Any], folder: JobFolder, journal: Journal, _token: str, cancel: threading.Event
) -> Finish:
    return Prepare(PrepareSettings(**values), folder, journal, cancel).run()


def _reconstruct(
    values: dict[str, Any], folder: JobFolder, journal: Journal, _token: str, cancel: threading.Event
) -> Finish:
    settings = ReconstructSettings.from_json(values)
    settings.check()
    return reconstruct(settings, folder, journal, cancel)


_TASKS: dict[str, Task] = {
    "strip": _strip,
    "check_endpoint": _check_endpoint,
    "reconstruct": _reconstruct,
    "prepare_import": _prepare_import,
}


def _failure(error: ScanError) -> Finish:
    return {"status": "failed", "exit_code": error.exit_code, "message": str(error)}


def _cancel_when_closed(cancel: threading.Event) -> None:
    # Not sys.stdin: its lock, held by a thread that waits in a read, would keep the interpreter from ending.
    while os.read(0, 4096):
        pass
    cancel.set()


def start(arguments: list[str]) -> None:
    """The bootstrap's way in: ``arguments`` are the job folder and the name of the run. Does not return."""
    root, run = arguments
    secrets = json.loads(_read_line())
    code = main(Path(root), run, secrets["token"])
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
