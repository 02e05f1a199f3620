# SPDX-License-Identifier: GPL-3.0-or-later
"""What is made of one photo: its soft mask, its mask, its cutout; and which of them stand already."""

import errno
import hashlib
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from PIL import Image

from ..common.errors import PhotoError
from ..common.files import cannot_write, write_atomically
from ..common.hashes import hash_file
from ..cutouts.cutout import CutoutKind, cutout_name, make_cutout
from ..job.folder import JobFolder
from ..job.journal import Event, Journal
from ..job.records import foreign_size, kept_answer, no_word, refuse_another_size, standing_mask
from ..masks.mask import Mask, make_mask
from ..photos.heic import as_jpeg, is_converted
from ..photos.photo import Photo
from ..photos.pixel_budget import PixelBudget
from ..photos.pixels import (
    NO_MEMORY,
    Proxy,
    make_proxy,
    open_photo,
    stored_pixels,
    stored_size,
    to_stored,
    to_upright,
)
from ..segmentation.segmenter import Segmenter
from .settings import StripSettings

# What the file system says of a name it cannot take, or of a file where the mask's folder should be.
_UNFIT_NAME = frozenset({errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ, errno.ENOTDIR, errno.EISDIR, errno.EEXIST})
# What the journal says of the run that made a mask, and not of the mask.
_OF_ANOTHER_RUN = frozenset({"event", "run", "time", "photo", "seconds", "thumbnail", "announced"})
# A HEIC photo is decoded whole, and how large it is only the decoder knows: a phone's, at its usual setting.
_PIXELS_OF_HEIC = 13_000_000
_NEARLY_ALL = 0.98  # of a photo: a mask that keeps so much has found no background


@dataclass(frozen=True)
class Plan:
    """What is to be made for a photo, and what can be taken from before."""

    working: Photo
    """The photo as engines get it: itself, or its JPEG where it is HEIC."""
    identity: tuple[int, int]
    """Of the photo for which all this holds."""
    soft_key: str
    mask_key: str
    earlier: Event | None
    """The journal's word on this photo."""
    announced: Collection[str]
    """Hashes of masks that were to be written where there is no such word."""
    asks: bool
    """Whether the model has to be asked."""
    makes_mask: bool


@dataclass(frozen=True)
class Made:
    """What became of a photo. ``facts`` is what the journal keeps."""

    facts: dict[str, Any]
    warnings: list[str]
    mask: Mask
    mask_hash: str
    """Of the file that the mask is in: what is saved there from now on is another mask."""
    picture: Image.Image | None
    """The upright proxy, where it was decoded for this."""

    def thumbnail(self, size: int) -> Image.Image:
        """The mask upright, its long edge about ``size`` pixels."""
        return to_upright(self.mask.reduced(size), self.facts["orientation"])


@dataclass(frozen=True)
class _SoftMask:
    """A model's answer and what lays it over the photo. Sizes are width and height in pixels."""

    image: Image.Image
    orientation: int
    stored_size: tuple[int, int]
    picture: Image.Image | None = None
    facts: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        facts = {"stored_size": self.stored_size, "proxy_size": self.image.size, "orientation": self.orientation}
        object.__setattr__(self, "facts", facts)


