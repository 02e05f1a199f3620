# SPDX-License-Identifier: GPL-3.0-or-later
"""Which photogrammetry programs the preferences say there are."""

import sys

import pytest

from scan.engines import installed
from scan.engines.colmap_embedded import ColmapEmbedded
from scan.engines.colmap_executable import ColmapExecutable
from scan.job import JobFolder

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the programs are shell scripts")


@pytest.fixture(scope="module", autouse=True)
def colmap_is_read():
    """Read the embedded COLMAP from the disk once, which may take longer than a check has patience for."""
    ColmapEmbedded().look()


@pytest.fixture
def check(workers, tmp_path):
    """Give a function that runs the check and returns its last event."""

    def check(**settings):
        job = {"task": "check_programs", "settings": settings}
        return workers.end(workers.start_job(JobFolder(tmp_path / "check"), job)).finished

    return check


@pytest.fixture
def script(tmp_path):
    """Give a function that makes a program."""

    def make(code, name="colmap"):
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{code}\n")
        path.chmod(0o755)
        return path

    return make


def test_each_engine_says_where_it_is_and_which_version(check, script):
    path = script("echo 'COLMAP 3.9.1 -- Structure-from-Motion (Commit a on b without CUDA)'")
    found = check(colmap_executable=str(path))
    assert (found["status"], found["exit_code"]) == ("done", 0)
    assert found["programs"] == {
        "COLMAP": {"path": "", "version": "4.2.1"},
        "COLMAP_EXECUTABLE": {"path": str(path), "version": "3.9.1"},
    }
    assert found["message"] == f"COLMAP has version 4.2.1. COLMAP (Executable) has version 3.9.1 ({path})"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (None, "There is no program {path}; set its path in the preferences, install it from https://colmap.github.io"),
        ("exit 1", "{path} does not say that it is COLMAP; set another path in the preferences"),
        ("echo COLMAP 3.6", "{path} is COLMAP 3.6, and 3.8 is the oldest that is supported; update it"),
        ("exec sleep 60", "{path} did not say within 10 s what it is; set another path in the preferences"),
    ],
)
def test_what_is_wrong_with_a_program_is_told(check, script, tmp_path, code, words):
    path = script(code) if code else tmp_path / "colmap"
    found = check(colmap_executable=str(path))
    assert found["status"] == "done"
    assert found["programs"]["COLMAP"]["version"] == "4.2.1", "whatever the other is"
    problem = found["programs"]["COLMAP_EXECUTABLE"]["problem"]
    assert problem.startswith(words.format(path=path))
    assert problem in found["message"]


def test_a_program_is_found_in_the_usual_places_too(monkeypatch, script, tmp_path):
    path = script("echo COLMAP 3.8")
    monkeypatch.setattr(installed, "_USUAL_PLACES", (str(tmp_path / "none"), str(path)))
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    presence = ColmapExecutable().look()
    assert (presence.path, presence.version) == (str(path), "3.8")
    other = script("echo COLMAP 3.9", "other")
    assert ColmapExecutable(str(other)).look().path == str(other), "what is set goes first"
    monkeypatch.setattr(installed, "_USUAL_PLACES", ())
    assert ColmapExecutable().look().reason.startswith("No program colmap was found on PATH or in the usual places")


def test_a_check_can_be_cancelled(workers, script, tmp_path):
    path = script("exec sleep 20")
    job = {"task": "check_programs", "settings": {"colmap_executable": str(path)}}
    worker = workers.start_job(JobFolder(tmp_path / "check"), job)
    worker.cancel()
    assert workers.end(worker).finished["status"] == "cancelled"
