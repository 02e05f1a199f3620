# SPDX-License-Identifier: GPL-3.0-or-later
"""Set up the Python environments the project is built, tested and tried with, under ``build/env/``.

    python tools/environments.py            all that this machine has a Python for (with CI set: all, or an error)
    python tools/environments.py NAME…      these, or an error

An environment is ready when its stamp, written last, says what is asked for here; anything else is made anew.
Runs on any Python from 3.8, so that it can say in a sentence what is missing, and uses the standard library only.
"""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
MODELS = ROOT / "vendor" / "models"
"""The folder that holds u2netp.onnx once the environments ``rembg`` or ``tests`` are ready; fit for ``U2NET_HOME``."""


class Missing(Exception):  # noqa: N818 - it is the user's machine that lacks something, nothing went wrong in here
    """Something this machine lacks; the message is one sentence for the user."""


class Environment(NamedTuple):
    """What a virtual environment is made of."""

    pythons: tuple[str, ...]
    requirements: tuple[str, ...]
    megabytes: int


def _locked(distribution: str) -> str:
    """Name a distribution the zips carry, in their version, so that plain-Python tests see the same one."""
    lock = json.loads((ROOT / "vendor" / "lock.json").read_text(encoding="utf-8"))
    entry = next(entry for entry in lock["wheels"] if entry["distribution"] == distribution)
    others = sorted({file["version"] for file in entry["files"].values() if "version" in file})
    # Where there is no wheel of that version, the older one that the zips carry there.
    return f"{distribution}=={entry['version']}" if not others else f"{distribution}>={others[0]},<={entry['version']}"


# Blender 4.2 comes with numpy 1.24; what pip would choose for it today is newer than what users have.
_NUMPY_OF_BLENDER_4_2 = "numpy==1.24.3"

# As the gaps in vendor/lock.json: no wheels for Macs with an Intel processor, nor for Linux on other processors.
_WHERE_PYCOLMAP_IS = '; platform_machine == "x86_64" and sys_platform != "darwin"'
_WHERE_PYCOLMAP_IS += ' or platform_machine == "AMD64" or sys_platform == "darwin" and platform_machine == "arm64"'

ENVIRONMENTS = {
    "bpy-4.2.23": Environment(("3.11",), ("bpy==4.2.23", _NUMPY_OF_BLENDER_4_2), 1500),
    "bpy-4.5.15": Environment(("3.11",), ("bpy==4.5.15",), 1500),
    "bpy-5.2.3": Environment(("3.13",), ("bpy==5.2.3",), 1500),
    "rembg": Environment(("3.11", "3.13"), ("rembg[cpu,cli]==2.0.86",), 1000),
    "tests": Environment(
        ("3.11", "3.13"),
        (
            "pytest==9.2.0",
            "ruff==0.17.6",
            "mypy==2.4.1",
            "requests==2.34.2",
            "types-requests==2.33.0.20261030",
            _locked("Pillow"),
            _locked("onnxruntime"),
            _locked("pi-heif"),
            "pillow-heif==1.8.1",  # makes HEIC files; never shipped, for its encoder is under the GPL
            # Only in processes of its own, never in pytest's: see scan/engines/colmap_child.py.
            _locked("pycolmap") + _WHERE_PYCOLMAP_IS,
            f'{_NUMPY_OF_BLENDER_4_2}; python_version < "3.12"',
            'numpy==2.5.5; python_version >= "3.12"',
        ),
        550,
    ),
}


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


def is_ready(name: str) -> bool:
    """Tell whether an environment was finished and is what is asked for here."""
    try:
        stamp = _stamp(name).read_text(encoding="utf-8")
    except OSError:
        return False
    return stamp == _stamp_text(name) and python_of(name).exists()


def ensure(name: str) -> Path:
    """Make an environment unless it is ready, and return its Python; raise Missing where that cannot be."""
    if not is_ready(name):
        _create(name)
    if name in ("rembg", "tests"):
        _run([str(python_of(name)), str(ROOT / "vendor" / "fetch.py"), "models"], "u2netp's weights")
    return python_of(name)


