# SPDX-License-Identifier: GPL-3.0-or-later
"""Which certificates an https server is trusted by: the usual ones, and one of the user's own."""

import os
import ssl
from pathlib import Path

from ..common.errors import BadUseError

BUNDLE_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Environment variables that name the usual certificates; the first that is set counts."""


def check_certificate(path: str) -> None:
    """Raise BadUseError where a file is not there, or holds no certificate that can be read."""
    file = Path(path)
    if not file.is_file():
        raise BadUseError(f"The certificate {path} is not there; choose another file in the preferences, or none")
    try:
        ssl.create_default_context(cafile=path)
    except (OSError, ValueError) as error:  # an SSLError is an OSError
        raise BadUseError(
            f"{path} holds no certificate that can be read; choose the text form (PEM), which begins with -----BEGIN "
            "CERTIFICATE----- (openssl x509 -inform der -in FILE -out FILE.pem makes it of the other one)"
        ) from error


def usual_certificates() -> str | bool:
    """What requests takes as ``verify``: the file that a variable names, or True for those it comes with.

    requests itself reads these variables only where it reads those of proxies too, which never count for this computer.
    Raises BadUseError where the file is not there.
    """
    for name in BUNDLE_VARIABLES:
        if path := os.environ.get(name):
            if not Path(path).exists():
                raise BadUseError(f"The environment variable {name} names {path}, which is not there; correct it")
            return path
    return True
