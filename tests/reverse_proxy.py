# SPDX-License-Identifier: GPL-3.0-or-later
"""A small reverse proxy before a real server, with what nginx, Caddy and Traefik are set up to do."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from local_server import Handler, LocalServer


@dataclass(frozen=True)
class Rules:
    """What a proxy does."""

    routes: dict[str, str] = field(default_factory=lambda: {"/": "/"})
    """Public path → path of the server behind; where both end with a slash, all that is below it as well."""
    forbidden: tuple[str, ...] = ()
    """Beginnings of public paths that are answered with 403."""
    login: str = ""
    """``user:password``, if it wants one."""
    guarded: str = "/"
    """The public path below which it wants that."""
    body_limit: int = 0
    """Bytes, as nginx's ``client_max_body_size``; 0 for none."""


class ReverseProxy(LocalServer):
    """Use as a context manager."""

    def __init__(self, upstream: str, rules: Rules, *, certificate: Path | None = None) -> None:
        """``upstream`` is the address of the server behind. With a certificate (and its key), all over TLS."""
        self.rules = rules
        self.upstream = urlsplit(upstream).netloc
        self.logins: list[str] = []
        """The ``Authorization`` of every request."""
        self.pictures: list[str] = []
        """The path of every request that brings something."""
        super().__init__(_Handler, "127.0.0.1", certificate)


class _Handler(Handler):
    owner: ReverseProxy

    def version_string(self) -> str:
        """Give the name of who answers."""
        return "nginx/1.24.0"

    def answer(self) -> None:
        rules = self.owner.rules
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        given = self.headers.get("Authorization", "")
        self.owner.logins.append(given)
        if body:
            self.owner.pictures.append(self.path)
        wanted = f"Basic {base64.b64encode(rules.login.encode()).decode()}"
        if rules.login and self.path.startswith(rules.guarded) and given != wanted:
            self._refuse(401, "Authorization Required", {"WWW-Authenticate": 'Basic realm="rembg"'})
        elif self.path.startswith(rules.forbidden or ("\0",)):
            self._refuse(403, "Forbidden")
        elif rules.body_limit and len(body) > rules.body_limit:
            self._refuse(413, "Request Entity Too Large")
        elif inner := self._inner():
            self._pass_on(inner, body)
        else:
            self._refuse(404, "Not Found")

    def _inner(self) -> str:
        """The path at the server behind; empty where there is none."""
        for public, inner in self.owner.rules.routes.items():
            if self.path == public:
                return inner
            if public.endswith("/") and self.path.startswith(public):
                return inner + self.path.removeprefix(public)
        return ""

    def _pass_on(self, path: str, body: bytes) -> None:
        behind = HTTPConnection(self.owner.upstream)
        headers = {"Content-Type": kind} if (kind := self.headers.get("Content-Type")) else {}
        behind.request(self.command, path, body, headers)
        answer = behind.getresponse()
        self._send(answer.status, answer.headers["Content-Type"], answer.read())
        behind.close()

    def _refuse(self, status: int, words: str, headers: dict[str, str] | None = None) -> None:
        page = f"<html><head><title>{status} {words}</title></head><body><hr><center>nginx</center></body></html>"
        self._send(status, "text/html", page.encode(), headers)

    def _send(self, status: int, kind: str, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send(status, {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}, body)
