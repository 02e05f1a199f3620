# SPDX-License-Identifier: GPL-3.0-or-later
"""COLMAP, embedded or as the user's own program."""
