# SPDX-License-Identifier: GPL-3.0-or-later
"""Write each ``tools/requirements/NAME.txt`` anew from its ``NAME.in``: exact versions of everything, with hashes.

    make requirements      after a change to a .in file or to vendor/lock.json

What stood in a .txt before stays in its version as long as the .in file allows it; remove the .txt to have the newest.
In tests.txt, what the zips carry has the version that vendor/lock.json names, on every platform, and numpy is that of
tests.in, whatever the others ask for: users have what their Blender has.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import environments

sys.path.insert(0, str(environments.ROOT / "vendor"))
import fetch

# How requirements name the platforms of vendor/lock.json.
PLATFORMS = {
    "linux-x64": ("linux", "x86_64"),
    "windows-x64": ("win32", "AMD64"),
    "macos-arm64": ("darwin", "arm64"),
    "macos-x64": ("darwin", "x86_64"),
}


def constraints() -> Iterator[str]:
    """Name what the zips carry in its version; where there is no wheel of that, the older one that they carry there."""
    for entry in fetch.load_lock()["wheels"]:
        name, common = entry["distribution"], entry["version"]
        others = {
            PLATFORMS[target.platform]: fetch.version_of(entry, target)
            for target in fetch.TARGETS
            if fetch.version_of(entry, target) != common
        }
        for (system, machine), version in others.items():
            yield f'{name}=={version}; sys_platform == "{system}" and platform_machine == "{machine}"'
        elsewhere = " and ".join(
            f'(sys_platform != "{system}" or platform_machine != "{machine}")' for system, machine in others
        )
        yield f"{name}=={common}" + (f"; {elsewhere}" if elsewhere else "")


def overrides() -> Iterator[str]:
    """Name the numpy that Blender brings."""
    lines = (environments.REQUIREMENTS / "tests.in").read_text(encoding="utf-8").splitlines()
    return (line for line in lines if line.startswith("numpy=="))


def main() -> None:
    """Compile all of them."""
    with tempfile.TemporaryDirectory() as folder:
        locked, forced = Path(folder) / "locked.txt", Path(folder) / "forced.txt"
        for path, names in ((locked, constraints()), (forced, overrides())):
            path.write_text("".join(f"{line}\n" for line in names), encoding="utf-8")
        for source in sorted(environments.REQUIREMENTS.glob("*.in")):
            pythons = environments.ENVIRONMENTS[source.stem].pythons if source.stem != "uv" else ("3.11",)
            command = [str(environments.uv()), "pip", "compile", "--quiet", "--universal", "--generate-hashes"]
            # Neither where a package came from nor why it is there: the first would name this machine's own places.
            command += ["--no-annotate", "--no-emit-index-url", "--no-emit-find-links", "--no-config"]
            command += ["--custom-compile-command", "make requirements", "--python-version", pythons[0]]
            if source.stem == "tests":
                command += ["--constraint", str(locked), "--override", str(forced)]
            command += ["--output-file", str(source.with_suffix(".txt")), str(source)]
            subprocess.run(command, check=True)


if __name__ == "__main__":
    try:
        main()
    except environments.Missing as missing:
        sys.exit(str(missing))
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)
