# SPDX-License-Identifier: GPL-3.0-or-later
"""The task check_endpoint: ask a rembg server for its version and its models."""

import time
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

from ..common.declared import from_json
from ..common.errors import EndpointError
from ..job.context import JobContext
from ..job.job_end import JobEnd
from ..segmentation.rembg_client import RembgClient
from ..segmentation.settings import EndpointSettings

_TICK = 0.05
_PATIENCE = 10.0
"""Seconds that Test Connection waits, whoever hangs: the server, the network or the look-up of a name."""


def run(values: dict[str, Any], context: JobContext) -> JobEnd:
    """Find the server and ask it.

    The details of the end are the ``endpoint`` that was found, its ``version`` and ``models`` (empty where a proxy
    keeps them from us) and the ``seconds`` it took.

    Raises BadUseError where the server may not be asked, EndpointError where it does not answer or is not rembg.
    """
    begin = time.monotonic()
    settings = from_json(EndpointSettings, values)
    client = RembgClient(settings, context.token)
    pool = ThreadPoolExecutor(1)
    try:
        asked = pool.submit(client.capabilities)
        while not wait([asked], timeout=_TICK).done:
            if context.cancel.is_set():
                return JobEnd.cancelled()
            if time.monotonic() - begin > _PATIENCE:
                raise EndpointError(
                    f"{client.url} did not answer within {_PATIENCE:.0f} s: the server is very busy, or something "
                    "else listens there; look at its log, then try again"
                )
        abilities = asked.result()
    finally:
        pool.shutdown(wait=False)
    with_models = f" with {len(abilities.models)} models" if abilities.models else ""
    is_elsewhere = client.url != settings.endpoint.strip()
    return JobEnd.done(
        f"{abilities.name} answers{with_models}" + (f" at {client.url}" if is_elsewhere else ""),
        endpoint=client.url,
        version=abilities.version,
        models=abilities.models,
        seconds=round(time.monotonic() - begin, 3),
    )
