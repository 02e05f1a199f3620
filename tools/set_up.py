# SPDX-License-Identifier: GPL-3.0-or-later
"""Set up all that the tests need, side by side: the environments, and the Debian whose Blender has a window.

python tools/set_up.py            whatever this machine allows (with CI set: everything, or an error)
python tools/set_up.py NAME…      of the environments, these

All goes on where one of them fails; in the end each failure is told on a line of its own.
"""

from __future__ import annotations

import functools
import sys

import environments
import window_setup

if __name__ == "__main__":
    try:
        environments.side_by_side([functools.partial(environments.set_up, sys.argv[1:]), window_setup.set_up])
    except environments.Missing as missing:
        sys.exit(str(missing))
