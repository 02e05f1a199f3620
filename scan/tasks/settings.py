# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run is asked to do: plain values that travel to the worker in ``job.json``. Never a secret."""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Self

from ..common.errors import BadUseError, EngineError
from ..engines.colmap.installed import missing
from ..job.folder import refuse_overlap
from ..segmentation import model_notes, weights
from ..segmentation.address import Endpoint

DEFAULT_ENDPOINT = "http://localhost:7000/api/remove"
MAX_IN_FLIGHT = 32
MAX_GROW = 200
BACKENDS = ("ENDPOINT", "EMBEDDED")
CUTOUTS = ("NONE", "PNG", "JPEG")
_OF_SECRETS = ("key", "token", "secret", "password")
TOKEN_VARIABLE = "SCAN_CUTOUT_TOKEN"  # noqa: S105 - the name of a variable, not what is in it
"""Environment variable that holds the token of a server behind a proxy; it goes before the preferences."""


@dataclass(frozen=True, kw_only=True)
class EndpointSettings:
    """Where the masks come from and how patiently they are asked for. Times are in seconds."""

    endpoint: str = DEFAULT_ENDPOINT
    further: tuple[str, ...] = ()
    """More rembg servers that are used at the same time, each with as many requests, and the same token."""
    online: bool = False
    """Whether Blender's online access is on: without it only loopback endpoints and local models are used."""
    in_flight: int = 4
    """How many requests each server gets at a time."""
    timeout: float = 120.0
    """How long one answer may take."""
    first_timeout: float = 900.0
    """How long the first answer of a run may take: the server may have to download and load the model."""
    retry_for: float = 60.0
    """How long an endpoint that does not answer is tried again before the run stops."""

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every server's address, as it was given."""
        return (self.endpoint, *self.further)

    def check(self) -> Endpoint:
        """The first endpoint's address, if all of them may be asked at all. Raises BadUseError."""
        if not 1 <= self.in_flight <= MAX_IN_FLIGHT:
            raise BadUseError(f"Requests in flight must be from 1 to {MAX_IN_FLIGHT}, not {self.in_flight}")
        for name in ("timeout", "first_timeout"):
            if getattr(self, name) <= 0:
                raise BadUseError(f"The setting {name} must be more than 0 seconds, not {getattr(self, name):g}")
        if self.retry_for < 0:
            raise BadUseError(f"The setting retry_for must not be negative, but is {self.retry_for:g}")
        addresses = [Endpoint.parse(each) for each in self.addresses]
        for index, address in enumerate(addresses):
            if not (self.online or address.is_loopback):
                raise BadUseError(
                    f"{address.host} is not this computer, and Blender's online access is off; switch it on in "
                    "Preferences > System > Network > Allow Online Access (or start Blender with --online-mode)"
                )
            if address in addresses[:index]:
                raise BadUseError(f"The endpoint {address.url} is named twice; remove one of the two")
        return addresses[0]


@dataclass(frozen=True, kw_only=True)
class AnswerSettings:
    """What decides a soft mask: change one of these, and the model has to be asked again."""

    model: str = model_notes.DEFAULT_MODEL
    """A model's name as the server knows it; for the embedded backend also the path of an ONNX file."""
    proxy_size: int = 1024
    """Long edge in pixels of what the model is given; 0 sends the photo file itself."""
    alpha_matting: bool = False
    """Whether the server estimates an alpha for every pixel near the edge (its form fields a, af, ab, ae)."""
    matting_foreground: int = 240
    """Soft mask values above this one (0 to 255) are foreground to alpha matting."""
    matting_background: int = 10
    """Soft mask values below this one (0 to 255) are background to alpha matting."""
    matting_erode: int = 10
    """How far, in proxy pixels, alpha matting draws both back from the edge."""
    post_process: bool = False
    """Whether the server smooths the mask and makes it hard (its form field ppm)."""
    extras: str = ""
    """A JSON object with more of what the server's model takes; empty for nothing."""

    def form_fields(self) -> dict[str, str]:
        """The fields of ``POST /api/remove`` beside ``file`` (rembg 2.0.86)."""
        fields = {"model": self.model}
        if self.alpha_matting:
            # Not with om: the server would leave the matting out. Its answer is the cutout, whose alpha is the mask.
            fields["a"] = "true"
            fields["af"], fields["ab"] = str(self.matting_foreground), str(self.matting_background)
            fields["ae"] = str(self.matting_erode)
        else:
            fields["om"] = "true"
        if self.post_process:
            fields["ppm"] = "true"
        if self.extras:
            fields["extras"] = self.extras
        return fields

    def soft_key(self, identity: object, model_key: str = "") -> str:
        """Names the answer: same key, same soft mask.

        ``identity`` tells one state of a photo from another; ``model_key`` tells models of the same name apart. Where
        a model runs is not part of the key: it gives the same mask everywhere.
        """
        fields = {**self.form_fields(), "model": model_key or self.model}
        return _short_hash(identity, self.proxy_size, sorted(fields.items()))

    def _check_answer(self) -> None:
        if self.proxy_size != 0 and not 256 <= self.proxy_size <= 8192:
            raise BadUseError(
                f"The proxy size must be 0 (full resolution) or from 256 to 8192 pixels, not {self.proxy_size}"
            )
        for name in ("matting_foreground", "matting_background"):
            _check_range(name, getattr(self, name), 0, 255)
        _check_range("matting_erode", self.matting_erode, 0, 1000)
        extras = _parse_extras(self.extras)
        model_notes.refuse_unusable(self.model, extras)


