# SPDX-License-Identifier: GPL-3.0-or-later
"""What the events of earlier runs say of each photo."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from .events import (
    Event,
    MaskAnnounced,
    MaskFound,
    MasksLeft,
    PhotoDone,
    PhotoFailed,
    PhotosCarried,
    PhotoStands,
    SoftAnnounced,
    Started,
)
from .records import PhotoRecord


def last_records(events: Iterable[Event]) -> dict[str, PhotoRecord]:
    """Returns photo → its last record, for every photo whose mask was ever made or found.

    Of runs that ended before the photo was done, it holds the masks they announced; its ``soft_key`` is empty where
    they announced another soft mask.
    """
    records: dict[str, PhotoRecord] = {}
    for event in events:
        match event:
            case PhotoDone(record=PhotoRecord() as record) | MaskFound(record=PhotoRecord() as record):
                records[event.photo] = record
            case MaskAnnounced() if earlier := records.get(event.photo):
                records[event.photo] = replace(earlier, announced=(*earlier.announced, event.mask_sha256))
            case SoftAnnounced() if earlier := records.get(event.photo):
                records[event.photo] = replace(earlier, soft_key="")
            case PhotosCarried():
                carried = [(name, stamp, records.pop(earlier, None)) for earlier, name, stamp in event.moves]
                records |= {name: _seen(record, stamp) for name, stamp, record in carried if record is not None}
    return records


def _seen(record: PhotoRecord, stamp: tuple[int, int]) -> PhotoRecord:
    return replace(record, seen_stamp=None if stamp == record.file_stamp else stamp)


def left_masks(events: Iterable[Event]) -> set[str]:
    """Returns the photos, gone since, of whose masks the user was told that they are left."""
    left: set[str] = set()
    for event in events:
        match event:
            case MasksLeft():
                left.update(event.photos)
            case PhotoDone() | MaskFound():
                left.discard(event.photo)
            case PhotosCarried():
                left.difference_update(name for earlier, name, _ in event.moves for name in (earlier, name))
    return left


def announced_masks(events: Iterable[Event]) -> dict[str, set[str]]:
    """Returns photo → SHA-256 of all masks that were ever to be written: by these, a killed run's mask is ours."""
    hashes: dict[str, set[str]] = defaultdict(set)
    for event in events:
        if isinstance(event, MaskAnnounced):
            hashes[event.photo].add(event.mask_sha256)
    return hashes


def made_masks(events: Iterable[Event]) -> set[str]:
    """Returns the SHA-256 of all masks that runs have made, or were about to: a file with another is a person's own."""
    events = list(events)
    hashes = {event.mask_sha256 for event in events if isinstance(event, MaskAnnounced)}
    for event in events:
        if isinstance(event, PhotoDone | MaskFound) and (record := event.record):
            hashes |= {record.mask_sha256} if record.is_mask_ours or record.adopted_sha256 else set()
    return hashes


def last_failures(events: Iterable[Event]) -> dict[str, str]:
    """Returns photo → why it has no new mask, where that is the last that strips say of it."""
    strips: set[str] = set()
    failures: dict[str, str] = {}
    for event in events:
        if isinstance(event, Started) and event.task == "strip":
            strips.add(event.run)
        elif event.run in strips and isinstance(event, PhotoFailed):
            failures[event.photo] = event.reason
        elif event.run in strips and isinstance(event, PhotoDone | PhotoStands):
            failures.pop(event.photo, None)
    return failures
