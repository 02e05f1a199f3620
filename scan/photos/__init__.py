# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos: found, opened, turned upright, made into proxies; what they say of themselves."""
