# SPDX-License-Identifier: GPL-3.0-or-later
"""A pytest plugin: a failed test that depends on other processes runs once more, alone, after all others.

It counts as failed only if it fails again. One that passes is listed by name as "passed at the second try", with the
output of its first failure, above pytest's own summary, and is to be repaired: the second try keeps an unlucky moment
from stopping the work, and keeps nothing secret. Tests of the kind ``unit`` have no second try.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

KINDS = frozenset({"process", "engine", "blender", "window"})
"""The kinds of tests that have a second try."""

_lucky = pytest.StashKey[dict[str, list[pytest.TestReport]]]()
_outcomes = pytest.StashKey[dict[str, bool]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the option under which the second try itself runs."""
    words = "write {node id: whether all of it passed} to FILE as JSON; nothing has a second try then"
    parser.addoption("--outcomes", metavar="FILE", help=words)


def pytest_configure(config: pytest.Config) -> None:
    """Begin with no outcomes."""
    config.stash[_lucky] = {}
    config.stash[_outcomes] = {}


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """Give the failed tests their second try once all have run. With ``-x``, a failure ends the run before."""
    result = yield
    config = session.config
    if not (config.getoption("outcomes") or hasattr(config, "workerinput") or not session.testsfailed):
        _try_again(session)
    return result


def _try_again(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    failed = _failed(reporter) if reporter else {}
    if not failed:
        return
    reporter.write_sep("=", f"second try of {len(failed)}")
    passed = _passing(list(failed), session.config)
    for nodeid, reports in failed.items():
        if nodeid in passed:
            session.config.stash[_lucky][nodeid] = reports
            session.testsfailed -= len(reports)
            _count_as_passed(reporter.stats, nodeid, reports[0])


def _failed(reporter: pytest.TerminalReporter) -> dict[str, list[pytest.TestReport]]:
    """Return the reports of the failed tests that have a second try, by their node ids."""
    failed: dict[str, list[pytest.TestReport]] = {}
    for category in ("failed", "error"):
        for report in reporter.stats.get(category, []):
            if isinstance(report, pytest.TestReport) and KINDS & report.keywords.keys():
                failed.setdefault(report.nodeid, []).append(report)
    return failed


def _count_as_passed(stats: dict[str, list[pytest.TestReport]], nodeid: str, report: pytest.TestReport) -> None:
    for category in ("failed", "error"):
        kept = [each for each in stats.pop(category, []) if each.nodeid != nodeid]
        if kept:
            stats[category] = kept
    # One that failed in its teardown alone is among the passed already.
    passed = stats.setdefault("passed", [])
    if all(each.nodeid != nodeid for each in passed):
        passed.append(report)


def _passing(nodeids: list[str], config: pytest.Config) -> set[str]:
    """Run tests in a pytest of their own, one after the other, and return those that passed."""
    with tempfile.TemporaryDirectory() as folder:
        outcomes = Path(folder, "outcomes.json")
        command = [sys.executable, "-m", "pytest", "-n0", "-p", "no:cacheprovider", "--outcomes", str(outcomes)]
        sys.stdout.flush()
        subprocess.run([*command, *nodeids], cwd=config.rootpath, check=False)
        found = json.loads(outcomes.read_text(encoding="utf-8")) if outcomes.exists() else {}
    return {nodeid for nodeid in nodeids if found.get(nodeid)}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note what becomes of each test: it has passed when it was called and none of its three phases failed."""
    report = yield
    outcomes = item.config.stash[_outcomes]
    if report.when == "call" and report.passed:
        outcomes.setdefault(item.nodeid, True)
    elif not report.passed:
        outcomes[item.nodeid] = False
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the outcomes where they are asked for."""
    if file := session.config.getoption("outcomes"):
        Path(file).write_text(json.dumps(session.config.stash[_outcomes]), encoding="utf-8")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """List the tests that passed at the second try, with what their first one printed."""
    lucky = config.stash[_lucky]
    if not lucky:
        return
    terminalreporter.write_sep("=", f"{len(lucky)} passed at the second try: to be repaired", yellow=True)
    for nodeid, reports in lucky.items():
        for report in reports:
            terminalreporter.write_sep("_", f"{nodeid}, {report.when}")
            terminalreporter.write_line(report.longreprtext)
            for title, text in report.sections:
                terminalreporter.write_sep("-", title)
                terminalreporter.write_line(text)
    for nodeid in lucky:
        terminalreporter.write_line(f"passed at the second try: {nodeid}", yellow=True)
