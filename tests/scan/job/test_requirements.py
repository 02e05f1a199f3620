# SPDX-License-Identifier: GPL-3.0-or-later
"""What is missing is said before a worker is started."""

import subprocess
import sys
from pathlib import Path

import pytest

from scan.job.requirements import missing, refuse_missing

ROOT = Path(__file__).parents[3]


def missing_in_a_python_with(folder, *packages):
    """What a bare Python says that has nothing but these packages."""
    for name in packages:
        (folder / name).mkdir()
        (folder / name / "__init__.py").touch()
    code = (
        f"import sys; sys.path += {[str(ROOT), str(folder)]!r}; "
        "from scan.job.requirements import missing; print(missing())"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_here_nothing_is_missing():
    assert missing() == ""
    refuse_missing()


@pytest.mark.parametrize(
    ("there", "words"),
    [
        ((), "This Blender lacks the Python packages numpy and requests"),
        (("numpy", "PIL"), "This Blender lacks the Python packages requests, which"),
        (("numpy", "requests"), "remove Scan Cutout and install the zip made for this system"),
        (("numpy", "requests", "PIL"), ""),
    ],
)
def test_what_is_missing_is_named_with_what_to_do(tmp_path, there, words):
    said = missing_in_a_python_with(tmp_path, *there)
    assert words in said
    assert bool(said) == bool(words)
