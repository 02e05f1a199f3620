# SPDX-License-Identifier: GPL-3.0-or-later
"""The events of a journal, each a line of JSON. Whatever a version writes, every later one reads."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from .job_end import JobEnd
from .json_fields import FLAT, read, renamed, write
from .records import PhotoRecord

_OF_EVERY_EVENT = frozenset({"event", "run", "time"})


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened in a job."""

    name: ClassVar[str] = ""
    """What the line of JSON calls it, under ``event``."""
    run: str = ""
    """Which start of the worker wrote it."""
    time: float = 0.0
    """Seconds since the epoch."""

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Self:
        """Returns an event of this kind from a JSON object."""
        return read(cls, values)

    def to_json(self) -> dict[str, Any]:
        """Returns the event as values for ``json.dumps``."""
        return {"event": self.name, **write(self)}


@dataclass(frozen=True, kw_only=True)
class Started(Event):
    """A task begins."""

    name = "started"
    task: str = ""
    photos: int = 0
    """How many there are."""
    names: tuple[str, ...] | None = None
    """Their names in order, in a preview."""
    engine: str | None = None
    """What solves, in a reconstruction."""


@dataclass(frozen=True, kw_only=True)
class StepProgress(Event):
    """How far a step is: so many of ``total`` are done, so many have failed."""

    name = "progress"
    step: str = ""
    """What the engine calls it; empty where photos are counted."""
    done: int = 0
    failed: int = 0
    total: int = 0


@dataclass(frozen=True, kw_only=True)
class PhotoDone(Event):
    """All that is wanted of a photo is made."""

    name = "photo_done"
    photo: str = ""
    record: PhotoRecord | None = field(default=None, metadata=FLAT)
    """What a strip has made."""
    copy_key: str | None = renamed(None, "key")
    """Names the undistorted copy that an import has made."""
    thumbnail: str | None = None
    """The file of a small picture, in the job's folder for them."""
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class PhotoFailed(Event):
    """A photo failed; the others go on."""

    name = "photo_failed"
    photo: str = ""
    reason: str = ""
    """What is wrong with it and what to do: goes on a sentence that begins with the photo."""


@dataclass(frozen=True, kw_only=True)
class PhotoStands(Event):
    """A photo that failed before has all that is wanted of it."""

    name = "photo_stands"
    photo: str = ""


@dataclass(frozen=True, kw_only=True)
class MaskAnnounced(Event):
    """A mask is about to be written: one on disk with this hash was made by a run, and by no person."""

    name = "mask_announced"
    photo: str = ""
    mask_sha256: str = renamed("", "sha256")


@dataclass(frozen=True, kw_only=True)
class SoftAnnounced(Event):
    """A soft mask is about to take the place of the one that the photo's record names."""

    name = "soft_announced"
    photo: str = ""


@dataclass(frozen=True, kw_only=True)
class MaskFound(Event):
    """A mask is on disk of which the journal has no record: a person put it there, or the journal is gone."""

    name = "mask_found"
    photo: str = ""
    record: PhotoRecord | None = field(default=None, metadata=FLAT)


@dataclass(frozen=True, kw_only=True)
class PhotosCarried(Event):
    """Photos have other names than before: from now on, their records and files are under these."""

    name = "photos_carried"
    relocation: str = ""
    """Names the folder in which the files wait until they are in their places."""
    moves: tuple[tuple[str, str, tuple[int, int]], ...] = ()
    """Of each photo its earlier name, its name, and the stamp of its file; all of them change at once."""


@dataclass(frozen=True, kw_only=True)
class MasksLeft(Event):
    """The user was told of masks that are left where they are, since their photo is gone or cannot be told."""

    name = "masks_left"
    photos: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ContactSheetDrawn(Event):
    """The contact sheet is written."""

    name = "contact_sheet"
    shows: str = ""
    """Names the photos, masks and failures that it shows."""


@dataclass(frozen=True, kw_only=True)
class Paused(Event):
    """Nothing happens until something outside changes."""

    name = "paused"
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Log(Event):
    """Something that the user may read."""

    name = "log"
    level: str = "info"
    """``info`` or ``warning``."""
    text: str = ""
    photo: str | None = None
    """What it is about."""


@dataclass(frozen=True, kw_only=True)
class PreviewWaiting(Event):
    """The preview shows a photo alone while the model is asked for its mask."""

    name = "preview_waiting"
    photo: str = ""
    number: int = 0
    """Of the message that this answers."""
    picture_path: str = ""
    size: tuple[int, int] = (0, 0)
    """Width and height of the picture in pixels."""


@dataclass(frozen=True, kw_only=True)
class Previewed(Event):
    """The preview shows a photo with the outline of its mask."""

    name = "previewed"
    photo: str = ""
    number: int = 0
    picture_path: str = ""
    size: tuple[int, int] = (0, 0)
    """Width and height of the picture in pixels."""
    orientation: int = 1
    """EXIF orientation of the photo, 1 to 8."""
    working_path: str = ""
    """The photo's own file, or the JPEG of a HEIC photo."""
    mask_path: str = ""
    """The mask that a run has made; empty without one."""
    foreground: float = 0.0
    """The share of the photo that the mask keeps, 0 to 1."""
    is_painted: bool = False
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class PreviewFailed(Event):
    """A photo cannot be previewed."""

    name = "preview_failed"
    photo: str = ""
    number: int = 0
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Finished(Event):
    """The job has ended: the last event of a run."""

    name = "finished"
    end: JobEnd = field(default_factory=JobEnd)

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Self:
        """Returns the event; all that is not of every event is the end's."""
        end = JobEnd.from_json({name: value for name, value in values.items() if name not in _OF_EVERY_EVENT})
        stamp = read(Event, values)
        return cls(run=stamp.run, time=stamp.time, end=end)

    def to_json(self) -> dict[str, Any]:
        """Returns the event, the end beside what every event has."""
        return {"event": self.name, "run": self.run, "time": self.time, **self.end.to_json()}


_KINDS = {kind.name: kind for kind in Event.__subclasses__()}


def from_json(values: object) -> Event | None:
    """Returns the event in a journal's line; None for what is none, or one of a later version."""
    kind = _KINDS.get(str(values.get("event"))) if isinstance(values, dict) else None
    return kind.from_values(values) if kind is not None and isinstance(values, dict) else None
