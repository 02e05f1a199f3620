# SPDX-License-Identifier: GPL-3.0-or-later
"""A look at photos and masks before an engine gets them, so that what is wrong is said before the wait, not after."""

import hashlib
import os
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..common.errors import BadUseError, Cancelled, PhotoError
from ..common.text import count, some
from ..masks.saved_masks import THRESHOLD, OtherSizeError, looks_inverted, read_saved_mask
from ..photos.header import read_facts
from ..photos.photo import Photo
from .engine import Requirements, ScanPhoto

_MOST_THREADS = 8


@dataclass(frozen=True)
class Finding:
    """Something the user should know before the engine runs."""

    text: str
    level: str = "info"
    """``info`` or ``warning``."""


@dataclass(frozen=True)
class Preflight:
    """What was found."""

    photos: tuple[ScanPhoto, ...]
    """Those that can go to the engine."""
    left_out: dict[str, str]
    """Photo → why it cannot, and what to do."""
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class _Mask:
    sha256: bytes
    is_clean: bool
    kept: float
    """Share of the picture, 0 to 1."""
    box: tuple[int, int, int, int] | None
    """Left, upper, right and lower edge of what it keeps; None where it keeps nothing."""
    is_inverted: bool


@dataclass(frozen=True)
class Looked:
    """What was seen of one photo and its mask."""

    photo: ScanPhoto
    mask: _Mask | None


def preflight(
    photos: Sequence[Photo],
    mask_of: Callable[[Photo], Path] | None,
    requirements: Requirements,
    title: str,
    cancel: threading.Event,
    refused: Mapping[Photo, PhotoError] | None = None,
) -> Preflight:
    """Look at every photo's header and at every mask. ``mask_of`` is None where the scan goes without masks.

    ``refused`` are photos that need no look, since it is known why they cannot go to the engine.

    Raises BadUseError, in one sentence with what to do, where the engine called ``title`` cannot work with what there
    is; Cancelled.
    """
    if words := too_few(len(photos), requirements, title):
        raise BadUseError(words)
    looked, left_out = look_at(photos, mask_of, requirements, title, cancel, refused)
    _refuse_too_few(len(photos), len(looked), left_out, requirements, title)
    usable = tuple(each.photo for each in looked)
    findings = [
        *about_left_out(left_out),
        *_about_masks(looked),
        *about_cameras(usable, title),
        *_about_sides(usable),
    ]
    return Preflight(usable, left_out, tuple(findings))


def look_at(
    photos: Sequence[Photo],
    mask_of: Callable[[Photo], Path] | None,
    requirements: Requirements,
    title: str,
    cancel: threading.Event,
    refused: Mapping[Photo, PhotoError] | None = None,
) -> tuple[list[Looked], dict[str, str]]:
    """What was seen of the photos that can go to an engine; and photo → why it cannot. Raises Cancelled."""
    looked: list[Looked] = []
    left_out: dict[str, str] = {}

    def look(photo: Photo) -> Looked | PhotoError:
        if cancel.is_set():
            raise Cancelled
        if refused and photo in refused:
            return refused[photo]
        try:
            return _look(photo, mask_of(photo) if mask_of else None, requirements, title)
        except PhotoError as error:
            return error

    with ThreadPoolExecutor(min(_MOST_THREADS, os.cpu_count() or 1)) as pool:
        for photo, result in zip(photos, pool.map(look, photos), strict=True):
            if isinstance(result, Looked):
                looked.append(result)
            else:
                left_out[str(photo.name)] = str(result)
    return looked, left_out


def too_few(number: int, requirements: Requirements, title: str) -> str:
    """What to do where there are too few photos for an engine; empty where there are enough."""
    if number >= requirements.least_photos:
        return ""
    return (
        f"{title} needs at least {requirements.least_photos} photos, and there {_be(number)}; take 20 to 60 from all "
        "around the object"
    )


def _be(number: int) -> str:
    return "is only 1" if number == 1 else f"are only {number}" if number else "are none"


def _look(photo: Photo, mask_path: Path | None, requirements: Requirements, title: str) -> Looked:
    """Raises PhotoError where the photo cannot go to the engine."""
    facts = read_facts(photo)
    if facts.format not in requirements.formats:
        raise PhotoError(f"is a {facts.format} file, which {title} does not read; save it as JPEG or PNG")
    mask = _read_mask(mask_path, facts.size) if mask_path else None
    if mask is not None and mask.kept == 0:
        raise PhotoError("has a mask that is all black and keeps nothing; strip it again with another model")
    scan_photo = ScanPhoto(
        photo,
        facts,
        photo.file_stamp(),
        mask.sha256 if mask else None,
        mask_path,
        mask.box if mask else None,
    )
    return Looked(scan_photo, mask)


