# SPDX-License-Identifier: GPL-3.0-or-later
"""The task that has a second Blender render: a script stands for it, which says what Blender would."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import Story, Workers

from scan.job.folder import JobFolder

TELL = "print('Fra:1 Mem:11M'); print('Scan Cutout: Rendered 1 of 3'); print('Scan Cutout: Rendered 2 of 3');"
END = {"status": "failed", "exit_code": 2, "message": "There is no model"}


@pytest.fixture
def job(tmp_path: Path) -> Any:
    """Give a function that makes the job for a script, whose first argument is where its report goes."""

    def make(code: str) -> dict[str, Any]:
        report = str(tmp_path / "end.json")
        command = [sys.executable, "-c", f"import json, os, pathlib, sys, time; {code}", report]
        return {"task": "render_turntable", "settings": {"command": command, "report": report, "frames": 3}}

    return make


@pytest.fixture
def render(workers: Workers, tmp_path: Path, job: Any) -> Any:
    """Give a function that runs the task with a script, and gives the whole story."""

    def run(code: str) -> Story:
        return workers.end(workers.start_job(JobFolder(tmp_path / "job"), job(code)))

    return run


def reporting(**end: object) -> str:
    return f"pathlib.Path(sys.argv[1]).write_text({json.dumps(end)!r});"


def test_what_is_rendered_is_counted_and_its_own_end_is_the_jobs(render: Any) -> None:
    story = render(TELL + reporting(status="done", exit_code=0, message="Rendered", turntable="/vase.png"))
    counted = [(each["step"], each["done"], each["total"]) for each in story.of("progress")]
    assert counted == [("Rendering", 0, 3), ("Rendering", 1, 3), ("Rendering", 2, 3)]
    end = story.finished
    assert (end["status"], end["exit_code"], end["turntable"]) == ("done", 0, "/vase.png")


def test_a_refusal_is_in_its_own_words(render: Any) -> None:
    story = render(reporting(**END) + "sys.exit(2)")
    assert (story.exit_code, story.message) == (2, "There is no model")


def test_an_end_without_a_word_is_that_of_a_program_and_an_earlier_report_is_none(render: Any, tmp_path: Path) -> None:
    (tmp_path / "end.json").write_text(json.dumps(END))
    story = render("sys.exit(11)")
    assert story.exit_code == 5
    assert "Blender ended with exit code 11 while rendering" in story.message
    assert str(JobFolder(tmp_path / "job").log) in story.message


def test_it_is_ended_when_the_job_is_cancelled(workers: Workers, tmp_path: Path, job: Any) -> None:
    worker = workers.start_job(JobFolder(tmp_path / "job"), job(f"{TELL} sys.stdout.flush(); time.sleep(3600)"))
    workers.until(worker, lambda event: event["event"] == "progress" and event["done"] == 2)
    worker.cancel()
    end = workers.end(worker).finished
    assert (end["status"], end["exit_code"]) == ("cancelled", 130)


def test_what_it_leaves_unfinished_lies_in_the_jobs_folder(render: Any, tmp_path: Path) -> None:
    story = render(
        reporting(status="done", exit_code=0, message="") + "pathlib.Path(os.environ['TMPDIR'], 'x').touch()"
    )
    assert story.exit_code == 0
    assert (tmp_path / "job" / "x").is_file()