def blender_ext() -> Path:
    """Give the path of Blender's extension tool, from a ready bpy environment or else the newest that can be made."""
    newest = [name for name in sorted(ENVIRONMENTS, reverse=True) if name.startswith("bpy-")]
    possible = [name for name in newest if is_ready(name)] or [name for name in newest if name in available()]
    if not possible:
        raise Missing("Blender's extension builder comes with bpy, which needs Python 3.11 or 3.13: neither was found.")
    packages = ensure(possible[0]).parent.parent
    tool = "site-packages/bpy/*/scripts/addons_core/bl_pkg/cli/blender_ext.py"
    return next(path for folder in ("lib/python*", "Lib") for path in packages.glob(f"{folder}/{tool}"))


def _create(name: str) -> None:
    wanted = ENVIRONMENTS[name]
    python = next((found for found in map(find_python, wanted.pythons) if found), None)
    if python is None:
        versions = " or ".join(wanted.pythons)
        raise Missing(f"{name} needs Python {versions} with venv and pip; neither PATH nor ~/.pyenv/versions has it.")
    home = BUILD / "env" / name
    home.parent.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(str(home.parent)).free < wanted.megabytes * 1_000_000:
        raise Missing(f"{name} needs about {wanted.megabytes} MB, and there is less free in {home.parent}.")

    print(f"{name}: installing, about {wanted.megabytes} MB", file=sys.stderr, flush=True)
    started = time.monotonic()
    # --clear: neither what an interrupted run left nor an older stamp and its packages may shine through.
    _run([str(python), "-m", "venv", "--clear", str(home)], f"the virtual environment {name}")
    _run(
        [str(python_of(name)), "-m", "pip", "install", "--disable-pip-version-check", *wanted.requirements],
        f"what {name} needs",
    )
    _stamp(name).write_text(_stamp_text(name), encoding="utf-8")
    print(f"{name}: ready after {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)


def _stamp(name: str) -> Path:
    return BUILD / "env" / name / "ready.txt"


def _stamp_text(name: str) -> str:
    return "\n".join(ENVIRONMENTS[name].requirements) + "\n"


def _run(command: list[str], what: str) -> None:
    """Run a step with its output in a log, and say in one sentence what went wrong if it did."""
    log = BUILD / "env" / "install.log"
    with log.open("a", encoding="utf-8") as output:
        output.write(f"$ {' '.join(command)}\n")
        output.flush()
        at = output.tell()
        done = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        with log.open("rb") as output:
            output.seek(at)
            lines = output.read().decode("utf-8", "replace").split("\n")
        # pip says why it failed in its last line that begins like this; others in their last line.
        reasons = [line for line in lines if line.startswith("ERROR:")] or [line for line in lines if line.strip()]
        reason = re.sub(r"^(ERROR|fetch\.py): ", "", reasons[-1]) if reasons else f"exit code {done.returncode}"
        if any("Retrying (" in line for line in lines):
            reason = "the package index could not be reached"
        raise Missing(f"Could not install {what}: {reason} (all of it in {log}).")


def main() -> None:
    """Run the command line."""
    names = sys.argv[1:] or (list(ENVIRONMENTS) if os.environ.get("CI") else available())
    unknown = sorted(set(names) - set(ENVIRONMENTS))
    if unknown:
        raise Missing(f"There is no environment {unknown[0]}; there are {', '.join(ENVIRONMENTS)}.")
    if not names:
        raise Missing("Neither Python 3.11 nor Python 3.13 was found, on PATH or under ~/.pyenv/versions: install one.")
    for name in names:
        ensure(name)
    for name, environment in ENVIRONMENTS.items():
        if name not in names and not sys.argv[1:]:
            versions = " or ".join(environment.pythons)
            print(f"{name}: left out, this machine has no Python {versions}", file=sys.stderr)


if __name__ == "__main__":
    try:
        main()
    except Missing as missing:
        sys.exit(str(missing))
    except OSError as error:
        sys.exit(f"Setting up the environments failed: {error}")
