# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a server cannot be reached, and what to do about it, in words."""

import errno
import re
import socket

import requests

from .address import Endpoint
from .certificates import BUNDLE_VARIABLES

CONNECT_TIMEOUT = 8.0
"""Seconds within which a server must take a connection."""

_NO_ENCRYPTION = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG", "HTTP_REQUEST")
# How a TLS record that says "no" begins (RFC 8446, 5.1: type 21, version 3), read as the first line of an answer.
_TLS_ALERT = "\\x15\\x03"

# OpenSSL's and urllib3's words for a certificate that nobody known has issued, and for one of another host.
_NOT_TRUSTED = ("self-signed", "self signed", "unable to get")
_OF_ANOTHER_NAME = ("ismatch", "doesn't match")

_NO_WAY = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH})
_LOST = "was lost"


def reason(error: requests.RequestException, address: Endpoint) -> str:
    """What went wrong with a request: the beginning of a sentence."""
    url, words = address.url, str(error)
    if isinstance(error, requests.exceptions.SSLError):
        said = _of_tls(words, address)
    elif isinstance(error, requests.exceptions.ProxyError):
        said = _of_proxy(words, address)
    elif isinstance(error, requests.exceptions.ReadTimeout):
        said = f"{url} took longer than the timeout to answer"
    elif isinstance(error, requests.exceptions.ConnectTimeout):
        said = f"{url} cannot be reached (no answer within {CONNECT_TIMEOUT:.0f} s)"
    elif "refused" in words or _is_caused_by(error, ConnectionRefusedError):
        said = f"No server answers at {url} (connection refused)"
    elif "resolve" in words or "getaddrinfo" in words or _is_caused_by(error, socket.gaierror):
        said = f"The host name {address.host} is not known"
    elif "unreachable" in words or "No route" in words or _is_caused_by(error, OSError, _NO_WAY):
        said = f"There is no way to {address.host} from the network that this computer is in"
    elif _TLS_ALERT in words:
        said = wants_encryption(address)
    else:
        said = f"The connection to {url} {_LOST}"
    return said


def advice(error: requests.RequestException | None, address: Endpoint) -> str:
    """What to do where a server does not answer (as ``error`` has it): a sentence without its full stop."""
    if isinstance(error, requests.exceptions.SSLError) or (error is not None and _TLS_ALERT in str(error)):
        return _about_certificate(str(error), address)
    if isinstance(error, requests.exceptions.ProxyError):
        return f"Check HTTP_PROXY and HTTPS_PROXY, or name {address.host} in NO_PROXY"
    usual = "Check the address, the network and the server"
    if address.is_loopback:
        usual = "Start the rembg server (the Docker command for it is in the preferences and in the README)"
    if error is not None and address.url.startswith("http:") and reason(error, address).endswith(_LOST):
        usual += "; or, where the server wants encrypted connections, write https://"
    return usual


def wants_encryption(address: Endpoint) -> str:
    """Of a server that was asked in the clear."""
    return f"{address.base} wants an encrypted connection: write https:// instead of http://"


def _is_caused_by(error: BaseException, kind: type[OSError], numbers: frozenset[int] = frozenset()) -> bool:
    """Whether the system's own error beneath is of a kind, and has one of the numbers if any are given.

    Its words are in the language of the system, and requests and urllib3 wrap it in several ways.
    """
    around: list[object] = [error]
    for each in around:
        if isinstance(each, kind) and (not numbers or each.errno in numbers):
            return True
        if isinstance(each, BaseException):
            beneath = (each.__cause__, each.__context__, getattr(each, "reason", None), *each.args)
            around += [one for one in beneath if isinstance(one, BaseException) and one not in around]
    return False


def _of_proxy(words: str, address: Endpoint) -> str:
    """Of a proxy that the environment names; it answers by itself where it shall connect us to an https server."""
    found = re.search(r"Tunnel connection failed: (\d+)", words)
    status = found[1] if found else ""
    if status == "407":
        return f"The proxy in front of {address.url} asks for a password (407)"
    if status:
        return f"The proxy in front of {address.url} refuses to connect to it ({status})"
    return f"The proxy in front of {address.url} does not answer"


def _about_certificate(words: str, address: Endpoint) -> str:
    """What to do where the encryption fails."""
    if any(mark in words for mark in _OF_ANOTHER_NAME):
        return (
            f"Write the address by the name in the certificate, or have one made that names {address.host} as its "
            "subjectAltName"
        )
    if any(mark in words for mark in _NOT_TRUSTED):
        return (
            "Where the server is yours, choose its certificate, or that of who issued it, as Certificate in the "
            f"preferences; the environment variable {BUNDLE_VARIABLES[0]} does as well"
        )
    return "Change the address or the server, then try again"


def _of_tls(words: str, address: Endpoint) -> str:
    if any(mark in words.upper().replace(" ", "_") for mark in _NO_ENCRYPTION):
        return f"{address.base} answers without encryption: write http:// instead of https://"
    if found := re.search(r"certificate verify failed: (.+?) \(_ssl", words):
        return f"{address.base} shows a certificate that this computer does not trust ({found[1]})"
    return f"No encrypted connection to {address.base} could be made"
