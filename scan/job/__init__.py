# SPDX-License-Identifier: GPL-3.0-or-later
"""A job: its folder, its journal and records, and the process that runs it."""
