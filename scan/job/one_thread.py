# SPDX-License-Identifier: GPL-3.0-or-later
"""Imported before numpy: holds numeric libraries to one thread, since the threads of a task share the cores already."""

import os

os.environ.update(dict.fromkeys(("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"))
