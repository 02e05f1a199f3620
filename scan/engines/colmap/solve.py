# SPDX-License-Identifier: GPL-3.0-or-later
"""A solve with COLMAP, step by step, whichever COLMAP it is.

COLMAP keeps its features and matches in a database and skips what is in it already, even if photos or masks are
others by now. So the database lives in a folder named by all that it depends on, and is never used for anything else;
with the same photos and settings it goes on where it was stopped.
"""

import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ...common.errors import EngineError
from ...common.files import cannot_write, save
from ...common.text import count, some
from ..engine import EngineFolder, Model, Scan, ScanPhoto, Solution, Watch
from ..layout import plain_names, refuse_missing
from ..pairs import ALL_PAIRS_UP_TO, Pairs, all_pairs, choose_pairs, pairs_with
from ..programs.program import full, is_full
from . import database
from .colors import color_points
from .crops import crop_of, most_error
from .features import IMAGES, create_database, find_features
from .matching import match, photos_alike
from .model_files import read_summary, rename_photos
from .running import Runner
from .settings import Effort
from .steps import NO_MODEL, REGISTERING, Commands, Map

DATABASE, MODELS = "database.db", "models"
"""What the steps find in the current folder. Names without a folder, so that its path may hold any character."""
_AGAIN, _MODELS_AGAIN = "again.db", "models_again"
_WAY = "crops"
"""Ends the work folder's name: that of version 0.1.0, which looked for features elsewhere, is not gone on with."""

_ADVICE = (
    "take photos all around in steps of at most 15 degrees so that neighbours show the same places, and look at the "
    "masks in contact_sheet.jpg"
)
_ADVICE_WITHOUT_MASKS = (
    "strip the backgrounds and use the masks, since what stands still while the object turns contradicts it"
)


