# SPDX-License-Identifier: GPL-3.0-or-later
"""Which lines of the product the tests reach, those in workers and in Blenders included; window tests are left out.

    python tools/measure_coverage.py run NAME [PYTEST ARGUMENT…]    run tests; the data is kept in build/coverage/NAME
    python tools/measure_coverage.py compare OLD NEW                by folder, and every line that NEW does not reach
    python tools/measure_coverage.py compare OLD NEW --gate         of NEW, only what the tests of the gate reach

OLD and NEW are names of runs, or JSON files ``{file: {"executed": [line, …], "missing": [line, …]}}``, which each run
leaves as lines.json. Every Python that has coverage installed measures itself where the environment says so: the
processes of the tests, the workers they start, and the bpy module.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import coverage

from environments import BUILD, ROOT

FOLDERS = ("scan", "properties", "scene", "session", "operators", "ui")
_ALL = "not window"
_GATE = f"{_ALL} and not full"
_DATA = BUILD / "coverage"
_SETTINGS = """
[run]
parallel = true
data_file = {data}
context = ${{SCAN_CUTOUT_TEST-}}
patch = _exit
sigterm = true
include =
{include}
[paths]
product =
    {root}
    */user_default/scan_cutout
"""

Lines = dict[str, dict[str, list[int]]]
"""File, relative to the project → its statements, ``executed`` and ``missing``."""


def run(name: str, arguments: list[str]) -> int:
    """Run tests and keep what they reach; returns pytest's exit code."""
    folder = _DATA / name
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob(".coverage*"):
        old.unlink()
    places = [f"    {root}/{each}/*" for each in FOLDERS for root in (ROOT, "*/user_default/scan_cutout")]
    settings = folder / "coveragerc"
    settings.write_text(
        _SETTINGS.format(data=folder / ".coverage", include="\n".join(places), root=ROOT), encoding="utf-8"
    )
    command = [sys.executable, "-m", "pytest", str(ROOT / "tests"), "-p", "coverage_contexts", *arguments]
    done = subprocess.run(command, env={**os.environ, "COVERAGE_PROCESS_START": str(settings)}, check=False)
    measured = coverage.Coverage(config_file=str(settings))
    measured.combine(strict=True)
    measured.save()
    (folder / "lines.json").write_text(json.dumps(_lines(name, _marked(_ALL))), encoding="utf-8")
    return done.returncode


def data_of(name: str) -> coverage.CoverageData:
    """Return what a run has measured, with the tests' names as contexts."""
    data = coverage.CoverageData(str(_DATA / name / ".coverage"))
    data.read()
    return data


def tests_of(context: str) -> str:
    """Return the test of a context: a Blender's has that of its start before it."""
    return context.rpartition("|")[2]


def gate() -> set[str]:
    """Return the node ids of the gate's tests, window tests left out."""
    return _marked(_GATE)


def _marked(marks: str) -> set[str]:
    command = [sys.executable, "-m", "pytest", str(ROOT / "tests"), "--collect-only", "-q", "-n0", "-m", marks]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return {line for line in done.stdout.splitlines() if "::" in line}


def _lines(name: str, tests: set[str]) -> Lines:
    """Return the lines that some tests of a run reach, with what is imported before any."""
    measured = coverage.Coverage(config_file=str(_DATA / name / "coveragerc"))
    measured.load()  # otherwise the first question to it empties the data file
    data = measured.get_data()
    found: Lines = {}
    for path in sorted(each for folder in FOLDERS for each in (ROOT / folder).rglob("*.py")):
        statements = set(measured.analysis2(str(path))[1])
        reached = {
            line
            for line, contexts in data.contexts_by_lineno(str(path)).items()
            if any(tests_of(each) in tests or not tests_of(each) for each in contexts)
        }
        executed, missing = statements & reached, statements - reached
        found[path.relative_to(ROOT).as_posix()] = {"executed": sorted(executed), "missing": sorted(missing)}
    return found


def compare(old: Lines, new: Lines) -> None:
    """Print the share of statements that each run reaches, by folder, and the lines that the new one has lost."""
    shares: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for column, lines in ((0, old), (2, new)):
        for file, found in lines.items():
            for folder in {file.rpartition("/")[0], file.partition("/")[0] + " in all"}:
                shares[folder][column] += len(found["executed"])
                shares[folder][column + 1] += len(found["executed"]) + len(found["missing"])
    for folder, (old_done, old_all, new_done, new_all) in sorted(shares.items()):
        one, other = 100 * old_done / max(1, old_all), 100 * new_done / max(1, new_all)
        print(f"{folder:24} {one:6.2f} % → {other:6.2f} %  {other - one:+.2f}")
    for file, found in sorted(new.items()):
        if lost := sorted(set(found["missing"]) & set(old.get(file, {}).get("executed", []))):
            print(f"lost in {file}: {', '.join(map(str, lost))}")


def main() -> int:
    """Run the command line."""
    match sys.argv[1:]:
        case ["run", name, *arguments]:
            return run(name, arguments)
        case ["compare", old, new, *options] if options in ([], ["--gate"]):
            compare(_read(old, _ALL), _read(new, _GATE if options else _ALL))
            return 0
    print(__doc__, file=sys.stderr)
    return 2


def _read(name: str, marks: str) -> Lines:
    if name.endswith(".json"):
        lines: Lines = json.loads(Path(name).read_text(encoding="utf-8"))
        return lines
    return _lines(name, _marked(marks))


if __name__ == "__main__":
    sys.exit(main())
