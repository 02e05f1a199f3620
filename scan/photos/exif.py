# SPDX-License-Identifier: GPL-3.0-or-later
"""EXIF as bytes: taken out of a TIFF file, and single numbers changed where they stand.

EXIF is a small TIFF file (TIFF 6.0; EXIF 2.32, section 4.6): a header, then directories of entries that hold a value
of up to four bytes or say where it lies. In a JPEG, PNG or WebP it is one block and is carried as it is; in a TIFF its
directories lie among those of the pictures, and a block is made of them.
"""

import io
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

EXIF_IFD = 34665
_SUB_IFDS = 330
_GPS_IFD = 34853
_INTEROPERABILITY_IFD = 40965
_MAKER_NOTE = 37500
_MAKE, _MODEL = 271, 272
_DATE_TIME_ORIGINAL, _FOCAL_LENGTH, _FOCAL_LENGTH_35 = 36867, 37386, 41989
ORIENTATION = 274
PIXEL_X_DIMENSION = 40962
PIXEL_Y_DIMENSION = 40963
XMP = 700
IPTC = 33723
PHOTOSHOP = 34377
ICC = 34675

# Type → bytes of one value (TIFF 6.0, and BigTIFF's 16 to 18).
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
# Those of them that are whole numbers without a sign; 13 and 18 are places of directories.
_WHOLE = {3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_MOST_ENTRIES = 4096
_MOST_DIRECTORIES = 256
_LONGEST_VALUE = 32_000_000  # bytes; Photoshop keeps whole layers in a tag, which are none of ours

# Tags that say how a TIFF's pixels are coded and where they lie: of this file only, and wrong in any other. The last
# row lies in blocks of its own everywhere else, or is made anew.
_OF_THE_FILE = frozenset(
    {254, 255, 256, 257, 258, 259, 262, 263, 264, 265, 266, 273, 277, 278, 279, 280, 281, 284, 288, 289, 290, 291, 292}
    | {293, 297, 301, 317, 320, 321, 322, 323, 324, 325, 326, 327, 328, 330, 332, 333, 334, 336, 338, 339, 340, 341}
    | {342, 347, *range(512, 522), 529, 530, 531, 532, 32995, 32996, 32997, 32998, 37439, 37724}
    | {XMP, IPTC, PHOTOSHOP, ICC, EXIF_IFD, _GPS_IFD}
)

# Tags of a RAW file's main directory that say something of the photo; all others say how it is to be developed.
_OF_THE_PHOTO = frozenset({270, _MAKE, _MODEL, ORIENTATION, 305, 306, 315, 33432})

# Maker notes are directories too. What they begin with → where the directory lies in them; nothing before it: Canon.
# Those that count offsets from their own beginning (Nikon, Apple, Fujifilm, Olympus) do not look like a directory here.
_NOTE_HEADERS = {b"Panasonic\0": 12, b"SONY ": 12, b"OLYMP\0": 8, b"EPSON\0": 8, b"AOC\0": 6}


@dataclass(frozen=True)
class Entry:
    """One tag of a directory: its TIFF type, number of values, their bytes, and where those lay in the file."""

    kind: int
    count: int
    value: bytes
    offset: int = 0


Directory = dict[int, Entry]


class TiffTags:
    """The tags of a TIFF's first picture. Raises ValueError where they cannot be read."""

    def __init__(self, stream: BinaryIO, *, is_forgiving: bool = False) -> None:
        """``stream`` is the file, or a block of EXIF in a BytesIO; only ``further`` reads from it after this call.

        With ``is_forgiving``, only the main directory has to be whole: values and directories that lie outside of the
        file are left out.
        """
        self._stream = stream
        self._is_forgiving = is_forgiving
        head = self._read(0, 16, at_least=8)
        order = {b"II": "<", b"MM": ">"}.get(head[:2])
        if order is None:
            raise ValueError("no TIFF header")
        self.order = order
        version, first = struct.unpack(order + "HI", head[2:8])
        self._is_big = version == 43
        if self._is_big:
            (first,) = struct.unpack(order + "Q", head[8:16])
        elif version not in {42, 0x4F52, 0x5352, 85}:  # 42, or what Olympus and Panasonic write instead
            raise ValueError("no TIFF header")
        self._next = 0
        """Where the directory lies that follows the one read last; 0 where none does."""
        self.main = self._directory(first)
        self._second = self._next
        self.exif = self._sub(self.main, EXIF_IFD, may_dangle=is_forgiving)
        # Programs that rewrite EXIF often leave the places of these two dangling. Nobody reads them then.
        self.gps = self._sub(self.main, _GPS_IFD, may_dangle=True)
        self.interoperability = self._sub(self.exif, _INTEROPERABILITY_IFD, may_dangle=True)

    def block(self) -> bytes:
        """The descriptive tags as a block of EXIF; empty where there are none."""
        main = {tag: entry for tag, entry in self.main.items() if tag not in _OF_THE_FILE}
        if not (main or self.exif or self.gps):
            return b""
        return _write(self.order, main, self.exif, self.gps, self.interoperability)

    def further(self) -> list[Directory]:
        """The directories of the other pictures: those below the first (SubIFDs), and those that follow it.

        As far as they can be read: what is damaged, or leads back, ends its row.
        """
        found: list[Directory] = []
        seen: set[int] = set()
        for place in (*self.numbers(_SUB_IFDS), self._second):
            at = place
            while at and at not in seen and len(found) < _MOST_DIRECTORIES:
                seen.add(at)
                try:
                    found.append(self._directory(at))
                except ValueError:
                    break
                at = self._next
        return found

    def numbers(self, tag: int, directory: Directory | None = None) -> tuple[int, ...]:
        """The whole numbers that a tag of a directory holds, the main one unless it is given.

        None where the tag is not there, or holds others.
        """
        entry = (self.main if directory is None else directory).get(tag)
        if entry is None or entry.kind not in _WHOLE:
            return ()
        return struct.unpack(f"{self.order}{entry.count}{_WHOLE[entry.kind]}", entry.value)

    def _sub(self, directory: Directory, tag: int, *, may_dangle: bool) -> Directory:
        entry = directory.pop(tag, None)
        if entry is None or len(entry.value) not in {4, 8}:
            return {}
        (offset,) = struct.unpack(self.order + ("I" if len(entry.value) == 4 else "Q"), entry.value)
        try:
            return self._directory(offset)
        except ValueError:
            if not may_dangle:
                raise
            return {}

    def _directory(self, at: int) -> Directory:
        form = "QHHQ8s" if self._is_big else "HHHI4s"
        number, entry_form = self.order + form[0], self.order + form[1:]
        step, inline = struct.calcsize(entry_form), 8 if self._is_big else 4
        head = struct.calcsize(number)
        (count,) = struct.unpack(number, self._read(at, head))
        if count > _MOST_ENTRIES:
            raise ValueError(f"a directory of {count} tags")
        raw = self._read(at + head, count * step)
        following = self._stream.read(inline)  # which blocks of EXIF may lack
        self._next = int.from_bytes(following, "little" if self.order == "<" else "big") * (len(following) == inline)
        found: Directory = {}
        for index in range(count):
            tag, kind, values, field = struct.unpack_from(entry_form, raw, index * step)
            length = _SIZES.get(kind, 0) * values
            if length == 0 or tag in found:
                continue  # a type nobody knows, or no value at all: nothing to carry
            if length <= inline:
                offset = at + head + (index + 1) * step - inline
                found[tag] = Entry(kind, values, field[:length], offset)
            elif length <= _LONGEST_VALUE:
                (offset,) = struct.unpack(self.order + ("Q" if self._is_big else "I"), field)
                try:
                    found[tag] = Entry(kind, values, self._read(offset, length), offset)
                except ValueError:
                    if not self._is_forgiving:
                        raise
        return found

    def _read(self, at: int, length: int, at_least: int = -1) -> bytes:
        try:
            self._stream.seek(at)
            content = self._stream.read(length)
        except (OverflowError, OSError) as error:  # farther than any file reaches
            raise ValueError("a tag that lies outside the file") from error
        if len(content) < (length if at_least < 0 else at_least):
            raise ValueError("a tag that lies outside the file")
        return content


def _write(order: str, main: Directory, exif: Directory, gps: Directory, interoperability: Directory) -> bytes:
    """Lay out directories as a block of EXIF. Values keep their bytes, so ``order`` must be that of the source."""
    block = bytearray((b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 8))
    pointers: dict[int, int] = {}  # the tag of a directory → where in the block its place is to be written

    def lay(directory: Directory, below: tuple[int, ...]) -> None:
        entries = {**directory, **{tag: Entry(4, 1, b"\0\0\0\0") for tag in below}}
        at = len(block)
        block.extend(struct.pack(order + "H", len(entries)) + bytes(12 * len(entries) + 4))
        for index, (tag, entry) in enumerate(sorted(entries.items())):
            # BigTIFF's own types become those of the same size that EXIF has (a long of eight bytes has none).
            if entry.kind > 13:
                entry = _narrowed(order, entry)  # noqa: PLW2901
            place = at + 2 + 12 * index
            struct.pack_into(order + "HHI", block, place, tag, entry.kind, entry.count)
            if tag in below:
                pointers[tag] = place + 8
            elif len(entry.value) <= 4:
                block[place + 8 : place + 8 + len(entry.value)] = entry.value
            else:
                block.extend(bytes(len(block) % 2))
                struct.pack_into(order + "I", block, place + 8, len(block))
                moved = _moved_note(order, entry, len(block)) if tag == _MAKER_NOTE else entry.value
                block.extend(moved)
        block.extend(bytes(len(block) % 2))

    lay(main, tuple(tag for tag, there in ((EXIF_IFD, exif), (_GPS_IFD, gps)) if there))
    for tag, directory, below in (
        (EXIF_IFD, exif, (_INTEROPERABILITY_IFD,) if interoperability else ()),
        (_GPS_IFD, gps, ()),
        (_INTEROPERABILITY_IFD, interoperability, ()),
    ):
        if directory:
            struct.pack_into(order + "I", block, pointers[tag], len(block))
            lay(directory, below)
    return bytes(block)


def _narrowed(order: str, entry: Entry) -> Entry:
    """A BigTIFF value in four bytes. Raises ValueError where it is too large, as no description is."""
    signed = entry.kind == 17
    values = struct.unpack(f"{order}{entry.count}{'q' if signed else 'Q'}", entry.value)
    try:
        return Entry(
            9 if signed else 4, entry.count, struct.pack(f"{order}{entry.count}{'i' if signed else 'I'}", *values)
        )
    except struct.error as error:
        raise ValueError("a tag with a number too large for EXIF") from error


def _moved_note(order: str, entry: Entry, new: int) -> bytes:
    """Maker notes as they have to read at their new place in the block: makers count offsets from the block's begin."""
    note = entry.value
    start = next((length for begin, length in _NOTE_HEADERS.items() if note.startswith(begin)), 0)
    for note_order in (order, "<>".replace(order, "")):
        moved = _shifted(note, start, note_order, entry.offset, new - entry.offset)
        if moved is not None:
            return moved
    return note


def _shifted(note: bytes, start: int, order: str, old: int, by: int) -> bytes | None:
    """``note`` with the offsets of the directory at ``start`` moved; None if there is no such directory."""
    if len(note) < start + 2:
        return None
    (count,) = struct.unpack_from(order + "H", note, start)
    if not 0 < count <= 512 or start + 2 + 12 * count > len(note):
        return None
    moved = bytearray(note)
    for place in range(start + 2, start + 2 + 12 * count, 12):
        _, kind, values, offset = struct.unpack_from(order + "HHII", note, place)
        if kind not in _SIZES:
            return None
        if _SIZES[kind] * values > 4 and old <= offset < old + len(note) and offset + by >= 0:
            struct.pack_into(order + "I", moved, place + 8, offset + by)
    return bytes(moved)


def block_of_raw(parts: Sequence[TiffTags]) -> bytes:
    """A block of EXIF of what describes the photo in a RAW file's tags; empty where nothing does.

    ``parts`` are the file's one set of tags; or, where each directory is the main one of its own, those of the main
    directory, of EXIF and of GPS, in one order of bytes. How the sensor's values are coded and developed is left out,
    and so is the maker's note, which is mostly on that, and large. Raises ValueError.
    """
    if not parts or any(part.order != parts[0].order for part in parts):
        raise ValueError("no directory, or several that do not fit")
    first = parts[0]
    directories = [first.exif, first.gps] if len(parts) == 1 else [part.main for part in parts[1:]]
    exif, gps = (*directories, {})[:2]
    main = {tag: entry for tag, entry in first.main.items() if tag in _OF_THE_PHOTO}
    exif = {tag: entry for tag, entry in exif.items() if tag != _MAKER_NOTE}
    return _write(first.order, main, exif, gps, {}) if main or exif or gps else b""


def with_numbers(block: bytes, wanted: dict[int, int]) -> bytes:
    """A block of EXIF with single numbers of the main and the EXIF directory changed where they stand.

    Tags that are not there stay away, everything else keeps its bytes, also what is damaged: who reads it from a
    camera's own JPEG meets the same. Raises ValueError where not even the main directory can be read.
    """
    changed = bytearray(block)
    tags = TiffTags(io.BytesIO(block), is_forgiving=True)
    for directory in (tags.main, tags.exif):
        for tag in wanted.keys() & directory.keys():
            entry = directory[tag]
            if entry.count == 1 and entry.kind in {3, 4}:
                form = tags.order + ("H" if entry.kind == 3 else "I")
                struct.pack_into(form, changed, entry.offset, wanted[tag])
    return bytes(changed)


def essential(block: bytes) -> bytes:
    """A small block of EXIF with what a photogrammetry program starts from: camera, focal length, time.

    Made of what can be read of ``block``; empty where none of it can.
    """
    try:
        tags = TiffTags(io.BytesIO(block), is_forgiving=True)
    except ValueError:
        return b""
    main = {tag: tags.main[tag] for tag in (_MAKE, _MODEL) if tag in tags.main}
    within = (_DATE_TIME_ORIGINAL, _FOCAL_LENGTH, _FOCAL_LENGTH_35)
    exif = {tag: tags.exif[tag] for tag in within if tag in tags.exif}
    return _write(tags.order, main, exif, {}, {}) if main or exif else b""
