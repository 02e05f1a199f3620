# SPDX-License-Identifier: GPL-3.0-or-later
"""The model: a watertight mesh from photos, their masks and their cameras, on a processor alone."""
