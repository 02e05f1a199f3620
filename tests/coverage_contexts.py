# SPDX-License-Identifier: GPL-3.0-or-later
"""A pytest plugin for tools/measure_coverage.py: what runs is noted under the name of the test that runs it.

The processes that a test starts find the name in the variable SCAN_CUTOUT_TEST.
"""

from __future__ import annotations

import os
from collections.abc import Generator

import coverage
import pytest


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Name the test, here and for the processes to come."""
    os.environ["SCAN_CUTOUT_TEST"] = item.nodeid
    measuring = coverage.Coverage.current()
    if measuring is not None:
        measuring.switch_context(item.nodeid)
    return (yield)
