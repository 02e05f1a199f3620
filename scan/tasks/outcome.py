# SPDX-License-Identifier: GPL-3.0-or-later
"""How a run ended: one sentence, an exit code, and ``report.json``."""

from dataclasses import dataclass
from typing import Any

from ..common.errors import PhotoError, ScanError
from ..common.text import count, were
from ..job.job_end import CANCELLED, JobEnd
from ..job.records import PhotoRecord
from ..job.versions import versions

_NAMED = 3  # failed photos that the sentence names; the report names all
_OF_A_MASK = ("foreground", "centroid", "box")


@dataclass(frozen=True)
class Outcome:
    """What became of every photo."""

    photos: int
    done: int
    """Photos that have a mask now, from this run or an earlier one."""
    made: int
    """Photos whose mask this run made."""
    adopted: int
    """Photos whose own mask, made elsewhere, this run adopted."""
    cutouts: int
    """Photos whose cutout this run made, be it of an earlier mask."""
    carried: dict[str, str]
    """Earlier name → name of the photos whose masks went along with them."""
    failed: dict[str, str]
    """Photo → reason."""
    developed: dict[str, str]
    """RAW file that was passed over → the photo that was developed of it."""
    seconds: float
    masks: dict[str, PhotoRecord]
    """Photo → its record, for every photo that has a mask."""
    wants_cutouts: bool
    model: str
    """What answered, with its version; empty where nothing was asked."""
    traffic: dict[str, int]
    """Bytes ``sent`` and ``received``."""
    cancelled: bool
    trouble: ScanError | None
    """What ended the run early."""

    @property
    def status(self) -> str:
        """``done``, ``some_failed``, ``all_failed``, ``cancelled`` or ``stopped``."""
        if self.trouble is not None:
            return "stopped"
        if self.cancelled:
            return "cancelled"
        if self.failed and not self.done:
            return "all_failed"
        return "some_failed" if self.failed or self.no_cutouts else "done"

    @property
    def exit_code(self) -> int:
        """0 all done, 3 endpoint away, 4 photos or cutouts failed, 130 cancelled; what the trouble says otherwise."""
        if self.trouble is not None:
            return self.trouble.exit_code
        if self.cancelled:
            return CANCELLED
        return PhotoError.exit_code if self.failed or self.no_cutouts else 0

    @property
    def no_cutouts(self) -> dict[str, str]:
        """Photo → why it has no cutout, where cutouts are wanted."""
        masks = self.masks if self.wants_cutouts else {}
        return {name: record.no_cutout for name, record in masks.items() if record.no_cutout is not None}

    @property
    def message(self) -> str:
        """The end of the run in a sentence or two."""
        said = f"{self.done} of {self.photos} photos have a mask"
        if self.made < self.done:
            cutouts = f" and {count(self.cutouts, 'cutout')}" if self.cutouts else ""
            adopted = f", {self.adopted} of them adopted now" if self.adopted else ""
            said += f"{adopted}, {self.made} of them{cutouts} made now"
        if number := len(self.carried):
            names = "its photo's new name" if number == 1 else "their photos' new names"
            said += f". {were(number, 'mask')} carried to {names}"
        if self.failed:
            said += f". {len(self.failed)} failed: {_named(self.failed)}"
        if self.no_cutouts:
            said += f". {len(self.no_cutouts)} without a cutout: {_named(self.no_cutouts)}"
        if self.trouble is not None:
            return f"{self.trouble}. {self.done} of {self.photos} done, run again to go on"
        if self.cancelled:
            return f"Cancelled: {said}. Run again to go on"
        return said

    def end(self) -> JobEnd:
        """Returns the end of the job; its details are ``photos``, ``no_cutouts`` and ``seconds``."""
        photos = {
            "found": self.photos,
            "done": self.done,
            "made": self.made,
            **({"adopted": self.adopted} if self.adopted else {}),
            "failed": [{"photo": name, "reason": reason} for name, reason in self.failed.items()],
        }
        return JobEnd(
            status=self.status,
            exit_code=self.exit_code,
            message=self.message,
            details={"photos": photos, "no_cutouts": self.no_cutouts, "seconds": round(self.seconds, 3)},
        )

    def report(self, settings: dict[str, Any]) -> dict[str, Any]:
        """Returns what is written to ``report.json``; ``settings`` are those of the job, as plain values."""
        end = self.end().to_json()
        seconds = end.pop("seconds")
        return {
            **end,
            "developed": self.developed,
            "masks": {
                name: {fact: getattr(record, fact) for fact in _OF_A_MASK} for name, record in self.masks.items()
            },
            "carried": self.carried,
            "seconds": seconds,
            "bytes": self.traffic,
            "settings": settings,
            "versions": {**versions(), "model": self.model},
        }


def _named(reasons: dict[str, str]) -> str:
    named = "; ".join(f"{name}: {reason}" for name, reason in list(reasons.items())[:_NAMED])
    return named + (f"; and {len(reasons) - _NAMED} more, see report.json" if len(reasons) > _NAMED else "")
