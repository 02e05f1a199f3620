# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures by which a person judges a run: the contact sheet and thumbnails."""
