# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos that no engine reads, decoded in a process of their own (``decoder``), and written as upright JPEGs.

Damaged files have made pi-heif 1.4.0 crash the process that it is in; LibRaw is of the same kind.
"""

import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from PIL import Image

from ..common.errors import PhotoError
from . import decoder
from .exif import ORIENTATION, PIXEL_X_DIMENSION, PIXEL_Y_DIMENSION, with_numbers
from .file_types import kind_of, misnamed
from .metadata import Metadata, fitted_to_jpeg, into_jpeg, without_exif
from .photo import Photo, cannot_read
from .pixels import MAX_MEGAPIXELS, NO_MEMORY

_QUALITY = 95
_LONGEST = 240.0  # seconds; 12 megapixels of HEIC take about one, of RAW a few

if sys.platform == "win32":
    _FLAGS = subprocess.CREATE_NO_WINDOW
else:
    _FLAGS = 0


@dataclass(frozen=True)
class Decoded:
    """A photo as its decoder hands it over."""

    picture: Image.Image
    """RGB or grey, upright."""
    chroma: int
    """How colour is stored: 420 where at half the resolution, as the J:a:b of 4:2:0 says."""
    blocks: dict[str, bytes]
    """The file's ``exif``, ``xmp`` and ``icc``; empty where there is none."""
    said: str
    """What the decoder wrote to its standard error."""


def decode(photo: Photo, kind: str) -> Decoded:
    """Decode a photo of the kind HEIC or RAW. Raises PhotoError."""
    answer, said = _run_decoder(photo, kind)
    at = answer.index(b"\n") + 1
    about = json.loads(answer[:at])
    rest = memoryview(answer)  # whose slices are no copies: 12 megapixels are 36 MB
    blocks = {}
    for name in ("exif", "xmp", "icc"):
        blocks[name] = rest[at : at + about[name]].tobytes()
        at += about[name]
    size, mode = tuple(about["size"]), about["mode"]
    try:
        picture = Image.frombytes(mode, size, rest[at:], "raw", mode, about["stride"])
    except ValueError as error:
        raise PhotoError(f"cannot be decoded ({error}); copy it from the camera again") from error
    except MemoryError as error:
        raise PhotoError(NO_MEMORY) from error
    return Decoded(picture, about["chroma"], blocks, said)


def refuse_another_kind(photo: Photo, kinds: set[str]) -> None:
    """Raise PhotoError where a photo's first bytes tell of a kind of picture that is none of ``kinds``."""
    photo.file_stamp()  # says what is wrong with what is no file
    try:
        kind = kind_of(photo.path)
    except OSError as error:
        raise cannot_read(error) from error
    if kind not in {"", *kinds}:  # decoders know more files than are known here
        raise PhotoError(misnamed(kind, photo.path))


def upright_exif(exif: bytes, size: tuple[int, int]) -> tuple[bytes, list[str]]:
    """A photo's EXIF as its upright picture of ``size`` has it, and a sentence where that has none.

    It has the orientation 1 and that width and height.
    """
    upright = {ORIENTATION: 1, PIXEL_X_DIMENSION: size[0], PIXEL_Y_DIMENSION: size[1]}
    try:
        return with_numbers(exif, upright) if exif else b"", []
    except ValueError as error:
        # It may say that the picture is to be turned, which whoever reads more of it would do.
        return b"", [without_exif(error)]


def encode_jpeg(picture: Image.Image, chroma: int, metadata: Metadata) -> tuple[bytes, list[str]]:
    """A JPEG of a picture in RGB or L, with metadata, and sentences on what of that it lacks. Raises PhotoError."""
    fitted, too_large = fitted_to_jpeg(metadata)
    buffer = io.BytesIO()
    try:
        picture.save(buffer, "JPEG", quality=_QUALITY, subsampling="4:2:0" if chroma == 420 else "4:4:4")
        return into_jpeg(buffer.getvalue(), fitted), [f"its JPEG leaves out {words}" for words in too_large]
    except MemoryError as error:
        raise PhotoError(NO_MEMORY) from error


def _run_decoder(photo: Photo, kind: str) -> tuple[bytes, str]:
    """What ``decoder`` writes of a photo, and what it says. Raises PhotoError."""
    command = [sys.executable, "-I", decoder.__file__, kind, str(photo.path), str(MAX_MEGAPIXELS * 1_000_000)]
    environment = {**os.environ, "SCAN_CUTOUT_SYS_PATH": json.dumps([path for path in sys.path if path])}
    options: dict[str, Any] = {"stdin": subprocess.DEVNULL, "capture_output": True, "creationflags": _FLAGS}
    try:
        done = subprocess.run(command, env=environment, timeout=_LONGEST, check=False, **options)
    except OSError as error:
        raise PhotoError(f"was not decoded, since no process can be started ({error.strerror}); try again") from error
    except subprocess.TimeoutExpired as error:
        raise PhotoError(f"was not decoded within {_LONGEST:.0f} s; copy it from the camera again") from error
    said = done.stderr.decode("utf-8", "replace").strip()
    words = said.splitlines()[-1] if said else ""
    if done.returncode == decoder.MISSING:
        raise PhotoError(
            f"is a {kind} file, and what reads them is missing here ({words}); convert it to JPEG, and scan that"
        )
    if done.returncode == decoder.NO_MEMORY:
        raise PhotoError(NO_MEMORY)
    if done.returncode == decoder.REFUSED and words:
        raise PhotoError(words)
    if done.returncode != 0:
        raise PhotoError("is damaged (its decoder crashed); copy it from the camera again")
    return done.stdout, said
