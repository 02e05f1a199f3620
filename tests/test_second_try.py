# SPDX-License-Identifier: GPL-3.0-or-later
"""A failed test has a second try if others can have made it fail, and what that hides is said."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent

CONFTEST = """
import pathlib, pytest

def is_first(name):
    file = pathlib.Path(__file__).with_name(name)
    file.write_text(file.read_text() + "x" if file.exists() else "x")
    return file.read_text() == "x"

@pytest.fixture
def lucky_setup():
    assert not is_first("setup"), "an unlucky setup"

@pytest.fixture
def lucky_teardown():
    yield
    assert not is_first("teardown"), "an unlucky teardown"
"""
CASES = """
import pytest
from conftest import is_first

@pytest.mark.process
@pytest.mark.parametrize("address", ["me@home"])
def test_unlucky(address):
    print("what the first try printed")
    assert not is_first("call"), "an unlucky call"

@pytest.mark.window
def test_unlucky_in_setup(lucky_setup):
    pass

@pytest.mark.blender
def test_unlucky_in_teardown(lucky_teardown):
    pass

@pytest.mark.engine
def test_good():
    is_first("good")

@pytest.mark.engine
def test_bad():
    is_first("bad")
    assert False, "it fails each time"

@pytest.mark.unit
def test_unlucky_unit():
    assert not is_first("unit"), "an unlucky unit"
"""
INI = """[pytest]
addopts = -p second_try
pythonpath = . {tests}
markers =
    process:
    window:
    blender:
    engine:
    unit:
"""

pytestmark = pytest.mark.process


def run(folder: Path, cases: str, *options: str) -> tuple[int, str]:
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "pytest.ini").write_text(INI.format(tests=TESTS))
    (folder / "test_cases.py").write_text(cases)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:cov", *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def tries(folder: Path, name: str) -> int:
    file = folder / name
    return len(file.read_text()) if file.exists() else 0


@pytest.mark.parametrize("processes", ["0", "2"])
def test_only_who_passes_at_the_second_try_is_no_failure_and_is_listed(tmp_path: Path, processes: str) -> None:
    code, said = run(tmp_path, CASES, "-n", processes)
    assert code == 1, said
    names = ("call", "setup", "teardown", "good", "bad", "unit")
    assert [tries(tmp_path, name) for name in names] == [2, 2, 2, 1, 2, 1]
    *_, last = said.strip().splitlines()
    assert "2 failed, 4 passed" in last
    lucky = [line for line in said.splitlines() if line.startswith("passed at the second try: ")]
    assert sorted(lucky) == [  # of two processes, either may be the first
        f"passed at the second try: test_cases.py::{name}"
        for name in ("test_unlucky[me@home]", "test_unlucky_in_setup", "test_unlucky_in_teardown")
    ]
    for words in ("an unlucky call", "what the first try printed", "an unlucky setup", "an unlucky teardown"):
        assert words in said.partition("3 passed at the second try: to be repaired")[2]


def test_where_all_have_passed_in_the_end_so_has_the_run(tmp_path: Path) -> None:
    code, said = run(tmp_path, CASES, "-k", "test_unlucky_in_setup")
    assert (code, tries(tmp_path, "setup")) == (0, 2)
    assert "1 passed" in said.strip().splitlines()[-1]
    assert "failed" not in said.strip().splitlines()[-1]


def test_without_a_failure_nothing_runs_twice(tmp_path: Path) -> None:
    code, said = run(tmp_path, CASES, "-k", "test_good")
    assert (code, tries(tmp_path, "good")) == (0, 1)
    assert "second try" not in said


def test_a_run_that_stops_at_its_first_failure_has_no_second_try(tmp_path: Path) -> None:
    code, _ = run(tmp_path, CASES, "-x")
    assert (code, tries(tmp_path, "call")) == (1, 1)
