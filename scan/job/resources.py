# SPDX-License-Identifier: GPL-3.0-or-later
"""What this computer has to offer."""

import os
import sys

_GUESS = 8 << 30


def threads(megabytes: int) -> int:
    """How many photos may be worked on at once if each takes so much memory: half of what there is, at most."""
    return max(1, min(os.cpu_count() or 1, memory() // 2 // (megabytes << 20)))


if sys.platform == "win32":
    import ctypes

    class _Status(ctypes.Structure):
        """MEMORYSTATUSEX (sysinfoapi.h)."""

        _fields_ = (("length", ctypes.c_uint32), ("load", ctypes.c_uint32), ("values", ctypes.c_uint64 * 7))

    def memory() -> int:
        """Bytes of memory in this computer."""
        status = _Status(length=ctypes.sizeof(_Status))
        known = ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))
        return int(status.values[0]) if known else _GUESS

else:

    def memory() -> int:
        """Bytes of memory in this computer."""
        try:
            return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        except (OSError, ValueError):
            return _GUESS
