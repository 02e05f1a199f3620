# SPDX-License-Identifier: GPL-3.0-or-later
"""rembg servers as what gives soft masks: one, or several side by side, of which any may go away."""

import io
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from PIL import Image

from ..common.errors import BadUseError, EndpointError, PhotoError, ScanError
from ..masks.mask import Answer, as_png, read_soft_mask
from ..photos.pixels import Proxy
from . import weights
from .rembg_client import RembgClient, TooLargeError
from .settings import SegmentationSettings

# So many photos in a row with no mask ever before, and it is the server, not the photos.
_FIRST_FAILURES = 3
# And so many where there were masks before: it has broken down, and the rest would fail for nothing.
_FAILURES_IN_A_ROW = 8
_TICK = 0.1


@dataclass(eq=False)
class _Server:
    client: RembgClient
    in_flight: int = 0
    refusals: int = 0
    """Photos in a row that it gave no mask for."""
    waits: bool = False
    """Whether it did not answer, and is being tried again."""
    is_lost: bool = False
    """Whether it is asked no more."""


@dataclass(frozen=True)
class Listener:
    """Who hears of servers in trouble."""

    on_wait: Callable[[str], None] = field(default=lambda _reason: None)
    """Told why a try is repeated, where no server answers meanwhile."""
    on_loss: Callable[[str], None] = field(default=lambda _reason: None)
    """Told of a server that is asked no more, while others are; and once of photos that are too large for one."""


