# SPDX-License-Identifier: GPL-3.0-or-later
"""The client of a rembg server (2.0, ``rembg s``): what it can do, and a mask for a picture.

Form fields of ``POST /api/remove`` as rembg 2.0.86 has them: file, model, a, af, ab, ae, om, ppm, dc, vm, extras.
"""

import json
import random
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import requests
from requests.adapters import HTTPAdapter

from ..common.errors import EndpointError, PhotoError
from .address import Endpoint
from .certificates import usual_certificates
from .connection_errors import CONNECT_TIMEOUT, advice, reason, wants_encryption
from .identity import Identity
from .refusals import is_proxied, refusal, speaker
from .settings import EndpointSettings

_GATEWAY_BUSY = frozenset({429, 502, 503, 504})
# Of a place where no rembg is, though the server may be there: it is looked for elsewhere.
_NOT_THERE = frozenset({404, 405})
# What nginx, Go's servers and Apache answer where they are asked in the clear.
_ASKS_FOR_TLS = re.compile(r"HTTPS (port|server)|SSL-enabled server")
# Tries for one photo: where the server failed on it, and where it answers others meanwhile.
_TRIES_FAILING, _TRIES_UNHEARD = 4, 10
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 8.0
_WORDS = 300  # of a server's own, at most


@dataclass(frozen=True)
class Capabilities:
    """What a rembg server says of itself in ``/openapi.json``; empty where a proxy keeps that from us."""

    version: str = ""
    models: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The program with its version."""
        return f"rembg {self.version}".rstrip()


class TooLargeError(PhotoError):
    """A picture of more bytes than a server takes: a proxy's limit, since rembg has none."""


class _PassingError(Exception):
    """May be over by the next try. ``alive``: the server did answer, so it is this photo that is in doubt."""

    def __init__(self, words: str, *, alive: bool, wait: float = 0.0) -> None:
        super().__init__(words)
        self.alive = alive
        self.wait = wait


class _ElsewhereError(EndpointError):
    """Refused at one place: the endpoint may be at another one."""


_Taken = TypeVar("_Taken")


