# SPDX-License-Identifier: GPL-3.0-or-later
"""Which ONNX models can be run without a server, how each wants its pictures, and where their files lie.

Nothing is loaded here and nothing imported that Blender does not have: the preferences may ask, too.

Source of every number and folder: rembg 2.0.86, ``rembg/sessions/*.py``.
"""

import importlib.util
import os
import platform
from dataclasses import dataclass
from pathlib import Path

from ..common.errors import BadUseError
from . import model_notes

BUNDLED = "u2netp"
"""The model whose weights come with the extension."""
_BUNDLED_FOLDER = Path(__file__).parents[2] / "vendor" / "models"


@dataclass(frozen=True)
class Family:
    """How a family of models wants a picture, and what its answer means."""

    size: int
    """Width and height in pixels of what the model looks at."""
    mean: tuple[float, float, float]
    """Taken off the red, green and blue of 0 to 1 …"""
    std: tuple[float, float, float]
    """… and what is left divided by this."""
    logits: bool = False
    """Whether the answer still has to go through the logistic function."""


_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_ONE = (1.0, 1.0, 1.0)

# By how the name begins; the first that fits. So the releases' own file names fit as well (BiRefNet-general-epoch_244).
_FAMILIES = {
    "u2net": Family(320, _IMAGENET_MEAN, _IMAGENET_STD),
    "silueta": Family(320, _IMAGENET_MEAN, _IMAGENET_STD),
    "isnet-anime": Family(1024, _IMAGENET_MEAN, _ONE),
    "isnet": Family(1024, (0.5, 0.5, 0.5), _ONE),
    "birefnet": Family(1024, _IMAGENET_MEAN, _IMAGENET_STD, logits=True),
    "bria-rmbg": Family(1024, _IMAGENET_MEAN, _IMAGENET_STD),
}

NAMES = (
    *("u2netp", "u2net", "u2net_human_seg", "silueta", "isnet-general-use", "isnet-anime"),
    *("birefnet-general", "birefnet-general-lite", "birefnet-general-fp16", "birefnet-portrait", "birefnet-dis"),
    *("birefnet-hrsod", "birefnet-cod", "birefnet-massive", "bria-rmbg"),
)
"""rembg's names of the models that can be run, the bundled one first."""


@dataclass(frozen=True)
class Weights:
    """A model file that is there."""

    name: str
    """The model's name as rembg spells it, or the file's without its suffix."""
    path: Path
    family: Family
    key: str
    """Stands for the model where masks are compared: rembg's name, since the same model makes the same mask wherever it
    runs; for a file of the user's own, its name, size in bytes and modification time in nanoseconds."""


def unavailable() -> str:
    """Why no model can be run here, in a sentence; empty where one should. Cheap: onnxruntime is not loaded."""
    if importlib.util.find_spec("onnxruntime") is not None:
        return ""
    system = " ".join(filter(None, (platform.system(), platform.machine(), "with Python", platform.python_version())))
    return (
        f"The embedded model is not in this package: onnxruntime, which runs it, is missing for {system}; "
        "install the zip made for this system, or use a rembg endpoint"
    )


def find(model: str) -> Weights:
    """The weights that ``model`` names: one of rembg's names, or the path of an ``.onnx`` file.

    The bundled file goes before rembg's folders. Raises BadUseError saying what to do.
    """
    if not model:
        raise BadUseError(f"No model is set; choose {BUNDLED}, which comes with the extension")
    if model.lower().endswith(".onnx"):
        return _own_file(_expanded(Path(model)))
    model_notes.refuse_unusable(model)
    if model not in NAMES:
        raise BadUseError(
            f"The model {model} cannot be run without a server; choose one of {', '.join(NAMES)}, or the path of an "
            ".onnx file"
        )
    for path in _candidates(model):
        if path.is_file():
            return Weights(model, path, _family(model), model)
    if model == BUNDLED:
        raise BadUseError("The weights of u2netp, which come with the extension, are missing; install its zip again")
    raise BadUseError(
        f"The weights of {model} are not on this computer ({_candidates(model)[0]}); fetch them with rembg "
        f"(rembg d {model}), or choose {BUNDLED}, which comes with the extension"
    )


def found() -> dict[str, Path]:
    """The models whose weights are on this computer, by rembg's names, with their files; the bundled one first."""
    there = {name: next((path for path in _candidates(name) if path.is_file()), None) for name in NAMES}
    return {name: path for name, path in there.items() if path is not None}


def _own_file(path: Path) -> Weights:
    try:
        status = path.stat()
    except OSError as error:
        raise BadUseError(f"The model file {path} cannot be read ({error.strerror})") from error
    if not path.is_file():
        raise BadUseError(f"The model file {path} is a folder; choose the .onnx file in it")
    model_notes.refuse_unusable(path.stem, extras={"model_path"})  # a file is what the custom ones want
    return Weights(path.stem, path, _family(path.stem, path.name), f"{path.name}:{status.st_size}:{status.st_mtime_ns}")


def _family(name: str, file: str = "") -> Family:
    for beginning, family in _FAMILIES.items():
        if name.lower().startswith(beginning):
            return family
    raise BadUseError(
        f"What kind of model {file or name} is cannot be told from its name; let the name begin with "
        f"{', '.join(_FAMILIES)}, whichever it is"
    )


def _candidates(name: str) -> list[Path]:
    """Where a model's file may lie, the better place first; as BaseSession.resolve_existing looks for it."""
    data, old, new = (os.environ.get(each) for each in ("XDG_DATA_HOME", "U2NET_HOME", "REMBG_HOME"))
    legacy = old or str(Path(data or "~") / ".u2net")
    home = old or new or (str(Path(data) / "rembg") if data else "~/.rembg")
    file = f"{name}.onnx"
    places = [Path(home) / "models" / name / file, Path(legacy) / file]
    if name == BUNDLED:
        places.insert(0, _BUNDLED_FOLDER / file)
    return [_expanded(place) for place in places]


def _expanded(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError:  # a user without a home folder
        return path
