# SPDX-License-Identifier: GPL-3.0-or-later
"""What leaves Blender: which files a model goes to, and what a turntable of it is like."""