class PhotoPipeline:
    """Makes and keeps the files of single photos. Safe to use from several threads, for a photo each."""

    def __init__(self, settings: StripSettings, folder: JobFolder, answers: Segmenter, journal: Journal) -> None:
        self._settings = settings
        self._folder = folder
        self._journal = journal
        self._answers = answers
        self._budget = PixelBudget()
        self._cutouts = None if settings.cutouts == "NONE" else CutoutKind[settings.cutouts]

    def found(self, photo: Photo, announced: Collection[str]) -> Event | None:
        """Tell the journal of a mask that stands though it has no word on the photo, and return what it says now.

        Somebody put the mask there, or the journal is gone: it is kept like one that was painted on. None without one,
        and where it is ours, of a run that was killed: its hash is in ``announced``. Raises PhotoError.
        """
        working = photo.working
        sha256 = hash_file(self._folder.mask(working.name))
        if sha256 in {"", *announced}:
            return None
        if photo.is_heic and not is_converted(photo):
            return None  # ``make`` looks again, once there is what the mask has to fit
        with open_photo(working) as image:
            size = stored_size(image)
        with self._budget.hold(_count(size)):
            if (found := foreign_size(self._folder, working, no_word(announced, size))) is None:
                return None
            refuse_another_size(found, size)
            facts = {"identity": [*photo.file_stamp()], "stored_size": size, "soft": "", "mask": "", "sha256": sha256}
            facts |= standing_mask(self._folder, working, size).facts()
        self._journal.write("mask_found", photo=str(photo.name), **facts)
        return {**facts, "announced": ()}

    def plan(self, photo: Photo, earlier: Event | None, announced: Collection[str] = ()) -> Plan | None:
        """What is to be made; None where all of it stands. Raises PhotoError.

        ``earlier`` is the journal's word; where it has none, ``announced`` are hashes of masks that were to be written.
        """
        identity = photo.file_stamp()
        soft_key = self._settings.soft_key(identity, self._answers.model_key)
        mask_key = self._settings.mask_key(soft_key)
        working = photo.working
        makes_mask = not self._stands(photo.name, identity, working, earlier, mask_key)
        asks = makes_mask and not self._is_answered(working, earlier, soft_key)
        if (
            not makes_mask
            and self._has_cutout(working, identity, earlier)
            and (not photo.is_heic or working.path.exists())
        ):
            return None
        return Plan(working, identity, soft_key, mask_key, earlier, announced, asks, makes_mask)

    def make(self, photo: Photo, plan: Plan) -> Made:
        """Make what is planned. Raises PhotoError, EndpointError, OutputError."""
        warnings = self._convert(photo) if photo.is_heic else []
        if plan.makes_mask:
            made = self._make_mask(photo, plan)
        else:
            earlier = plan.earlier or {}
            mask, mask_hash = self._standing_mask(plan.working, tuple(earlier["stored_size"]))
            facts = {name: fact for name, fact in earlier.items() if name not in _OF_ANOTHER_RUN}
            made = Made({**facts, "asked": False}, [], mask, mask_hash, None)
        if self._cutouts is not None:
            self._make_cutout(plan, made, self._cutouts)
        made.warnings.extend(warnings)
        return made

    def thumbnails(self, photo: Photo, size: int) -> tuple[Image.Image, Image.Image]:
        """A photo and its mask, upright, their long edges about ``size`` pixels. Raises PhotoError, OSError."""
        working = photo.working
        proxy = self._proxy(working, size)
        with self._budget.hold(_count(proxy.stored_size)):
            mask = standing_mask(self._folder, working, proxy.stored_size).reduced(size)
        return proxy.picture, to_upright(mask, proxy.orientation)

    def changed(self, photo: Photo) -> int | None:
        """When the mask that stands for a photo was last written, in nanoseconds since the epoch; None without one."""
        try:
            return self._folder.mask(photo.working.name).stat().st_mtime_ns
        except (PhotoError, OSError):
            return None

    def facts(self, photo: Photo, earlier: Event) -> Event | None:
        """The journal's word on a photo, brought up to date where its mask was painted on; None where it is gone."""
        try:
            working = photo.working
            if not (sha256 := hash_file(self._folder.mask(working.name))):
                return None
            if sha256 == earlier["sha256"]:
                return earlier
            facts = standing_mask(self._folder, working, tuple(earlier["stored_size"])).facts()
        except PhotoError:
            return earlier
        return {**earlier, **facts}

    def save(self, path: Path, content: bytes) -> None:
        """Write a file of the job. Raises PhotoError where only its name is at fault, else OutputError."""
        try:
            write_atomically(path, content)
        except OSError as error:
            folders_stand = self._folder.masks.is_dir() and self._folder.soft_masks.is_dir()
            folders_stand &= self._folder.cutouts.is_dir() or not self._folder.cutouts.exists()
            if error.errno in _UNFIT_NAME and folders_stand and path != self._folder.contact_sheet:
                raise PhotoError(
                    f"its name does not fit the output folder's file system ({error.strerror}); rename it"
                ) from error
            raise cannot_write(path, error) from error

    def _convert(self, photo: Photo) -> list[str]:
        """Make a HEIC photo's JPEG, if it is not there; what it lacks, in sentences."""
        warnings: list[str] = []
        with self._budget.hold(_PIXELS_OF_HEIC):
            as_jpeg(photo, warnings)
        return warnings

    def _stands(
        self, name: PurePosixPath, identity: tuple[int, int], working: Photo, earlier: Event | None, mask_key: str
    ) -> bool:
        """Whether the mask on disk is the one that is asked for, or one that was painted on. Raises PhotoError."""
        if earlier is None:
            return False
        if hash_file(self._folder.mask(working.name)) == earlier["sha256"]:
            if earlier["mask"]:
                return bool(earlier["mask"] == mask_key)
        elif (size := foreign_size(self._folder, working, earlier)) is not None:
            refuse_another_size(size, tuple(earlier["stored_size"]))  # somebody's work, which is not replaced unasked
        else:
            return False
        # Copying a photo may change its time and nothing else: what was painted is not given up for that.
        if list(identity) != earlier.get("identity"):
            words = "was replaced since its mask was painted on; delete the mask to have it made anew"
            self._journal.write("log", level="warning", photo=str(name), text=f"{name} {words}")
        return True

    def _is_answered(self, working: Photo, earlier: Event | None, soft_key: str) -> bool:
        return earlier is not None and earlier["soft"] == soft_key and self._folder.soft_mask(working.name).exists()

    def _has_cutout(self, working: Photo, identity: tuple[int, int], earlier: Event | None) -> bool:
        if self._cutouts is None:
            return True
        wanted = self._settings.cutout_key(identity, hash_file(self._folder.mask(working.name)))
        if earlier is None or earlier.get("cutout") != wanted:
            return False
        try:
            in_bytes = (self._folder.cutouts / cutout_name(working.name, self._cutouts)).stat().st_size
        except OSError:
            return False
        return bool(in_bytes == earlier.get("cutout_bytes"))

    def _make_mask(self, photo: Photo, plan: Plan) -> Made:
        soft = (None if plan.asks else self._kept_soft_mask(plan)) or self._ask(photo, plan)
        mask = self._mask(plan.working, soft)
        content = mask.encode()
        sha256 = mask_hash = hashlib.sha256(content).hexdigest()
        warnings = []
        earlier = plan.earlier or no_word(plan.announced, soft.stored_size)
        if foreign_size(self._folder, plan.working, earlier) is not None:  # somebody's, since this run began
            mask, mask_hash = self._standing_mask(plan.working, soft.stored_size)
            if plan.earlier is None:
                warnings.append("a mask was there already, and is kept; delete it to have it made anew")
        else:  # if this run ends before the photo is done, nobody painted this mask
            self._journal.write("mask_announced", photo=str(photo.name), sha256=sha256)
            self.save(self._folder.mask(plan.working.name), content)
        facts = {
            "soft": plan.soft_key,
            "mask": plan.mask_key,
            "sha256": sha256,
            "identity": plan.identity,
            **soft.facts,
            "asked": soft.picture is not None,
            **mask.facts(),
        }
        return Made(facts, warnings + _doubts(facts["foreground"]), mask, mask_hash, soft.picture)

    def _standing_mask(self, working: Photo, size: tuple[int, int]) -> tuple[Mask, str]:
        """The mask on disk, and its file's hash. Raises PhotoError."""
        mask_hash = hash_file(self._folder.mask(working.name))  # first: a mask saved in between is told from it later
        return standing_mask(self._folder, working, size), mask_hash

    def _mask(self, working: Photo, soft: _SoftMask) -> Mask:
        settings = self._settings
        with self._budget.hold(_count(soft.stored_size) if settings.needs_all_pixels else 0):
            pixels = None
            if settings.refine_edges:
                pixels = stored_pixels(working, "L")
                if pixels.size != soft.stored_size:  # damaged, or replaced in the meantime
                    raise PhotoError(f"claims {soft.stored_size[0]} × {soft.stored_size[1]} pixels and has other ones")
            return make_mask(soft.image, soft.orientation, soft.stored_size, settings, pixels)

    def _proxy(self, working: Photo, long_edge: int) -> Proxy:
        with open_photo(working) as image:
            # Of a JPEG no more is decoded than the proxy needs; of a progressive one, all has to be held for that.
            is_reduced = image.format in {"JPEG", "MPO"} and not image.info.get("progressive")
            pixels = 0 if long_edge and is_reduced else _count(image.size)
        with self._budget.hold(pixels):
            return make_proxy(working, long_edge)

    def _kept_soft_mask(self, plan: Plan) -> _SoftMask | None:
        """The soft mask of an earlier run, if it is whole."""
        if plan.earlier is None or (image := kept_answer(self._folder, plan.working, plan.earlier)) is None:
            return None
        return _SoftMask(image, plan.earlier["orientation"], tuple(plan.earlier["stored_size"]))

    def _ask(self, photo: Photo, plan: Plan) -> _SoftMask:
        proxy = self._proxy(plan.working, self._settings.proxy_size)
        answer = self._answers.ask(proxy)
        if plan.earlier is not None:  # from now on, the soft mask is not the one that the journal tells of
            self._journal.write("soft_announced", photo=str(photo.name))
        self.save(self._folder.soft_mask(plan.working.name), answer.png)
        return _SoftMask(answer.image, proxy.orientation, proxy.stored_size, proxy.picture)

    def _make_cutout(self, plan: Plan, made: Made, kind: CutoutKind) -> None:
        working = plan.working
        name = cutout_name(working.name, kind)
        for fact in ("cutout", "cutout_bytes", "no_cutout"):
            made.facts.pop(fact, None)
        try:
            if name != working.name and working.path.with_name(name.name).exists():
                raise PhotoError(f"would be named like the photo {name.name} beside it; rename one of them")
            with self._budget.hold(_count(made.mask.size)):
                soft = self._soft_alpha(plan, made) if kind is CutoutKind.PNG else None
                colour, mask = self._settings.cutout_color, made.mask.image()
                content = make_cutout(working, mask, kind, colour, soft, made.warnings)
            self.save(self._folder.cutouts / name, content)
            made.facts["cutout"] = self._settings.cutout_key(plan.identity, made.mask_hash)
            made.facts["cutout_bytes"] = len(content)
        except (PhotoError, MemoryError) as error:
            # The mask stands, and is what matters. Tried again by every run, since what is in the way may be gone then.
            reason = NO_MEMORY if isinstance(error, MemoryError) else str(error)
            made.facts["no_cutout"] = reason
            made.warnings.append(f"no cutout was made: it {reason}")

    def _soft_alpha(self, plan: Plan, made: Made) -> Image.Image | None:
        """The soft mask in the photo's stored orientation, where alpha matting has made an alpha of it."""
        if not self._settings.alpha_matting or made.facts["soft"] != plan.soft_key:
            return None
        soft = kept_answer(self._folder, plan.working, made.facts)
        return None if soft is None else to_stored(soft, made.facts["orientation"])


def _count(size: tuple[int, int]) -> int:
    return size[0] * size[1]


def _doubts(share: float) -> list[str]:
    """What a person should look at before an engine spends an hour on it."""
    if share == 0:
        return ["the mask is empty: no object was found; look at the photo, or try another model"]
    if share >= _NEARLY_ALL:
        return ["the mask keeps nearly everything: no background was found; look at the photo, or try another model"]
    return []
