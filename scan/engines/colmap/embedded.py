# SPDX-License-Identifier: GPL-3.0-or-later
"""COLMAP as it comes with the extension: the Python package pycolmap, run in processes of its own."""

import contextlib
import dataclasses
import json
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...job.resources import threads
from ..catalog import Entry
from ..engine import Availability, EngineFolder, Requirements, Scan, Solution, Watch
from ..installed import missing
from ..programs.program import ask
from .solve import Solve
from .steps import Extract, Step

_CHILD = Path(__file__).with_name("child.py")
_PATIENCE = 120.0  # seconds; a virus scanner may look at 80 MB of library first
_PYTHON = (sys.executable, "-I")


class ColmapEmbedded:
    """See ``Engine``."""

    # WebP is missing from the OpenImageIO in pycolmap 4.2.1's wheels (tried).
    requirements = Requirements(frozenset({"JPEG", "PNG", "TIFF"}))

    def __init__(self, entry: Entry, _executable: str = "") -> None:
        self._entry = entry

    @property
    def title(self) -> str:
        """See ``Engine.title``."""
        return self._entry.title

    @property
    def environment(self) -> Mapping[str, str]:
        """The module search path of this process, which holds the extension's own packages."""
        return {"SCAN_CUTOUT_SYS_PATH": json.dumps([path for path in sys.path if path])}

    @property
    def most_pairs(self) -> int:
        """See ``Commands.most_pairs``: it tells of each block."""
        return sys.maxsize

    @property
    def is_slow_to_match(self) -> bool:
        """See ``Commands.is_slow_to_match``."""
        return False

    def look(self, patience: float = _PATIENCE) -> Availability:
        """Whether pycolmap can be imported: found out by a process that tries."""
        if words := missing(self._entry, ""):
            return Availability(reason=words)
        try:
            code, said = ask([*_PYTHON, str(_CHILD), "look"], self.environment, patience)
        except subprocess.TimeoutExpired:
            return Availability(reason=f"The embedded COLMAP takes longer than {patience:.0f} s to start; try again")
        except OSError as error:
            return Availability(reason=f"The embedded COLMAP does not start ({error.strerror}); {self._entry.instead}")
        lines = said.strip().splitlines()
        for line in lines:  # a library may have something to say, too
            with contextlib.suppress(ValueError, KeyError, TypeError):
                return Availability(version=str(json.loads(line)["version"]))
        words = lines[-1] if lines else f"exit code {code}"
        return Availability(reason=_why_broken(words, self._entry.instead))

    def key(self, scan: Scan, availability: Availability) -> str:
        """See ``Engine.key``. The mapper is not part of it: the same matches serve both."""
        return scan.key("pycolmap", availability.version)

    def solve(self, scan: Scan, place: EngineFolder, key: str, watch: Watch) -> Solution:
        """See ``Engine.solve``."""
        return Solve(self, scan, place, key, watch).run()

    def command(self, step: Step) -> Sequence[str]:
        """See ``Commands.command``."""
        values = {"step": type(step).__name__, **dataclasses.asdict(step)}
        if isinstance(step, Extract):
            values["threads"] = threads(step.megabytes)
        return [*_PYTHON, str(_CHILD), json.dumps(values, default=str)]


def _why_broken(words: str, instead: str) -> str:
    version = platform.mac_ver()[0]
    if sys.platform == "darwin" and version and int(version.split(".")[0]) < 14:
        return f"The embedded COLMAP needs macOS 14, and this is {version}; update, or {instead}"
    return f"The embedded COLMAP cannot be loaded ({words}); {instead}"
