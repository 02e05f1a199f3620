# SPDX-License-Identifier: GPL-3.0-or-later
"""The address of a rembg endpoint, taken apart and judged before anything is sent to it."""

import ipaddress
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from .errors import BadUseError

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
        parts = urlsplit(text.strip())
        try:
            valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        except ValueError:  # a port that is no number or too large
            valid = False
        if not valid or parts.hostname is None:
            raise BadUseError(f"The endpoint {text!r} is not an address such as http://localhost:7000{REMOVE_PATH}")
        if parts.username is not None:
            raise BadUseError("The endpoint's address must not hold a user name or password; use the token instead")
        if parts.query or parts.fragment:
            raise BadUseError(f"The endpoint {text!r} must end with its path, without ? or #")
        path = parts.path.rstrip("/")
        origin = f"{parts.scheme}://{parts.netloc}"
        if not path:
            path = REMOVE_PATH
        return cls(origin + path, origin + path.removesuffix(REMOVE_PATH), parts.hostname)

    @property
    def is_loopback(self) -> bool:
        """Whether the address is this computer and no other, judged by its name alone: nothing is looked up."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False
