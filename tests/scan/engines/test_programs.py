# SPDX-License-Identifier: GPL-3.0-or-later
"""An engine's program: its output read along, its end told in words, and nothing of it left behind."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from conftest import draw_photo, wait_for
from engine_scan import EXECUTABLE, Solves, freeze, kill, processes, until

from scan.common.errors import Cancelled, EngineError
from scan.engines.engine import make_engine
from scan.engines.programs import supervisor
from scan.engines.programs.program import Program, ask, end_left_over
from scan.job.process import Worker

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(sys.platform != "linux", reason="asks /proc who is still there"),
]

# A program with a child of its own that ignores polite signals and closed pipes, as engines may have.
TREE = """
import os, signal, subprocess, sys, time
child = [sys.executable, "-c", "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)", "grandchild"]
subprocess.Popen(child)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("both run", flush=True)
time.sleep(600)
"""


@pytest.fixture
def program(tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    made = Program(
        title="The engine",
        folder=work,
        log=tmp_path / "engine.log",
        note=tmp_path / "engines" / "one" / "process.json",
        cancel=threading.Event(),
        environment={"SOMETHING": "given"},
    )
    yield made
    made.cancel.set()
    for pid in at_work(work):
        kill(pid)


def at_work(folder: Path) -> list[int]:
    return [pid for pid, place, _ in processes() if place == folder]


def wait_until_gone(folder: Path) -> None:
    wait_for(lambda: not at_work(folder))


def run(program, code, lines=None):
    program.run([sys.executable, "-c", code], "testing", (lines if lines is not None else []).append)


def test_output_is_read_line_by_line_and_kept(program):
    lines: list[str] = []
    run(
        program,
        "import os, sys; print('one\\ntwo'); print(os.environ['SOMETHING'], os.getcwd(), file=sys.stderr)",
        lines,
    )
    assert [line for line in lines if line] == ["one", "two", f"given {program.folder}"]
    assert "one\ntwo\ngiven" in program.log.read_text()
    assert not program.note.exists()


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (
            "print('E: database error: no such table'); raise SystemExit(3)",
            "ended with exit code 3 while testing (E: data",
        ),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "ended by signal 11 while testing"),
        (
            "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
            "was ended by the system while testing, perhaps for",
        ),
        (
            "raise MemoryError",
            "stopped while testing, perhaps for want of memory; close other programs or choose a lower",
        ),
        ("raise OSError(28, 'No space left on device')", "is full; make room, then run again"),
        (
            "import os, signal; signal.signal(25, signal.SIG_DFL); os.kill(os.getpid(), 25)",
            "is full; make room, then run again",
        ),
    ],
)
def test_how_it_ended_is_one_sentence_with_the_log(program, code, words):
    with pytest.raises(EngineError) as failure:
        run(program, code)
    told = str(failure.value)
    assert told.startswith("The engine ")
    assert words in told
    assert "what it had done is kept" in told
    assert told.endswith(f". Its log: {program.log}")
    assert not program.note.exists()


def test_a_program_that_is_not_there_is_one_sentence(program):
    with pytest.raises(EngineError, match="The engine could not be started"):
        program.run(["/is/not/there"], "testing", print)


def test_a_cancel_ends_the_whole_tree(program):
    """None of it ends by itself."""
    threading.Thread(target=lambda: (wait_for_line(program), program.cancel.set()), daemon=True).start()
    with pytest.raises(Cancelled):
        run(program, TREE)
    wait_until_gone(program.folder)
    assert not program.note.exists()


def wait_for_line(program) -> None:
    while not (program.log.exists() and b"\nboth run" in program.log.read_bytes()):
        time.sleep(0.01)


def test_what_a_program_leaves_behind_ends_with_it(program):
    begin, _, _ = TREE.rpartition("time.sleep(600)")
    run(program, begin)
    wait_until_gone(program.folder)


RUNNER = """
import sys, threading
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from scan.engines.programs.program import Program
place = Path(sys.argv[2])
Program("The engine", place / "work", place / "engine.log", place / "engines/one/process.json", threading.Event(), {}
    ).run([sys.executable, "-c", sys.argv[3]], "testing", print)
