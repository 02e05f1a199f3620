# SPDX-License-Identifier: GPL-3.0-or-later
"""A Blender that stays between scripts, for tests: starting bpy takes longer than most of what it is asked.

Every script finds it as a process of its own would (fresh_bpy.py); what needs such a process says ``alone=True``.
"""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import TracebackType
from typing import IO, Self, cast

from bpy_process import Blender, Run

_DRIVER = Path(__file__).with_name("serve_in_bpy.py")


class _Process:
    """The bpy that stays. It is started when it is needed first, and again after it died."""

    def __init__(self) -> None:
        self.starts = 0
        self._process: subprocess.Popen[str] | None = None

    def ask(self, command: list[str], environment: dict[str, str], request: dict[str, object]) -> int:
        """Have a request done, and give the exit code; of the process itself, where it ended over it."""
        if self._process is None:
            self._process = self._start(command, environment, Path(str(request["stderr"])))
        try:
            requests, answers = (cast("IO[str]", each) for each in (self._process.stdin, self._process.stdout))
            requests.write(json.dumps(request) + "\n")
            requests.flush()
            answer = answers.readline()
        except BaseException:  # a test that is ended: what is half done is of no use to the next one
            self._process.kill()
            self.end()
            raise
        if answer:
            return int(json.loads(answer)["returncode"])
        return self.end()

    def _start(self, command: list[str], environment: dict[str, str], stderr: Path) -> subprocess.Popen[str]:
        self.starts += 1
        # The process outlasts the test that starts it: what coverage notes under is said with each request.
        environment = {**environment, "SCAN_CUTOUT_TEST": ""}
        pipe = subprocess.PIPE
        with stderr.open("a", encoding="utf-8") as said:
            return subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, stderr=said, encoding="utf-8")

    def end(self) -> int:
        """Have it leave, and give what it ended with."""
        process, self._process = self._process, None
        if process is None:
            return 0
        process.communicate()
        return process.returncode


@dataclass(frozen=True)
class ResidentBlender(Blender):
    """A Blender whose scripts run in one process, one after the other. Use as a context manager."""

    _process: _Process = field(default_factory=_Process, init=False, repr=False, compare=False)

    @classmethod
    def of(cls, blender: Blender) -> Self:
        """Give one with the version, user folder and add-on of another."""
        return cls(**{each.name: getattr(blender, each.name) for each in fields(Blender)})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.end()

    @property
    def starts(self) -> int:
        """How often the process that stays was started."""
        return self._process.starts

    def run(
        self, script: str | Path, *arguments: object, env: dict[str, str] | None = None, alone: bool = False
    ) -> Run:
        """Run a script as ``Blender.run`` does, in the process that stays or, ``alone``, in one of its own."""
        if alone:
            return super().run(script, *arguments, env=env)
        script, result_file = self._prepared(script)
        stdout, stderr = (result_file.with_name(name) for name in ("stdout.txt", "stderr.txt"))
        environment = {**self.environment, **(env or {})}
        request: dict[str, object] = {
            "script": str(script),
            "arguments": [str(each) for each in arguments],
            "result_file": str(result_file),
            "stdout": str(stdout),
            "stderr": str(stderr),
            "environment": environment,
            "folder": os.getcwd(),  # noqa: PTH109 - a text for JSON
        }
        code = self._process.ask([str(self.python), str(_DRIVER), self.module], environment, request)
        said = [
            path.read_text(encoding="utf-8", errors="replace") if path.exists() else "" for path in (stdout, stderr)
        ]
        return Run(code, *said, result_file)
