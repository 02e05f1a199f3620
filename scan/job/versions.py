# SPDX-License-Identifier: GPL-3.0-or-later
"""The versions of what does the work, for reports. Imported by workers only: it loads Pillow."""

import platform
import tomllib
from pathlib import Path

import numpy as np
import PIL
import requests


def versions() -> dict[str, str]:
    """Returns the versions of the extension, of Python and of the packages that have a part in the results."""
    manifest = Path(__file__).parents[2] / "blender_manifest.toml"
    return {
        "scan_cutout": tomllib.loads(manifest.read_text("utf-8"))["version"],
        "python": platform.python_version(),
        "pillow": PIL.__version__,
        "numpy": np.__version__,
        "requests": requests.__version__,
    }
