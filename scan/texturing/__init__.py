# SPDX-License-Identifier: GPL-3.0-or-later
"""The texture: what the photos show, on the surface of a mesh, without the light that fell on it."""
