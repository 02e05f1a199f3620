# SPDX-License-Identifier: GPL-3.0-or-later
"""What every photogrammetry program is to the rest of the extension, and what goes in and comes out."""

import importlib
import shutil
import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, cast

from ..common.declared import later_values
from ..common.hashes import short_hash
from ..job.events import Log, StepProgress
from ..job.journal import Journal
from ..photos.header import PhotoFacts
from ..photos.photo import Photo
from .catalog import entry
from .programs.program import NOTE
from .settings import ReconstructSettings

_LEAST_PAUSE = 0.25  # seconds between two progress events, so that a long solve does not fill the journal


@dataclass(frozen=True)
class Availability:
    """Whether an engine can be used here. Exactly one of version and reason is not empty."""

    version: str = ""
    reason: str = ""
    """Why not, and what to do: a sentence without its full stop."""
    path: str = ""
    """Where it was found, for engines that are the user's own programs."""


@dataclass(frozen=True)
class Requirements:
    """What an engine asks of a scan; preflight holds the scan against it."""

    formats: frozenset[str]
    """The picture formats it reads, by Pillow's names."""
    least_photos: int = 3


@dataclass(frozen=True)
class ScanPhoto:
    """A photo that goes to an engine."""

    photo: Photo
    facts: PhotoFacts
    file_stamp: tuple[int, int]
    """See ``Photo.file_stamp``."""
    mask_sha256: bytes | None
    """Of the mask's file; None where the scan goes without masks."""
    mask_path: Path | None
    mask_box: tuple[int, int, int, int] | None = None
    """Left, upper, right and lower edge of what the mask keeps, in stored pixels; None where ``mask_path`` is."""

    @property
    def name(self) -> str:
        """Relative to the photo folder, with forward slashes."""
        return str(self.photo.name)

    @property
    def side(self) -> str:
        """The folder it lies in, relative to the photo folder: one side of the scan."""
        return str(self.photo.name.parent)


@dataclass(frozen=True)
class Scan:
    """The photos of one solve in their order, and how it shall be solved."""

    photos: tuple[ScanPhoto, ...]
    settings: ReconstructSettings

    def key(self, *more: object) -> str:
        """Names an engine's work on this scan: same key, same photos, masks, cameras and ``more``."""
        parts = [
            (
                photo.name,
                photo.file_stamp,
                photo.mask_sha256.hex() if photo.mask_sha256 else None,
                photo.facts.camera_key(),
            )
            for photo in self.photos
        ]
        # The mapper is not part of it: the same matches serve both. Nor is the wish to begin anew.
        later = later_values(replace(self.settings, again=False), ReconstructSettings)
        return short_hash(parts, self.settings.quality, *more, *later)


@dataclass(frozen=True)
class Model:
    """One connected group of cameras that an engine found."""

    path: Path
    registered: tuple[str, ...]
    """Names of the photos in it, relative to the photo folder."""
    points: int
    mean_error: float
    """Mean reprojection error of the points, in pixels; NaN where there is none."""


@dataclass(frozen=True)
class Solution:
    """What came of a solve: at least one model, the one with the most photos first."""

    models: tuple[Model, ...]
    notes: dict[str, str] = field(default_factory=dict)
    """Photo → why it could not be placed, where the engine knows."""
    facts: dict[str, Any] = field(default_factory=dict)
    """What the engine did, for the report: what can be put into JSON."""


class EngineFolder:
    """``<output>/engines/<engine>/``. Making one touches nothing on disk.

    Results lie beside ``work-<key>``, and are replaced only by newer ones that are complete.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.log = root / "engine.log"
        self.report = root / "report.json"
        self.note = root / NOTE
        """The process that works here; left behind only by a crash."""
        self.results = root / "sparse"
        self.other_results = root / "other_models"

    def work(self, key: str) -> Path:
        """Where the work named ``key`` lies, whether it is there yet or not."""
        return self.root / f"work-{key}"

    def remove_work(self, but: Path | None = None) -> None:
        """Remove what lies in work, ``but`` one folder: for other photos, masks or settings it is of no use."""
        for path in self.root.glob("work-*"):
            if path != but:
                shutil.rmtree(path, ignore_errors=True)


class Watch:
    """How an engine writes to the journal, and learns that it shall stop. May be called from one thread."""

    def __init__(self, journal: Journal, cancel: threading.Event) -> None:
        self.cancel = cancel
        self._journal = journal
        self._step = ""
        self._noted = 0.0

    def say(self, text: str, level: str = "info") -> None:
        """Have the user read something; ``level`` is ``info`` or ``warning``."""
        self._journal.write(Log(level=level, text=text))

    def step(self, text: str) -> None:
        """A new step begins, such as "Matching features"."""
        self._step = text
        self.say(text)

    def progress(self, done: int, total: int) -> None:
        """So much of the step is done."""
        now = time.monotonic()
        if now - self._noted >= _LEAST_PAUSE or done == total:
            self._noted = now
            self._journal.write(StepProgress(step=self._step, done=min(done, total), total=total))


class Engine(Protocol):
    """A photogrammetry program. Making one touches nothing and starts nothing."""

    @property
    def title(self) -> str:
        """What messages call it, wherever in a sentence: the engine's name as the user chose it, without an article."""

    @property
    def requirements(self) -> Requirements:
        """What it asks of a scan."""

    def look(self, patience: float = ...) -> Availability:
        """Whether it can be used. May take so many seconds, since the program is asked."""

    def key(self, scan: Scan, availability: Availability) -> str:
        """Names the work of this version on this scan; see ``EngineFolder.work``."""

    def solve(self, scan: Scan, place: EngineFolder, key: str, watch: Watch) -> Solution:
        """Find the cameras, going on with what the work of the same ``key`` holds; leave the results in ``place``.

        Raises EngineError with what happened and what to do, OutputError where the disk takes no more, and
        Cancelled once all that it started has ended.
        """


def make_engine(name: str, executable: str = "") -> Engine:
    """An engine to work with. ``executable`` is the path of the user's program, empty where none is set.

    Raises BadUseError where there is none of that name.
    """
    found = entry(name)
    module, _, implementation = found.implementation.rpartition(".")
    make = getattr(importlib.import_module(f".{module}", __package__), implementation)
    return cast("Engine", make(found, executable))
