# SPDX-License-Identifier: GPL-3.0-or-later
"""Set up the Python environments the project is built, tested and tried with, under ``build/env/``.

    python tools/environments.py            all that this machine has a Python for (with CI set: all, or an error)
    python tools/environments.py NAME…      these, or an error

They are made side by side, each with a log of its own beside it, from ``tools/requirements/NAME.txt`` by uv, which pip
installs first. An environment is ready when its stamp, written last, is that of its file; anything else is made anew.
Runs on any Python from 3.8, so that it can say in a sentence what is missing, and uses the standard library only.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import itertools
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Callable, Iterator, NamedTuple, Sequence

if os.name == "nt":
    import msvcrt
else:
    import fcntl

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
REQUIREMENTS = ROOT / "tools" / "requirements"
MODELS = ROOT / "vendor" / "models"
"""The folder that holds u2netp.onnx once the environments ``rembg`` or ``tests`` are ready; fit for ``U2NET_HOME``."""

# How pip and uv say that they got no answer.
_UNREACHABLE = ("Retrying (", "error sending request", "network was disabled")


class Missing(Exception):  # noqa: N818 - it is the user's machine that lacks something, nothing went wrong in here
    """Something this machine lacks; the message is one sentence for the user."""


class Environment(NamedTuple):
    """The Pythons that an environment can be made with, the first of them preferred, and the room it takes."""

    pythons: tuple[str, ...]
    megabytes: int


ENVIRONMENTS = {
    "bpy-4.2.23": Environment(("3.11",), 1500),
    "bpy-4.5.15": Environment(("3.11",), 1500),
    "bpy-5.2.3": Environment(("3.13",), 1500),
    "rembg": Environment(("3.11", "3.13"), 1000),
    "tests": Environment(("3.11", "3.13"), 700),
}

_INSTALLER = Environment(("3.11", "3.13"), 100)
_WITH_MODELS = {"rembg", "tests"}


@functools.lru_cache(maxsize=None)
def find_python(version: str) -> Path | None:
    """Find a Python of a version such as ``3.11`` that can make virtual environments: on PATH, then pyenv's.

    Every candidate is run: a pyenv shim may be there and refuse, and a ``python3`` may be any version.
    """
    suffix = ".exe" if os.name == "nt" else ""
    folders = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    names = (f"python{version}{suffix}", f"python3{suffix}", f"python{suffix}")
    candidates = [folder / name for name in names for folder in folders]
    candidates += sorted((Path.home() / ".pyenv" / "versions").glob(f"*/bin/python{version}"), reverse=True)
    probe = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2], sys.executable)"
    for candidate in candidates:
        if not candidate.is_file():
            continue
        try:
            done = subprocess.run(
                [str(candidate), "-I", "-c", probe], capture_output=True, text=True, timeout=30, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        found, _, executable = done.stdout.strip().partition(" ")
        if done.returncode == 0 and found == version:
            return Path(executable)
    return None


def available() -> list[str]:
    """Name the environments this machine has a Python for."""
    return [name for name, wanted in ENVIRONMENTS.items() if any(find_python(version) for version in wanted.pythons)]


def python_of(name: str) -> Path:
    """Give the path of an environment's Python, whether it is there yet or not."""
    scripts = ("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")
    return (BUILD / "env" / name).joinpath(*scripts)


def requirements_of(name: str) -> Path:
    """Give the file that names all that an environment consists of, with hashes: ``make requirements`` writes it."""
    return REQUIREMENTS / f"{name}.txt"


def is_ready(name: str) -> bool:
    """Tell whether an environment was finished and is what is asked for here."""
    try:
        stamp = _stamp(name).read_text(encoding="utf-8")
    except OSError:
        return False
    return stamp == _stamp_text(name) and python_of(name).exists()


def ensure(name: str) -> Path:
    """Make an environment unless it is ready, and return its Python; raise Missing where that cannot be."""
    ensure_all([name])
    return python_of(name)


