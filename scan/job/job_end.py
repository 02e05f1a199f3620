# SPDX-License-Identifier: GPL-3.0-or-later
"""How a job ends."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from ..common.errors import PhotoError, ScanError

CANCELLED = 130
"""The exit code of a job that was cancelled: a shell's for a program that was interrupted."""
_DONE, _SOME_FAILED = "done", "some_failed"


@dataclass(frozen=True, kw_only=True)
class JobEnd:
    """How a job ended, for whoever started it."""

    status: str = "failed"
    """``done``, ``some_failed``, ``all_failed``, ``cancelled``, ``stopped`` or ``failed``."""
    exit_code: int = ScanError.exit_code
    """0, that of the error (see ``scan.common.errors``), or CANCELLED."""
    message: str = ""
    """One sentence or two, without the final full stop."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """The task's own facts. In JSON they lie beside the others."""

    @classmethod
    def done(cls, message: str, **details: Any) -> Self:
        """Returns the end of a job in which nothing failed."""
        return cls(status=_DONE, exit_code=0, message=message, details=details)

    @classmethod
    def some_failed(cls, message: str, **details: Any) -> Self:
        """Returns the end of a job that lacks something of single photos."""
        return cls(status=_SOME_FAILED, exit_code=PhotoError.exit_code, message=message, details=details)

    @classmethod
    def cancelled(cls, message: str = "Cancelled", **details: Any) -> Self:
        """Returns the end of a job that the user has cancelled, or that has lost its Blender."""
        return cls(status="cancelled", exit_code=CANCELLED, message=message, details=details)

    @classmethod
    def of(cls, error: ScanError, **details: Any) -> Self:
        """Returns the end of a job by an error."""
        return cls(exit_code=error.exit_code, message=str(error), details=details)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Returns what ``to_json`` was made of. What is missing or of another type has its default."""
        status, code, message = (values.get(name) for name in ("status", "exit_code", "message"))
        return cls(
            status=status if isinstance(status, str) else cls.status,
            exit_code=code if isinstance(code, int) else cls.exit_code,
            message=message if isinstance(message, str) else cls.message,
            details={name: value for name, value in values.items() if name not in {"status", "exit_code", "message"}},
        )

    def to_json(self) -> dict[str, Any]:
        """Returns the end as plain values, the details beside status, exit code and message."""
        return {"status": self.status, "exit_code": self.exit_code, "message": self.message, **self.details}

    @property
    def is_done(self) -> bool:
        """Whether nothing failed."""
        return self.status == _DONE

    @property
    def has_failures(self) -> bool:
        """Whether the job went through and lacks something of single photos."""
        return self.status == _SOME_FAILED

    @property
    def can_continue(self) -> bool:
        """Whether what was made is worth going on with."""
        return self.is_done or self.has_failures
