# SPDX-License-Identifier: GPL-3.0-or-later
"""What the worker can be asked to do, one file for each task."""
