# SPDX-License-Identifier: GPL-3.0-or-later
"""An engine in one file, as tests add one: it places every photo where it lies in the list."""

import json

from .catalog import Entry, Kind, PathPreference
from .engine import Availability, EngineFolder, Model, Requirements, Scan, Solution, Watch
from .installed import missing


class ToyEngine:
    """See ``Engine``."""

    requirements = Requirements(frozenset({"JPEG"}), least_photos=2)

    def __init__(self, entry: Entry, executable: str = "") -> None:
        self.title = entry.title
        self._entry = entry
        self._executable = executable

    def look(self, _patience: float = 1.0) -> Availability:
        """See ``Engine.look``."""
        reason = missing(self._entry, self._executable)
        return Availability(reason=reason) if reason else Availability(version="1.0", path=self._executable)

    def key(self, scan: Scan, availability: Availability) -> str:
        """See ``Engine.key``."""
        return scan.key("toy", availability.version)

    def solve(self, scan: Scan, place: EngineFolder, key: str, watch: Watch) -> Solution:
        """See ``Engine.solve``."""
        watch.step(f"Playing at {scan.settings.quality}, {key}")
        names = [photo.name for photo in scan.photos]
        place.results.mkdir(exist_ok=True)
        (place.results / "scene.toy").write_text(json.dumps(names))
        return Solution((Model(place.results, tuple(names), 1, 0.5),))


ENTRY = Entry(
    name="TOY",
    label="Toy (Program)",
    title="Toy",
    help="An engine that a test has added",
    kind=Kind.PROGRAM,
    implementation="toy_engine.ToyEngine",
    gives=("cameras", "points"),
    instead="build one",
    executables=("toy-engine",),
    preference=PathPreference(name="toy_executable", label="Toy", help="The toy's program"),
)
