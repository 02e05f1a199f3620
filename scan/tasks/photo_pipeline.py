# SPDX-License-Identifier: GPL-3.0-or-later
"""What is made of one photo: its soft mask, its mask, its cutout; and which of them are there already."""

import errno
import hashlib
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image

from ..common.errors import PhotoError
from ..common.files import cannot_write, write_atomically
from ..common.hashes import hash_file
from ..common.names import does_not_fit, is_unfit
from ..cutouts.cutout import CutoutKind, cutout_name, make_cutout
from ..job.events import Log, MaskAnnounced, MaskFound, SoftAnnounced
from ..job.folder import JobFolder
from ..job.journal import Journal
from ..job.records import PhotoRecord
from ..masks.mask import Mask, make_mask
from ..masks.saved_masks import foreign_size, kept_mask, kept_soft_mask, refuse_another_size
from ..photos.converted import as_jpeg, is_converted, pixels_to_convert
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

# What the file system says of a file where the mask's folder should be, or the other way round.
_IN_THE_WAY = frozenset({errno.ENOTDIR, errno.EISDIR, errno.EEXIST})
_NEARLY_ALL = 0.98  # of a photo: a mask that keeps so much has found no background


@dataclass(frozen=True)
class Plan:
    """What is to be made for a photo, and what can be taken from before."""

    working: Photo
    """The photo as engines get it: itself, or its JPEG where it is HEIC or RAW."""
    file_stamp: tuple[int, int]
    """Of the photo for which all this holds, as the keys have it."""
    soft_key: str
    mask_key: str
    earlier: PhotoRecord | None
    """The photo's record."""
    announced: Collection[str]
    """SHA-256 of masks that runs were about to write, where there is no record."""
    asks: bool
    """Whether the model has to be asked."""
    makes_mask: bool

    @property
    def same(self) -> PhotoRecord | None:
        """The photo's record, where it is of the photo as it is now."""
        return self.earlier if self.earlier is not None and self.earlier.file_stamp == self.file_stamp else None


@dataclass(frozen=True)
class Made:
    """What became of a photo."""

    record: PhotoRecord
    """For the journal."""
    mask: Mask
    """The one on disk."""
    disk_sha256: str
    """Of that mask's file: what is saved there from now on is another mask."""
    picture: Image.Image | None
    """The upright proxy, where it was decoded for this."""
    warnings: tuple[str, ...] = ()

    def thumbnail(self, size: int) -> Image.Image:
        """The mask upright, its long edge about ``size`` pixels."""
        return to_upright(self.mask.reduced(size), self.record.orientation or 1)


@dataclass(frozen=True)
class _SoftMask:
    """A model's answer and what lays it over the photo. Sizes are width and height in pixels."""

    image: Image.Image
    orientation: int
    stored_size: tuple[int, int]
    picture: Image.Image | None = None
    """The upright proxy, where the model was asked now."""


