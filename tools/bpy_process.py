# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender as the Python module bpy, in processes of its own and with a user folder nobody else uses.

For the demo, the tests and the benchmarks:
``Blender("5.2.3", folder).install(zip).run("result = bpy.app.version_string").result``.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import textwrap
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import build
import environments
import fetch

MODULE = "bl_ext.user_default.scan_cutout"
VERSIONS = [name.removeprefix("bpy-") for name in environments.ENVIRONMENTS if name.startswith("bpy-")]
_DRIVER = Path(__file__).with_name("run_in_bpy.py")

_INSTALL = """
bpy.ops.extensions.package_install_files(filepath=arguments[0], repo="user_default", enable_on_install=True)
result = "bl_ext.user_default.scan_cutout" in bpy.context.preferences.addons
"""


class ScriptError(Exception):
    """A script ended without a result; the message is all that it printed."""


@dataclass(frozen=True)
class Run:
    """What became of a script."""

    returncode: int
    stdout: str
    stderr: str
    result_file: Path

    @property
    def result(self) -> Any:
        """What the script assigned to ``result``. Raises ScriptError where it did not get there."""
        if not self.result_file.exists():
            raise ScriptError(f"The script ended with {self.returncode}:\n{self.stdout}\n{self.stderr}")
        return json.loads(self.result_file.read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Blender:
    """One bpy version with a user folder (preferences, extensions) of its own, ``home``."""

    version: str
    home: Path
    module: str = ""
    """The add-on that every script finds enabled: the bpy module itself always starts from factory settings."""

    @property
    def python(self) -> Path:
        """The Python of this version's environment."""
        return environments.python_of(f"bpy-{self.version}")

    @property
    def target(self) -> fetch.Target:
        """The platform and Python whose zip is for this version here."""
        (python,) = environments.ENVIRONMENTS[f"bpy-{self.version}"].pythons
        return fetch.Target(build.this_platform(), python)

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables to start this version with."""
        return {**os.environ, "BLENDER_USER_RESOURCES": str(self.home)}

    def install(self, dist: Path) -> Blender:
        """Install this version's zip from a folder of zips, and return the Blender that has it enabled."""
        run = self.run(_INSTALL, dist / build.zip_name(self.target))
        if not run.result:
            raise ScriptError(run.stdout + run.stderr)
        return replace(self, module=MODULE)

    def command(self, script: str | Path, *arguments: object) -> tuple[list[str], Path]:
        """Give the command that runs a script (a path, or the code itself), and the file its result will be in."""
        script, result_file = self._prepared(script)
        start = [str(self.python), str(_DRIVER), str(result_file), str(script), self.module]
        return [*start, *map(str, arguments)], result_file

    def _prepared(self, script: str | Path) -> tuple[Path, Path]:
        """Give the paths of a script and of its result, in a new folder that other files of the run may be put into."""
        runs = self.home / "runs"
        runs.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=runs))
        if isinstance(script, str):
            code, script = textwrap.dedent(script), folder / "script.py"
            script.write_text(code, encoding="utf-8")
        return script, folder / "result.json"

    def run(
        self,
        script: str | Path,
        *arguments: object,
        env: dict[str, str] | None = None,
        timeout: float | None = None,
        show: bool = False,
    ) -> Run:
        """Run a script in this Blender, in a process of its own, and wait for it.

        The script finds ``bpy`` and the list of strings ``arguments``; what it assigns to ``result`` comes back.
        With ``show``, what it says on stderr is seen at once instead of being kept.
        """
        command, result_file = self.command(script, *arguments)
        done = subprocess.run(
            command,
            env={**self.environment, **(env or {})},
            stdout=subprocess.PIPE,
            stderr=None if show else subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            timeout=timeout,
            check=False,
        )
        return Run(done.returncode, done.stdout, done.stderr or "", result_file)
