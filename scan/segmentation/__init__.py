# SPDX-License-Identifier: GPL-3.0-or-later
"""From a proxy to a soft mask: rembg servers, or a model in the worker itself."""
