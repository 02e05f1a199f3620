# SPDX-License-Identifier: GPL-3.0-or-later
"""Which model makes the soft masks, where it is asked, and what it is given. Never a secret."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ..common.declared import Choice, Home, Unit, Zero, check, later_values, setting
from ..common.errors import BadUseError
from ..common.hashes import short_hash
from . import model_notes, weights
from .address import Endpoint
from .certificates import check_certificate

DEFAULT_ENDPOINT = "http://localhost:7000/api/remove"
TOKEN_VARIABLE = "SCAN_CUTOUT_TOKEN"  # noqa: S105 - the name of a variable, not what is in it
"""Environment variable that holds the token of a server behind a proxy; it goes before the preferences."""
BACKENDS = (
    Choice("ENDPOINT", "rembg Endpoint", "A rembg server, on this computer or another one"),
    Choice(
        "EMBEDDED", "Embedded", "The model that comes with the extension, or another one on this computer; no server"
    ),
)
_SERVER = ("ENDPOINT",)
_OF_SECRETS = ("key", "token", "secret", "password")
_DAY = 86400.0
_SHORTEST = 0.01  # seconds


@dataclass(frozen=True, kw_only=True)
class EndpointSettings:
    """Where the masks come from and how patiently they are asked for."""

    endpoint: str = setting(
        DEFAULT_ENDPOINT,
        label="Endpoint",
        help="Address of the rembg server that removes the backgrounds",
        home=Home.PREFERENCES,
        of=_SERVER,
        metavar="URL",
    )
    further: tuple[str, ...] = setting(
        (),
        label="Further Endpoints",
        help="More rembg servers, used at the same time as the first, each with as many requests and the same token",
        home=Home.PREFERENCES,
        of=_SERVER,
        blender="further_endpoints",
        no_operator="An endpoint that a call names is used alone",
        no_option="An endpoint that a command names is used alone",
    )
    certificate: str = setting(
        "",
        label="Certificate",
        help="File (PEM) with the certificate of an https server of your own, or of who issued it, trusted beside the "
        "usual ones",
        home=Home.PREFERENCES,
        unit=Unit.FILE,
        of=_SERVER,
        metavar="FILE",
        since="0.2.0",
    )
    online: bool = False
    """Whether Blender's online access is on: without it only loopback endpoints and local models are used."""
    in_flight: int = setting(
        4,
        label="Requests in Flight",
        help="Photos a server is asked for at the same time; fewer spare its memory",
        home=Home.PREFERENCES,
        low=1,
        high=32,
        of=_SERVER,
        metavar="N",
    )
    timeout: float = setting(
        120.0,
        label="Timeout per Photo",
        help="How long one answer of the server may take",
        home=Home.PREFERENCES,
        unit=Unit.SECONDS,
        low=_SHORTEST,
        high=_DAY,
        of=_SERVER,
        metavar="SECONDS",
    )
    first_timeout: float = setting(
        900.0,
        label="Timeout of First Photo",
        help="How long the first answer of a run may take, in which the server loads or downloads its model",
        home=Home.PREFERENCES,
        unit=Unit.SECONDS,
        low=_SHORTEST,
        high=_DAY,
        of=_SERVER,
        metavar="SECONDS",
    )
    retry_for: float = setting(
        60.0,
        label="Wait for Lost Server",
        help="How long a server that went away is waited for before the run stops; it can be continued later",
        home=Home.PREFERENCES,
        unit=Unit.SECONDS,
        low=0,
        high=_DAY,
        of=_SERVER,
        metavar="SECONDS",
    )

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every server's address, as it was given."""
        return (self.endpoint, *self.further)

    def check(self) -> Endpoint:
        """The first endpoint's address, if all of them may be asked at all. Raises BadUseError."""
        check(self)
        if self.certificate:
            check_certificate(self.certificate)
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
class SoftMaskSettings:
    """What decides a soft mask: change one of these, and the model has to be asked again."""

    model: str = setting(
        model_notes.DEFAULT_MODEL,
        label="Model",
        help="Name of the rembg model; for the backend Embedded also the path of an ONNX file",
        home=Home.PREFERENCES,
        metavar="NAME",
    )
    proxy_size: int = setting(
        1024,
        label="Proxy Size",
        help="Long edge of what the model is given",
        home=Home.SCENE,
        unit=Unit.PIXELS,
        low=256,
        high=8192,
        zero=Zero(
            "full_resolution",
            "Full Resolution",
            "Give the model the photo file itself; takes longer, and masks are hardly better",
        ),
        metavar="PIXELS",
    )
    alpha_matting: bool = setting(
        default=False,
        label="Alpha Matting",
        help="Let the rembg server estimate how much of the object is in every pixel of the edge; slow",
        home=Home.SCENE,
        of=_SERVER,
    )
    matting_foreground: int = setting(
        240,
        label="Matting Foreground",
        help="Soft mask values above this, up to 255, are surely the object to alpha matting",
        home=Home.SCENE,
        low=0,
        high=255,
        of=_SERVER,
        metavar="N",
    )
    matting_background: int = setting(
        10,
        label="Matting Background",
        help="Soft mask values below this, down to 0, are surely background to alpha matting",
        home=Home.SCENE,
        low=0,
        high=255,
        of=_SERVER,
        metavar="N",
    )
    matting_erode: int = setting(
        10,
        label="Matting Erode",
        help="Pixels of the proxy by which alpha matting draws both back from the edge before it looks between them",
        home=Home.SCENE,
        low=0,
        high=1000,
        soft=(0, 40),
        of=_SERVER,
        metavar="PIXELS",
    )
    post_process: bool = setting(
        default=False,
        label="Post-Process",
        help="Let the rembg server smooth the mask and make it hard",
        home=Home.SCENE,
        of=_SERVER,
    )
    extras: str = setting(
        "",
        label="Extras",
        help='More of what the server\'s model takes, as a JSON object such as {"model_path": "…"}; no secrets',
        home=Home.SCENE,
        of=_SERVER,
        metavar="JSON",
    )

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

    def soft_key(self, file_stamp: object, model_key: str = "") -> str:
        """Names the soft mask: same key, same soft mask.

        ``file_stamp`` tells one state of a photo from another; ``model_key`` tells models of the same name apart.
        Where a model runs is not part of the key: it gives the same mask everywhere.
        """
        fields = {**self.form_fields(), "model": model_key or self.model}
        return short_hash(file_stamp, self.proxy_size, sorted(fields.items()), *later_values(self, SoftMaskSettings))

    def check_model(self) -> None:
        """Raise BadUseError where the model cannot give one mask for one photo, or its extras are none."""
        model_notes.refuse_unusable(self.model, _parse_extras(self.extras))


