# SPDX-License-Identifier: GPL-3.0-or-later
"""The photogrammetry programs, one file each, behind the one small interface in ``engine``."""
