# SPDX-License-Identifier: GPL-3.0-or-later
"""Views: photos, masks and cameras as what is computed on needs them, and surfaces as they show them."""
