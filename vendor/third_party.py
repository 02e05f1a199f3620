# SPDX-License-Identifier: GPL-3.0-or-later
"""Write THIRD_PARTY.md: what a zip carries from others, with the licences those wheels themselves carry."""

from __future__ import annotations

import email
import zipfile
from email.message import Message
from pathlib import Path, PurePosixPath
from typing import Any

_LICENSE_WORDS = ("licen", "copying", "notice", "authors")

_LICENSES = Path(__file__).resolve().parent / "licenses"
"""Texts, by SPDX name, of licences that have to travel with weights, which carry none themselves; and what wheels
should carry and do not: a folder for each, named NAME-VERSION, of texts to add."""

_INTRODUCTION = """\
# Third-party software in this package

Scan Cutout itself is under the GNU General Public License, version 3 or later; see LICENSE.
This package also carries the following, each under its own licence.
"""


def third_party(wheels: list[Path], models: list[dict[str, Any]]) -> str:
    """Compose the text of THIRD_PARTY.md for these wheels and these models of the lock."""
    sections = [_of_wheel(wheel) for wheel in wheels] + [_of_model(model) for model in models]
    return "\n".join([_INTRODUCTION, *sections])


def _of_wheel(wheel: Path) -> str:
    with zipfile.ZipFile(wheel) as archive:
        names = sorted(archive.namelist())
        (metadata_name,) = (name for name in names if name.endswith(".dist-info/METADATA") and name.count("/") == 1)
        metadata = email.message_from_bytes(archive.read(metadata_name))
        texts = [
            (name, archive.read(name).decode("utf-8", "replace").strip())
            for name in names
            if not name.endswith("/") and _is_license(PurePosixPath(name), PurePosixPath(metadata_name).parent)
        ]
    texts += _added(str(metadata["Name"]), str(metadata["Version"]))
    if not texts:
        raise ValueError(f"{wheel.name} carries no licence file, so it cannot be passed on.")
    lines = [f"## {metadata['Name']} {metadata['Version']}", "", f"Licence: {_license(metadata)}"]
    lines += [f"Home: {_home(metadata)}", f"File: `{wheel.name}`", ""]
    for name, text in texts:
        # Four tildes, since some of these texts hold code fences of their own.
        lines += [f"### {name}", "", "~~~~text", text, "~~~~", ""]
    return "\n".join(lines)


def _added(name: str, version: str) -> list[tuple[str, str]]:
    """Read the texts added to a wheel's own; where only another version has some, they have to be looked at anew."""
    folder = _LICENSES / f"{name}-{version}"
    others = [other.name for other in _LICENSES.glob(f"{name}-*") if other != folder]
    if others and not folder.is_dir():
        raise ValueError(f"vendor/licenses has {others[0]}, not {folder.name}: check what it says and rename it.")
    return [(path.name, path.read_text(encoding="utf-8").strip()) for path in sorted(folder.glob("*.txt"))]


def _of_model(model: dict[str, Any]) -> str:
    text = (_LICENSES / f"{model['license']}.txt").read_text(encoding="utf-8").strip("\n")
    lines = [f"## {model['file']}", "", model["title"], "", f"Licence: {model['license']}", f"Home: {model['home']}"]
    lines += [f"File: `vendor/models/{model['file']}`", "", "~~~~text", text, "~~~~", ""]
    return "\n".join(lines)


def _is_license(path: PurePosixPath, dist_info: PurePosixPath) -> bool:
    """Tell whether a member is a licence: anything in ``.dist-info/licenses``, or named like one anywhere."""
    if dist_info / "licenses" in path.parents:
        return True
    name = path.name.lower()
    return any(word in name for word in _LICENSE_WORDS) and path.suffix.lower() in ("", ".txt", ".md", ".rst")


def _license(metadata: Message) -> str:
    stated = metadata["License-Expression"] or metadata["License"] or ""
    # Old metadata puts the whole text into "License"; the text follows below anyway.
    if stated and "\n" not in stated:
        return str(stated)
    classifiers = [value for value in metadata.get_all("Classifier", []) if value.startswith("License")]
    return ", ".join(value.split(" :: ")[-1] for value in classifiers) or "see below"


def _home(metadata: Message) -> str:
    for entry in metadata.get_all("Project-URL", []):
        label, _, url = entry.partition(", ")
        if label.lower() in ("homepage", "home", "source", "repository"):
            return str(url)
    return str(metadata["Home-page"] or "not stated")