"""


@pytest.fixture
def runner(program, tmp_path):
    """Start a process that runs the tree, as a worker would; wait until it runs."""
    root = str(Path(supervisor.__file__).parents[3])
    process = subprocess.Popen([sys.executable, "-c", RUNNER, root, str(tmp_path), TREE])
    wait_for_line(program)
    yield process
    process.kill()
    process.wait()


def test_a_killed_worker_takes_the_engine_with_it(program, runner):
    assert len(at_work(program.folder)) == 3, "supervisor, engine and its child"
    runner.kill()
    runner.wait()
    wait_until_gone(program.folder)


def test_an_engine_that_outlived_worker_and_minder_ends_at_the_next_start(program, runner, tmp_path):
    wait_for(lambda: program.note.exists() and program.note.read_text().endswith("}"))
    minders = [pid for pid, _, words in processes() if "supervisor.py" in words and str(tmp_path) in words]
    for pid in minders:
        freeze(pid)  # so that it does not see the pipe close
    runner.kill()
    runner.wait()
    for pid in minders:
        kill(pid)
    wait_for(lambda: not {pid for pid, _, _ in processes()} & set(minders))
    assert json.loads(program.note.read_text())["pid"] in at_work(program.folder)
    end_left_over(tmp_path / "engines")
    wait_until_gone(program.folder)
    assert not list((tmp_path / "engines").glob("*/process.json"))


@pytest.fixture
def hanging(tmp_path):
    """Give a program that never says what it is, and has a child; and the folder that both are at work in."""
    folder = tmp_path / "hanging"
    folder.mkdir()
    path = tmp_path / "colmap"
    path.write_text(f"#!/bin/sh\ncd '{folder}'\nsleep 600 &\necho > started\nwait\n")
    path.chmod(0o755)
    yield path, folder
    for pid in at_work(folder):
        kill(pid)


@pytest.mark.parametrize("end", [Worker.cancel, Worker.kill])
def test_a_program_that_was_only_asked_what_it_is_ends_with_the_worker(hanging, photos, output, end):
    path, folder = hanging
    for number in range(3):
        draw_photo().save(photos / f"{number}.jpg")
    solves = Solves(photos, output, own_process=True)
    try:
        worker = solves.start(EXECUTABLE, executable=str(path), masks=False)
        wait_for(lambda: len(at_work(folder)) == 2)
        end(worker)
        until(worker)
        wait_until_gone(folder)
    finally:
        solves.close()


def test_a_program_that_takes_too_long_to_say_what_it_is_is_ended(hanging):
    path, folder = hanging
    patience = 0.5
    while not (folder / "started").exists():  # else it was ended before it began, on a loaded machine
        with pytest.raises(subprocess.TimeoutExpired):
            ask([str(path)], {}, patience)
        wait_until_gone(folder)
        patience *= 2


def test_all_that_a_program_says_is_heard():
    code = "import os, sys; print('x' * 300_000); print(os.environ['SOMETHING'], file=sys.stderr); raise SystemExit(3)"
    exit_code, said = ask([sys.executable, "-c", code], {"SOMETHING": "given"}, 3600)
    assert exit_code == 3
    assert sorted(said.split()) == ["given", "x" * 300_000]


def test_a_program_that_does_not_start_says_why_when_asked(tmp_path):
    path = tmp_path / "colmap"
    path.write_bytes(b"\x7fELF of another system")
    path.chmod(0o755)
    reason = make_engine("COLMAP_EXECUTABLE", str(path)).look().reason
    assert reason.startswith(f"{path} does not start (Exec format error); set another path")


def test_a_later_process_with_the_same_number_is_left_alone(tmp_path):
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True) as other:
        note = tmp_path / "engines" / "one" / "process.json"
        note.parent.mkdir(parents=True)
        note.write_text(json.dumps({"pid": other.pid, "started": "of long ago"}))
        end_left_over(tmp_path / "engines")
        assert other.communicate(b"still there") == (b"still there", None)
        assert other.returncode == 0
        assert not note.exists()