class Endpoints:
    """See ``Segmenter``. A photo goes to whichever server is free, and to another one where that one fails."""

    def __init__(
        self, settings: SegmentationSettings, token: str, listener: Listener, stop: threading.Event, *, at_first: int
    ) -> None:
        """``at_first`` requests at a time are sent to a server that has yet to show that its model is loaded."""
        self._settings = settings
        self._listener = listener
        self._stop = stop
        self._trouble: EndpointError | None = None
        self._too_large = ""
        """What to do about photos that are too large for a server; empty while there were none."""
        self._has_told = False
        self._turn = threading.Condition()
        settings.endpoint.check()
        self._servers = [self._server(address, token) for address in settings.endpoint.addresses]
        self.model_key = settings.model
        self.at_once = settings.endpoint.in_flight * len(self._servers)
        self._at_first = at_first

    def _server(self, address: str, token: str) -> _Server:
        own = replace(self._settings.endpoint, endpoint=address, further=())
        server = _Server(RembgClient(own, token, stop=self._stop, on_wait=lambda reason: self._wait(server, reason)))
        return server

    @property
    def is_warm(self) -> bool:
        """See ``Segmenter.is_warm``."""
        return any(server.client.has_answered for server in self._servers)

    def open(self) -> str:
        """See ``Segmenter.open``. Servers that are away or lack the model are left out, unless all are."""
        with ThreadPoolExecutor(len(self._servers)) as pool:
            found = list(pool.map(self._look, self._servers))
        errors = [each for each in found if isinstance(each, ScanError)]
        if len(errors) == len(found):
            raise errors[0]
        urls = [server.client.url for server in self._servers]
        for index, (server, error) in enumerate(zip(self._servers, found, strict=True)):
            if isinstance(error, ScanError):
                self._lose(server, error)
            elif server.client.url in urls[:index]:  # it would get twice as many requests at a time
                given = self._settings.endpoint.addresses[index]
                self._lose(server, BadUseError(f"{given} leads to it, and another endpoint does already; remove one"))
        return ", ".join(dict.fromkeys(each for each in found if isinstance(each, str)))

    def _look(self, server: _Server) -> str | ScanError:
        """The version of a server that has the model, or what is wrong with it."""
        try:
            abilities = server.client.capabilities()
        except EndpointError as error:
            if weights.unavailable():
                return error
            return EndpointError(f"{error}; or choose the backend Embedded, which needs no server")
        if abilities.models and self._settings.model not in abilities.models:
            return BadUseError(
                f"The server has no model {self._settings.model!r}; it knows {', '.join(abilities.models)}"
            )
        return abilities.name

    def ask(self, proxy: Proxy) -> Answer:
        """See ``Segmenter.ask``. What one server fails on, every other is asked for."""
        picture, media_type = proxy.encode()
        refusals: dict[_Server, PhotoError] = {}
        while server := self._take(refusals):
            try:
                return self._ask(server, picture, media_type, proxy.size)
            except PhotoError as error:
                refusals[server] = error
            except EndpointError as error:
                if self._stop.is_set():
                    raise
                self._lose(server, error)
            finally:
                with self._turn:
                    server.in_flight -= 1
                    self._turn.notify_all()
        raise next(iter(refusals.values()))

    def _take(self, refusals: dict[_Server, PhotoError]) -> _Server | None:
        """Wait for a server that is free; None where all there are have refused the photo. Raises EndpointError."""
        with self._turn:
            # More threads than requests may be in flight: who has waited its turn asks nobody once the run is over.
            while self._trouble is None and not self._stop.is_set():
                willing = [server for server in self._servers if not server.is_lost and server not in refusals]
                free = [server for server in willing if server.in_flight < self._limit(server)]
                if free:
                    server = max(free, key=lambda server: self._limit(server) - server.in_flight)
                    server.in_flight += 1
                    return server
                if not willing:
                    return None
                self._turn.wait(_TICK)
        raise self._trouble or EndpointError("The run was stopped")

    def _limit(self, server: _Server) -> int:
        in_flight = self._settings.endpoint.in_flight
        # It may have to load its model, even to download it.
        return in_flight if server.client.has_answered else min(in_flight, self._at_first)

    def _ask(self, server: _Server, picture: bytes, media_type: str, size: tuple[int, int]) -> Answer:
        is_warm = server.client.has_answered
        try:
            if not server.client.is_found:  # nothing was to be asked when the run began
                server.client.capabilities()
            answer = server.client.soft_mask(
                picture,
                media_type,
                self._settings.form_fields(),
                lambda content: _soft_mask(content, size, self._settings.alpha_matting),
                first=not is_warm,
            )
        except PhotoError as error:
            server.refusals += 1
            what_next = "its own log says why"
            if isinstance(error, TooLargeError):
                self._too_large = what_next = _about_size(server.client.url, len(picture))
                if self._settings.proxy_size and not is_warm:  # proxies are all about as large
                    raise EndpointError(what_next) from error
                self._tell_too_large()
            limit = _FAILURES_IN_A_ROW if is_warm else _FIRST_FAILURES
            if server.refusals >= limit:  # by now it may be more
                which = f"{limit} photos in a row" if is_warm else f"the first {limit} photos"
                raise EndpointError(f"The server gave no mask for {which} ({error}); {what_next}") from error
            raise
        server.refusals, server.waits = 0, False
        self._tell_too_large()
        return answer

    def _tell_too_large(self) -> None:
        """Warn once, and not where no photo is small enough: then the run ends, and says so."""
        with self._turn:
            words = self._too_large if self.is_warm and not self._has_told else ""
            self._has_told |= bool(words)
        if words:
            self._listener.on_loss(words)

    def _wait(self, server: _Server, reason: str) -> None:
        server.waits = True
        if all(each.waits or each.is_lost for each in self._servers):
            self._listener.on_wait(reason)

    def _lose(self, server: _Server, error: ScanError) -> None:
        """Ask a server no more. Raises the error where it was the last one."""
        with self._turn:
            was_lost, server.is_lost = server.is_lost, True
            if isinstance(error, EndpointError) and all(each.is_lost for each in self._servers):
                self._trouble = self._trouble or error
                raise self._trouble
        if not was_lost:
            self._listener.on_loss(f"Going on without {server.client.url}: {error}")

    def traffic(self) -> dict[str, int]:
        """See ``Segmenter.traffic``."""
        clients = [server.client for server in self._servers]
        return {"sent": sum(client.sent for client in clients), "received": sum(client.received for client in clients)}


def _about_size(url: str, size: int) -> str:
    """What to do where a picture of so many bytes is too large."""
    return (
        f"{url} takes no picture of {size / 1e6:.1f} MB (413); choose a smaller Proxy Size, or have the limit of the "
        "proxy in front of rembg raised (client_max_body_size in nginx)"
    )


def _soft_mask(content: bytes, size: tuple[int, int], is_cutout: bool) -> Answer:
    """The soft mask in a server's answer. Raises ValueError."""
    if not is_cutout:
        return Answer(read_soft_mask(content, size), content)
    # Alpha matting answers with the cutout, whose alpha is the mask.
    try:
        with Image.open(io.BytesIO(content), formats=("PNG",)) as cutout:
            if cutout.mode != "RGBA":
                raise ValueError(f"the cutout has the channels {cutout.mode}, not RGBA")
            if cutout.size != size:
                raise ValueError(f"the cutout is {cutout.width} × {cutout.height} pixels, not {size[0]} × {size[1]}")
            alpha = cutout.getchannel("A")
            return Answer(alpha, as_png(alpha))
    except (OSError, SyntaxError) as error:
        raise ValueError(f"the cutout cannot be decoded ({error})") from error
