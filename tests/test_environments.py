# SPDX-License-Identifier: GPL-3.0-or-later
"""Environments are made from just what is written down, once, side by side; what is missing is said in a sentence."""

from __future__ import annotations

import functools
import hashlib
import os
import re
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import compile_requirements
import environments
import fetch

NAMES = [*environments.ENVIRONMENTS, "uv"]
THIS_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


def written(file: Path) -> list[Requirement]:
    """Give what a .in file asks for."""
    lines = [line.partition("#")[0].strip() for line in file.read_text(encoding="utf-8").splitlines()]
    return [Requirement(line) for line in lines if line]


def compiled(name: str) -> dict[Requirement, set[str]]:
    """Give what an environment consists of, with the hashes of the files that it may come in."""
    text = environments.requirements_of(name).read_text(encoding="utf-8").replace("\\\n", " ")
    found = {}
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            requirement, *hashes = re.split(r"\s+--hash=sha256:", line.strip())
            found[Requirement(requirement)] = set(hashes)
    return found


def versions(name: str, target: fetch.Target) -> dict[str, str]:
    """Give the versions of an environment on a platform and a Python."""
    system, machine = compile_requirements.PLATFORMS[target.platform]
    there = {
        "sys_platform": system,
        "platform_machine": machine,
        "python_version": target.python,
        "python_full_version": f"{target.python}.0",
    }
    fitting = [each for each in compiled(name) if each.marker is None or each.marker.evaluate(there)]
    assert len(fitting) == len({each.name for each in fitting}), "two versions of one distribution at once"
    return {fetch.normal(each.name): str(each.specifier).removeprefix("==") for each in fitting}


def test_each_environment_has_its_two_files_and_no_file_is_nobodys():
    files = {path.name for path in environments.REQUIREMENTS.iterdir()}
    assert files == {f"{name}{suffix}" for name in NAMES for suffix in (".in", ".txt")}


@pytest.mark.parametrize("name", NAMES)
def test_all_of_an_environment_has_one_version_and_hashes_and_no_address(name):
    content = compiled(name)
    assert content
    for requirement, hashes in content.items():
        assert re.fullmatch(r"==[\w.]+", str(requirement.specifier)), requirement
        assert hashes, requirement
        assert all(re.fullmatch("[0-9a-f]{64}", each) for each in hashes), requirement
    text = environments.requirements_of(name).read_text(encoding="utf-8")
    assert not re.search(r"://|index|find-links|/home|/root|/tmp|\b(?:via|file):", text.partition("\n")[2])


@pytest.mark.parametrize("name", NAMES)
def test_what_is_asked_for_is_what_is_compiled(name):
    locked = (
        {fetch.normal(entry["distribution"]) for entry in fetch.load_lock()["wheels"]} if name == "tests" else set()
    )
    content = [(fetch.normal(each.name), str(each.specifier)) for each in compiled(name)]
    for requirement in written(environments.REQUIREMENTS / f"{name}.in"):
        distribution = fetch.normal(requirement.name)
        # One place names the version: here or in vendor/lock.json.
        assert bool(requirement.specifier) != (distribution in locked), requirement
        assert any(
            each == distribution and (not requirement.specifier or specifier == str(requirement.specifier))
            for each, specifier in content
        ), f"{requirement}: make requirements"


@pytest.mark.parametrize(
    "target",
    [each for each in fetch.TARGETS if each.python in environments.ENVIRONMENTS["tests"].pythons],
    ids=lambda target: target.name,
)
def test_tests_see_what_the_zips_carry_on_every_platform(target):
    found, hashes = versions("tests", target), {digest for each in compiled("tests").values() for digest in each}
    for entry in fetch.load_lock()["wheels"]:
        distribution = fetch.normal(entry["distribution"])
        if target.name in entry["gaps"]:
            assert distribution not in found
        else:
            assert found[distribution] == fetch.version_of(entry, target), "make requirements"
            assert entry["files"][target.name]["sha256"] in hashes, "make requirements"


def test_every_process_measures_coverage_with_the_same_version():
    measured = [name for name in environments.ENVIRONMENTS if name == "tests" or name.startswith("bpy-")]
    found = {str(each.specifier) for name in measured for each in compiled(name) if each.name == "coverage"}
    assert len(measured) == 4
    assert len(found) == 1
    assert all(any(each.name == "coverage" for each in compiled(name)) for name in measured)


