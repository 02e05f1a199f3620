# SPDX-License-Identifier: GPL-3.0-or-later
"""The address of a rembg endpoint, taken apart and judged before anything is sent to it."""

import ipaddress
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from ..common.errors import BadUseError

REMOVE_PATH = "/api/remove"


@dataclass(frozen=True)
class Endpoint:
    """Where masks are asked for (``url``), and the server's root in front of it (``base``, no final slash)."""

    url: str
    base: str
    host: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what a user typed; a bare server address gets ``/api/remove``. Raises BadUseError."""
        # Neither is quoted back: both are where people put secrets.
        if "@" in text:
            raise BadUseError("The endpoint's address must not hold a user name or password; use the token instead")
        if "?" in text or "#" in text:
            raise BadUseError("The endpoint's address must end with its path, without ? or #; use the token for a key")
        try:
            parts = urlsplit(text.strip())
            host, port = parts.hostname, parts.port
        except ValueError:  # a port that is no number or too large, or half a bracket
            host, port = None, None
        if not host or port == 0 or parts.scheme not in {"http", "https"} or not _can_be_looked_up(host):
            raise BadUseError(f"The endpoint {text!r} is not an address such as http://localhost:7000{REMOVE_PATH}")
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


def _can_be_looked_up(host: str) -> bool:
    """Whether a host name has the form of one (RFC 1123, 2.1): parts of 1 to 63 letters between its dots."""
    return all(1 <= len(part) <= 63 for part in host.removesuffix(".").split("."))