class RembgClient:
    """Talks to one endpoint over kept-alive connections. Safe to use from several threads."""

    def __init__(
        self,
        settings: EndpointSettings,
        token: str = "",
        *,
        on_wait: Callable[[str], None] = lambda _reason: None,
        stop: threading.Event | None = None,
    ) -> None:
        """``on_wait`` is told why a try is about to be repeated; setting ``stop`` ends every wait between tries."""
        self._given = self._address = settings.check()
        self._settings = settings
        self._identity = Identity(token)
        self._on_wait = on_wait
        self._stop = stop or threading.Event()
        self._last_answer = 0.0
        self._guard = threading.Lock()
        self.sent = self.received = 0
        """Bytes of pictures sent, and of answers to them."""
        self._session = requests.Session()
        self._session.auth = self._identity
        self._certificates = usual_certificates() if self._given.url.startswith("https:") else True
        self._is_found = False
        # Loopback traffic never goes through a proxy, whatever HTTP_PROXY says.
        self._session.trust_env = not self._address.is_loopback
        adapter = HTTPAdapter(pool_connections=1, pool_maxsize=settings.in_flight)
        self._session.mount(self._address.origin, adapter)

    @property
    def url(self) -> str:
        """The address that masks are asked of: the one that was given, until ``capabilities`` finds the endpoint."""
        return self._address.url

    @property
    def is_found(self) -> bool:
        """Whether there is a rembg server at ``url``, and it lets us in."""
        return self._is_found

    @property
    def has_answered(self) -> bool:
        """Whether the server has given a mask yet, so that its model is known to be loaded."""
        return self._last_answer > 0

    def capabilities(self) -> Capabilities:
        """Find the endpoint that the address leads to, and ask it who it is, once.

        It is one to which a picture can be sent: that is tried as well, without a picture. Raises EndpointError where
        the server does not answer, refuses us or is not rembg.
        """
        places = self._given.places
        told: EndpointError | None = None
        for place in (places[0], self._given, *places[1:]):
            try:
                # The address itself may be all of rembg that a proxy lets through.
                found = self._nameless(place) if place is self._given else self._described(place)
            except _ElsewhereError as error:
                told = told or error
                continue
            if found is not None:
                self._address, self._is_found = place, True
                return found
        bases = [place.base for place in places]
        which = f"What answers at {bases[0]}" if len(bases) == 1 else f"What answers at {' and at '.join(bases)}"
        raise told or EndpointError(f"{which} is not a rembg server; check the address and the port")

    def _described(self, place: Endpoint) -> Capabilities | None:
        """What a rembg server says of itself that takes pictures there; None where there is none."""
        response = self._look("GET", f"{place.base}/openapi.json", place)
        try:
            description: dict[str, Any] = response.json()
            # The fields are query parameters of GET and form fields of POST; the names stand in both.
            parameters = description["paths"]["/api/remove"]["get"]["parameters"]
            pattern: str = next(each["schema"]["pattern"] for each in parameters if each["name"] == "model")
            version, hide = str(description["info"]["version"]), self._identity.hide
            found = Capabilities(hide(version), tuple(hide(pattern).strip("()").split("|")))
        except (ValueError, KeyError, TypeError, AttributeError, StopIteration):
            return None
        return None if self._look("POST", place.url, place).status_code in _NOT_THERE else found

    def _nameless(self, place: Endpoint) -> Capabilities | None:
        """Empty where rembg answers to a request without a picture, which is that the field ``file`` is missing."""
        try:
            details = self._look("POST", place.url, place).json()["detail"]
            return Capabilities() if any(each["loc"] == ["body", "file"] for each in details) else None
        except (ValueError, KeyError, TypeError):
            return None

    def _look(self, method: str, url: str, place: Endpoint) -> requests.Response:
        """The answer of a server that lets us in, be it rembg or not. Raises EndpointError."""
        try:
            response = self._send(method, url, timeout=(CONNECT_TIMEOUT, 30.0))
        except requests.RequestException as error:
            raise EndpointError(f"{reason(error, place)}. {advice(error, place)}") from error
        if "AirTunes" in response.headers.get("Server", ""):
            raise EndpointError(
                f"What answers at {place.base} is macOS's AirPlay receiver, which holds port 7000: switch it "
                "off, or start rembg on another port"
            )
        if response.status_code == 400 and _ASKS_FOR_TLS.search(response.text):
            raise EndpointError(wants_encryption(place))
        if response.status_code in _GATEWAY_BUSY:
            raise EndpointError(f"{self._busy(response)}. {advice(None, place)}")
        if response.status_code not in _NOT_THERE:  # what has no such page is no rembg
            self._refuse_everybodys(response, place)
        return response

    def soft_mask(
        self,
        picture: bytes,
        media_type: str,
        fields: dict[str, str],
        take: Callable[[bytes], _Taken],
        *,
        first: bool = False,
    ) -> _Taken:
        """What ``take`` makes of the server's answer for one encoded picture.

        ``fields`` are the form fields beside ``file``. ``take`` raises ValueError for an answer that is no mask.
        ``first`` grants the time in which the server loads its model. Retries what can pass.
        Raises PhotoError for this picture alone, EndpointError where going on is useless.
        """
        timeout = self._settings.first_timeout if first else self._settings.timeout
        trouble_since = 0.0
        attempt = 0
        while True:
            try:
                answer = self._ask(picture, media_type, fields, take, timeout)
            except _PassingError as error:
                attempt += 1
                now = time.monotonic()
                trouble_since = trouble_since or now
                self._give_up(error, attempt, trouble_since, now)
                self._on_wait(str(error))
                backoff = min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** (attempt - 1)) * random.uniform(0.5, 1.0)  # noqa: S311
                if self._stop.wait(max(error.wait, backoff)):
                    raise EndpointError("The run was stopped") from error
            else:
                self._last_answer = time.monotonic()
                return answer

    def _give_up(self, error: _PassingError, attempt: int, trouble_since: float, now: float) -> None:
        """Raise where another try is one too many."""
        answers_others = self._last_answer > trouble_since
        if (error.alive and attempt >= _TRIES_FAILING) or (answers_others and attempt >= _TRIES_UNHEARD):
            raise PhotoError(f"{error} ({attempt} tries)") from error
        away_for = now + error.wait - max(trouble_since, self._last_answer)
        # A server that hangs is given a second chance, however long the first took; one that asks for more
        # time than there is, none.
        if away_for > self._settings.retry_for and not error.alive and (attempt > 1 or error.wait):
            raise EndpointError(f"{error}, for {away_for:.0f} s. {advice(None, self._address)}") from error

    def _ask(
        self, picture: bytes, media_type: str, fields: dict[str, str], take: Callable[[bytes], _Taken], timeout: float
    ) -> _Taken:
        try:
            response = self._send(
                "POST",
                self._address.url,
                # A name of our own: the photo's may hold what no header can, and is nobody's business.
                files={"file": ("photo", picture, media_type)},
                data=fields,
                timeout=(CONNECT_TIMEOUT, timeout),
            )
        except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
            raise _PassingError(reason(error, self._address), alive=False) from error
        except requests.RequestException as error:
            raise EndpointError(f"{reason(error, self._address)}. {advice(error, self._address)}") from error
        if response.status_code in _GATEWAY_BUSY:
            raise _PassingError(
                self._busy(response),
                alive=False,
                wait=_retry_after(response),
            )
        if response.status_code >= 500:
            raise _PassingError(
                f"the server failed on it ({response.status_code}: {self._words(response)})", alive=True
            )
        self._refuse_everybodys(response, self._address)
        if response.status_code != 200:
            kind = TooLargeError if response.status_code == 413 else PhotoError
            raise kind(f"the server refused it ({response.status_code}: {self._words(response)})")
        media = response.headers.get("Content-Type", "").partition(";")[0].strip()
        if media != "image/png":
            raise EndpointError(
                f"{self._address.url} answered with {self._identity.hide(media) or 'no content type'}, not a mask; "
                "is it a rembg server?"
            )
        with self._guard:
            self.sent += len(picture)
            self.received += len(response.content)
        try:
            return take(response.content)
        except ValueError as error:
            raise _PassingError(str(error), alive=True) from error

    def _send(self, method: str, url: str, **given: Any) -> requests.Response:
        """Send a request, once more where the server wants the token in another form. Raises what requests raises."""
        response = self._trusting(method, url, **given)
        return self._trusting(method, url, **given) if self._identity.adapts_to(response) else response

    def _trusting(self, method: str, url: str, **given: Any) -> requests.Response:
        """Send a request, once more where the server is not trusted by the usual certificates but may be by our own."""
        given["allow_redirects"] = False
        own = self._settings.certificate
        try:
            return self._session.request(method, url, verify=self._certificates, **given)
        except requests.exceptions.SSLError:
            if not own or self._certificates == own:
                raise
            self._certificates = own
            return self._session.request(method, url, verify=own, **given)

    def _refuse_everybodys(self, response: requests.Response, place: Endpoint) -> None:
        """Raise EndpointError for a status that every other photo would get as well."""
        by_proxy = is_proxied(self._session, place.url)
        words = refusal(response, place, self._identity, is_proxied=by_proxy)
        if not words:
            return
        if 300 <= response.status_code < 400:
            raise EndpointError(words)
        by = speaker(response, self._identity)
        status = f"{response.status_code} from {by}" if by else f"{response.status_code}"
        # A proxy may keep a page of rembg to itself, and let pictures through.
        kind = _ElsewhereError if response.status_code == 403 else EndpointError
        raise kind(f"{words} ({status}: {self._words(response)})")

    def _words(self, response: requests.Response) -> str:
        """What the server itself says of a failure, shortened, and never the token."""
        try:
            detail = response.json()["detail"]
            text = detail if isinstance(detail, str) else json.dumps(detail)
        except (ValueError, KeyError, TypeError):
            text = re.sub(r"<[^>]*>", " ", response.text)
        return self._identity.hide(" ".join(text.split()))[:_WORDS] or self._identity.hide(str(response.reason))

    def _busy(self, response: requests.Response) -> str:
        return f"The endpoint is busy ({response.status_code} {self._identity.hide(str(response.reason))})"


def _retry_after(response: requests.Response) -> float:
    """Seconds that a Retry-After header asks for (RFC 9110, 10.2.3: a number or a date); 0 without one."""
    value = response.headers.get("Retry-After", "")
    if value.isdecimal():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError):
        return 0.0
