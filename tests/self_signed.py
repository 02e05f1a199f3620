# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates that servers give themselves, as openssl makes them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest


def self_signed(folder: Path, *names: str, name: str = "server") -> tuple[Path, Path]:
    """Make a certificate for names such as ``IP:127.0.0.1``: its file, and another one that has the key as well."""
    openssl = shutil.which("openssl")
    if openssl is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("openssl makes the certificate: install it")
    key, certificate, both = (folder / f"{name}_{each}.pem" for each in ("key", "certificate", "both"))
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    more = ["-addext", f"subjectAltName={','.join(names)}"] if names else []
    subprocess.run([*command, *more, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    both.write_bytes(key.read_bytes() + certificate.read_bytes())
    return certificate, both