@dataclass(frozen=True, kw_only=True)
class MaskSettings:
    """What is made of a soft mask, in this order, without asking again."""

    threshold: int = 128
    """Soft mask values from this one on (1 to 255) are kept."""
    fill_holes: float = 0.0
    """Holes of at most this many percent of the picture are filled."""
    drop_islands: float = 0.0
    """Islands of at most this many percent of the picture are dropped."""
    grow: int = 0
    """Pixels of the photo by which the mask is grown, or shrunk where negative."""
    refine_edges: bool = False
    """Whether the mask's edge is drawn to the photo's own, at full resolution."""

    def mask_key(self, soft_key: str) -> str:
        """Names the mask that these settings make of a soft mask."""
        return _short_hash(soft_key, *_values(self, MaskSettings))

    def check_mask(self) -> None:
        """Raise BadUseError where one of them is out of its range."""
        _check_range("threshold", self.threshold, 1, 255)
        _check_range("fill_holes", self.fill_holes, 0, 100)
        _check_range("drop_islands", self.drop_islands, 0, 100)
        _check_range("grow", self.grow, -MAX_GROW, MAX_GROW)


@dataclass(frozen=True, kw_only=True)
class StripSettings(AnswerSettings, MaskSettings):
    """Everything that decides which masks are made of which photos."""

    photos: str
    """The photo folder; its subfolders are the sides of the scan."""
    output: str
    """The job folder."""
    files: tuple[str, ...] = ()
    """Photos relative to the folder, with forward slashes; empty for the whole folder."""
    backend: str = "ENDPOINT"
    """``ENDPOINT``: a rembg server; ``EMBEDDED``: the model in the worker itself."""
    cutouts: str = "NONE"
    """``NONE``, ``PNG`` (with alpha) or ``JPEG`` (on ``cutout_colour``): pictures made beside the masks."""
    cutout_colour: str = "#000000"
    """Colour behind the object in JPEG cutouts, as #rrggbb."""
    endpoint: EndpointSettings = field(default_factory=EndpointSettings)

    def check(self) -> None:
        """Refuse what cannot work before anything is asked or written. Raises BadUseError."""
        _check_folders(self.photos, self.output)
        self._check_answer()
        self.check_mask()
        _check_choice("backend", self.backend, BACKENDS)
        _check_choice("cutouts", self.cutouts, CUTOUTS)
        if not re.fullmatch("#[0-9a-fA-F]{6}", self.cutout_colour):
            raise BadUseError(f"The cutout colour must be written like #ff8000, not {self.cutout_colour!r}")
        if self.backend == "ENDPOINT":
            self._check_remote_model()
            self.endpoint.check()
        else:
            self._check_embedded()

    def _check_embedded(self) -> None:
        if self.alpha_matting or self.post_process or self.extras:
            raise BadUseError(
                "Alpha matting, post-processing and extras are the rembg server's; switch them off, "
                "or choose the backend rembg Endpoint"
            )
        if words := weights.unavailable():
            raise BadUseError(words)
        weights.find(self.model)

    def cutout_key(self, identity: object, mask_hash: str) -> str:
        """Names the cutout that these settings make of a photo with a mask, which may have been painted on by hand."""
        beside = self.cutout_colour if self.cutouts == "JPEG" else self.alpha_matting
        return _short_hash(identity, mask_hash, self.cutouts, beside)

    def _check_remote_model(self) -> None:
        if model_notes.is_remote(self.model) and not self.endpoint.online:
            raise BadUseError(
                f"{model_notes.note(self.model)}, and Blender's online access is off; choose another model, or switch "
                "it on in Preferences > System > Network > Allow Online Access (or start Blender with --online-mode)"
            )

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """The opposite of ``dataclasses.asdict``. Raises BadUseError for a name that is not a setting."""
        nested = {"files": tuple(values.get("files", ())), "endpoint": endpoint_settings(values.get("endpoint", {}))}
        return cls(**{**_known(cls, values), **nested})


