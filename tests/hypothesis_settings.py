# SPDX-License-Identifier: GPL-3.0-or-later
"""How property tests run, loaded by importing this: the same few examples every time, no clock, nothing kept."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, Phase, configuration, settings
from hypothesis.internal.conjecture import providers

# What Hypothesis keeps of Unicode's tables goes where other tools keep theirs, and not to the folder pytest runs in.
configuration.set_hypothesis_home_dir(Path(__file__).parents[1] / "build" / ".hypothesis")

# Hypothesis also tries constants of our own modules, those that happen to be loaded: a test would see other examples
# alone than it sees after others.
assert callable(providers._get_local_constants)  # noqa: SLF001 - there is no setting for it
providers._get_local_constants = lambda: _NO_CONSTANTS  # noqa: SLF001
_NO_CONSTANTS = providers.Constants(
    integers=providers.SortedSet(),
    floats=providers.SortedSet(),
    bytes=providers.SortedSet(),
    strings=providers.SortedSet(),
)

settings.register_profile(
    "scan-cutout",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=60,
    # Without "explain", which runs a failing test over and over to say which of its values do not matter.
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.too_slow],  # it looks at the clock
)
settings.load_profile("scan-cutout")

IN_ONE_FOLDER = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
"""For ``suppress_health_check``: all examples of a test share its ``tmp_path``, and each begins by emptying it."""
