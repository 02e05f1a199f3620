# SPDX-License-Identifier: GPL-3.0-or-later
"""A solve with COLMAP, step by step, whichever COLMAP it is.

COLMAP keeps its features and matches in a database and skips what is in it already, even if photos or masks are
others by now. So the database lives in a folder named by all that it depends on, and is never used for anything else;
with the same photos and settings it goes on where it was stopped.
"""

import contextlib
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from ...common.errors import EngineError
from ...common.files import cannot_write
from ...common.text import count
from ..engine import EngineFolder, Model, Scan, ScanPhoto, Solution, Watch
from ..layout import link_photo, plain_names, refuse_missing, write_mask
from ..pairs import ALL_PAIRS_UP_TO, pairs
from ..programs.program import Program, full, is_full
from .model_files import read_summary, rename_photos
from .settings import Effort

LEAST_MATCHES = 15
"""COLMAP's own threshold for two photos to show the same thing (min_num_matches)."""
_LEAST_MODEL = 3
_BLOCKS = 12  # exhaustive matching in so many blocks each way: each ends with a line that tells progress

_FILE = re.compile(r"Processed file \[(\d+)/(\d+)\]")
_BLOCK = re.compile(r"(?:Processing|Matching) block \[(\d+)/(\d+)(?:, (\d+)/(\d+))?\]")
_REGISTERING = re.compile(r"Registering image #\d+ \((?:num_reg_frames=)?(\d+)\)")
_NO_MODEL = re.compile(rb"failed to create (?:any )?sparse model", re.IGNORECASE)

_ADVICE = (
    "take photos all around in steps of at most 15 degrees so that neighbours show the same places, and look at the "
    "masks in contact_sheet.jpg"
)


_ADVICE_WITHOUT_MASKS = (
    "strip the backgrounds and use the masks, since what stands still while the object turns contradicts it"
)


@dataclass(frozen=True)
class Extract:
    """Find the features of photos that share one lens."""

    names: Path
    """A text file, one name a line."""
    camera: int
    """The camera in the database that some of them have already; -1 for a new one."""
    masks: bool
    effort: Effort


@dataclass(frozen=True)
class Match:
    """Match features between photos."""

    pairs: Path | None
    """A text file, two names a line; None for each photo with each."""
    block: int
    effort: Effort


@dataclass(frozen=True)
class Map:
    """Find cameras and points from the matches; models go to the folders ``models/0``, ``models/1`` and so on."""

    mapper: str
    least_model: int = _LEAST_MODEL
    least_matches: int = LEAST_MATCHES


Step = Extract | Match | Map
DATABASE, IMAGES, MASKS, MODELS = "database.db", "images", "masks", "models"
"""What the steps find in the current folder. Names without a folder, so that its path may hold any character."""


class Commands(Protocol):
    """How one COLMAP is told to do a step."""

    @property
    def title(self) -> str:
        """What messages call it."""

    @property
    def environment(self) -> Mapping[str, str]:
        """Environment variables it needs."""

    def command(self, step: Step) -> Sequence[str]:
        """The program and its arguments, to be run in the work folder. Raises EngineError where it cannot."""


