# SPDX-License-Identifier: GPL-3.0-or-later
"""What an import builds in the scene, and what leaves it."""
