# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the extension with Blender's own builder: a zip per platform and Python, and the index of a static repository.

    python tools/build.py                      all zips and their index.json into dist/
    python tools/build.py --only PLATFORM      those of one platform, such as linux-x64, and an index of just these

Blender's manifest has no field for Python versions, and a zip with the wheels of several Pythons would be several
times as large. So each zip gets the Blender versions that run its Python as its range, and just its wheels; from the
index, Blender picks by platform, version and the Python that the wheels' names say.
"""

from __future__ import annotations

import argparse
import json
import os
import platform as machine
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import environments

ROOT = environments.ROOT
sys.path.insert(0, str(ROOT / "vendor"))

import fetch  # noqa: E402 - found through the line above
import third_party  # noqa: E402

DIST = ROOT / "dist"
LARGEST_ZIP = 150_000_000
PACKAGES = ("operators", "properties", "scan", "scene", "session", "ui")
FILES = ("__init__.py", "blender_manifest.toml", "CHANGELOG.md", "LICENSE")

# The Blender versions that run each Python, as blender_version_min and (exclusive) blender_version_max.
BLENDER_VERSIONS = {"3.11": ("4.2.0", "5.1.0"), "3.13": ("5.1.0", None), "3.14": ("5.1.0", None)}

# Zips store when a file was last modified: with one time for all, what did not change makes the same zip again.
_ZIP_EPOCH = 315_619_200


class BuildError(Exception):
    """The build cannot go on; the message is for the user."""


def this_platform() -> str:
    """Name this machine's platform as Blender does."""
    systems = {"Linux": "linux", "Windows": "windows", "Darwin": "macos"}
    machines = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}
    system, processor = machine.system(), machine.machine().lower()
    return f"{systems.get(system, system)}-{machines.get(processor, processor)}"


def zip_name(target: fetch.Target) -> str:
    """Name a target's zip: ``scan_cutout-0.1.0-linux-x64-py311.zip``."""
    manifest = (ROOT / "blender_manifest.toml").read_text(encoding="utf-8")
    found = re.search(r'^version = "(.+)"$', manifest, re.MULTILINE)
    if found is None:
        raise BuildError("blender_manifest.toml has no version.")
    return f"scan_cutout-{found[1]}-{target.name}.zip"


def build(only: str | None = None, output: Path = DIST) -> list[Path]:
    """Build the zips of one platform, or of all, and the repository's index; return the zips.

    Zips that were in the output folder are replaced, so that the index never offers an old build beside a new one.
    """
    targets = [target for target in fetch.TARGETS if only in (None, target.platform)]
    if not targets:
        raise BuildError(f"There is no zip for {only}: no target of vendor/fetch.py is for it.")
    tool = environments.blender_ext()
    output.mkdir(parents=True, exist_ok=True)
    for old in output.glob("scan_cutout-*.zip"):
        old.unlink()
    (environments.BUILD / "stage").mkdir(parents=True, exist_ok=True)
    zips = []
    for target in targets:
        path = output / zip_name(target)
        # A folder of its own, since a test and a build may run at the same time.
        with tempfile.TemporaryDirectory(dir=environments.BUILD / "stage", prefix=f"{target.name}-") as folder:
            stage(target, Path(folder))
            _blender_ext(tool, "build", "--source-dir", folder, "--output-filepath", str(path))
        size = path.stat().st_size
        if size > LARGEST_ZIP:
            raise BuildError(f"{path.name} has {size:,} bytes, and more than {LARGEST_ZIP:,} is too large to ship.")
        zips.append(path)
    _blender_ext(tool, "server-generate", "--repo-dir", str(output))
    _sort_index(output / "index.json")
    return zips


def stage(target: fetch.Target, into: Path) -> None:
    """Copy what belongs into a target's zip into a folder, with the manifest made that zip's own."""
    lock = fetch.load_lock()
    wheels = fetch.fetch(target, lock)
    models = [model for model in lock["models"] if model["packed"]]
    for package in PACKAGES:
        shutil.copytree(ROOT / package, into / package, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    for name in FILES:
        shutil.copy(ROOT / name, into / name)
    (into / "vendor" / "wheels").mkdir(parents=True)
    for wheel in wheels:
        shutil.copy(wheel, into / "vendor" / "wheels" / wheel.name)
    for model in models:
        (into / "vendor" / "models").mkdir(exist_ok=True)
        shutil.copy(fetch.fetch_model(model, environments.MODELS), into / "vendor" / "models" / model["file"])
    (into / "THIRD_PARTY.md").write_text(third_party.third_party(wheels, models), encoding="utf-8", newline="\n")
    manifest = into / "blender_manifest.toml"
    text = _manifest_of(target, manifest.read_text(encoding="utf-8"), [wheel.name for wheel in wheels])
    manifest.write_text(text, encoding="utf-8", newline="\n")
    for path in into.rglob("*"):
        os.utime(path, (_ZIP_EPOCH, _ZIP_EPOCH))


def _manifest_of(target: fetch.Target, source: str, wheels: list[str]) -> str:
    """Narrow the project's manifest to one platform, the Blender versions of one Python, and its wheels."""
    lowest, below = BLENDER_VERSIONS[target.python]
    versions = [f'blender_version_min = "{lowest}"'] + ([f'blender_version_max = "{below}"'] if below else [])
    listed = ["wheels = ["] + [f'  "./vendor/wheels/{wheel}",' for wheel in wheels] + ["]"]
    text = re.sub(r"^# tools/build\.py makes .*\n(#.*\n)*", "", source, flags=re.MULTILINE)
    for pattern, lines in (
        (r"^blender_version_min = .*$", versions),
        (r"^platforms = .*$", [f'platforms = ["{target.platform}"]', *listed]),
    ):
        text, count = re.subn(pattern, "\n".join(lines), text, flags=re.MULTILINE)
        if count != 1:
            raise BuildError(f"blender_manifest.toml should have exactly one line like {pattern}, and has {count}.")
    # What is staged was chosen one by one; the patterns are there for who builds from the project's folder.
    return re.sub(r"^\[build\]\n(.*\n)*?\]\n", "", text, flags=re.MULTILINE)


def _sort_index(index: Path) -> None:
    """Put the index into the order of the file names; server-generate writes it in the order of the folder."""
    content = json.loads(index.read_text(encoding="utf-8"))
    content["data"].sort(key=lambda item: item["archive_url"])
    index.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _blender_ext(tool: Path, *arguments: str) -> None:
    done = subprocess.run([sys.executable, str(tool), *arguments], capture_output=True, text=True, check=False)
    said = (done.stdout + done.stderr).strip()
    # The tool goes on after a warning, but one about duplicates or wheels means that Blender would pick the wrong zip.
    if done.returncode != 0 or "WARNING" in said.upper():
        raise BuildError(f"Blender's builder refused to {arguments[0]}: {said}")


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--only", metavar="PLATFORM", help="build for one platform, such as linux-x64")
    for path in build(parser.parse_args().only):
        print(f"{path.relative_to(ROOT)}  {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    try:
        main()
    except (BuildError, environments.Missing, fetch.FetchError, OSError, ValueError) as error:
        sys.exit(f"build.py: {error}")
