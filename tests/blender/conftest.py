# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender for tests: every bpy version, each in processes of its own and with a user folder of its own.

A test that asks for ``blender_installed`` runs once for each version; in it,
``blender_installed.run("result = bpy.app.version_string").result`` is what a Blender with the extension made of that.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import build
import environments
import fetch
from bpy_process import VERSIONS, Blender


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
    return Blender(bpy_version, tmp_path_factory.mktemp(f"bpy-{bpy_version}-installed")).install(dist)
