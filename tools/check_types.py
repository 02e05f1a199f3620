# SPDX-License-Identifier: GPL-3.0-or-later
"""Check the types of what runs in Blender, with mypy and the stubs of bpy.

    python tools/check_types.py [ARGUMENT OF MYPY…]

The root is a package of whatever name the clone's folder has, and its modules name one another relative to it. So mypy
is shown a package ``scan_cutout`` of links into the clone, in ``build/types/``, and run in there: its errors begin with
the real places of the files. The stubs describe the newest Blender, whose Python this is checked as. ``scan/`` is in
it, too; that it fits the oldest Blender's Python is checked by mypy alone, with the settings of pyproject.toml.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from build import PACKAGES
from environments import BUILD, ROOT

NEWEST_PYTHON = "3.13"
_PACKAGE = BUILD / "types" / "scan_cutout"


def show(package: Path) -> None:
    """Make a package of links to what the zips carry, or of copies where there can be no links."""
    shutil.rmtree(package, ignore_errors=True)
    package.mkdir(parents=True)
    for name in ("__init__.py", *PACKAGES):
        source = ROOT / name
        try:
            (package / name).symlink_to(source, target_is_directory=source.is_dir())
        except OSError:  # Windows asks for a right that few have
            (shutil.copytree if source.is_dir() else shutil.copy)(source, package / name)


def main() -> int:
    """Run mypy, and return its exit code."""
    show(_PACKAGE)
    command = [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), *sys.argv[1:]]
    command += [
        "--python-version",
        NEWEST_PYTHON,
        "--cache-dir",
        str(BUILD / ".mypy_cache"),
        "--package",
        _PACKAGE.name,
    ]
    environment = {**os.environ, "MYPYPATH": str(_PACKAGE.parent)}
    return subprocess.run(command, cwd=_PACKAGE, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
