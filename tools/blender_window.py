# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Blender window on a virtual screen, with a user folder nobody else uses; window_setup.py installs it.

For the tests, the benchmarks and the pictures in the README::

    with Room() as room:
        blender = WindowBlender(room, folder).install(zip)
        result = blender.run("def steps(): yield 1; return bpy.app.version_string").result

A *room* is a namespace of mounts and processes around that Debian. The project and the folder for temporary files are
seen in it under their own paths, and 127.0.0.1 is this machine's. When the room is left, or the process that made it
dies, the kernel ends all that runs in it. How scripts press keys and wait is said in run_in_window.py.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, cast

import environments
import fetch
import window_setup
from bpy_process import ScriptError

TARGET = fetch.Target("linux-x64", "3.14")
"""The platform and Python whose zip is for the Blender that Debian packages."""

SIZE = (1600, 1000)
_LOOK = 0.02  # seconds between looks at what is waited for
_DRIVER = Path(__file__).with_name("run_in_window.py")

# Called with the root of the Debian and the folders to show in it. What runs next in the room is a child of nobody in
# there, so the first process, which `cat` becomes, has to be rid of it when it ends: the kernel does that for a process
# that ignores SIGCHLD. `cat` ends when the pipe to it closes, and all of the room with it.
_OPEN = """
set -eu
root=$1; shift
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
for folder; do
  mkdir -p "$root$folder"
  mount --bind "$folder" "$root$folder"
done
echo open
trap '' CHLD
exec cat
"""

# Preferences of somebody who has used Blender before: nothing pops up over what the tests want to see.
_INSTALL = """
import bpy
import sys
bpy.context.preferences.view.show_splash = False
smoothing, *zips = sys.argv[sys.argv.index("--") + 1:]
if smoothing == "coarse":
    bpy.context.preferences.system.viewport_aa = "OFF"
for path in zips:
    bpy.ops.extensions.package_install_files(filepath=path, repo="user_default", enable_on_install=True)
bpy.ops.wm.save_userpref()
"""

# What Blender prints where Python code of an add-on goes wrong, or draws something that is not there; from 5.0 on also
# as a line of its log.
_COMPLAINT = re.compile(
    r"Traceback|^\w+(Error|Exception): |rna_ui|unknown operator|property not found|bpy_rna|leaked|^\S+ +\S+ +\| ERROR "
)


class Room:
    """Where Blender windows live. Use as a context manager."""

    def __init__(self, *folders: Path) -> None:
        """``folders`` are shown in the room besides the project and the folder for temporary files."""
        self._folders = (environments.ROOT, Path(tempfile.gettempdir()), *folders)
        self._process: subprocess.Popen[str]

    def __enter__(self) -> Self:
        root = window_setup.ensure()
        shown = sorted({folder.resolve() for folder in self._folders})
        # One inside another is there already.
        shown = [each for each in shown if not any(each.is_relative_to(other) for other in shown if other != each)]
        self._process = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", _OPEN, "sh", root, *shown],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C in the terminal is for who runs the tests
        )
        if cast("IO[str]", self._process.stdout).readline() != "open\n":
            raise RuntimeError(f"{root} could not be entered; what the shell printed says why.")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            cast("IO[str]", pipe).close()
        self._process.wait()

    def start(self, command: list[str], env: Mapping[str, str], **options: Any) -> subprocess.Popen[Any]:
        """Start a program in the room, in a session of its own; ``options`` as for Popen."""
        namespaces = f"/proc/{self._process.pid}/ns"
        enter = ["nsenter", f"--mount={namespaces}/mnt", f"--pid={namespaces}/pid_for_children"]
        return subprocess.Popen(
            [*enter, "chroot", str(window_setup.DEBIAN), *command],
            stdin=subprocess.DEVNULL,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", **env},
            start_new_session=True,
            **options,
        )


