# SPDX-License-Identifier: GPL-3.0-or-later
"""A script of its own between the worker and an engine, so that the engine never outlives the worker.

Arguments: the file that shall say which process runs, empty for none; the engine's log, empty for standard error; the
command. Standard input is a pipe that says nothing: when it closes, because the job was cancelled or because the worker
is gone, the engine and all that it started are ended at once. The last line of standard output is the engine's exit
code, negative for a signal.

What ends the tree is a process group (POSIX) or a job object (Windows, where the system does it even if this process
is killed). For a killed supervisor on POSIX there is the file: the next start ends what it names (``end_left_over``).
Standard library only, since it runs where nothing of the extension can be imported.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path


def start_of(pid: int) -> str:
    """When a process was started, in the system's own words; empty where there is none. Tells it from a later one."""
    if sys.platform == "linux":
        try:
            fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        except OSError:
            return ""
        # Field 22, counted from the process id; "Z" and "X" are processes that have ended already (man 5 proc).
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        return "" if fields[0] in {"Z", "X"} else f"{boot} {fields[19]}"
    command = ["ps", "-o", "lstart=", "-p", str(pid)]
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=False).stdout.strip()
    return ""


def _end_group(pid: int) -> None:
    """End a process and its whole group; where all are gone already, nothing happens."""
    if sys.platform != "win32":
        with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: a group of zombies only
            os.killpg(pid, signal.SIGKILL)


def end_left_over(place: Path) -> bool:
    """End the engine that the file ``place`` names, if it still runs; whether it did. The file is removed."""
    try:
        noted = json.loads(place.read_bytes())
        pid, started = int(noted["pid"]), str(noted["started"])
    except (OSError, ValueError, KeyError, TypeError):
        return False
    running = bool(started) and start_of(pid) == started
    if running:
        _end_group(pid)
    with contextlib.suppress(OSError):
        place.unlink()
    return running


if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes

    class _Limits(ctypes.Structure):
        """JOBOBJECT_EXTENDED_LIMIT_INFORMATION (winnt.h); only the flags are ever set."""

        _fields_ = (
            ("times", ctypes.c_int64 * 2),
            ("flags", wintypes.DWORD),
            ("sizes", ctypes.c_size_t * 2),
            ("processes", wintypes.DWORD),
            ("affinity", ctypes.c_size_t),
            ("classes", wintypes.DWORD * 2),
            ("counters", ctypes.c_uint64 * 6),
            ("memory", ctypes.c_size_t * 4),
        )

    def _bind_to_this_process() -> None:
        """Put this process into a job object that ends with it: whatever it starts ends then, too."""
        kill_on_close, extended_limits = 0x2000, 9
        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel.CreateJobObjectW.restype = wintypes.HANDLE
        kernel.GetCurrentProcess.restype = wintypes.HANDLE
        kernel.SetInformationJobObject.argtypes = (wintypes.HANDLE, ctypes.c_int, ctypes.c_void_p, wintypes.DWORD)
        kernel.AssignProcessToJobObject.argtypes = (wintypes.HANDLE, wintypes.HANDLE)
        job = kernel.CreateJobObjectW(None, None)  # its handle is never closed but by this process's end
        limits = _Limits(flags=kill_on_close)
        kernel.SetInformationJobObject(job, extended_limits, ctypes.byref(limits), ctypes.sizeof(limits))
        kernel.AssignProcessToJobObject(job, kernel.GetCurrentProcess())


def _note(pid: int, place: str) -> None:
    with contextlib.suppress(OSError):  # a full disk: the pipe is what ends the engine, this is for when it cannot
        part = Path(place + ".part")
        part.write_text(json.dumps({"pid": pid, "started": start_of(pid)}), encoding="ascii")
        part.replace(place)  # as one: a torn note would name nobody


def main(arguments: list[str]) -> int:
    """Run the command, and return the exit code of this process: 0 where it could be started."""
    place, log, *command = arguments
    if sys.platform == "win32":
        _bind_to_this_process()
        flags = subprocess.CREATE_NO_WINDOW
    else:
        flags = 0
    try:
        with Path(log).open("ab") if log else contextlib.nullcontext(sys.stderr) as output:
            engine = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                creationflags=flags,
                start_new_session=sys.platform != "win32",
            )
    except OSError as error:
        print(json.dumps({"error": error.strerror or str(error)}), flush=True)
        return 1

    def end_when_closed() -> None:
        while os.read(0, 4096):
            pass
        _end_group(engine.pid)
        engine.kill()

    threading.Thread(target=end_when_closed, daemon=True).start()
    if place:
        _note(engine.pid, place)
    code = engine.wait()
    _end_group(engine.pid)  # what it may have left behind
    if place:
        with contextlib.suppress(OSError):
            Path(place).unlink()
    print(json.dumps({"exit": code}), flush=True)
    return 0


if __name__ == "__main__":
    # Ctrl-C in a terminal, or a worker that is stopped politely: the pipe tells.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    code = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(code)  # not waiting for the thread that reads
