# SPDX-License-Identifier: GPL-3.0-or-later
"""Readers of reconstructions, one file for each format."""