@pytest.fixture
def package(tmp_path: Path, monkeypatch) -> Callable[[str], str]:
    """Make a small wheel of a version, where the installer finds it and nothing else, and give its line."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))

    def make(version: str) -> str:
        wheel, about = folder / f"small-{version}-py3-none-any.whl", f"small-{version}.dist-info"
        content = {
            "small.py": f"version = {version!r}\n",
            f"{about}/METADATA": f"Metadata-Version: 2.1\nName: small\nVersion: {version}\n",
            f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        record = "".join(f"{name},,\n" for name in (*content, f"{about}/RECORD"))
        with zipfile.ZipFile(wheel, "w") as archive:
            for name, text in {**content, f"{about}/RECORD": record}.items():
                archive.writestr(name, text)
        return f"small=={version} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"

    return make


@pytest.fixture
def asked(tmp_path: Path, monkeypatch) -> Callable[..., None]:
    """Give a function that says which environments there shall be, and of what; all of it in a folder of its own."""
    program = environments.uv()
    monkeypatch.setattr(environments, "uv", lambda: program)
    monkeypatch.setattr(environments, "BUILD", tmp_path / "build")
    monkeypatch.setattr(environments, "REQUIREMENTS", tmp_path / "requirements")
    monkeypatch.setattr(environments, "ENVIRONMENTS", {})
    environments.REQUIREMENTS.mkdir()

    def ask(name: str, requirements: str, python: str = THIS_PYTHON, megabytes: int = 1) -> None:
        environments.requirements_of(name).write_text(requirements, encoding="utf-8")
        environments.ENVIRONMENTS[name] = environments.Environment((python,), megabytes)

    return ask


def small(python: Path) -> str:
    """Give the version of the small package that a Python has."""
    command = [str(python), "-c", "import small; print(small.version)"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.process
def test_an_environment_is_made_anew_when_something_else_is_asked_for(asked, package, capsys):
    asked("one", package("1.0"))
    assert not environments.is_ready("one")
    assert small(environments.ensure("one")) == "1.0"
    assert environments.is_ready("one")
    capsys.readouterr()
    environments.ensure("one")
    assert capsys.readouterr().err == ""

    asked("one", package("2.0"))
    assert not environments.is_ready("one")
    assert small(environments.ensure("one")) == "2.0"


@pytest.mark.process
def test_two_who_ask_at_once_get_one_that_was_made_once(asked, package, capsys, monkeypatch):
    asked("one", package("1.0"))
    looked, is_ready = threading.Semaphore(0), environments.is_ready

    def look(name: str) -> bool:
        answer = is_ready(name)
        looked.release()
        return answer

    monkeypatch.setattr(environments, "is_ready", look)
    callers = [threading.Thread(target=environments.ensure, args=("one",)) for _ in range(2)]
    with environments.locked(environments.BUILD / "env" / "one.lock"):
        for caller in callers:
            caller.start()
        # Each looks twice before it wants the lock: now both are bent on making it.
        for _ in range(4):
            looked.acquire()
    for caller in callers:
        caller.join()
    assert capsys.readouterr().err.count("one: installing") == 1
    assert small(environments.python_of("one")) == "1.0"


@pytest.mark.process
@pytest.mark.skipif(os.name == "nt", reason="asks for the lock the way POSIX has it")
def test_another_process_is_kept_out_while_one_is_in(tmp_path):
    wait = "import fcntl, sys; fcntl.flock(open(sys.argv[1], 'w'), fcntl.LOCK_EX | fcntl.LOCK_NB)"
    command = [sys.executable, "-c", wait, str(tmp_path / "lock")]
    with environments.locked(tmp_path / "lock"):
        assert b"BlockingIOError" in subprocess.run(command, capture_output=True, check=False).stderr
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.process
def test_all_that_fails_is_told_and_the_rest_is_made(asked, package):
    good = package("1.0")
    asked("good", good)
    asked("tampered", re.sub("sha256:.*", f"sha256:{'0' * 64}", good))
    asked("unknown", f"small==7.0 --hash=sha256:{'0' * 64}\n")
    asked("unhashed", "small==1.0\n")
    with pytest.raises(environments.Missing) as caught:
        environments.ensure_all(list(environments.ENVIRONMENTS))
    tampered, unknown, unhashed = str(caught.value).splitlines()
    log = environments.BUILD / "env" / "tampered.log"
    assert tampered.startswith("Could not install what tampered needs: ")
    assert "Hash mismatch for `small==1.0`" in tampered
    assert tampered.endswith(f" (all of it in {log}).")
    assert "0" * 64 in log.read_text(encoding="utf-8")
    assert unknown.startswith("Could not install what unknown needs: ")
    assert "there is no version of small==7.0" in unknown
    assert unhashed.startswith("Could not install what unhashed needs: ")
    assert "--require-hashes" in unhashed
    assert [name for name in environments.ENVIRONMENTS if environments.is_ready(name)] == ["good"]
    assert small(environments.python_of("good")) == "1.0"


@pytest.mark.process
def test_an_index_that_does_not_answer_is_named_as_the_reason(asked, tmp_path, monkeypatch):
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("UV_OFFLINE", "1")
    asked("one", f"small==1.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(environments.Missing, match="what one needs: the package index could not be reached"):
        environments.ensure("one")


def test_a_python_that_is_not_there_is_named(asked):
    asked("one", "", python="3.99")
    with pytest.raises(environments.Missing, match=r"^one needs Python 3\.99 with venv and pip; [^\n]*\.$"):
        environments.ensure("one")


def test_room_is_asked_for_all_that_is_made_at_once(asked):
    free = 10**9
    asked("one", "", megabytes=free)
    asked("two", "", megabytes=free)
    with pytest.raises(environments.Missing, match=rf"^one, two take about {2 * free} MB, and there is less free in "):
        environments.ensure_all(["one", "two"])


@pytest.mark.timeout(60, method="thread")
def test_steps_are_taken_side_by_side():
    both = threading.Barrier(2)
    # Each waits for the other: one after the other, the first would wait for ever.
    environments.side_by_side([both.wait, both.wait])
    assert not both.broken


def test_failures_of_steps_are_told_once_each_and_a_defect_is_not_hidden():
    def fail(error: Exception) -> None:
        raise error

    missing = [environments.Missing("a."), environments.Missing("b.\na."), OSError("disk")]
    with pytest.raises(environments.Missing) as caught:
        environments.side_by_side([functools.partial(fail, error) for error in missing])
    assert str(caught.value) == "a.\nb.\nSetting up failed: disk"
    with pytest.raises(ZeroDivisionError):
        environments.side_by_side([functools.partial(fail, missing[0]), functools.partial(fail, ZeroDivisionError())])
