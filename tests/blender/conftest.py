# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender for tests: every bpy version, with a user folder that nobody else uses.

A test that asks for ``blender_installed`` runs once for each version; in it,
``blender_installed.run("result = bpy.app.version_string").result`` is what a Blender with the extension made of that.
All of a file's scripts run in one process for each version, and each finds Blender as a new one would be. What needs a
process of its own, since it ends or interrupts it, say, runs with ``alone=True``.

On the newest version the gate has every test. On the others it has those marked ``compat``: what may differ there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from shared_once import shared_once

import build
import environments
import fetch
from bpy_process import MODULE, VERSIONS, Blender
from resident_bpy import ResidentBlender


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave to the full run what the older versions need not show every time."""
    for item in items:
        parameters = item.callspec.params if hasattr(item, "callspec") else {}
        is_newest = parameters.get("bpy_version", VERSIONS[-1]) == VERSIONS[-1]
        if not is_newest and not item.get_closest_marker("compat"):
            item.add_marker(pytest.mark.full)


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with the zips for this platform, freshly built, and the index of a repository."""
    if build.this_platform() not in fetch.PIP_PLATFORMS:
        pytest.skip(f"there are no zips for {build.this_platform()}")
    return shared_once(tmp_path_factory, "dist", lambda folder: build.build(only=build.this_platform(), output=folder))


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
    """Give a Blender as it comes, without the extension, for this one test; every script has a process of its own."""
    return Blender(bpy_version, tmp_path_factory.mktemp(f"bpy-{bpy_version}"))


@pytest.fixture(scope="session")
def installed(bpy_version: str, dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Blender:
    """Give a Blender with the extension installed from its zip, once for all tests; every script finds it enabled."""
    home = shared_once(
        tmp_path_factory, f"bpy-{bpy_version}-installed", lambda folder: Blender(bpy_version, folder).install(dist)
    )
    return Blender(bpy_version, home, MODULE)


@pytest.fixture(scope="module")
def blender_installed(installed: Blender) -> Iterator[ResidentBlender]:
    """Give the same, one process for all scripts of a file of tests."""
    with ResidentBlender.of(installed) as resident:
        yield resident
