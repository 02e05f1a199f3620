# SPDX-License-Identifier: GPL-3.0-or-later
"""Short names for what decides a result, and hashes of files."""

import hashlib
import json
from pathlib import Path

_LENGTH = 16


def short_hash(*parts: object) -> str:
    """Returns 16 hexadecimal digits that differ wherever one of ``parts`` does.

    The parts are what JSON holds: None, numbers, texts, and lists, tuples and dictionaries of them. Journals and
    folders keep these hashes: made in another way, every photo is asked about and every scan solved once more.
    """
    return hashlib.sha256(json.dumps(parts).encode("ascii")).hexdigest()[:_LENGTH]


def hash_file(path: Path) -> str:
    """Returns the SHA-256 of a file in hexadecimal; empty where it is not there or cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""
