# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that something finished goes to: of a kind that can be written, in a place that takes them, and not taken."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from ..common.errors import BadUseError
from ..common.files import refuse_unwritable
from ..common.text import either

MODELS = (".glb", ".obj", ".ply", ".usdz")
"""Suffixes of the files that a model can be exported to."""

PICTURES = (".png", ".jpg", ".jpeg", ".webp")
CLIPS = (".mp4",)
"""Suffixes of the files that a turntable can be rendered to."""

_BESIDE_OBJ = (".mtl", "_texture.png", "_texture.jpg")


def check_target(named: str, what: str, suffixes: Sequence[str], *, overwrite: bool) -> None:
    """Raise BadUseError where no file of that name can be written, or where it, or one that comes with it, is taken.

    ``what`` cannot be written then, such as "The model". Nothing is made, not even the folder.
    """
    file = Path(named).absolute()
    if not named or file.suffix.lower() not in suffixes:
        place = file if named else "a file without a name"
        raise BadUseError(f"{what} cannot be written as {place}; name one that ends with {either(suffixes)}")
    refuse_unwritable(file, f"{what} cannot be written as {file}", "name another place")
    if not overwrite:
        refuse_taken([file, *companions(file)])


def is_clip(named: str) -> bool:
    """Whether a turntable's file is to be a clip, and no picture."""
    return Path(named).suffix.lower() in CLIPS


def refuse_taken(files: Iterable[Path]) -> None:
    """Raise BadUseError where one of them is there."""
    if there := next((each for each in files if each.exists()), None):
        raise BadUseError(f"{there} is there already; name another file, or allow it to be overwritten (--overwrite)")


def companions(file: Path) -> list[Path]:
    """The files that most likely come with an exported one: with an OBJ its materials and its texture."""
    return [file.with_name(file.stem + end) for end in _BESIDE_OBJ] if file.suffix.lower() == ".obj" else []


def texture_name(file: Path, number: int, suffix: str) -> str:
    """The name of a picture that comes with an exported file, of which ``number`` others come before."""
    return f"{file.stem}_texture{f'_{number + 1}' if number else ''}{suffix}"
