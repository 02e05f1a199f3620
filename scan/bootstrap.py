# SPDX-License-Identifier: GPL-3.0-or-later
"""The script that the worker's Python is started on: makes the package importable, then hands over.

Arguments: the extension's root, the job folder, the name of the run. The environment variable
SCAN_CUTOUT_SYS_PATH holds Blender's own module search path as JSON: an isolated Python (``-I``) knows neither the
extension nor the wheels that came with it.
"""

import importlib.util
import json
import os
import sys
from pathlib import Path
from types import ModuleType


def _import_worker(root: Path) -> ModuleType:
    """Import ``scan.worker`` under a package name of its own, so that no other ``scan`` gets in its way."""
    name = "scan_cutout_scan"
    place = root / "scan"
    spec = importlib.util.spec_from_file_location(name, place / "__init__.py", submodule_search_locations=[str(place)])
    if spec is None or spec.loader is None:
        raise ImportError(f"{place} is not a package")
    package = importlib.util.module_from_spec(spec)
    sys.modules[name] = package
    spec.loader.exec_module(package)
    return importlib.import_module(f"{name}.worker")


if __name__ == "__main__":
    sys.path[:] = json.loads(os.environ["SCAN_CUTOUT_SYS_PATH"])
    _import_worker(Path(sys.argv[1])).start(sys.argv[2:])
