# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run is asked to do: plain values that travel to the worker in ``job.json``. Never a secret."""

import hashlib
import json
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Self

from . import models
from .address import Endpoint
from .errors import BadUseError
from .job import refuse_overlap

DEFAULT_ENDPOINT = "http://localhost:7000/api/remove"
MAX_IN_FLIGHT = 32
TOKEN_VARIABLE = "SCAN_CUTOUT_TOKEN"  # noqa: S105 - the name of a variable, not what is in it
"""Environment variable that holds the token of a server behind a proxy; it goes before the preferences."""


@dataclass(frozen=True, kw_only=True)
class EndpointSettings:
    """Where the masks come from and how patiently they are asked for. Times are in seconds."""

    endpoint: str = DEFAULT_ENDPOINT
    online: bool = False
    """Whether Blender's online access is on: without it only loopback endpoints and local models are used."""
    in_flight: int = 4
    timeout: float = 120.0
    """How long one answer may take."""
    first_timeout: float = 900.0
    """How long the first answer of a run may take: the server may have to download and load the model."""
    retry_for: float = 60.0
    """How long an endpoint that does not answer is tried again before the run stops."""

    def check(self) -> Endpoint:
        """The endpoint's address, if it may be asked at all. Raises BadUseError."""
        if not 1 <= self.in_flight <= MAX_IN_FLIGHT:
            raise BadUseError(f"Requests in flight must be from 1 to {MAX_IN_FLIGHT}, not {self.in_flight}")
        for name in ("timeout", "first_timeout"):
            if getattr(self, name) <= 0:
                raise BadUseError(f"The setting {name} must be more than 0 seconds, not {getattr(self, name):g}")
        if self.retry_for < 0:
            raise BadUseError(f"The setting retry_for must not be negative, but is {self.retry_for:g}")
        address = Endpoint.parse(self.endpoint)
        if not (self.online or address.is_loopback):
            raise BadUseError(
                f"{address.host} is not this computer, and Blender's online access is off; switch it on in "
                "Preferences > System > Network > Allow Online Access (or start Blender with --online-mode)"
            )
        return address


@dataclass(frozen=True, kw_only=True)
class StripSettings:
    """Everything that decides which masks are made of which photos."""

    photos: str
    """The photo folder; its subfolders are the sides of the scan."""
    output: str
    """The job folder."""
    files: tuple[str, ...] = ()
    """Photos relative to the folder, with forward slashes; empty for the whole folder."""
    model: str = models.DEFAULT_MODEL
    proxy_size: int = 1024
    """Long edge in pixels of what the server is sent; 0 sends the photo file itself."""
    threshold: int = 128
    """Soft mask values from this one on (1 to 255) are kept."""
    endpoint: EndpointSettings = field(default_factory=EndpointSettings)

    def check(self) -> Endpoint:
        """Refuse what cannot work before anything is asked or written. Raises BadUseError."""
        photos = Path(self.photos)
        if not self.photos or not photos.is_dir():
            raise BadUseError(f"There is no photo folder {self.photos!r}; choose the folder that holds the photos")
        if not self.output:
            raise BadUseError("No output folder is set; choose where the masks shall go")
        refuse_overlap(photos, Path(self.output))
        if self.proxy_size != 0 and not 256 <= self.proxy_size <= 8192:
            raise BadUseError(
                f"The proxy size must be 0 (full resolution) or from 256 to 8192 pixels, not {self.proxy_size}"
            )
        if not 1 <= self.threshold <= 255:
            raise BadUseError(f"The threshold must be from 1 to 255, not {self.threshold}")
        models.refuse_unusable(self.model)
        if models.is_remote(self.model) and not self.endpoint.online:
            raise BadUseError(
                f"{models.note(self.model)}, and Blender's online access is off; choose another model, or switch it on "
                "in Preferences > System > Network > Allow Online Access (or start Blender with --online-mode)"
            )
        return self.endpoint.check()

    def soft_key(self, identity: object) -> str:
        """Names the server's answer: same key, same soft mask. ``identity`` tells one state of a photo from another.

        The endpoint is not part of it: the same model gives the same mask wherever it runs.
        """
        return _short_hash(identity, self.model, self.proxy_size)

    def mask_key(self, soft_key: str) -> str:
        """Names the mask that these settings make of a soft mask."""
        return _short_hash(soft_key, self.threshold)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """The opposite of ``dataclasses.asdict``. Raises BadUseError for a name that is not a setting."""
        return cls(
            **{
                **_known(cls, values),
                "files": tuple(values.get("files", ())),
                "endpoint": endpoint_settings(values.get("endpoint", {})),
            }
        )


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
    """One of ``engines.registry.ENGINES``."""
    quality: str = "NORMAL"
    mapper: str = "INCREMENTAL"
    """Camera after camera, or all at once, which is faster for many photos and less sure."""
    executable: str = ""
    """The engine's program, for engines that are one; empty for the one on PATH."""

    def check(self) -> None:
        """Refuse what cannot work before anything is asked or written. Raises BadUseError."""
        photos = Path(self.photos)
        if not self.photos or not photos.is_dir():
            raise BadUseError(f"There is no photo folder {self.photos!r}; choose the folder that holds the photos")
        if not self.output:
            raise BadUseError("No output folder is set; choose the one that holds the masks")
        refuse_overlap(photos, Path(self.output))
        for name, known in (("quality", QUALITIES), ("mapper", MAPPERS)):
            if getattr(self, name) not in known:
                raise BadUseError(f"The {name} must be one of {', '.join(known)}, not {getattr(self, name)!r}")

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """The opposite of ``dataclasses.asdict``. Raises BadUseError for a name that is not a setting."""
        return cls(**{**_known(cls, values), "files": tuple(values.get("files", ()))})


def endpoint_settings(values: dict[str, Any]) -> EndpointSettings:
    """Endpoint settings from plain values. Raises BadUseError for a name that is not a setting."""
    return EndpointSettings(**_known(EndpointSettings, values))


def _known(cls: type, values: dict[str, Any]) -> dict[str, Any]:
    unknown = values.keys() - {each.name for each in fields(cls)}
    if unknown:
        raise BadUseError(f"Unknown settings: {', '.join(sorted(unknown))}")
    return values


def _short_hash(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
