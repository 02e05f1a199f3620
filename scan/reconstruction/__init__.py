# SPDX-License-Identifier: GPL-3.0-or-later
"""What a photogrammetry engine gives back: plain types, and readers for the formats it comes in."""