def ensure_all(names: Sequence[str]) -> None:
    """Make environments side by side unless they are ready; raise Missing, a line for each that cannot be."""
    missing = [name for name in names if not is_ready(name)]
    _check_room({name: ENVIRONMENTS[name].megabytes for name in missing})
    if missing:
        uv()
    steps = [functools.partial(_ensure, name, _create) for name in missing]
    side_by_side([*steps, _ensure_models] if _WITH_MODELS.intersection(names) else steps)


def side_by_side(steps: Sequence[Callable[[], object]]) -> None:
    """Take steps at the same time and wait for all of them; raise Missing, a line for each that failed."""
    if not steps:
        return
    with ThreadPoolExecutor(len(steps)) as pool:
        taken = [pool.submit(step) for step in steps]
    problems = []
    for each in taken:
        problem = each.exception()
        if isinstance(problem, Missing):
            problems += str(problem).splitlines()
        elif isinstance(problem, OSError):
            problems.append(f"Setting up failed: {problem}")
        elif problem is not None:
            raise problem
    if problems:
        raise Missing("\n".join(dict.fromkeys(problems)))


def uv() -> Path:
    """Give the path of uv, which installs all else, from an environment that pip makes for it."""
    _ensure("uv", _create_installer)
    return python_of("uv").with_name("uv.exe" if os.name == "nt" else "uv")


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep everyone else who asks for the same file out of here, in this process and in others."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        if os.name == "nt":
            while True:  # each call gives up after ten seconds
                with contextlib.suppress(OSError):
                    msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
                    break
            try:
                yield
            finally:
                msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def tell(line: str) -> None:
    """Tell the user how it goes, in whole lines even when several tell at once."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def blender_ext() -> Path:
    """Give the path of Blender's extension tool, from a ready bpy environment or else the newest that can be made."""
    newest = [name for name in sorted(ENVIRONMENTS, reverse=True) if name.startswith("bpy-")]
    possible = [name for name in newest if is_ready(name)] or [name for name in newest if name in available()]
    if not possible:
        raise Missing("Blender's extension builder comes with bpy, which needs Python 3.11 or 3.13: neither was found.")
    packages = ensure(possible[0]).parent.parent
    tool = "site-packages/bpy/*/scripts/addons_core/bl_pkg/cli/blender_ext.py"
    return next(path for folder in ("lib/python*", "Lib") for path in packages.glob(f"{folder}/{tool}"))


def _ensure(name: str, create: Callable[[str], None]) -> None:
    """Make an environment unless it is ready or another process, or thread, makes it meanwhile."""
    if not is_ready(name):
        with locked(_beside(name, ".lock")):
            if not is_ready(name):
                started = time.monotonic()
                _beside(name, ".log").unlink(missing_ok=True)
                create(name)
                _stamp(name).write_text(_stamp_text(name), encoding="utf-8")
                tell(f"{name}: ready after {time.monotonic() - started:.0f} s")


def _create(name: str) -> None:
    wanted = ENVIRONMENTS[name]
    python = _find_one(name, wanted)
    tell(f"{name}: installing, about {wanted.megabytes} MB")
    program, log = str(uv()), _beside(name, ".log")
    # --clear: neither what an interrupted run left nor an older stamp and its packages may shine through.
    venv = [program, "venv", "--clear", "--no-project", "--python", str(python), str(BUILD / "env" / name)]
    _run(venv, f"the virtual environment {name}", log)
    install = [program, "pip", "install", "--python", str(python_of(name)), "--require-hashes"]
    # Nothing is built here: what has no wheel for this machine is told, and not tried with whatever compiler there is.
    # Nor is anything added: the file has all of it, and a numpy that is not the one that every package asks for.
    install += ["--only-binary", ":all:", "--no-deps", "--requirement", str(requirements_of(name))]
    _run(install, f"what {name} needs", log)


def _create_installer(name: str) -> None:
    python, log = _find_one(name, _INSTALLER), _beside(name, ".log")
    _run([str(python), "-m", "venv", "--clear", str(BUILD / "env" / name)], f"the virtual environment {name}", log)
    install = [str(python_of(name)), "-m", "pip", "install", "--disable-pip-version-check", "--require-hashes"]
    install += ["--only-binary", ":all:", "--requirement", str(requirements_of(name))]
    _run(install, name, log)


