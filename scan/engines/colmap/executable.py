# SPDX-License-Identifier: GPL-3.0-or-later
"""COLMAP as the user's own program, from 3.8 on: what options it has is asked of it, since their names changed."""

import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from ...common.errors import EngineError
from ...job import resources
from ..catalog import Entry
from ..engine import Availability, EngineFolder, Requirements, Scan, Solution, Watch
from ..installed import find_program, missing
from ..programs.program import ask
from .solve import Solve
from .steps import Extract, Map, Match, Step

_VERSION = re.compile(r"COLMAP (\d+)\.(\d+)[\w.]*")
_OLDEST, _MATCHES_WELL = (3, 8), (3, 12)
_PATIENCE = 30.0
_MOST_PAIRS = 100


class ColmapExecutable:
    """See ``Engine``."""

    # WebP depends on how it was built (tried: 3.8 of Debian reads it, 4.2.1's own wheels do not).
    requirements = Requirements(frozenset({"JPEG", "PNG", "TIFF"}))

    def __init__(self, entry: Entry, executable: str = "") -> None:
        """``executable`` is the path of the program; empty for the one on PATH."""
        self._entry = entry
        self._path = executable

    @property
    def title(self) -> str:
        """See ``Engine.title``."""
        return self._entry.title

    @property
    def environment(self) -> Mapping[str, str]:
        """What lets it start without a screen."""
        return {"QT_QPA_PLATFORM": "offscreen"} if sys.platform == "linux" else {}

    @property
    def most_pairs(self) -> int:
        """See ``Commands.most_pairs``: 3.8 says nothing until 1,225 pairs are matched."""
        return _MOST_PAIRS

    @property
    def is_slow_to_match(self) -> bool:
        """See ``Commands.is_slow_to_match``: a fifth as quick as later ones, unless CUDA does it (tried: 3.8, 4.2)."""
        return not self._use_gpu() and _version(self._ask("help")) < _MATCHES_WELL

    def look(self, patience: float = _PATIENCE) -> Availability:
        """Whether it is there, starts, is COLMAP, and new enough."""
        if words := missing(self._entry, self._path):
            return Availability(reason=words)
        program = self._program()
        try:
            said = self._ask("help", patience=patience)
        except EngineError as error:
            return Availability(reason=str(error))
        found = _VERSION.search(said)
        if found is None:
            return Availability(reason=f"{program} does not say that it is COLMAP; set another path in the preferences")
        if _version(said) < _OLDEST:
            return Availability(reason=f"{program} is {found[0]}, and 3.8 is the oldest that is supported; update it")
        return Availability(version=found[0].removeprefix("COLMAP "), path=program)

    def key(self, scan: Scan, availability: Availability) -> str:
        """See ``Engine.key``. The mapper is not part of it: the same matches serve both."""
        return scan.key("colmap", availability.version, self._program())

    def solve(self, scan: Scan, place: EngineFolder, key: str, watch: Watch) -> Solution:
        """See ``Engine.solve``."""
        return Solve(self, scan, place, key, watch).run()

    def command(self, step: Step) -> Sequence[str]:
        """See ``Commands.command``."""
        match step:
            case Extract():
                return self._extract(step)
            case Match():
                return self._match(step)
            case Map():
                return self._map(step)

    def _extract(self, step: Extract) -> Sequence[str]:
        options = self._options("feature_extractor")
        options.add("database_path", step.database)
        options.add("image_path", step.images)
        options.add("image_list_path", step.names)
        options.add("ImageReader.single_camera_per_image", 1)
        if step.masks:
            options.add("ImageReader.mask_path", step.masks)
        # Their groups were renamed in 3.13: what is not about SIFT went from SiftExtraction to FeatureExtraction.
        options.add_any(("FeatureExtraction.max_image_size", "SiftExtraction.max_image_size"), step.longest_edge)
        options.add("SiftExtraction.max_num_features", step.features)
        options.add("SiftExtraction.first_octave", step.first_octave)
        threads = ("FeatureExtraction.num_threads", "SiftExtraction.num_threads")
        options.add_any(threads, resources.threads(step.megabytes), needed=False)
        options.add_any(("FeatureExtraction.use_gpu", "SiftExtraction.use_gpu"), self._use_gpu(), needed=False)
        return options.command

    def _match(self, step: Match) -> Sequence[str]:
        options = self._options("matches_importer")
        options.add("database_path", step.database)
        options.add("match_list_path", step.pairs)
        options.add("match_type", "pairs")
        options.add_any(("FeatureMatching.use_gpu", "SiftMatching.use_gpu"), self._use_gpu(), needed=False)
        trials = ("TwoViewGeometry.max_num_trials", "SiftMatching.max_num_trials")
        options.add_any(trials, step.trials, needed=False)
        options.add("TwoViewGeometry.random_seed", 0, needed=False)
        if self.is_slow_to_match:
            # What is left is quick. Each thread draws its own lots, and takes what pairs it comes to.
            options.add("SiftMatching.num_threads", 1, needed=False)
        return options.command

    def _map(self, step: Map) -> Sequence[str]:
        is_global = step.mapper == "GLOBAL"
        options = self._options("global_mapper" if is_global else "mapper")
        options.add("database_path", step.database)
        options.add("image_path", step.images)
        options.add("output_path", step.models)
        group = "GlobalMapper" if is_global else "Mapper"
        options.add(f"{group}.min_model_size", step.least_model, needed=False)
        options.add(f"{group}.min_num_matches", step.least_matches, needed=False)
        # Images became frames in 3.12.
        frames = ("Mapper.ba_global_frames_ratio", "Mapper.ba_global_images_ratio")
        for names, value in (
            ()
            if is_global
            else (
                (("Mapper.extract_colors",), 0),
                (frames, step.global_growth),
                (("Mapper.ba_global_points_ratio",), step.global_growth),
                (("Mapper.ba_global_max_refinements",), step.global_refinements),
                (("Mapper.ba_local_max_refinements",), step.local_refinements),
                (("Mapper.ba_global_function_tolerance",), step.global_tolerance),
                (("Mapper.filter_max_reproj_error",), step.most_error),
                (("Mapper.random_seed",), 0),
            )
        ):
            options.add_any(names, value, needed=False)
        return options.command

    def _use_gpu(self) -> int:
        # Without CUDA it would try OpenGL, which needs a screen.
        return int("with CUDA" in self._ask("help"))

    def _program(self) -> str:
        return find_program(self._entry, self._path)

    def _options(self, command: str) -> "_Options":
        said = self._ask(command, "-h")
        if "not recognized" in said:
            raise EngineError(f"{self.title} has no {command}; choose another mapper, or a newer COLMAP")
        known = frozenset(re.findall(r"--([\w.]+)", said))
        return _Options(self.title, [self._program(), command], known)

    def _ask(self, *arguments: str, patience: float = _PATIENCE) -> str:
        """What the program prints. Raises EngineError where it does not start."""
        program = self._program()
        another = f"set another path in the preferences, {self._entry.instead}"
        try:
            return _ask(program, arguments, tuple(self.environment.items()), patience)
        except subprocess.TimeoutExpired as error:
            raise EngineError(f"{program} did not say within {patience:.0f} s what it is; {another}") from error
        except OSError as error:
            raise EngineError(f"{program} does not start ({error.strerror}); {another}") from error


class _Options:
    """A command in the making, of options that the program says it knows."""

    def __init__(self, title: str, command: list[str], known: frozenset[str]) -> None:
        self.command = command
        self._title = title
        self._known = known

    def add(self, name: str, value: str | float | Path, *, needed: bool = True) -> None:
        """Add an option. Raises EngineError where the program does not know it and it is needed."""
        self.add_any((name,), value, needed=needed)

    def add_any(self, names: Sequence[str], value: str | float | Path, *, needed: bool = True) -> None:
        """Add the first of these names that the program knows."""
        name = next((name for name in names if name in self._known), None)
        if name is not None:
            self.command += [f"--{name}", str(value)]
        elif needed:
            raise EngineError(
                f"{self._title} does not know the option {names[0]} of {self.command[1]}; this version is not "
                "supported: choose the engine COLMAP, which comes with the extension"
            )


def _version(said: str) -> tuple[int, ...]:
    """Major and minor, by what the program says; nothing where it does not."""
    found = _VERSION.search(said)
    return tuple(map(int, found.groups())) if found else ()


@cache
def _ask(program: str, arguments: tuple[str, ...], environment: tuple[tuple[str, str], ...], patience: float) -> str:
    _, said = ask([program, *arguments], dict(environment), patience)
    return said
