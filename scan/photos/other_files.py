# SPDX-License-Identifier: GPL-3.0-or-later
"""What lies in a photo folder beside photos, or instead of them: named, with what can be made of it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath

from ..common.text import count, some
from ..job.folder import JobFolder
from .file_types import ALL_PHOTO_SUFFIXES, OTHER_SUFFIXES, OWN_SUFFIX, VIDEO_SUFFIXES, kind_if_read
from .walk import is_hidden, walk

_MOST_FILES = 20_000
"""Looked at, in a folder that holds other things than a scan."""
_MOST_OPENED = 200
"""Files of unknown names whose first bytes are looked at."""
_PLACEHOLDER = ".icloud"
"""iCloud Drive leaves ``.IMG_1.JPG.icloud`` where it has a file's content elsewhere."""
_JUNK = frozenset({"desktop.ini", "thumbs.db"})


@dataclass(frozen=True)
class _Kind:
    """Files of one kind, and what to do with them."""

    name: str
    advice: str = ""
    """With ``{it}`` and ``{its}`` for one or many; empty where nothing can be done."""
    matters_beside_photos: bool = False

    def said(self, names: Sequence[PurePosixPath]) -> str:
        """How many there are, and which."""
        return f"{count(len(names), self.name)} ({some([str(name) for name in names])})"

    def what_to_do(self, names: Sequence[PurePosixPath]) -> str:
        """What to do with so many."""
        return self.advice.format(**({"it": "it", "its": "its"} if len(names) == 1 else {"it": "them", "its": "their"}))


_FRAMES = "export {its} frames as JPEG or PNG files, with Blender's Video Sequencer or ffmpeg"
_IN_ICLOUD = _Kind("undownloaded iCloud photo", "download {it} in the Finder", matters_beside_photos=True)
_UNFINISHED = _Kind("unfinished download", "download {it} again", matters_beside_photos=True)
_MISNAMED = {
    kind: _Kind(
        f"misnamed {kind} file", f"rename {{it}} so that {suffix} stands at the end", matters_beside_photos=True
    )
    for kind, suffix in OWN_SUFFIX.items()
}
_VIDEO = _Kind("video", _FRAMES, matters_beside_photos=True)
_GIF = _Kind("GIF", _FRAMES)  # beside photos it is another picture
_OTHER_PICTURE = _Kind("other picture", "save as JPEG, PNG or TIFF", matters_beside_photos=True)
_PDF = _Kind("PDF", "save the pictures in {it} as JPEG, PNG or TIFF")
_ARCHIVE = _Kind("archive", "unpack {it}")
_HIDDEN_PHOTO = _Kind("hidden photo", "rename what begins with a point, so that it is not hidden")
_MESH = _Kind("3D file")
_OTHER = _Kind("other file")
_KINDS = (
    *(_IN_ICLOUD, *_MISNAMED.values(), _UNFINISHED, _VIDEO, _GIF, _OTHER_PICTURE, _PDF, _ARCHIVE, _HIDDEN_PHOTO),
    *(_MESH, _OTHER),
)
"""Those first with which most can be done."""

_BY_SUFFIX: dict[str, _Kind] = {
    **dict.fromkeys((".crdownload", ".download", ".part", ".partial"), _UNFINISHED),
    **dict.fromkeys(VIDEO_SUFFIXES, _VIDEO),
    **dict.fromkeys(OTHER_SUFFIXES, _OTHER_PICTURE),
    ".gif": _GIF,
    ".pdf": _PDF,
    **dict.fromkeys((".7z", ".bz2", ".gz", ".rar", ".tar", ".tgz", ".xz", ".zip"), _ARCHIVE),
    **dict.fromkeys((".abc", ".blend", ".dae", ".fbx", ".glb", ".gltf", ".obj", ".ply", ".stl"), _MESH),
    **dict.fromkeys((".usd", ".usda", ".usdc", ".usdz"), _MESH),
    **dict.fromkeys((".aae", ".csv", ".dop", ".html", ".json", ".md", ".pp3", ".txt", ".xml", ".xmp"), _OTHER),
    **dict.fromkeys((".ithmb", ".lrprev", ".thm"), _OTHER),  # which begin as pictures do: previews that programs made
}


