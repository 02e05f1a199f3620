# SPDX-License-Identifier: GPL-3.0-or-later
"""What the servers have in common that tests start in a thread of their own."""

from __future__ import annotations

import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self


class LocalServer:
    """Use as a context manager."""

    def __init__(self, handler: type[Handler], host: str, certificate: Path | None) -> None:
        """``handler`` is given this as its ``owner``. With a certificate (and its key), all over TLS."""
        self._http = _Server((host, 0), type("Handler", (handler,), {"owner": self}))
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            # The handshake in the request's own thread: one that fails keeps nobody waiting.
            self._http.socket = context.wrap_socket(self._http.socket, server_side=True, do_handshake_on_connect=False)
        self.port = int(self._http.server_address[1])
        self.url = f"http{'s' if certificate else ''}://{host}:{self.port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Answer nobody any more."""
        self._http.shutdown()
        self._http.server_close()


class Handler(BaseHTTPRequestHandler):
    """What becomes of a request, by ``answer``."""

    owner: Any
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_GET(self) -> None:
        """As any request."""
        self.answer()

    def do_POST(self) -> None:
        """As any request."""
        self.answer()

    def do_CONNECT(self) -> None:
        """As any request."""
        self.answer()

    def answer(self) -> None:
        """Read the request, and answer it."""
        raise NotImplementedError

    def send(self, status: int, headers: dict[str, str], body: bytes, words: str | None = None) -> None:
        """Send an answer, with other ``words`` than the usual ones of its status."""
        self.send_response(status, words)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name the base class gave it
        """Say nothing: the owner tells what came."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that are killed, or do not trust the certificate, drop their connections."""