class PhotoPipeline:
    """Makes and keeps the files of single photos. Safe to use from several threads, for a photo each."""

    def __init__(self, settings: StripSettings, folder: JobFolder, answers: Segmenter, journal: Journal) -> None:
        self._settings = settings
        self._folder = folder
        self._journal = journal
        self._answers = answers
        self._budget = PixelBudget()
        self._cutouts = None if settings.cutouts == "NONE" else CutoutKind[settings.cutouts]

    def find_mask(self, photo: Photo, announced: Collection[str]) -> PhotoRecord | None:
        """Returns the record of a mask that is there though the journal has none of the photo, and writes it there.

        A person has put the mask there, or the journal is gone: it is kept like one that was painted on. None without
        one, and where it is ours, of a run that was killed: its SHA-256 is in ``announced``. Raises PhotoError.
        """
        working = photo.working
        mask_sha256 = hash_file(self._folder.mask(working.name))
        if mask_sha256 in {"", *announced}:
            return None
        if photo.needs_jpeg and not is_converted(photo):
            return None  # ``make`` looks again, once there is what the mask has to fit
        with open_photo(working) as image:
            size = stored_size(image)
        with self._budget.hold(_count(size)):
            unknown = PhotoRecord(stored_size=size, announced=tuple(announced))
            if (found := foreign_size(self._folder, working.name, unknown)) is None:
                return None
            refuse_another_size(found, size)
            facts = kept_mask(self._folder, working.name, size).facts()
        record = PhotoRecord(
            file_stamp=photo.file_stamp(),
            content=photo.content_stamp(),
            stored_size=size,
            mask_sha256=mask_sha256,
            **facts,
        )
        self._journal.write(MaskFound(photo=str(photo.name), record=record))
        return record

    def plan(self, photo: Photo, earlier: PhotoRecord | None, announced: Collection[str] = ()) -> Plan | None:
        """Returns what is to be made; None where all of it is there. Raises PhotoError.

        ``earlier`` is the photo's record; where it has none, ``announced`` are the SHA-256 of masks that runs were
        about to write.
        """
        file_stamp = photo.file_stamp()
        if earlier is not None:
            earlier = self._known_anew(photo, earlier)
            file_stamp = earlier.stamp_of_keys(file_stamp)
        soft_key = self._settings.soft_key(file_stamp, self._answers.model_key)
        mask_key = self._settings.mask_key(soft_key)
        working = photo.working
        makes_mask = not self._has_mask(photo, file_stamp, earlier, mask_key)
        asks = makes_mask and not self._is_answered(working, earlier, soft_key)
        if (
            not makes_mask
            and self._has_cutout(working, file_stamp, earlier)
            and (not photo.needs_jpeg or working.path.exists())
        ):
            return None
        return Plan(working, file_stamp, soft_key, mask_key, earlier, announced, asks, makes_mask)

    def _known_anew(self, photo: Photo, earlier: PhotoRecord) -> PhotoRecord:
        """Returns the photo's record, or another where a photo of another size has taken its place since.

        A person's mask has to fit that one. Raises PhotoError where it does not.
        """
        working = photo.working
        if (
            photo.file_stamp() in {earlier.file_stamp, earlier.seen_stamp}
            or foreign_size(self._folder, working.name, earlier) is None
            or (photo.needs_jpeg and not is_converted(photo))
            or photo.content_stamp() == earlier.content
        ):
            return earlier
        with open_photo(working) as image:
            is_as_large = stored_size(image) == earlier.stored_size
        return earlier if is_as_large else self.find_mask(photo, earlier.announced) or earlier

    def make(self, photo: Photo, plan: Plan) -> Made:
        """Make what is planned. Raises PhotoError, EndpointError, OutputError."""
        warnings = self._convert(photo) if photo.needs_jpeg else []
        if plan.earlier is None or plan.makes_mask:
            made = self._make_mask(photo, plan)
        else:
            mask, disk_sha256 = self._kept_mask(plan.working, plan.earlier.stored_size)
            record = replace(plan.earlier, content=_content(photo, plan), asked=False, announced=())
            made = Made(record, mask, disk_sha256, None)
        if self._cutouts is not None:
            made = self._with_cutout(plan, made, self._cutouts)
        return replace(made, warnings=(*made.warnings, *warnings))

    def thumbnails(self, photo: Photo, size: int) -> tuple[Image.Image, Image.Image]:
        """A photo and its mask, upright, their long edges about ``size`` pixels. Raises PhotoError, OSError."""
        working = photo.working
        proxy = self._proxy(working, size)
        with self._budget.hold(_count(proxy.stored_size)):
            mask = kept_mask(self._folder, working.name, proxy.stored_size).reduced(size)
        return proxy.picture, to_upright(mask, proxy.orientation)

    def changed(self, photo: Photo) -> int | None:
        """Returns when the photo's mask was last written, in nanoseconds since the epoch; None without one."""
        try:
            return self._folder.mask(photo.working.name).stat().st_mtime_ns
        except (PhotoError, OSError):
            return None

    def present_record(self, photo: Photo, earlier: PhotoRecord) -> PhotoRecord | None:
        """Returns the photo's record, measured anew where its mask was painted on; None where that is gone."""
        try:
            working = photo.working
            if not (sha256 := hash_file(self._folder.mask(working.name))):
                return None
            if sha256 == earlier.mask_sha256:
                return earlier
            return replace(earlier, **kept_mask(self._folder, working.name, earlier.stored_size).facts())
        except PhotoError:
            return earlier

    def _save(self, path: Path, content: bytes) -> None:
        """Write a file that is made of a photo. Raises PhotoError where only its name is at fault, else OutputError."""
        try:
            write_atomically(path, content)
        except OSError as error:
            has_folders = self._folder.masks.is_dir() and self._folder.soft_masks.is_dir()
            has_folders &= self._folder.cutouts.is_dir() or not self._folder.cutouts.exists()
            if has_folders and (is_unfit(error) or error.errno in _IN_THE_WAY):
                raise PhotoError(does_not_fit(error)) from error
            raise cannot_write(path, error) from error

    def _convert(self, photo: Photo) -> list[str]:
        """Make a HEIC or RAW photo's JPEG, if it is not there; what it lacks, in sentences."""
        warnings: list[str] = []
        with self._budget.hold(pixels_to_convert(photo)):
            as_jpeg(photo, warnings, develop_raw=self._settings.develop_raw)
        return warnings

    def _has_mask(self, photo: Photo, file_stamp: tuple[int, int], earlier: PhotoRecord | None, mask_key: str) -> bool:
        """Whether the mask on disk is the one that is asked for, or one that was painted on. Raises PhotoError."""
        if earlier is None:
            return False
        working = photo.working
        if hash_file(self._folder.mask(working.name)) == earlier.mask_sha256:
            if earlier.is_mask_ours:
                return earlier.mask_key == mask_key
        elif (size := foreign_size(self._folder, working.name, earlier)) is not None:
            refuse_another_size(size, earlier.stored_size)  # a person's work, which is not replaced unasked
        else:
            return False
        # Copying a photo may change its time and nothing else: what was painted is not given up for that.
        if file_stamp != earlier.file_stamp and photo.content_stamp() != earlier.content:
            text = f"{photo.name} was replaced since its mask was painted on; delete the mask to have it made anew"
            self._journal.write(Log(level="warning", photo=str(photo.name), text=text))
        return True

    def _is_answered(self, working: Photo, earlier: PhotoRecord | None, soft_key: str) -> bool:
        return earlier is not None and earlier.soft_key == soft_key and self._folder.soft_mask(working.name).exists()

    def _has_cutout(self, working: Photo, file_stamp: tuple[int, int], earlier: PhotoRecord | None) -> bool:
        if self._cutouts is None:
            return True
        wanted = self._settings.cutout_key(file_stamp, hash_file(self._folder.mask(working.name)))
        if earlier is None or earlier.cutout_key != wanted:
            return False
        try:
            in_bytes = (self._folder.cutouts / cutout_name(working.name, self._cutouts)).stat().st_size
        except OSError:
            return False
        return in_bytes == earlier.cutout_bytes

    def _make_mask(self, photo: Photo, plan: Plan) -> Made:
        soft = (None if plan.asks else self._kept_soft_mask(plan)) or self._ask(photo, plan)
        mask = self._mask(plan.working, soft)
        content = mask.encode()
        mask_sha256 = disk_sha256 = hashlib.sha256(content).hexdigest()
        warnings: list[str] = []
        earlier = plan.earlier or PhotoRecord(stored_size=soft.stored_size, announced=tuple(plan.announced))
        if foreign_size(self._folder, plan.working.name, earlier) is not None:  # a person's, since this run began
            mask, disk_sha256 = self._kept_mask(plan.working, soft.stored_size)
            if plan.earlier is None:
                warnings.append("a mask was there already, and is kept; delete it to have it made anew")
        else:  # if this run ends before the photo is done, nobody painted this mask
            self._journal.write(MaskAnnounced(photo=str(photo.name), mask_sha256=mask_sha256))
            self._save(self._folder.mask(plan.working.name), content)
        record = PhotoRecord(
            file_stamp=plan.file_stamp,
            seen_stamp=plan.same.seen_stamp if plan.same is not None else None,
            content=_content(photo, plan),
            soft_key=plan.soft_key,
            mask_key=plan.mask_key,
            mask_sha256=mask_sha256,
            stored_size=soft.stored_size,
            proxy_size=soft.image.size,
            orientation=soft.orientation,
            asked=soft.picture is not None,
            **mask.facts(),
        )
        warnings += _doubts(record.foreground or 0.0)
        return Made(record, mask, disk_sha256, soft.picture, tuple(warnings))

    def _kept_mask(self, working: Photo, size: tuple[int, int]) -> tuple[Mask, str]:
        """Returns the mask on disk, and its file's SHA-256. Raises PhotoError."""
        sha256 = hash_file(self._folder.mask(working.name))  # first: a mask saved in between differs from it later
        return kept_mask(self._folder, working.name, size), sha256

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
        """Returns the soft mask of an earlier run, if it is whole."""
        if plan.earlier is None or (image := kept_soft_mask(self._folder, plan.working.name, plan.earlier)) is None:
            return None
        return _SoftMask(image, plan.earlier.orientation or 1, plan.earlier.stored_size)

    def _ask(self, photo: Photo, plan: Plan) -> _SoftMask:
        proxy = self._proxy(plan.working, self._settings.proxy_size)
        answer = self._answers.ask(proxy)
        if plan.earlier is not None:  # from now on, the soft mask is not the one in the record
            self._journal.write(SoftAnnounced(photo=str(photo.name)))
        self._save(self._folder.soft_mask(plan.working.name), answer.png)
        return _SoftMask(answer.image, proxy.orientation, proxy.stored_size, proxy.picture)

    def _with_cutout(self, plan: Plan, made: Made, kind: CutoutKind) -> Made:
        """Returns what was made with its cutout; or with the reason why there is none."""
        working = plan.working
        name = cutout_name(working.name, kind)
        warnings = list(made.warnings)
        try:
            if name != working.name and working.path.with_name(name.name).exists():
                raise PhotoError(f"would be named like the photo {name.name} beside it; rename one of them")
            with self._budget.hold(_count(made.mask.size)):
                soft = self._soft_alpha(plan, made.record) if kind is CutoutKind.PNG else None
                color, mask = self._settings.cutout_color, made.mask.image()
                content = make_cutout(working, mask, kind, color, soft, warnings)
            self._save(self._folder.cutouts / name, content)
            key, in_bytes, reason = self._settings.cutout_key(plan.file_stamp, made.disk_sha256), len(content), None
        except (PhotoError, MemoryError) as error:
            # The mask is there, and is what matters. Tried again by every run: what is in the way may be gone then.
            key, in_bytes, reason = None, None, NO_MEMORY if isinstance(error, MemoryError) else str(error)
            warnings.append(f"no cutout was made: it {reason}")
        record = replace(made.record, cutout_key=key, cutout_bytes=in_bytes, no_cutout=reason)
        return replace(made, record=record, warnings=tuple(warnings))

    def _soft_alpha(self, plan: Plan, record: PhotoRecord) -> Image.Image | None:
        """The soft mask in the photo's stored orientation, where alpha matting has made an alpha of it."""
        if not self._settings.alpha_matting or record.soft_key != plan.soft_key:
            return None
        soft = kept_soft_mask(self._folder, plan.working.name, record)
        return None if soft is None else to_stored(soft, record.orientation or 1)


def _content(photo: Photo, plan: Plan) -> str:
    """The photo's content stamp, for which nothing is read where it is known. Raises PhotoError."""
    return (plan.same is not None and plan.same.content) or photo.content_stamp()


def _count(size: tuple[int, int]) -> int:
    return size[0] * size[1]


def _doubts(share: float) -> list[str]:
    """What a person should look at before an engine spends an hour on it."""
    if share == 0:
        return ["the mask is empty: no object was found; look at the photo, or try another model"]
    if share >= _NEARLY_ALL:
        return ["the mask keeps nearly everything: no background was found; look at the photo, or try another model"]
    return []
