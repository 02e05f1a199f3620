# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user should know of a rembg model before choosing it (rembg 2.0.86)."""

from collections.abc import Collection

from ..common.errors import BadUseError

DEFAULT_MODEL = "u2net"

_REMOTE = {
    "withoutbg": "sends every photo on to the remote service withoutbg.com, with the server's key",
    "atlascloud": "sends every photo on to the remote service atlascloud.ai, with the server's key",
}
_UNFREE = {"bria-rmbg": "has weights that are free for non-commercial use only"}
_STACKED = {
    "u2net_cloth_seg": "answers with three masks stacked (upper, lower and full body clothes), none of them the object"
}
_NEEDS_A_HAND = {"sam": "needs points or boxes for every photo"}
_NEEDS_EXTRAS = {
    "u2net_custom": "needs a model file on the server, named in the extras as model_path",
    "dis_custom": "needs a model file on the server, named in the extras as model_path",
    "ben_custom": "needs a model file on the server, named in the extras as model_path",
}


def is_remote(model: str) -> bool:
    """Whether a rembg server that runs this model sends the photos on to another company."""
    return model in _REMOTE


def is_usable(model: str) -> bool:
    """Whether it gives one mask for one photo without being told more."""
    return not any(model in notes for notes in (_STACKED, _NEEDS_A_HAND, _NEEDS_EXTRAS))


def remark(model: str) -> str:
    """On a model's privacy or licence, short enough to stand behind its name; empty where there is nothing to say."""
    if model in _REMOTE:
        return "sends photos to a company"
    return "not for commercial use" if model in _UNFREE else ""


def note(model: str) -> str:
    """One sentence on a model's privacy, licence or needs; empty where there is nothing to say."""
    for notes in (_REMOTE, _UNFREE, _STACKED, _NEEDS_A_HAND, _NEEDS_EXTRAS):
        if model in notes:
            return f"The model {model} {notes[model]}"
    return ""


def refuse_unusable(model: str, extras: Collection[str] = ()) -> None:
    """Raise BadUseError for a model that cannot give one mask for one photo. ``extras`` names what it is given."""
    for notes in (_STACKED, _NEEDS_A_HAND, _NEEDS_EXTRAS):
        if model in notes and not (notes is _NEEDS_EXTRAS and "model_path" in extras):
            raise BadUseError(f"The model {model} {notes[model]}; choose another one, such as {DEFAULT_MODEL}")
