# SPDX-License-Identifier: GPL-3.0-or-later
"""What earlier runs, or people, left in the job folder for a photo, and what the journal says of it."""

from collections import defaultdict
from collections.abc import Collection

from PIL import Image

from ..common.errors import PhotoError
from ..common.hashes import hash_file
from ..masks.mask import Mask, as_grey, read_soft_mask
from ..photos.photo import Photo
from .folder import JobFolder
from .journal import Event


def last_words(story: list[Event]) -> dict[str, Event]:
    """The journal's last word on every photo whose mask was ever made, or found (other tasks tell of photos too).

    ``announced`` in it are the hashes of masks that were then to be written, in runs that ended before the photo was
    done; ``soft`` is empty where another soft mask was; and ``mask`` where the mask is somebody's, not made here.
    """
    words: dict[str, Event] = {}
    for event in story:
        if event["event"] in {"photo_done", "mask_found"} and "sha256" in event:
            words[event["photo"]] = {**event, "announced": ()}
        elif event["event"] == "mask_announced" and (earlier := words.get(event["photo"])):
            words[event["photo"]] = {**earlier, "announced": (*earlier["announced"], event["sha256"])}
        elif event["event"] == "soft_announced" and (earlier := words.get(event["photo"])):
            words[event["photo"]] = {**earlier, "soft": ""}
    return words


def announced_masks(story: list[Event]) -> dict[str, set[str]]:
    """Photo → the hashes of all masks that were ever to be written for it: by these, a killed run's mask is ours."""
    hashes = defaultdict(set)
    for event in story:
        if event["event"] == "mask_announced":
            hashes[event["photo"]].add(event["sha256"])
    return hashes


def no_word(announced: Collection[str], size: tuple[int, int]) -> Event:
    """Stands for the journal's word on a photo of ``size`` where it has none."""
    return {"mask": "", "sha256": "", "announced": announced, "stored_size": size}


def last_failures(story: list[Event]) -> dict[str, str]:
    """Photo → why it has no new mask, where that is the last that strips say of it."""
    strips = {event["run"] for event in story if event["event"] == "started" and event["task"] == "strip"}
    failures: dict[str, str] = {}
    for event in story:
        if event["run"] in strips and event["event"] == "photo_failed":
            failures[event["photo"]] = event["reason"]
        elif event["run"] in strips and event["event"] in {"photo_done", "photo_stands"}:
            failures.pop(event["photo"], None)
    return failures


def foreign_size(folder: JobFolder, working: Photo, earlier: Event) -> tuple[int, int] | None:
    """Width and height of a mask on disk that is another one than we made; None without one.

    It must be a picture, and not what a power cut left.
    """
    path = folder.mask(working.name)
    made = (earlier["sha256"],) if earlier["mask"] else ()
    if hash_file(path) in {*made, *earlier["announced"]}:
        return None
    try:
        with Image.open(path) as mask:
            if mask.size == tuple(earlier["stored_size"]):  # what claims another size may be a bomb
                mask.load()
            return mask.size
    except (OSError, ValueError, SyntaxError):
        return None


def is_painted(folder: JobFolder, working: Photo, earlier: Event) -> bool:
    """Whether the mask on disk was painted on by hand, and is the better one: not ours, and it fits the photo."""
    return foreign_size(folder, working, earlier) == tuple(earlier["stored_size"])


def standing_mask(folder: JobFolder, working: Photo, size: tuple[int, int]) -> Mask:
    """The mask on disk, as 0 and 255 however a paint program saved it. Raises PhotoError, also for another ``size``."""
    try:
        with Image.open(folder.mask(working.name)) as mask:
            refuse_another_size(mask.size, size)  # before it is decoded: it may be a bomb
            return Mask.of(as_grey(mask).point([0] * 128 + [255] * 128))
    except (OSError, ValueError, SyntaxError) as error:
        raise PhotoError(f"has a mask that cannot be read ({error}); remove it to have it made again") from error


def refuse_another_size(size: tuple[int, int], wanted: tuple[int, int]) -> None:
    """Raise PhotoError where a mask is not as large as its photo: both are width and height."""
    if size != wanted:
        raise PhotoError(
            f"has {wanted[0]} × {wanted[1]} pixels and a mask with {size[0]} × {size[1]}; "
            "save the mask at the photo's size, or delete it to have it made again"
        )


def kept_answer(folder: JobFolder, working: Photo, earlier: Event) -> Image.Image | None:
    """The model's answer of an earlier run, if it is whole."""
    try:
        return read_soft_mask(folder.soft_mask(working.name).read_bytes(), tuple(earlier["proxy_size"]))
    except (OSError, ValueError):
        return None
