# SPDX-License-Identifier: GPL-3.0-or-later
"""Which photogrammetry programs there are, and what the preferences say of them."""

import sys
from dataclasses import replace

import pytest
from engine_scan import need_executable

from scan.engines import catalog
from scan.engines.colmap.embedded import ColmapEmbedded
from scan.engines.colmap.executable import ColmapExecutable
from scan.engines.engine import make_engine
from scan.job.folder import JobFolder
from scan.tasks import check_programs

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the programs are shell scripts")


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """Let no program be too slow, however loaded the machine, but where a test is about that."""
    monkeypatch.setattr(check_programs, "_PATIENCE", 3600.0)


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


@pytest.mark.engine
def test_each_engine_says_where_it_is_and_which_version(check, script):
    path = script("echo 'COLMAP 3.9.1 -- Structure-from-Motion (Commit a on b without CUDA)'")
    found = check(executables={"COLMAP_EXECUTABLE": str(path)})
    assert (found["status"], found["exit_code"]) == ("done", 0)
    assert found["programs"] == {
        "COLMAP": {"path": "", "version": "4.2.1"},
        "COLMAP_EXECUTABLE": {"path": str(path), "version": "3.9.1"},
    }
    assert found["message"] == f"COLMAP has version 4.2.1. COLMAP (Executable) has version 3.9.1 ({path})"


@pytest.mark.engine
@pytest.mark.parametrize(
    ("code", "words"),
    [
        (None, "There is no program {path}; set its path in the preferences, install it from https://colmap.github.io"),
        ("exit 1", "{path} does not say that it is COLMAP; set another path in the preferences"),
        ("echo COLMAP 3.6", "{path} is COLMAP 3.6, and 3.8 is the oldest that is supported; update it"),
    ],
)
def test_what_is_wrong_with_a_program_is_told(check, script, tmp_path, code, words):
    path = script(code) if code else tmp_path / "colmap"
    found = check(executables={"COLMAP_EXECUTABLE": str(path)})
    assert found["status"] == "done"
    assert found["programs"]["COLMAP"]["version"] == "4.2.1", "whatever the other is"
    problem = found["programs"]["COLMAP_EXECUTABLE"]["problem"]
    assert problem.startswith(words.format(path=path))
    assert problem in found["message"]


@pytest.mark.engine
def test_a_program_that_does_not_say_what_it_is_is_waited_for_so_long_only(check, script, monkeypatch):
    path = script("exec sleep 600")
    monkeypatch.setattr(check_programs, "_PATIENCE", 1.0)
    look = ColmapEmbedded.look
    monkeypatch.setattr(ColmapEmbedded, "look", lambda engine, _patience: look(engine))  # more patient by itself
    found = check(executables={"COLMAP_EXECUTABLE": str(path)})
    assert found["status"] == "done"
    assert found["programs"]["COLMAP"]["version"] == "4.2.1", "whatever the other is"
    problem = found["programs"]["COLMAP_EXECUTABLE"]["problem"]
    assert problem.startswith(f"{path} did not say within 1 s what it is; set another path in the preferences")
    assert problem in found["message"]


def test_a_program_is_found_in_the_usual_places_too(monkeypatch, script, tmp_path):
    path = script("echo COLMAP 3.8")
    places = {sys.platform: (str(tmp_path / "none"), str(path))}
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    entry = catalog.entry("COLMAP_EXECUTABLE")
    availability = ColmapExecutable(replace(entry, usual_places=places)).look()
    assert (availability.path, availability.version) == (str(path), "3.8")
    other = script("echo COLMAP 3.9", "other")
    assert make_engine("COLMAP_EXECUTABLE", str(other)).look().path == str(other), "what is set goes first"
    reason = ColmapExecutable(replace(entry, usual_places={})).look().reason
    assert reason.startswith("No program colmap was found on PATH or in the usual places")


@pytest.mark.process
def test_a_check_can_be_cancelled(workers, script, tmp_path):
    """The program never says what it is: that the check ends shows that nobody waits for it."""
    path = script("exec sleep 600")
    job = {"task": "check_programs", "settings": {"executables": {"COLMAP_EXECUTABLE": str(path)}}}
    worker = workers.start_job(JobFolder(tmp_path / "check"), job)
    worker.cancel()
    assert workers.end(worker).finished["status"] == "cancelled"


@pytest.mark.engine
def test_the_embedded_colmap_says_its_version_and_why_it_is_missing(monkeypatch):
    assert make_engine("COLMAP").look().version == "4.2.1"
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    assert "embedded COLMAP is missing" in make_engine("COLMAP").look().reason
    monkeypatch.setattr("sys.platform", "darwin")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    assert "no embedded COLMAP for Macs with an Intel processor; choose the engine COLMAP (Exec" in (
        make_engine("COLMAP").look().reason
    )


@pytest.mark.engine
def test_a_pycolmap_that_cannot_be_loaded_is_a_reason_in_words(tmp_path, monkeypatch):
    (tmp_path / "pycolmap.py").write_text("raise ImportError('libsomething.so is not there')")
    monkeypatch.syspath_prepend(tmp_path)
    assert "cannot be loaded (ImportError: libsomething.so is not there)" in make_engine("COLMAP").look().reason


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (None, "There is no program "),
        ("exit 1", "does not say that it is COLMAP"),
        ("echo 'COLMAP 3.6 (Commit a on b with CUDA)'", "is COLMAP 3.6, and 3.8 is the oldest that is supported"),
    ],
)
def test_an_executable_that_will_not_do_is_told_why(tmp_path, script, words):
    program = tmp_path / "colmap"
    if script:
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
    assert words in make_engine("COLMAP_EXECUTABLE", str(program)).look().reason


@pytest.mark.engine
def test_the_executable_says_its_version():
    need_executable()
    assert make_engine("COLMAP_EXECUTABLE").look().version.startswith(("3.", "4."))