def _read_mask(path: Path, size: tuple[int, int]) -> _Mask:
    try:
        saved = read_saved_mask(path, size)
    except FileNotFoundError as error:
        raise PhotoError("has no mask; strip its background first") from error
    except OSError as error:
        raise PhotoError(f"has a mask that cannot be read ({error.strerror})") from error
    except OtherSizeError as error:
        width, height = error.size
        raise PhotoError(f"is {size[0]} × {size[1]} pixels and its mask {width} × {height}; strip it again") from error
    except ValueError as error:
        raise PhotoError(f"has a mask that cannot be decoded ({error}); remove that file and strip again") from error
    values = np.asarray(saved.grey)
    keep = values >= THRESHOLD
    return _Mask(
        hashlib.sha256(saved.content).digest(),
        saved.is_grey_png and bool(((values == 0) | (values == 255)).all()),
        float(keep.mean()),
        saved.binary().getbbox(),
        looks_inverted(keep),
    )


def _refuse_too_few(found: int, usable: int, left_out: dict[str, str], requirements: Requirements, title: str) -> None:
    if usable >= requirements.least_photos:
        return
    reason, times = Counter(left_out.values()).most_common(1)[0]
    if usable == 0 and times == found:
        raise BadUseError(f"No photo can go to {title}: each of the {found} {reason}")
    first = next(name for name, why in left_out.items() if why == reason)
    raise BadUseError(
        f"Only {usable} of {found} photos can go to {title}, which needs at least {requirements.least_photos}; "
        f"{first}{f' and {times - 1} more' if times > 1 else ''}: {reason}"
    )


def about_left_out(left_out: dict[str, str]) -> list[Finding]:
    """A warning for each reason; ``left_out`` is photo → reason."""
    by_reason = defaultdict(list)
    for name, reason in left_out.items():
        by_reason[reason].append(name)
    return [
        Finding(f"{count(len(names), 'photo')} left out ({some(names)}): {_it(names)} {reason}", "warning")
        for reason, names in by_reason.items()
    ]


def _it(names: Sequence[str]) -> str:
    return "it" if len(names) == 1 else "each"


def _about_masks(looked: list[Looked]) -> list[Finding]:
    masked = [(each.photo.name, each.mask) for each in looked if each.mask is not None]
    if not masked:
        return [
            Finding("No masks are used: a background that does not turn with the object misleads the solve", "warning")
        ]
    findings = []
    if full := [name for name, mask in masked if mask.kept == 1]:
        findings.append(
            f"{count(len(full), 'mask')} all white, so that the background is kept ({some(full)}); strip again with "
            "another model"
        )
    inverted = [name for name, mask in masked if mask.is_inverted]
    if len(inverted) > len(masked) / 2:
        findings.append(
            f"{len(inverted)} of {len(masked)} masks keep the picture's edge and drop what is inside: they may be "
            "inverted; white must be the object"
        )
    if unclean := [name for name, mask in masked if not mask.is_clean]:
        findings.append(
            f"{count(len(unclean), 'mask')} not plain black and white ({some(unclean)}); grey from {THRESHOLD} on "
            "counts as white"
        )
    return [Finding(text, "warning") for text in findings]


def about_cameras(photos: Sequence[ScanPhoto], title: str) -> list[Finding]:
    """Which cameras and lenses took them, whether an engine called ``title`` can tell, and what of them is not used."""
    findings = []
    if several := [photo.name for photo in photos if photo.facts.pictures > 1]:
        findings.append(
            Finding(
                f"{count(len(several), 'photo')} with more than one picture in the file ({some(several)}), of which "
                "only the first is used; save the others as files of their own",
                "warning",
            )
        )
    if blind := [photo.name for photo in photos if not photo.facts.has_focal]:
        findings.append(
            Finding(
                f"{count(len(blind), 'photo')} without a focal length in EXIF ({some(blind)}); {title} starts from a "
                "guess: use the camera's own files, not copies that lost their EXIF",
                "warning",
            )
        )
    cameras = Counter(photo.facts.camera_key() for photo in photos)
    names = {photo.facts.camera_key(): photo.facts.camera_name() for photo in photos}
    if len(cameras) == 1:
        findings.append(Finding(f"One camera: {next(iter(names.values()))}"))
    else:
        listed = [f"{names[key]} ({times})" for key, times in cameras.most_common()]
        findings.append(
            Finding(
                f"{len(cameras)} cameras, zooms, sizes or orientations, each solved as a lens of its own: "
                f"{some(listed)}; one camera at one zoom for all photos solves best",
                "warning",
            )
        )
    return findings


def _about_sides(photos: Sequence[ScanPhoto]) -> list[Finding]:
    sides = Counter(photo.side for photo in photos)
    if len(sides) == 1:
        return [Finding(f"One side with {count(len(photos), 'photo')}")]
    listed = ", ".join(f"{'photo folder' if side == '.' else side} ({times})" for side, times in sides.items())
    return [Finding(f"{len(sides)} sides: {listed}")]
