# SPDX-License-Identifier: GPL-3.0-or-later
"""Other people's programs: started, supervised, ended."""
