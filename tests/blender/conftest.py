# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender for tests: every bpy version, each in processes of its own and with a user folder of its own.

A test that asks for ``blender_installed`` runs once for each version; in it,
``blender_installed.run("result = bpy.app.version_string").result`` is what a Blender with the extension made of that.
"""

from __future__ import annotations

import json
import os
import subprocess
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import build
import environments
import fetch

MODULE = "bl_ext.user_default.scan_cutout"
VERSIONS = [name.removeprefix("bpy-") for name in environments.ENVIRONMENTS if name.startswith("bpy-")]
DRIVER = Path(__file__).with_name("bpy_run.py")

INSTALL = """
bpy.ops.extensions.package_install_files(filepath=arguments[0], repo="user_default", enable_on_install=True)
result = "bl_ext.user_default.scan_cutout" in bpy.context.preferences.addons
"""


@dataclass(frozen=True)
class Run:
    """What became of a script."""

    returncode: int
    stdout: str
    stderr: str
    result_file: Path

    @property
    def result(self) -> Any:
        """What the script assigned to ``result``; where it did not get there, the test fails with its output."""
        if not self.result_file.exists():
            pytest.fail(f"The script ended with {self.returncode}:\n{self.stdout}\n{self.stderr}", pytrace=False)
        return json.loads(self.result_file.read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Blender:
    """One bpy version with a user folder (preferences, extensions) nobody else uses."""

    version: str
    home: Path
    module: str = ""

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

    def command(self, script: str | Path, *arguments: object) -> tuple[list[str], Path]:
        """Give the command that runs a script (a path, or the code itself), and the file its result will be in."""
        runs = self.home / "runs"
        runs.mkdir(exist_ok=True)
        number = len(list(runs.iterdir()))
        folder = runs / str(number)
        folder.mkdir()
        if isinstance(script, str):
            code, script = textwrap.dedent(script), folder / "script.py"
            script.write_text(code, encoding="utf-8")
        result_file = folder / "result.json"
        start = [str(self.python), str(DRIVER), str(result_file), str(script), self.module]
        return [*start, *map(str, arguments)], result_file

    def run(
        self, script: str | Path, *arguments: object, env: dict[str, str] | None = None, timeout: float = 300
    ) -> Run:
        """Run a script in this Blender, in a process of its own, and wait for it.

        The script finds ``bpy`` and the list of strings ``arguments``; what it assigns to ``result`` comes back.
        """
        command, result_file = self.command(script, *arguments)
        done = subprocess.run(
            command,
            env={**self.environment, **(env or {})},
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=timeout,
            check=False,
        )
        return Run(done.returncode, done.stdout, done.stderr, result_file)


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with the zips for this platform, freshly built, and the index of a repository."""
    if build.this_platform() not in fetch.PIP_PLATFORMS:
        pytest.skip(f"there are no zips for {build.this_platform()}")
    folder = tmp_path_factory.mktemp("dist")
    build.build(only=build.this_platform(), output=folder)
    return folder


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which Blenders the tests really ran in: a version that is missing is easily overlooked among the skips."""
    for version in VERSIONS:
        counts = {
            outcome: sum(version in report.nodeid for report in terminalreporter.stats.get(outcome, []))
            for outcome in ("passed", "failed", "error", "skipped")
        }
        said = ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count)
        terminalreporter.write_line(f"bpy {version}: {said or 'no test ran'}")


@pytest.fixture(scope="session", params=VERSIONS)
def bpy_version(request: pytest.FixtureRequest) -> str:
    """Give each bpy version; one that is not set up is skipped here, and fails where CI is set."""
    version = str(request.param)
    if not environments.is_ready(f"bpy-{version}"):
        message = f"bpy {version} is not set up: python tools/environments.py bpy-{version}"
        if os.environ.get("CI"):
            pytest.fail(message, pytrace=False)
        pytest.skip(message)
    return version


@pytest.fixture
def blender(bpy_version: str, tmp_path_factory: pytest.TempPathFactory) -> Blender:
    """Give a Blender as it comes, without the extension, for this one test."""
    return Blender(bpy_version, tmp_path_factory.mktemp(f"bpy-{bpy_version}"))


@pytest.fixture(scope="session")
def blender_installed(bpy_version: str, dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Blender:
    """Give a Blender with the extension installed from its zip, once for all tests; every script finds it enabled."""
    home = tmp_path_factory.mktemp(f"bpy-{bpy_version}-installed")
    bare = Blender(bpy_version, home)
    run = bare.run(INSTALL, dist / build.zip_name(bare.target))
    assert run.result, run.stdout + run.stderr
    return Blender(bpy_version, home, MODULE)
