# SPDX-License-Identifier: GPL-3.0-or-later
"""Every zip is whole: Blender's own tool finds nothing wrong, and none lacks a wheel that its neighbours have."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

import build
import environments
import fetch

TARGETS = pytest.mark.parametrize("target", fetch.TARGETS, ids=[target.name for target in fetch.TARGETS])


@pytest.fixture(scope="module")
def zips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with the zips for all platforms and the repository's index."""
    folder = tmp_path_factory.mktemp("all-zips")
    build.build(output=folder)
    return folder


@pytest.fixture(scope="module")
def blender_ext() -> ModuleType:
    """Give Blender's extension tool as a module, to ask it what it would install where."""
    spec = importlib.util.spec_from_file_location("blender_ext", environments.blender_ext())
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def manifest_of(path: Path) -> dict:
    with zipfile.ZipFile(path) as archive:
        return tomllib.loads(archive.read("blender_manifest.toml").decode())


@TARGETS
def test_a_zip_carries_a_wheel_of_every_binary_package(zips, blender_ext, target):
    wheels = [Path(wheel).name for wheel in manifest_of(zips / build.zip_name(target))["wheels"]]
    carried = {fetch.normal(wheel.split("-")[0]): wheel for wheel in wheels}
    lock = fetch.load_lock()["wheels"]
    assert sorted(carried) == sorted(
        fetch.normal(entry["distribution"]) for entry in lock if target.name not in entry["gaps"]
    )
    python = tuple(map(int, target.python.split(".")))
    for wheel in wheels:
        assert blender_ext.blender_platform_compatible_with_wheel_platform_from_filepath(target.platform, wheel)
        assert {python, python[:1]} & blender_ext.python_versions_from_wheel(wheel), wheel


@TARGETS
def test_a_zip_holds_what_it_should_and_nothing_else(zips, target):
    with zipfile.ZipFile(zips / build.zip_name(target)) as archive:
        names = archive.namelist()
        third_party = archive.read("THIRD_PARTY.md").decode()
    assert {name.split("/")[0] for name in names} == {*build.FILES, *build.PACKAGES, "THIRD_PARTY.md", "vendor"}
    manifest = manifest_of(zips / build.zip_name(target))
    listed = sorted(wheel.removeprefix("./") for wheel in manifest["wheels"])
    assert sorted(name for name in names if name.endswith(".whl")) == listed
    assert all(f"`{Path(wheel).name}`" in third_party for wheel in listed)
    assert not [name for name in names if "__pycache__" in name or "/." in name]


@TARGETS
def test_a_zip_can_do_without_a_server(zips, target):
    path = zips / build.zip_name(target)
    lock = fetch.load_lock()
    # Every Blender platform can run it: a gap here would have to be told to its users.
    assert not [entry["gaps"] for entry in lock["wheels"] if entry["distribution"] == "onnxruntime" and entry["gaps"]]
    with zipfile.ZipFile(path) as archive:
        for model in lock["models"]:
            content = archive.read(f"vendor/models/{model['file']}")
            assert hashlib.sha256(content).hexdigest() == model["sha256"]
        third_party = archive.read("THIRD_PARTY.md").decode()
    section = third_party[third_party.index("## u2netp.onnx") :]
    assert "Licence: Apache-2.0" in section
    assert "TERMS AND CONDITIONS FOR USE, REPRODUCTION, AND DISTRIBUTION" in section
    assert path.stat().st_size < build.LARGEST_ZIP


@TARGETS
def test_a_zip_brings_nothing_that_blender_has_or_that_fits_any_python(zips, target):
    wheels = [Path(wheel).name for wheel in manifest_of(zips / build.zip_name(target))["wheels"]]
    tag = f"cp{target.python.replace('.', '')}"
    # A wheel for any Python 3 next to others would do; alone it would make the zips for 3.13 and 3.14 look alike.
    assert all(f"-{tag}-" in wheel for wheel in wheels), wheels
    assert not [wheel for wheel in wheels if wheel.lower().startswith(("numpy-", "requests-"))]


@TARGETS
def test_blender_finds_nothing_wrong_with_a_zip(zips, target):
    validate(zips / build.zip_name(target))


def test_blender_finds_nothing_wrong_with_the_project_itself():
    validate(build.ROOT)


def validate(path: Path) -> None:
    command = [sys.executable, str(environments.blender_ext()), "validate", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["Success"], done.stdout


@TARGETS
@pytest.mark.parametrize("version", [(4, 1, 0), (4, 2, 0), (5, 0, 9), (5, 1, 0), (5, 2, 3)])
def test_the_index_offers_exactly_the_right_zip(zips, blender_ext, target, version):
    python = tuple(map(int, target.python.split(".")))
    fits = version >= (4, 2, 0) and (python == (3, 11)) == (version < (5, 1, 0))

    def offered(item: dict) -> bool:
        return not blender_ext.repository_filter_skip(
            item,
            filter_blender_version=version,
            filter_platform=target.platform,
            filter_python_version=(*python, 0),
            skip_message_fn=None,
            error_fn=pytest.fail,
        )

    index = json.loads((zips / "index.json").read_text(encoding="utf-8"))
    urls = [item["archive_url"] for item in index["data"] if offered(item)]
    assert urls == ([f"./{build.zip_name(target)}"] if fits else [])


def test_unchanged_sources_make_the_same_zip_again(zips, tmp_path):
    (target,) = (one for one in fetch.TARGETS if one.python == "3.14")
    build.build(only=target.platform, output=tmp_path)
    name = build.zip_name(target)
    assert (tmp_path / name).read_bytes() == (zips / name).read_bytes()
