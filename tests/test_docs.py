# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documentation has from the code is what the code says now; `make docs` writes it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

import write_docs

ROOT = Path(__file__).parents[1]


def test_the_tables_of_settings_are_those_of_the_declarations() -> None:
    assert write_docs.SETTINGS.read_text("utf-8") == write_docs.settings()


@pytest.mark.parametrize("name", write_docs.PARTLY_WRITTEN)
def test_what_comes_from_the_code_is_up_to_date(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    assert "<!-- from the code: " in text
    assert write_docs.with_parts(text) == text


@pytest.mark.parametrize(("language", "shell"), [("sh", "sh"), ("powershell", "pwsh")])
def test_the_commands_that_rename_masks_do(language: str, shell: str, tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell} here")
    text = (ROOT / "docs" / "masks_in_other_programs.md").read_text("utf-8")
    commands = re.findall(rf"```{language}\n(.*renamed.*)\n```", text)
    masks = ["$1 (2) [3].JPG.png", "Side 'A'/deep/IMG.2.jpeg.png"]
    for mask in masks:
        (tmp_path / "masks" / mask).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "masks" / mask).touch()
    made = []
    for command in commands:
        subprocess.run([shell, "-c", command], cwd=tmp_path, check=True)
        made.append({path.relative_to(tmp_path / "renamed").as_posix() for path in tmp_path.glob("renamed/**/*.png")})
        shutil.rmtree(tmp_path / "renamed")
    assert made == [
        {"$1 (2) [3]_mask.png", "Side 'A'/deep/IMG.2_mask.png"},
        {"$1 (2) [3].JPG.mask.png", "Side 'A'/deep/IMG.2.jpeg.mask.png"},
        {"$1 (2) [3].png", "IMG.2.png"},
    ]
