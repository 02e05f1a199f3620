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

from ..common.errors import BadUseError, EndpointError, PhotoError
from .address import Endpoint
from .connection_errors import CONNECT_TIMEOUT, advice, reason, wants_encryption
from .settings import TOKEN_VARIABLE, EndpointSettings

_GATEWAY_BUSY = frozenset({429, 502, 503, 504})
_EVERY_PHOTO = {
    401: "asks for a token, or refuses the one it got; set the token in the preferences or in " + TOKEN_VARIABLE,
    403: "refuses access; check the token in the preferences or in " + TOKEN_VARIABLE,
    404: "knows no such address; a rembg endpoint ends with /api/remove",
    405: "takes no pictures at this address; a rembg endpoint ends with /api/remove",
    407: "is reached through a proxy that asks for a password; check HTTP_PROXY and HTTPS_PROXY",
}
# What nginx, Go's servers and Apache answer where they are asked in the clear.
_ASKS_FOR_TLS = re.compile(r"HTTPS (port|server)|SSL-enabled server")
# Tries for one photo: where the server failed on it, and where it answers others meanwhile.
_TRIES_FAILING, _TRIES_UNHEARD = 4, 10
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 8.0
_WORDS = 300  # of a server's own, at most


@dataclass(frozen=True)
class Capabilities:
    """What a rembg server says of itself in ``/openapi.json``."""

    version: str
    models: tuple[str, ...]


class _PassingError(Exception):
    """May be over by the next try. ``alive``: the server did answer, so it is this photo that is in doubt."""

    def __init__(self, words: str, *, alive: bool, wait: float = 0.0) -> None:
        super().__init__(words)
        self.alive = alive
        self.wait = wait


class _Identity(requests.auth.AuthBase):
    """Sets the token; without one, keeps requests from sending what ~/.netrc holds for that host."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


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
        self._address: Endpoint = settings.check()
        self._settings = settings
        # A file or a shell often leaves a line end behind.
        self._token = token = token.strip()
        if not (token.isascii() and token.isprintable()):
            raise BadUseError("The token holds characters that no HTTP header can carry; copy it again")
        self._on_wait = on_wait
        self._stop = stop or threading.Event()
        self._last_answer = 0.0
        self._guard = threading.Lock()
        self.sent = self.received = 0
        """Bytes of pictures sent, and of answers to them."""
        self._session = requests.Session()
        self._session.auth = _Identity(token)
        # Loopback traffic never goes through a proxy, whatever HTTP_PROXY says.
        self._session.trust_env = not self._address.is_loopback
        adapter = HTTPAdapter(pool_connections=1, pool_maxsize=settings.in_flight)
        self._session.mount(self._address.base, adapter)

    @property
    def url(self) -> str:
        """The address that masks are asked of."""
        return self._address.url

    @property
    def has_answered(self) -> bool:
        """Whether the server has given a mask yet, so that its model is known to be loaded."""
        return self._last_answer > 0

    def capabilities(self) -> Capabilities:
        """Ask the server who it is, once. Raises EndpointError where it does not answer or is not rembg."""
        try:
            response = self._session.get(
                f"{self._address.base}/openapi.json", timeout=(CONNECT_TIMEOUT, 30.0), allow_redirects=False
            )
        except requests.RequestException as error:
            raise EndpointError(f"{reason(error, self._address)}. {advice(error, self._address)}") from error
        if "AirTunes" in response.headers.get("Server", ""):
            raise EndpointError(
                f"What answers at {self._address.base} is macOS's AirPlay receiver, which holds port 7000: switch it "
                "off, or start rembg on another port"
            )
        if response.status_code == 400 and _ASKS_FOR_TLS.search(response.text):
            raise EndpointError(wants_encryption(self._address))
        if response.status_code not in {404, 405}:  # what has no such page is no rembg, as is told below
            self._refuse_everybodys(response)
        if response.status_code in _GATEWAY_BUSY:
            raise EndpointError(f"{self._busy(response)}. {advice(None, self._address)}")
        try:
            description: dict[str, Any] = response.json()
            # The fields are query parameters of GET and form fields of POST; the names stand in both.
            parameters = description["paths"]["/api/remove"]["get"]["parameters"]
            pattern: str = next(each["schema"]["pattern"] for each in parameters if each["name"] == "model")
            version: str = description["info"]["version"]
            return Capabilities(self._hide(version), tuple(self._hide(pattern).strip("()").split("|")))
        except (ValueError, KeyError, TypeError, AttributeError, StopIteration) as error:
            raise EndpointError(
                f"What answers at {self._address.base} is not a rembg server; check the address and the port"
            ) from error

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
            response = self._session.post(
                self._address.url,
                # A name of our own: the photo's may hold what no header can, and is nobody's business.
                files={"file": ("photo", picture, media_type)},
                data=fields,
                timeout=(CONNECT_TIMEOUT, timeout),
                allow_redirects=False,
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
        self._refuse_everybodys(response)
        if response.status_code != 200:
            raise PhotoError(f"the server refused it ({response.status_code}: {self._words(response)})")
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip()
        if kind != "image/png":
            raise EndpointError(
                f"{self._address.url} answered with {self._hide(kind) or 'no content type'}, not a mask; "
                "is it a rembg server?"
            )
        with self._guard:
            self.sent += len(picture)
            self.received += len(response.content)
        try:
            return take(response.content)
        except ValueError as error:
            raise _PassingError(str(error), alive=True) from error

    def _refuse_everybodys(self, response: requests.Response) -> None:
        """Raise EndpointError for a status that every other photo would get as well."""
        status = response.status_code
        if 300 <= status < 400:
            elsewhere = self._hide(response.headers.get("Location", "elsewhere"))
            raise EndpointError(
                f"{self._address.url} redirects to {elsewhere}, which is not followed; enter the final address"
            )
        if status in _EVERY_PHOTO:
            raise EndpointError(f"{self._address.url} {_EVERY_PHOTO[status]} ({status}: {self._words(response)})")

    def _words(self, response: requests.Response) -> str:
        """What the server itself says of a failure, shortened, and never the token."""
        try:
            detail = response.json()["detail"]
            text = detail if isinstance(detail, str) else json.dumps(detail)
        except (ValueError, KeyError, TypeError):
            text = re.sub(r"<[^>]*>", " ", response.text)
        return self._hide(" ".join(text.split()))[:_WORDS] or self._hide(str(response.reason))

    def _busy(self, response: requests.Response) -> str:
        return f"The endpoint is busy ({response.status_code} {self._hide(str(response.reason))})"

    def _hide(self, text: str) -> str:
        """What a server says, without the token that it may say back."""
        return text.replace(self._token, "***") if self._token else text


def _retry_after(response: requests.Response) -> float:
    """Seconds that a Retry-After header asks for (RFC 9110, 10.2.3: a number or a date); 0 without one."""
    value = response.headers.get("Retry-After", "")
    if value.isdecimal():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError):
        return 0.0
