# SPDX-License-Identifier: GPL-3.0-or-later
"""The engines there are, by the names that settings use."""

from collections.abc import Callable

from ..common.errors import BadUseError
from .colmap.embedded import ColmapEmbedded
from .colmap.executable import ColmapExecutable
from .engine import Engine

# Each is made with the path of the user's program, empty where none is set.
ENGINES: dict[str, Callable[[str], Engine]] = {
    "COLMAP": lambda _executable: ColmapEmbedded(),
    "COLMAP_EXECUTABLE": ColmapExecutable,
}


def make_engine(name: str, executable: str = "") -> Engine:
    """The engine of that name. Raises BadUseError where there is none."""
    if name not in ENGINES:
        raise BadUseError(f"There is no engine {name!r}; there are {', '.join(ENGINES)}")
    return ENGINES[name](executable)