def what_is_there(folder: Path) -> str:
    """What lies in a folder that has no photos, in a sentence, with what can be made of it."""
    job = JobFolder(folder)
    if job.has_run():
        place = job.photos()
        return f"It is the output folder of a job{f', whose photos are in {place}' if place else ''}"
    if groups := _sorted(folder):
        parts = []
        for kind, names in groups.items():
            advice = kind.what_to_do(names)
            parts.append(kind.said(names) + (f": {advice}" if advice else ""))
        return f"It holds {'; '.join(parts)}"
    is_empty = next(walk(folder, with_hidden=True), None) is None
    return "The folder is empty" if is_empty else "It holds hidden files only"


def about_others(folder: Path) -> list[str]:
    """A sentence for each kind of files that lie beside photos, are passed over, and may have been meant to be used."""
    groups = _sorted(folder)
    if pictures := [*groups.pop(_GIF, ()), *groups.pop(_OTHER_PICTURE, ())]:
        groups = {_OTHER_PICTURE: _in_order(pictures)} | groups
    return [
        f"{kind.said(names)} {'is' if len(names) == 1 else 'are'} passed over: {kind.what_to_do(names)}"
        for kind, names in groups.items()
        if kind.matters_beside_photos
    ]


def _sorted(folder: Path) -> dict[_Kind, list[PurePosixPath]]:
    """The files of a folder that are no photos, by kinds."""
    names = list(islice(walk(folder, with_hidden=True), _MOST_FILES))
    photos = {(name.parent, name.name) for name in names if name.suffix.lower() in ALL_PHOTO_SUFFIXES}
    stems = {(place, PurePosixPath(photo).stem.lower()) for place, photo in photos}
    groups: dict[_Kind, list[PurePosixPath]] = {kind: [] for kind in _KINDS}
    opened = 0
    for name in names:
        suffix = name.suffix.lower()
        if any(map(is_hidden, name.parts)) or name.name.lower() in _JUNK:
            if original := _in_icloud(name):
                groups[_IN_ICLOUD].append(original)
            # What begins with these two are macOS' notes on files, on memory cards.
            elif suffix in ALL_PHOTO_SUFFIXES and not name.name.startswith("._"):
                groups[_HIDDEN_PHOTO].append(name)
            continue
        kind = _BY_SUFFIX.get(suffix, _OTHER)
        if suffix in ALL_PHOTO_SUFFIXES or (kind is _VIDEO and (name.parent, name.stem.lower()) in stems):
            continue  # the film of a Live Photo is another look at its photo
        if suffix not in _BY_SUFFIX and opened < _MOST_OPENED and not _is_copy(name, photos):
            opened += 1
            kind = _MISNAMED.get(kind_if_read(folder / name), _OTHER)
        groups[kind].append(name)
    return {kind: _in_order(found) for kind, found in groups.items() if found}


def _in_order(names: Sequence[PurePosixPath]) -> list[PurePosixPath]:
    return sorted(names, key=lambda name: name.parts)


def _in_icloud(name: PurePosixPath) -> PurePosixPath | None:
    """The photo that a placeholder stands for; None for other files."""
    original = name.with_name(name.name[1:].removesuffix(_PLACEHOLDER) or name.name)
    is_one = name.suffix == _PLACEHOLDER and original.suffix.lower() in ALL_PHOTO_SUFFIXES
    return original if is_one and not any(map(is_hidden, original.parts)) else None


def _is_copy(name: PurePosixPath, photos: Collection[tuple[PurePosixPath, str]]) -> bool:
    """Whether it is what a program keeps of a photo beside it, such as ``IMG_1.JPG_original``.

    ``photos`` are folders and names in them.
    """
    return any((name.parent, name.name[:length]) in photos for length in range(1, len(name.name)))
