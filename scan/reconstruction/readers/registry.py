# SPDX-License-Identifier: GPL-3.0-or-later
"""Which reader recognises a folder or a file: import, preparation and drag and drop ask here.

A reader is a module of this package with a ``READER``; it is found by being there.
"""

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from ...common.errors import ModelError
from ..types import Reconstruction
from .reader import Reader


@cache
def readers() -> list[Reader]:
    """Every reader there is, in the order of their modules' names."""
    package = importlib.import_module(__package__)
    modules = [importlib.import_module(f".{each.name}", __package__) for each in pkgutil.iter_modules(package.__path__)]
    return [module.READER for module in modules if hasattr(module, "READER")]


def labels() -> str:
    """The programs whose reconstructions can be read, for a menu."""
    return ", ".join(each.label for each in readers())


def suffixes() -> list[str]:
    """The suffixes of all files that belong to reconstructions."""
    return list(dict.fromkeys(suffix for each in readers() for suffix in each.suffixes))


def find(path: Path) -> Path:
    """The place of a reconstruction: what ``path`` is, else the best of those in it.

    In a job folder that is the one that was solved last; in another, the largest of those that programs left in it,
    such as ``sparse/0``. Raises ModelError where there is none.
    """
    place = _place_of(path)
    if place is None and path.is_file():
        raise ModelError(
            f"{path} is not a file of a {_any_label()} model; choose one of {_holds()}, or the folder that holds it"
        )
    if place is not None and _place_of(place) == place:
        return place
    path = place or path  # a file whose folder lacks the others
    if solved := list(_places(path.glob("engines/*/*"))):
        return max(solved, key=lambda place: _reader_of(place).written(place))
    below = sorted(set(_places(each for pattern in ("*", "sparse/*") for each in path.glob(pattern))))
    if not below:
        raise ModelError(f"There is no {_any_label()} model in {path}; choose the folder that holds {_holds()}")
    return max(below, key=lambda place: _reader_of(place).size(place))


def read(place: Path) -> Reconstruction:
    """Read what ``find`` has found. Raises ModelError, naming the file that is at fault."""
    return _reader_of(place).read(place)


def _place_of(path: Path) -> Path | None:
    return next((place for each in readers() if (place := each.place_of(path)) is not None), None)


def _places(paths: Iterable[Path]) -> Iterator[Path]:
    """The places that are whole: a file of a format may lie where the others of it do not."""
    found = (place for path in paths if (place := _place_of(path)) is not None)
    return (place for place in found if _place_of(place) == place)


def _reader_of(place: Path) -> Reader:
    for each in readers():
        if each.place_of(place) == place:
            return each
    raise ModelError(f"There is no {_any_label()} model in {place}; choose the folder that holds {_holds()}")


def _any_label() -> str:
    return " or ".join(each.label for each in readers())


def _holds() -> str:
    return "; or ".join(each.holds for each in readers())