class Screen:
    """A virtual screen of its own, under a number that no other one has."""

    def __init__(self, room: Room, env: Mapping[str, str]) -> None:
        """Start it."""
        self._room, self._env = room, env
        width, height = SIZE
        command = f"Xvfb -displayfd 1 -screen 0 {width}x{height}x24 +extension GLX -nolisten tcp"
        self._process = room.start(command.split(), env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        number = cast("IO[str]", self._process.stdout).readline().strip()
        if not number:
            raise RuntimeError("Xvfb did not start.")
        self.display = f":{number}"

    def picture(self, path: Path) -> Path:
        """Take a picture of all of the screen."""
        env = {**self._env, "DISPLAY": self.display}
        if self._room.start(["import", "-window", "root", str(path)], env).wait() != 0:
            raise RuntimeError(f"There is no picture of the screen {self.display}.")
        return path

    def close(self) -> None:
        """Take it away."""
        _end(self._process)


@dataclass(frozen=True)
class Run:
    """What became of a script."""

    folder: Path
    returncode: int

    @property
    def console(self) -> str:
        """All that Blender printed, stdout and stderr."""
        return _text(self.folder / "console.txt")

    @property
    def complaints(self) -> list[str]:
        """The lines of it that tell of something wrong."""
        return [line for line in self.console.splitlines() if _COMPLAINT.search(line)]

    @property
    def result(self) -> Any:
        """What the script's ``steps`` returned. Raises ScriptError where it did not get there or a check failed."""
        try:
            story = json.loads((self.folder / "result.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            story = {"error": f"The script did not get to its end; Blender ended with {self.returncode}."}
        wrong = "\n".join([*story.get("failed", ()), story.get("error", "")]).strip()
        if wrong:
            raise ScriptError(f"{wrong}\n{self.folder}\n{self.console[-4000:]}")
        return story["result"]


class Running:
    """A Blender window in which a script runs."""

    def __init__(self, process: subprocess.Popen[Any], screen: Screen, folder: Path) -> None:
        self.process, self.screen, self.folder = process, screen, folder

    def until(self, condition: Callable[[], object]) -> None:
        """Wait for something to become true outside, such as a file that the script makes in ``folder``."""
        with self._told():
            while not condition():
                if self.process.poll() is not None:
                    raise ScriptError(f"Blender ended with {self.process.returncode} before this came true.")
                time.sleep(_LOOK)

    def wait(self) -> Run:
        """Wait for Blender to quit, as it does after the script's end."""
        with self._told():
            self.process.wait()
        return self.end()

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Where a wait is interrupted, as by the limit of a test's time, add to the error what there was to be seen.

        And kill Blender, which nobody waits for any more.
        """
        try:
            yield
        except BaseException as error:
            for note in self._to_tell():
                error.add_note(note)
            raise

    def _to_tell(self) -> Iterator[str]:
        for name, words in (("waiting.txt", "Waited for"), ("result.json", "The script has ended with")):
            with contextlib.suppress(FileNotFoundError):
                yield f"{words}: {_text(self.folder / name)}"
        if self.process.poll() is None:
            try:
                yield f"The screen: {self.screen.picture(self.folder / 'failure.png')}"
            except (RuntimeError, OSError) as no_picture:
                yield str(no_picture)
        yield f"The console, in {self.folder}:\n{self.end().console[-4000:]}"

    def end(self) -> Run:
        """Kill Blender if it is there, as a crash would: the worker of a job is not touched. Take its screen away."""
        _end(self.process)
        self.screen.close()
        return Run(self.folder, self.process.returncode)


class WindowBlender:
    """Debian's Blender with a user folder (preferences, extensions, temporary files) of its own, ``home``."""

    def __init__(self, room: Room, home: Path) -> None:
        self.room, self.home = room, home
        self.expected: list[str] = []
        """Complaints that a test wanted to see."""
        self._running: list[Running] = []
        for name in ("user", "runtime", "tmp", "runs"):
            (home / name).mkdir(parents=True, exist_ok=True)
        (home / "runtime").chmod(0o700)

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables to start it with: nothing of this machine's but the compiled shaders is shared."""
        return {
            "BLENDER_USER_RESOURCES": str(self.home / "user"),
            "HOME": str(self.home),
            "XDG_RUNTIME_DIR": str(self.home / "runtime"),
            "TMPDIR": str(self.home / "tmp"),
            "LIBGL_ALWAYS_SOFTWARE": "1",
            "MESA_SHADER_CACHE_DIR": str(window_setup.WINDOW / "shaders"),
            "ORT_DISABLE_TELEMETRY": "1",
        }

    def install(self, *zips: Path, is_coarse: bool = False) -> WindowBlender:
        """Install extensions from their zips and enable them for every later start.

        A coarse one draws the 3D View once where others smooth its edges in eight drawings: a start takes half as long.
        """
        script = self.home / "install.py"
        script.write_text(_INSTALL, encoding="utf-8")
        done = self.background(
            "--python-exit-code", "1", "--python", script, "--", "coarse" if is_coarse else "smooth", *zips
        )
        if done.returncode != 0:
            raise ScriptError(done.stdout + done.stderr)
        return self

    def copy(self, home: Path) -> WindowBlender:
        """Give another one with the same preferences and extensions.

        Installed files, which are many and large, are linked: nothing writes into one that is there.
        """
        shutil.copytree(self.home / "user", home / "user", copy_function=os.link, dirs_exist_ok=True)
        return WindowBlender(self.room, home)

    def start(
        self,
        script: str | Path,
        *arguments: object,
        env: Mapping[str, str] | None = None,
        options: tuple[str, ...] = (),
    ) -> Running:
        """Start a window in which a script runs: a path, or the code itself. ``options`` are for Blender.

        The script has a function ``steps``, and finds what run_in_window.py says; among it the list of strings
        ``arguments``.
        """
        folder = self.home / "runs" / str(len(self._running))
        folder.mkdir()
        if isinstance(script, str):
            code, script = textwrap.dedent(script), folder / "script.py"
            script.write_text(code, encoding="utf-8")
        screen = Screen(self.room, self.environment)
        width, height = map(str, SIZE)
        command = ["blender", "--enable-event-simulate", "--gpu-backend", "opengl"]
        command += ["--window-geometry", "0", "0", width, height, *options]
        command += ["--python", str(_DRIVER), "--", str(folder), str(script), *map(str, arguments)]
        with (folder / "console.txt").open("wb") as console:
            process = self.room.start(
                command,
                {**self.environment, "DISPLAY": screen.display, **(env or {})},
                stdout=console,
                stderr=subprocess.STDOUT,
            )
        self._running.append(Running(process, screen, folder))
        return self._running[-1]

    def run(self, script: str | Path, *arguments: object, **more: Any) -> Run:
        """Run a script in a window, as ``start`` does, and wait for Blender to quit."""
        return self.start(script, *arguments, **more).wait()

    def background(self, *arguments: object, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run ``blender -b`` with these arguments, without a window."""
        command = ["blender", "-b", *map(str, arguments)]
        paths = [self.home / f"{name}.txt" for name in ("stdout", "stderr")]
        with paths[0].open("wb") as stdout, paths[1].open("wb") as stderr:
            process = self.room.start(command, {**self.environment, **(env or {})}, stdout=stdout, stderr=stderr)
        try:
            process.wait()
        except BaseException as error:
            _end(process)
            for path in paths:
                error.add_note(f"{path}:\n{_text(path)[-4000:]}")
            raise
        return subprocess.CompletedProcess(command, process.returncode, *map(_text, paths))

    def command(self, *arguments: object, **more: Any) -> subprocess.CompletedProcess[str]:
        """Run ``blender -b --command scan_cutout`` with these arguments."""
        return self.background("--command", "scan_cutout", *arguments, **more)

    def workers(self) -> list[int]:
        """Give the process ids of the workers and engines of this Blender that are there still."""
        others = {b"nsenter", b"blender", b"Xvfb", b"import"}
        return [pid for pid in self.processes() if _read(pid, "cmdline").split(b"\0")[0] not in others]

    def processes(self) -> list[int]:
        """Give the process ids, as they are outside, of all that was started with this one's user folder."""
        mine = f"BLENDER_USER_RESOURCES={self.home / 'user'}".encode()
        pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
        return [pid for pid in pids if mine in _read(pid, "environ").split(b"\0") and _read(pid, "cmdline")]

    def wait_until_gone(self) -> None:
        """Wait for all that was started with this one's user folder to end. How soon, make bench-window measures."""
        self._wait_until_none(self.processes)

    def wait_until_workers_are_gone(self) -> None:
        """Wait for the workers and engines of this Blender to end, whether or not it lives."""
        self._wait_until_none(self.workers)

    def _wait_until_none(self, processes: Callable[[], list[int]]) -> None:
        left: list[int] = []
        try:
            while left := processes():
                time.sleep(_LOOK)
        except BaseException as error:
            commands = [_read(pid, "cmdline").replace(b"\0", b" ").decode(errors="replace") for pid in left]
            error.add_note("\n".join(["Still there:", *commands]))
            raise

    def close(self) -> list[str]:
        """End all that is left of its windows; give the complaints of all of them."""
        runs = [running.end() for running in self._running]
        return [complaint for run in runs for complaint in run.complaints]


def _end(process: subprocess.Popen[Any]) -> None:
    """Kill a program that was started in the room, and nothing that it started.

    What was started here is nsenter, which waits for the program, its only child, and ends as that one did.
    """
    while process.poll() is None:
        for child in _read(process.pid, f"task/{process.pid}/children").split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(child), signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=_LOOK)
    if process.stdout is not None:
        process.stdout.close()


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def _read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:  # it is gone
        return b""
