# SPDX-License-Identifier: GPL-3.0-or-later
"""From a photo and its mask to a picture without its background."""