@dataclass(frozen=True, kw_only=True)
class SegmentationSettings(SoftMaskSettings):
    """Which backend makes the soft masks, and from which model."""

    backend: str = setting(
        "ENDPOINT",
        label="Backend",
        help="What removes the backgrounds",
        home=Home.PREFERENCES,
        choices=lambda: BACKENDS,
    )
    endpoint: EndpointSettings = field(default_factory=EndpointSettings)

    def check_segmentation(self) -> None:
        """Refuse a model or a server that cannot be asked, before it is. Raises BadUseError."""
        self.check_model()
        if self.backend == "EMBEDDED":
            self._check_embedded()
        else:
            self._check_remote_model()
            self.endpoint.check()

    def _check_embedded(self) -> None:
        if self.alpha_matting or self.post_process or self.extras:
            raise BadUseError(
                "Alpha matting, post-processing and extras are the rembg server's; switch them off, "
                "or choose the backend rembg Endpoint"
            )
        if words := weights.unavailable():
            raise BadUseError(words)
        weights.find(self.model)

    def _check_remote_model(self) -> None:
        if model_notes.is_remote(self.model) and not self.endpoint.online:
            raise BadUseError(
                f"{model_notes.note(self.model)}, and Blender's online access is off; choose another model, or switch "
                "it on in Preferences > System > Network > Allow Online Access (or start Blender with --online-mode)"
            )


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
