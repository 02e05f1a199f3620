# SPDX-License-Identifier: GPL-3.0-or-later
"""The address of a rembg endpoint, taken apart and judged before anything is sent to it."""

import ipaddress
import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import parse_qs, urlsplit

from ..common.errors import BadUseError

REMOVE_PATH = "/api/remove"
_FIELDS = frozenset({"model", "a", "af", "ab", "ae", "om", "ppm", "dc", "vm", "bgc", "extras"})
"""What rembg 2.0.86 takes in the query beside a picture's address."""
# An address may come with what stood around it, as in "running on http://0.0.0.0:7000 (Press CTRL+C to quit)".
_AROUND = " \t\r\n\"'`<>,"
_ADDRESS = re.compile(rf"https?://(?:(?!https?://)[^{_AROUND}])*", re.IGNORECASE)
_WITHOUT_SCHEME = re.compile(r"([\w.-]+|\[[\da-f:]+\]):\d+(/.*)?", re.IGNORECASE)


@dataclass(frozen=True)
class Endpoint:
    """Where masks are asked for (``url``), and the server's root in front of it (``base``, no final slash)."""

    url: str
    base: str
    host: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what a user typed or pasted; a bare server address gets ``/api/remove``. Raises BadUseError.

        A path of its own is left as it is: what it leads to is found by asking (``places``).
        """
        # Neither is quoted back: both are where people put secrets.
        if "@" in text:
            raise BadUseError(
                "The endpoint's address must not hold a user name or password; use the token instead, as user:password"
            )
        if "?" in text or "#" in text:
            raise BadUseError(_about_query(text))
        try:
            parts = urlsplit(_address_in(text))
            host, port = parts.hostname, parts.port
        except ValueError:  # a port that is no number or too large, or half a bracket
            host, port = None, None
        if not host or port == 0 or parts.scheme not in {"http", "https"} or not _can_be_looked_up(host):
            raise BadUseError(f"The endpoint {text!r} is not an address such as http://localhost:7000{REMOVE_PATH}")
        host = _to_ask(host)
        path = parts.path.rstrip("/")
        # Put together anew, so that the host that is judged is the host that is asked.
        origin = f"{parts.scheme}://" + (f"[{host}]" if ":" in host else host) + (f":{port}" if port else "")
        if not path:
            path = REMOVE_PATH
        return cls(origin + path, origin + path.removesuffix(REMOVE_PATH), host)

    @property
    def is_loopback(self) -> bool:
        """Whether the address is this computer and no other, judged by its name alone: nothing is looked up."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        parts = urlsplit(self.base)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def places(self) -> list[Self]:
        """The endpoints of the servers that may be meant, the likeliest first: at the path, then at what is above it.

        So a prefix counts as well as a page of the server: ``…/rembg``, ``…/rembg/api``, ``…/docs``.
        """
        origin, base = self.origin, self.base
        bases = [base]
        while base != origin:
            base = base.rpartition("/")[0]
            bases.append(base.rstrip("/"))
        return [type(self)(each + REMOVE_PATH, each, self.host) for each in dict.fromkeys(bases)]


def _address_in(text: str) -> str:
    """The one address in a text, without what stands around it. Raises BadUseError where there are several."""
    found = _ADDRESS.findall(text)
    if len(found) > 1:
        raise BadUseError(
            "The endpoint's address holds several addresses; write one, and use Add Endpoint in the preferences for "
            "each of the others"
        )
    if found:
        return str(found[0]).rstrip(");")
    word = text.strip(_AROUND).partition(" ")[0]
    return f"http://{word}" if _WITHOUT_SCHEME.fullmatch(word) else text.strip()


def _about_query(text: str) -> str:
    """Why an address must not go on behind its path."""
    names = parse_qs(text.partition("?")[2], keep_blank_values=True).keys()
    if "model" in names and names <= _FIELDS:
        return (
            "The endpoint's address must end with its path, without ?model=…; the model is chosen beside it, in the "
            "field Model (or by --model)"
        )
    return "The endpoint's address must end with its path, without ? or #; use the token for a key"


def _to_ask(host: str) -> str:
    """The host itself; this computer for 0.0.0.0 and ::, by which a server says that it listens everywhere."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    return {4: "127.0.0.1", 6: "::1"}[address.version] if address.is_unspecified else host


def _can_be_looked_up(host: str) -> bool:
    """Whether a host name has the form of one (RFC 1123, 2.1): parts of 1 to 63 letters between its dots."""
    return all(1 <= len(part) <= 63 for part in host.removesuffix(".").split("."))
