# SPDX-License-Identifier: GPL-3.0-or-later
"""From a soft mask to the mask of a photo."""
