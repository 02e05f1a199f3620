# SPDX-License-Identifier: GPL-3.0-or-later
"""A real rembg server on a free loopback port, for the demo, the tests and the benchmarks."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

sys.path.insert(0, str(Path(__file__).parent))
import environments

_STARTING = 600.0  # seconds; about 10 on two idle cores


class RembgServer:
    """Use as a context manager, or ``start``, ``kill`` and ``start`` again on the same port."""

    def __init__(self, log: Path) -> None:
        """``log`` receives what the server prints."""
        self.port = _free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}/api/remove"
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server and wait until it answers. Raises RuntimeError with its last words where it does not."""
        program = str(environments.python_of("rembg").with_name("rembg"))
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [program, "s", "--host", "127.0.0.1", "--port", str(self.port), "--no-ui"],
                stdout=log,
                stderr=log,
                # The weights are there: nothing is downloaded. The numba cache makes the second start quicker. And
                # onnxruntime, from 1.29 on, tells Microsoft of its use unless that is forbidden.
                env={
                    **os.environ,
                    "U2NET_HOME": str(environments.MODELS),
                    "NO_PROXY": "127.0.0.1",
                    "ORT_DISABLE_TELEMETRY": "1",
                },
            )
        deadline = time.monotonic() + _STARTING
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                last = self._log.read_text(errors="replace")[-800:]
                raise RuntimeError(f"The rembg server did not start; its last words:\n{last}")
            time.sleep(0.2)

    def stop(self) -> None:
        """End the server in good order."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(timeout=20)
            except subprocess.TimeoutExpired:  # on a busy machine: what it did for others is done
                self.kill()
            self._process = None

    def kill(self) -> None:
        """End the server at once, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=60)
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _answers(self) -> bool:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(f"http://127.0.0.1:{self.port}/openapi.json", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
