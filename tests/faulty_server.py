# SPDX-License-Identifier: GPL-3.0-or-later
"""A small HTTP server that goes wrong on demand, where a real rembg server would not.

It speaks just so much of rembg's interface that the client takes it for one: ``/openapi.json`` and
``POST /api/remove``. Its mask of a picture is what is bright in it.
"""

from __future__ import annotations

import io
import json
import os
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from local_server import Handler, LocalServer
from PIL import Image, ImageFilter

MODELS = ("u2net", "u2netp", "isnet-general-use", "u2net_cloth_seg", "withoutbg")
OPENAPI: dict[str, Any] = {
    "info": {"title": "Rembg", "version": "2.0.86"},
    "paths": {
        "/api/remove": {
            "get": {"parameters": [{"name": "model", "schema": {"pattern": f"({'|'.join(MODELS)})"}}]},
        }
    },
}


_MISSING = {"detail": [{"type": "missing", "loc": ["body", "file"], "msg": "Field required", "input": None}]}


@dataclass(frozen=True)
class Request:
    """What reached the server."""

    method: str
    path: str
    headers: dict[str, str]
    """Names in lower case."""
    fields: dict[str, bytes]
    """Form fields, the picture's bytes as ``file``."""
    number: int
    """Counts POST requests from 0."""


@dataclass(frozen=True)
class Answer:
    """What the server does about a request; by itself, a good mask."""

    status: int = 200
    reason: str | None = None
    body: bytes | Callable[[bytes], bytes] | None = None
    """Given the picture where it is a function; None is a good mask."""
    content_type: str | None = "image/png"
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    hang: bool = False
    """Never answer."""
    reset: bool = False
    """Drop the connection as a crash would."""
    break_off: bool = False
    """Promise twice as much as is sent, then close."""


NO_PICTURE = Answer(422, body=json.dumps(_MISSING).encode(), content_type="application/json")
"""What rembg says to a request without a picture."""


def good_mask(picture: bytes) -> bytes:
    """What is bright in a picture, soft at the edge, over the upright picture."""
    image = Image.open(io.BytesIO(picture))
    turns = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_270, 8: Image.Transpose.ROTATE_90}
    if turn := turns.get(image.getexif().get(0x0112, 1)):
        image = image.transpose(turn)
    return png(image.convert("L").filter(ImageFilter.BoxBlur(3)))


def png(image: Image.Image) -> bytes:
    """A picture as PNG."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


Script = Callable[[Request], Answer]


def in_turn(*answers: Answer) -> Script:
    """One answer after the other, then only good ones."""
    return lambda request: answers[request.number] if request.number < len(answers) else Answer()


def always(answer: Answer) -> Script:
    """The same answer every time."""
    return lambda _request: answer


class FaultyServer(LocalServer):
    """Use as a context manager. ``script`` may be changed at any time."""

    def __init__(self, *, host: str = "127.0.0.1", certificate: Path | None = None) -> None:
        """``script`` answers every picture, ``openapi`` every GET. With a certificate (and its key), all over TLS."""
        self.script: Script = always(Answer())
        self.openapi = Answer(body=json.dumps(OPENAPI).encode(), content_type="application/json")
        self.without_picture: Answer | None = None
        """Answers every POST that has no picture; unset, as rembg does where ``openapi`` describes it, else that."""
        self.requests: list[Request] = []
        """Every POST of a picture."""
        self.visits: list[Request] = []
        """Every request at all."""
        self.connections = 0
        self.most_in_flight = 0
        self._in_flight = 0
        self._guard = threading.Lock()
        self._closing = threading.Event()
        super().__init__(_Handler, host, certificate)
        self.endpoint = f"{self.url}/api/remove"

    def stop(self) -> None:
        """Answer nobody any more."""
        self._closing.set()
        super().stop()

    def held(self, gate: Path) -> Script:
        """Good masks, but none before the file ``gate`` is there: a job lasts as long as the test wants it to."""

        def script(_request: Request) -> Answer:
            self.wait_until(gate.exists)
            return Answer()

        return script

    def passed_on(self, endpoint: str, count: int, gate: Path) -> Script:
        """A real server's answers; after ``count`` requests none before the file ``gate`` is there."""
        held = self.held(gate)

        def script(request: Request) -> Answer:
            if request.number >= count:
                held(request)
            if self._closing.is_set():  # nobody waits for it any more, and the real server is the next test's
                return Answer(status=500)
            fields = {name: value for name, value in request.fields.items() if name != "file"}
            answer = requests.post(endpoint, files={"file": request.fields["file"]}, data=fields, timeout=600)
            return Answer(answer.status_code, body=answer.content, content_type=answer.headers["Content-Type"])

        return script

    def received(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[Request, Answer]:
        """Note a request and look up what to do about it."""
        fields = _form_fields(headers.get("content-type", ""), body)
        with self._guard:
            request = Request(method, path, headers, fields, len(self.requests))
            self.visits.append(request)
            if method != "POST":
                return request, self.openapi
            if not body:
                return request, self._without_picture()
            self.requests.append(request)
            self._in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self._in_flight)
        return request, self.script(request)

    def _without_picture(self) -> Answer:
        is_rembg = isinstance(self.openapi.body, bytes) and b'"/api/remove"' in self.openapi.body
        return self.without_picture or (NO_PICTURE if is_rembg else self.openapi)

    def answered(self, request: Request) -> None:
        """Note that a request is not waiting any more."""
        with self._guard:
            self._in_flight -= bool(request.fields)

    def connected(self) -> None:
        """Note a new connection."""
        with self._guard:
            self.connections += 1

    def wait_until(self, condition: Callable[[], Any]) -> None:
        """Hold a request until something is true, for as long as the server lives."""
        while not condition() and not self.wait(0.01):
            pass

    def wait(self, seconds: float) -> bool:
        """Wait, and tell whether the server was stopped meanwhile."""
        return self._closing.wait(seconds)


class _Handler(Handler):
    owner: FaultyServer

    def setup(self) -> None:
        super().setup()
        self.owner.connected()

    def answer(self) -> None:
        """Have the owner say what to do, and do that."""
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        if len(body) < length:  # from a client that was killed while it asked
            self.close_connection = True
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        request, answer = self.owner.received(self.command, self.path, headers, body)
        try:
            if self.owner.wait(3600 if answer.hang else answer.delay):
                self.close_connection = True
                return
        finally:
            # Before the answer is out: the client may be quicker with its next request than this thread.
            self.owner.answered(request)
        if answer.reset:
            self._reset()
        else:
            self._send(answer, _body(answer, request))

    def _send(self, answer: Answer, body: bytes) -> None:
        kind = {} if answer.content_type is None else {"Content-Type": answer.content_type}
        length = {"Content-Length": str(len(body) * (2 if answer.break_off else 1))}
        self.send(answer.status, kind | length | answer.headers, body, answer.reason)
        self.close_connection |= answer.break_off

    def _reset(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handle = self.connection.detach()
        if os.name == "nt":
            socket.close(handle)
        else:
            os.close(handle)


def _body(answer: Answer, request: Request) -> bytes:
    if isinstance(answer.body, bytes):
        return answer.body
    return (answer.body or good_mask)(request.fields["file"])


def _form_fields(content_type: str, body: bytes) -> dict[str, bytes]:
    _, _, boundary = content_type.partition("boundary=")
    fields = {}
    for part in body.split(b"--" + boundary.encode())[1:-1] if boundary else []:
        head, _, content = part.partition(b"\r\n\r\n")
        name = head.partition(b' name="')[2].partition(b'"')[0]
        fields[name.decode()] = content.removesuffix(b"\r\n")
    return fields
