# SPDX-License-Identifier: GPL-3.0-or-later
"""Says at the end which Blenders the tests really ran in: a missing version is easily overlooked among the skips."""

from __future__ import annotations

import pytest

from bpy_process import VERSIONS


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Count the outcomes by version. With pytest-xdist, all of them reach the process that writes the summary."""
    for version in VERSIONS:
        counts = {
            outcome: sum(version in report.nodeid for report in terminalreporter.stats.get(outcome, []))
            for outcome in ("passed", "failed", "error", "skipped")
        }
        said = ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count)
        terminalreporter.write_line(f"bpy {version}: {said or 'no test ran'}")