ENGINES = ("COLMAP", "COLMAP_EXECUTABLE")
QUALITIES = ("DRAFT", "NORMAL", "HIGH")
MAPPERS = ("INCREMENTAL", "GLOBAL")


@dataclass(frozen=True, kw_only=True)
class ReconstructSettings:
    """Everything that decides how the cameras of a scan are found. The masks are those of the job folder."""

    photos: str
    """The photo folder; its subfolders are the sides of the scan."""
    output: str
    """The job folder, with the masks that an earlier strip left there."""
    files: tuple[str, ...] = ()
    """Photos relative to the folder, with forward slashes; empty for the whole folder."""
    masks: bool = True
    """Whether the masks are used; a scan whose background stands still cannot do without."""
    engine: str = "COLMAP"
    """COLMAP as it comes with the extension, or the program on this computer."""
    quality: str = "NORMAL"
    mapper: str = "INCREMENTAL"
    """Camera after camera, or all at once, which is faster for many photos and less sure."""
    executable: str = ""
    """The engine's program, for engines that are one; empty for the one on PATH."""

    def check(self) -> None:
        """Refuse what cannot work before anything is asked or written.

        Raises BadUseError, and EngineError where the engine is not on this computer.
        """
        _check_folders(self.photos, self.output)
        _check_choice("engine", self.engine, ENGINES)
        _check_choice("quality", self.quality, QUALITIES)
        _check_choice("mapper", self.mapper, MAPPERS)
        if words := missing(self.engine, self.executable):
            raise EngineError(words)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """The opposite of ``dataclasses.asdict``. Raises BadUseError for a name that is not a setting."""
        return cls(**{**_known(cls, values), "files": tuple(values.get("files", ()))})


def endpoint_settings(values: dict[str, Any]) -> EndpointSettings:
    """Endpoint settings from plain values. Raises BadUseError for a name that is not a setting."""
    return EndpointSettings(**{**_known(EndpointSettings, values), "further": tuple(values.get("further", ()))})


def _known(cls: type, values: dict[str, Any]) -> dict[str, Any]:
    unknown = values.keys() - {each.name for each in fields(cls)}
    if unknown:
        raise BadUseError(f"Unknown settings: {', '.join(sorted(unknown))}")
    return values


def check_photo_folder(photos: str) -> None:
    """Raise BadUseError where there is no such folder."""
    if not photos or not Path(photos).is_dir():
        raise BadUseError(f"There is no photo folder {photos!r}; choose the folder that holds the photos")


def _check_folders(photos: str, output: str) -> None:
    check_photo_folder(photos)
    if not output:
        raise BadUseError("No output folder is set; choose the one for the masks")
    refuse_overlap(Path(photos), Path(output))


def _check_range(name: str, value: float, low: int, high: int) -> None:
    if not low <= value <= high:
        raise BadUseError(f"The setting {name} must be from {low} to {high}, not {value:g}")


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise BadUseError(f"The setting {name} must be one of {', '.join(choices)}, not {value!r}")


def _parse_extras(text: str) -> dict[str, Any]:
    if not text:
        return {}
    try:
        extras = json.loads(text)
    except ValueError as error:
        raise BadUseError(f'The extras are not JSON ({error}); write them like {{"model_path": "…"}}') from error
    if not isinstance(extras, dict):
        raise BadUseError('The extras must be a JSON object, like {"model_path": "…"}')
    secret = [name for name in _names(extras) if any(word in name.lower() for word in _OF_SECRETS)]
    if secret:
        # Settings are written into the job folder, where a secret has no place.
        raise BadUseError(f"The extras must not hold a secret such as {secret[0]!r}; give it to the server itself")
    return extras


def _names(value: object) -> Iterator[str]:
    """Every name in a JSON value, however deep."""
    if isinstance(value, dict):
        yield from value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _names(each)


def _values(settings: object, group: type) -> list[Any]:
    return [getattr(settings, each.name) for each in fields(group)]


def _short_hash(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
