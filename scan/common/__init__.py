# SPDX-License-Identifier: GPL-3.0-or-later
"""What every room of ``scan`` uses: errors, files, parts of pictures, sentences."""
