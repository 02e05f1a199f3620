# SPDX-License-Identifier: GPL-3.0-or-later
"""What Test Connection has found is what the preferences hold from then on."""

import bpy

from ..properties import job_settings
from ..properties.typed import existing
from ..scan.job.job_end import JobEnd
from . import queries


def keep(context: bpy.types.Context, asked: str, answer: JobEnd) -> None:
    """Write the endpoint that answered into the preferences, wherever they hold the address that was asked.

    Its answer is then that of the new address. Where nothing was found, all stays as it is.
    """
    found = answer.details.get("endpoint", asked)
    stored = job_settings.preferences(context)
    if not answer.is_done or found == asked or stored is None:
        return
    fields = [each for each in stored.further_endpoints if each.address == asked]
    is_first = stored.endpoint == asked
    if not (is_first or fields):
        return
    if is_first:
        stored.endpoint = found
    for each in fields:
        each.address = found
    existing(context.preferences).is_dirty = True
    queries.rename(queries.of_endpoint(asked), queries.of_endpoint(found))
