# SPDX-License-Identifier: GPL-3.0-or-later
"""Rembg's own sessions on pictures, run with the Python of the environment ``rembg`` by tests/scan/test_embedded.py.

    python rembg_sessions.py PICTURES MASKS NAME…     PICTURES/<any>.png → MASKS/<NAME>/<any>.png

The weights are those of U2NET_HOME.
"""

import sys
from pathlib import Path

from PIL import Image
from rembg import new_session, remove


def main() -> None:
    """Run every named model on every picture."""
    pictures, masks, *names = sys.argv[1:]
    for name in names:
        session = new_session(name)
        (Path(masks) / name).mkdir(parents=True)
        for path in sorted(Path(pictures).glob("*.png")):
            remove(Image.open(path), session=session, only_mask=True).save(Path(masks) / name / path.name)


if __name__ == "__main__":
    main()
