# SPDX-License-Identifier: GPL-3.0-or-later
"""Where soft masks come from: a rembg server, or a model in this process. Strip does not care which."""

import io
import threading
from collections.abc import Callable
from typing import Protocol

from PIL import Image

from . import weights
from .embedded import EmbeddedModel, as_sent
from .errors import BadUseError, EndpointError, PhotoError
from .masks import read_soft_mask
from .photos import Proxy
from .rembg import RembgClient
from .settings import StripSettings

# So many photos in a row with no mask ever before, and it is the server, not the photos.
_FIRST_FAILURES = 3
# And so many where there were masks before: it has broken down, and the rest would fail for nothing.
_FAILURES_IN_A_ROW = 8


class Answers(Protocol):
    """Gives the soft mask of a proxy. ``ask`` may be called from several threads."""

    model_key: str
    """Stands for the model where masks are compared."""
    at_once: int
    """How many photos it is worth to work on at the same time."""

    @property
    def is_warm(self) -> bool:
        """Whether more than one photo may be asked for at once."""

    def open(self) -> str:
        """Get ready, and return the version of what answers. Raises BadUseError or EndpointError."""

    def ask(self, proxy: Proxy) -> bytes:
        """The soft mask of a proxy as a one-channel PNG of its size. Raises PhotoError or EndpointError."""

    def traffic(self) -> dict[str, int]:
        """Bytes sent and received so far."""


def make_answers(
    settings: StripSettings, token: str, *, on_wait: Callable[[str], None], stop: threading.Event
) -> Answers:
    """What the settings choose. ``on_wait`` hears why a try is repeated; ``stop`` ends the waiting."""
    if settings.backend == "EMBEDDED":
        return _Embedded(settings)
    return _Endpoint(settings, token, on_wait, stop)


class _Endpoint:
    def __init__(
        self, settings: StripSettings, token: str, on_wait: Callable[[str], None], stop: threading.Event
    ) -> None:
        self._settings = settings
        self._client = RembgClient(settings.endpoint, token, on_wait=on_wait, stop=stop)
        self._in_flight = threading.Semaphore(settings.endpoint.in_flight)
        self._stop = stop
        self._trouble: EndpointError | None = None
        self._refusals = 0
        self.model_key = settings.model
        self.at_once = settings.endpoint.in_flight

    @property
    def is_warm(self) -> bool:
        return self._client.has_answered

    def open(self) -> str:
        try:
            abilities = self._client.capabilities()
        except EndpointError as error:
            if weights.unavailable():
                raise
            raise EndpointError(f"{error}; or choose the backend Embedded, which needs no server") from error
        if abilities.models and self._settings.model not in abilities.models:
            raise BadUseError(
                f"The server has no model {self._settings.model!r}; it knows {', '.join(abilities.models)}"
            )
        return f"rembg {abilities.version}"

    def ask(self, proxy: Proxy) -> bytes:
        first = not self.is_warm
        picture, media_type = proxy.encode()
        with self._in_flight:
            # More threads than requests may be in flight: who has waited its turn asks nobody once the run is over.
            if self._trouble is not None:
                raise self._trouble
            if self._stop.is_set():
                raise EndpointError("The run was stopped")
            try:
                answer = self._client.soft_mask(
                    picture,
                    media_type,
                    self._settings.form_fields(),
                    lambda content: _soft_mask(content, proxy.size, self._settings.alpha_matting),
                    first=first,
                )
            except PhotoError as error:
                self._refusals += 1
                if self._refusals >= (_FAILURES_IN_A_ROW if self.is_warm else _FIRST_FAILURES):
                    which = (
                        f"{self._refusals} photos in a row" if self.is_warm else f"the first {self._refusals} photos"
                    )
                    self._trouble = EndpointError(
                        f"The server gave no mask for {which} ({error}); its own log says why"
                    )
                    raise self._trouble from error
                raise
            except EndpointError as error:
                self._trouble = error
                raise
            self._refusals = 0
        return answer

    def traffic(self) -> dict[str, int]:
        return {"sent": self._client.sent, "received": self._client.received}


class _Embedded:
    is_warm = True  # nothing is downloaded, and one picture at a time goes through the model anyway
    at_once = 1

    def __init__(self, settings: StripSettings) -> None:
        self._settings = settings
        self.model_key = weights.find(settings.model).key

    def open(self) -> str:
        self._model = EmbeddedModel(self._settings.model)
        return self._model.version

    def ask(self, proxy: Proxy) -> bytes:
        return _png(self._model.soft_mask(as_sent(proxy)))

    def traffic(self) -> dict[str, int]:
        return {"sent": 0, "received": 0}


def _soft_mask(content: bytes, size: tuple[int, int], is_cutout: bool) -> bytes:
    """The soft mask in a server's answer. Raises ValueError."""
    if not is_cutout:
        read_soft_mask(content, size)
        return content
    # Alpha matting answers with the cutout, whose alpha is the mask.
    try:
        with Image.open(io.BytesIO(content), formats=("PNG",)) as cutout:
            if cutout.mode != "RGBA":
                raise ValueError(f"the cutout has the channels {cutout.mode}, not RGBA")
            if cutout.size != size:
                raise ValueError(f"the cutout is {cutout.width} × {cutout.height} pixels, not {size[0]} × {size[1]}")
            return _png(cutout.getchannel("A"))
    except (OSError, SyntaxError) as error:
        raise ValueError(f"the cutout cannot be decoded ({error})") from error


def _png(mask: Image.Image) -> bytes:
    buffer = io.BytesIO()
    mask.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
