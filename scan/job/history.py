# SPDX-License-Identifier: GPL-3.0-or-later
"""What the events of earlier runs say of each photo."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from .events import Event, MaskAnnounced, MaskFound, PhotoDone, PhotoFailed, PhotoStands, SoftAnnounced, Started
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
    return records


def announced_masks(events: Iterable[Event]) -> dict[str, set[str]]:
    """Returns photo → SHA-256 of all masks that were ever to be written: by these, a killed run's mask is ours."""
    hashes: dict[str, set[str]] = defaultdict(set)
    for event in events:
        if isinstance(event, MaskAnnounced):
            hashes[event.photo].add(event.mask_sha256)
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
