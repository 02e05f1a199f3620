# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documentation has from the code is what the code says now; `make docs` writes it."""

from __future__ import annotations

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