class Solve:
    """One solve in one work folder."""

    def __init__(self, commands: Commands, scan: Scan, place: EngineFolder, key: str, watch: Watch) -> None:
        self._commands = commands
        self._scan = scan
        self._place = place
        self._watch = watch
        self._work = place.work(key)
        self._effort = scan.settings.effort(scan.settings.quality)
        self._names = plain_names(scan.photos)

    def run(self) -> Solution:
        """All steps; see ``Engine.solve``."""
        self._place.log.unlink(missing_ok=True)
        resumed = (self._work / DATABASE).exists()
        try:
            self._lay_out()
            if resumed:
                self._watch.say("The work of an earlier run on the same photos and masks is gone on with")
            try:
                self._find_matches()
            except EngineError:
                # A power cut may have torn the database: what an earlier run left is given up once, not trusted.
                if not resumed or is_full(self._work) or _is_sound(self._work / DATABASE):
                    raise
                self._watch.say("The earlier work is damaged; starting afresh", "warning")
                shutil.rmtree(self._work)
                self._lay_out()
                self._find_matches()
            self._refuse_strangers()
            self._map()
            return self._publish()
        except OSError as error:
            raise cannot_write(self._place.root, error, "make room, then run again") from error

    def _lay_out(self) -> None:
        for stale in self._place.other_work(self._work.name.partition("-")[2]):
            shutil.rmtree(stale, ignore_errors=True)
        for photo in self._scan.photos:
            name = self._names[photo.name]
            link_photo(photo, self._work / IMAGES / name)
            write_mask(photo, self._work / MASKS / f"{name}.png")

    def _find_matches(self) -> None:
        groups: dict[tuple[object, ...], list[ScanPhoto]] = {}
        for photo in self._scan.photos:
            groups.setdefault(photo.facts.camera_key(), []).append(photo)
        total = len(self._scan.photos)
        self._watch.step(f"Finding features in {count(total, 'photo')}")
        before = 0
        for number, group in enumerate(groups.values()):
            names = [self._names[photo.name] for photo in group]
            self._run(
                Extract(
                    self._list(f"group_{number}.txt", names),
                    _camera_of(self._work / DATABASE, names),
                    masks=group[0].mask_sha256 is not None,
                    effort=self._effort,
                ),
                "finding features",
                self._telling(_FILE, partial(_files_done, before, total)),
            )
            before += len(group)
        self._match()

    def _match(self) -> None:
        plan = None
        photos = self._scan.photos
        if len(photos) > ALL_PAIRS_UP_TO:
            sides: dict[str, list[str]] = {}
            for photo in photos:
                sides.setdefault(photo.side, []).append(self._names[photo.name])
            wanted = pairs(list(sides.values()))
            plan = self._list("pairs.txt", [f"{one} {other}" for one, other in wanted])
            what = f"{len(wanted):,} pairs of neighbours and of a sample"
        else:
            what = "each with each"
        self._watch.step(f"Matching {count(len(photos), 'photo')}, {what}")
        block = max(2, -(-len(photos) // _BLOCKS))
        self._run(
            Match(plan, block, self._effort),
            "matching photos",
            self._telling(_BLOCK, _blocks_done),
        )

    def _map(self) -> None:
        shutil.rmtree(self._work / MODELS, ignore_errors=True)
        (self._work / MODELS).mkdir()
        total = len(self._scan.photos)
        self._watch.step(f"Placing {count(total, 'camera')}")
        log_start = self._place.log.stat().st_size
        try:
            self._run(
                Map(self._scan.settings.mapper),
                "placing cameras",
                self._telling(_REGISTERING, lambda found: (int(found[1]) + 1, total)),
            )
        except EngineError:
            with self._place.log.open("rb") as log:
                log.seek(log_start)
                if not _NO_MODEL.search(log.read()):  # it says so, and calls that an error, since 3.8
                    raise

    def _refuse_strangers(self) -> None:
        """Raise EngineError where there is nothing to place cameras by, or not all of it."""
        features, matches = _counts(self._work / DATABASE)
        for photo in self._scan.photos:
            # One that COLMAP could not read it leaves out: with a drive that went away, that would stand as the result.
            if self._names[photo.name] not in features:
                refuse_missing(photo)
        if max(features.values(), default=0) == 0:
            raise EngineError(
                f"{self._commands.title} found nothing to hold on to in any photo; an object without texture needs "
                f"some (a textured ground that turns with it), and masks must show it. Its log: {self._place.log}"
            )
        if matches == 0:
            raise self._nothing_in_common()

    def _nothing_in_common(self) -> EngineError:
        if is_full(self._work):  # some versions do not notice that they could not write
            return self._no_room()
        advice = _ADVICE if any(photo.mask_sha256 for photo in self._scan.photos) else _ADVICE_WITHOUT_MASKS
        return EngineError(
            f"{self._commands.title} found no photos that show the same object from near enough; {advice}. Its log: "
            f"{self._place.log}"
        )

    def _no_room(self) -> EngineError:
        return EngineError(f"{self._commands.title} stopped: {full(self._work)}. Its log: {self._place.log}")

    def _publish(self) -> Solution:
        """Put the models where results lie, in place of older ones."""
        models = self._models()
        if not models:
            raise self._nothing_in_common()
        own_names = {plain: own for own, plain in self._names.items() if own != plain}
        for model in models:
            if own_names:
                rename_photos(model.path, own_names)
        place = self._place
        retired = self._work / "retired"
        shutil.rmtree(retired, ignore_errors=True)
        if place.results.exists():
            place.results.rename(retired)  # aside, not away, until the new one has its place
        models[0].path.rename(place.results)
        shutil.rmtree(retired, ignore_errors=True)
        shutil.rmtree(place.other_results, ignore_errors=True)
        for number, model in enumerate(models[1:], 1):
            place.other_results.mkdir(exist_ok=True)
            model.path.rename(place.other_results / str(number))
        folders = [place.results, *(place.other_results / str(number) for number in range(1, len(models)))]
        features, _ = _counts(self._work / DATABASE)
        notes = {
            photo.name: f"{count(features.get(self._names[photo.name], 0), 'feature')} found, too few of them matched"
            for photo in self._scan.photos
        }
        return Solution(tuple(read_summary(folder) for folder in folders), notes)

    def _models(self) -> list[Model]:
        """The models that were made, the one with the most photos first."""
        found = []
        for folder in sorted((self._work / MODELS).iterdir()):
            try:
                found.append(read_summary(folder))
            except (FileNotFoundError, NotADirectoryError):
                continue  # not a model
            except ValueError as error:
                if is_full(self._work):
                    raise self._no_room() from error
                raise EngineError(
                    f"{self._commands.title} left a model that is not whole ({error}); run again. Its log: "
                    f"{self._place.log}"
                ) from error
        return sorted(found, key=lambda model: (-len(model.registered), -model.points))

    def _list(self, name: str, lines: Sequence[str]) -> Path:
        (self._work / name).write_text("".join(f"{line}\n" for line in lines), encoding="ascii", newline="\n")
        return Path(name)

    def _run(self, step: Step, doing: str, on_line: Callable[[str], None]) -> None:
        program = Program(
            title=self._commands.title,
            folder=self._work,
            log=self._place.log,
            note=self._place.note,
            cancel=self._watch.cancel,
            environment=self._commands.environment,
        )
        program.run(self._commands.command(step), doing, on_line)

    def _telling(
        self, pattern: re.Pattern[str], progress: Callable[[re.Match[str]], tuple[int, int]]
    ) -> Callable[[str], None]:
        def on_line(line: str) -> None:
            if found := pattern.search(line):
                self._watch.progress(*progress(found))

        return on_line


def _files_done(before: int, total: int, found: re.Match[str]) -> tuple[int, int]:
    return before + int(found[1]), total


def _blocks_done(found: re.Match[str]) -> tuple[int, int]:
    row, rows, column, columns = (int(group or 1) for group in found.groups())
    return (row - 1) * columns + column, rows * columns


def _camera_of(database: Path, names: Sequence[str]) -> int:
    """The camera that one of these photos was given by an earlier run; -1 where none was."""
    if not database.exists():
        return -1
    with _reading(database) as connection:
        cameras = dict(connection.execute("SELECT name, camera_id FROM images"))
    return next((cameras[name] for name in names if name in cameras), -1)


def _counts(database: Path) -> tuple[dict[str, int], int]:
    """Photo (by the engine's name) → its features; and how many pairs of photos match."""
    with _reading(database) as connection:
        features = dict(
            connection.execute("SELECT name, coalesce(rows, 0) FROM images LEFT JOIN keypoints USING (image_id)")
        )
        (matches,) = connection.execute(
            "SELECT count(*) FROM two_view_geometries WHERE rows >= ?", (LEAST_MATCHES,)
        ).fetchone()
    return features, matches


@contextlib.contextmanager
def _reading(database: Path) -> Iterator[sqlite3.Connection]:
    try:
        with contextlib.closing(sqlite3.connect(database, timeout=10)) as connection:
            yield connection
    except sqlite3.Error as error:
        raise EngineError(f"The database {database} cannot be read ({error}); remove it, then run again") from error


def _is_sound(database: Path) -> bool:
    try:
        with contextlib.closing(sqlite3.connect(database, timeout=10)) as connection:
            return bool(connection.execute("PRAGMA quick_check").fetchone() == ("ok",))
    except sqlite3.Error:
        return False