class Solve:
    """One solve in one work folder."""

    def __init__(self, commands: Commands, scan: Scan, place: EngineFolder, key: str, watch: Watch) -> None:
        self._commands = commands
        self._photos = scan.photos
        self._mapper = scan.settings.mapper
        self._effort = scan.settings.effort(scan.settings.quality)
        self._place = place
        self._watch = watch
        self._work = place.work(f"{key}-{_WAY}")
        self._runner = Runner(commands, place, self._work, watch)
        self._names = plain_names(scan.photos)
        self._by_name = {self._names[photo.name]: photo for photo in scan.photos}
        self._facts: dict[str, Any] = {**asdict(self._effort), "mapper": self._mapper}

    def run(self) -> Solution:
        """All steps; see ``Engine.solve``."""
        self._place.log.unlink(missing_ok=True)
        resumed = (self._work / DATABASE).exists()
        try:
            self._lay_out()
            if resumed:
                self._watch.say("The work of an earlier run on the same photos and masks is gone on with")
            try:
                models = self._solve()
            except EngineError:
                # A power cut may have torn a database: what an earlier run left is given up once, not trusted.
                if not resumed or is_full(self._work) or all(map(database.is_sound, self._work.glob("*.db"))):
                    raise
                self._watch.say("The earlier work is damaged; starting afresh", "warning")
                shutil.rmtree(self._work)
                self._lay_out()
                models = self._solve()
            if not models:
                raise self._nothing_in_common()
            return self._publish(models)
        except OSError as error:
            raise cannot_write(self._place.root, error, "make room, then run again") from error

    def _lay_out(self) -> None:
        self._place.remove_work(but=self._work)
        self._work.mkdir(parents=True, exist_ok=True)

    def _solve(self) -> list[Model]:
        """The models, the one with the most photos first."""
        create_database(self._runner, DATABASE, self._photos, self._names)
        models = self._attempt(DATABASE, MODELS, self._photos, self._effort, self._pairs)
        placed = set(models[0].registered) if models else set()
        left_out = [photo for photo in self._photos if self._names[photo.name] not in placed]
        return self._try_again(models, left_out) if left_out else models

    def _attempt(
        self, name: str, models: str, photos: Sequence[ScanPhoto], effort: Effort, pairs: Callable[[], Pairs]
    ) -> list[Model]:
        """Place the cameras by a database of that name, once the features of ``photos`` are in it.

        Gives the models, and none where these photos have no features, or no pair of all photos has enough in common.
        """
        find_features(self._runner, name, photos, self._names, effort)
        found = database.feature_counts(self._work / name)
        for photo in photos:
            # One that COLMAP could not read it leaves out: with a drive that went away, that would stand as the result.
            if self._names[photo.name] not in found:
                refuse_missing(photo)
        if not any(found.get(self._names[photo.name]) for photo in photos):
            return []
        match(self._runner, name, pairs(), len(self._photos))
        return self._map(name, models) if database.matched_pairs(self._work / name) else []

    def _pairs(self) -> Pairs:
        sides: dict[str, list[str]] = {}
        for photo in self._photos:
            sides.setdefault(photo.side, []).append(self._names[photo.name])
        names = [name for side in sides.values() for name in side]
        if len(names) <= ALL_PAIRS_UP_TO:
            chosen = all_pairs(names)
        else:
            chosen = choose_pairs(list(sides.values()), photos_alike(self._runner, DATABASE, names))
        self._facts["pairs"] = len(chosen)
        return chosen

    def _try_again(self, models: list[Model], left_out: Sequence[ScanPhoto]) -> list[Model]:
        """Look once more at the photos that were left out; gives the models with more photos."""
        own = {self._names[photo.name]: photo.name for photo in left_out}
        self._watch.say(
            f"{count(len(own), 'photo')} could not be placed ({some(list(own.values()))}): trying once more, with "
            "smaller features and all pairs of them"
        )
        self._copy_for(own)
        names = list(self._by_name)

        def pairs() -> Pairs:
            return pairs_with(own, names, lambda: photos_alike(self._runner, _AGAIN, names))

        try:
            better = self._attempt(_AGAIN, _MODELS_AGAIN, left_out, self._effort.finer(), pairs)
        except EngineError as error:
            if not models:
                raise
            self._watch.say(f"The second try came to no end, and what the first has placed is kept: {error}", "warning")
            return models
        before, after = (len(found[0].registered) if found else 0 for found in (models, better))
        self._facts["again"] = {"photos": list(own.values()), "placed_before": before, "placed": after}
        return better if after > before else models

    def _copy_for(self, names: Iterable[str]) -> None:
        """Copy the database without the features of these photos, unless an earlier run left off there."""
        text = "".join(f"{name}\n" for name in names).encode("ascii")
        copy, listed = self._work / _AGAIN, self._work / "again.txt"
        if copy.exists() and listed.exists() and listed.read_bytes() == text:
            return
        copy.unlink(missing_ok=True)
        save(listed, text)
        database.copy_without(self._work / DATABASE, copy, set(names))

    def _map(self, name: str, models: str) -> list[Model]:
        place = self._work / models
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        total = len(self._photos)
        self._watch.step(f"Placing {count(total, 'camera')}")
        log_start = self._place.log.stat().st_size
        effort = self._effort
        step = Map(
            name,
            IMAGES,
            models,
            self._mapper,
            global_growth=effort.global_growth,
            global_refinements=effort.global_refinements,
            local_refinements=effort.local_refinements,
            global_tolerance=effort.global_tolerance,
            most_error=most_error([crop_of(photo, effort) for photo in self._photos]),
        )
        try:
            self._runner.run(step, "placing cameras", REGISTERING, lambda found: (int(found[1]) + 1, total))
        except EngineError:
            with self._place.log.open("rb") as log:
                log.seek(log_start)
                if not NO_MODEL.search(log.read()):  # it says so, and calls that an error, since 3.8
                    raise
        return self._models(place)

    def _nothing_in_common(self) -> EngineError:
        if is_full(self._work):  # some versions do not notice that they could not write
            return self._no_room()
        if not any(database.feature_counts(self._work / DATABASE).values()):
            return EngineError(
                f"{self._commands.title} found nothing to hold on to in any photo; an object without texture needs "
                f"some (a textured ground that turns with it), and masks must show it. Its log: {self._place.log}"
            )
        advice = _ADVICE if any(photo.mask_sha256 for photo in self._photos) else _ADVICE_WITHOUT_MASKS
        return EngineError(
            f"{self._commands.title} found no photos that show the same object from near enough; {advice}. Its log: "
            f"{self._place.log}"
        )

    def _no_room(self) -> EngineError:
        return EngineError(f"{self._commands.title} stopped: {full(self._work)}. Its log: {self._place.log}")

    def _publish(self, models: list[Model]) -> Solution:
        """Put the models where results lie, in place of older ones."""
        own_names = {plain: own for own, plain in self._names.items() if own != plain}
        for model in models:
            self._color(model)
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
        features = database.feature_counts(self._work / DATABASE)
        notes = {
            photo.name: f"{count(features.get(self._names[photo.name], 0), 'feature')} found, too few of them matched"
            for photo in self._photos
        }
        return Solution(tuple(read_summary(folder) for folder in folders), notes, self._facts)

    def _color(self, model: Model) -> None:
        self._watch.step(f"Coloring {count(model.points, 'point')}")
        color_points(model.path, self._by_name, self._runner.progress)

    def _models(self, place: Path) -> list[Model]:
        """The models that were made, the one with the most photos first; none whose photos are all in that one.

        Such a one is a beginning that COLMAP gave up for a better one.
        """
        found = []
        for folder in sorted(place.iterdir()):
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
        found.sort(key=lambda model: (-len(model.registered), -model.points))
        return [*found[:1], *(model for model in found[1:] if not {*model.registered} <= {*found[0].registered})]
