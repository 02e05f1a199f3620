# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a server cannot be reached, and what to do about it, in words."""

import errno
import re
import socket

import requests

from .address import Endpoint

CONNECT_TIMEOUT = 8.0
"""Seconds within which a server must take a connection."""

_NO_ENCRYPTION = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG", "HTTP_REQUEST")
# How a TLS record that says "no" begins (RFC 8446, 5.1: type 21, version 3), read as the first line of an answer.
_TLS_ALERT = "\\x15\\x03"

_NO_WAY = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH})
_LOST = "was lost"


def reason(error: requests.RequestException, address: Endpoint) -> str:
    """What went wrong with a request: the beginning of a sentence."""
    url, words = address.url, str(error)
    if isinstance(error, requests.exceptions.SSLError):
        said = _of_tls(words, address)
    elif isinstance(error, requests.exceptions.ProxyError):
        said = f"The proxy in front of {url} does not answer"
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
        return "Change the address or the server, then try again"
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


def _of_tls(words: str, address: Endpoint) -> str:
    if any(mark in words.upper().replace(" ", "_") for mark in _NO_ENCRYPTION):
        return f"{address.base} answers without encryption: write http:// instead of https://"
    if found := re.search(r"certificate verify failed: (.+?) \(_ssl", words):
        return f"{address.base} shows a certificate that this computer does not trust ({found[1]})"
    return f"No encrypted connection to {address.base} could be made"