def _ensure_models() -> None:
    """Fetch u2netp's weights unless they are there, with the pip of uv's environment."""
    uv()
    with locked(_beside("models", ".lock")):
        command = [str(python_of("uv")), str(ROOT / "vendor" / "fetch.py"), "models"]
        _run(command, "u2netp's weights", _beside("models", ".log"))


def _find_one(name: str, wanted: Environment) -> Path:
    python = next((found for found in map(find_python, wanted.pythons) if found), None)
    if python is None:
        versions = " or ".join(wanted.pythons)
        raise Missing(f"{name} needs Python {versions} with venv and pip; neither PATH nor ~/.pyenv/versions has it.")
    return python


def _check_room(megabytes: dict[str, int]) -> None:
    folder, needed = BUILD / "env", sum(megabytes.values())
    folder.mkdir(parents=True, exist_ok=True)
    if megabytes and shutil.disk_usage(str(folder)).free < needed * 1_000_000:
        raise Missing(f"{', '.join(megabytes)} take about {needed} MB, and there is less free in {folder}.")


def _beside(name: str, suffix: str) -> Path:
    """Give the path of a file that belongs to an environment and stays when it is made anew."""
    return BUILD / "env" / (name + suffix)


def _stamp(name: str) -> Path:
    return BUILD / "env" / name / "ready.txt"


def _stamp_text(name: str) -> str:
    return hashlib.sha256(requirements_of(name).read_bytes()).hexdigest() + "\n"


def _run(command: list[str], what: str, log: Path) -> None:
    """Run a step with its output in a log, and say in one sentence what went wrong if it did."""
    environment = {**os.environ, "UV_PYTHON_DOWNLOADS": "never", "NO_COLOR": "1"}
    with log.open("a", encoding="utf-8") as output:
        output.write(f"$ {' '.join(command)}\n")
        output.flush()
        at = output.tell()
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=environment, check=False
        )
    if done.returncode != 0:
        with log.open("rb") as output:
            output.seek(at)
            said = output.read().decode("utf-8", "replace")
        reason = _reason(said) or f"exit code {done.returncode}"
        raise Missing(f"Could not install {what}: {reason} (all of it in {log}).")


def _reason(said: str) -> str:
    """Find why a step failed in what it said, on one line."""
    if any(sign in said for sign in _UNREACHABLE):
        return "the package index could not be reached"
    lines = said.splitlines()
    # pip says it in its last line that begins like this, uv in a paragraph that begins like that; others say it last.
    errors = [line for line in lines if line.startswith("ERROR:")]
    told = [line for line in lines if line.strip()][-1:]
    first = next((at for at, line in enumerate(lines) if line.startswith("error:")), None)
    if errors:
        told = errors[-1:]
    elif first is not None:
        told = list(itertools.takewhile(str.strip, lines[first:]))
    return ": ".join(re.sub(r"^(ERROR|error|cause|fetch\.py): ", "", line.strip()) for line in told).rstrip(".")


def set_up(names: Sequence[str]) -> None:
    """Make the environments that are named here, or else all that there can be: all of them where CI is set."""
    wanted = list(names) or (list(ENVIRONMENTS) if os.environ.get("CI") else available())
    unknown = sorted(set(wanted) - set(ENVIRONMENTS))
    if unknown:
        raise Missing(f"There is no environment {unknown[0]}; there are {', '.join(ENVIRONMENTS)}.")
    if not wanted:
        raise Missing("Neither Python 3.11 nor Python 3.13 was found, on PATH or under ~/.pyenv/versions: install one.")
    ensure_all(wanted)
    for name, environment in ENVIRONMENTS.items():
        if name not in wanted and not names:
            tell(f"{name}: left out, this machine has no Python {' or '.join(environment.pythons)}")


if __name__ == "__main__":
    try:
        set_up(sys.argv[1:])
    except Missing as missing:
        sys.exit(str(missing))
    except OSError as error:
        sys.exit(f"Setting up the environments failed: {error}")
