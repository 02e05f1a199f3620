# SPDX-License-Identifier: GPL-3.0-or-later
"""A small reverse proxy before a real server, with what nginx, Caddy and Traefik are set up to do."""

from __future__ import annotations

import base64
import ssl
import threading
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit


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


class ReverseProxy:
    """Use as a context manager."""

    def __init__(self, upstream: str, rules: Rules, *, certificate: Path | None = None) -> None:
        """``upstream`` is the address of the server behind. With a certificate (and its key), all over TLS."""
        self.rules = rules
        self.upstream = urlsplit(upstream).netloc
        self.logins: list[str] = []
        """The ``Authorization`` of every request."""
        self.pictures: list[str] = []
        """The path of every request that brings something."""
        self._http = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"proxy": self}))
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            # The handshake in the request's own thread: one that fails keeps nobody waiting.
            self._http.socket = context.wrap_socket(self._http.socket, server_side=True, do_handshake_on_connect=False)
        self.port = int(self._http.server_address[1])
        self.url = f"http{'s' if certificate else ''}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._http.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that do not trust the certificate drop their connections."""


class _Handler(BaseHTTPRequestHandler):
    proxy: ReverseProxy
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def version_string(self) -> str:
        """Give the name of who answers."""
        return "nginx/1.24.0"

    def do_GET(self) -> None:
        self._do()

    def do_POST(self) -> None:
        self._do()

    def _do(self) -> None:
        rules = self.proxy.rules
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        given = self.headers.get("Authorization", "")
        self.proxy.logins.append(given)
        if body:
            self.proxy.pictures.append(self.path)
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
        for public, inner in self.proxy.rules.routes.items():
            if self.path == public:
                return inner
            if public.endswith("/") and self.path.startswith(public):
                return inner + self.path.removeprefix(public)
        return ""

    def _pass_on(self, path: str, body: bytes) -> None:
        behind = HTTPConnection(self.proxy.upstream)
        headers = {"Content-Type": kind} if (kind := self.headers.get("Content-Type")) else {}
        behind.request(self.command, path, body, headers)
        answer = behind.getresponse()
        self._send(answer.status, answer.headers["Content-Type"], answer.read())
        behind.close()

    def _refuse(self, status: int, words: str, headers: dict[str, str] | None = None) -> None:
        page = f"<html><head><title>{status} {words}</title></head><body><hr><center>nginx</center></body></html>"
        self._send(status, "text/html", page.encode(), headers)

    def _send(self, status: int, kind: str, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name the base class gave it
        """Say nothing: ``logins`` and ``pictures`` tell it."""
