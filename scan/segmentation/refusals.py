# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server means that refuses everybody's picture, and whose refusal it is, in words."""

import requests
from requests.utils import select_proxy

from .address import Endpoint
from .identity import WHERE, Identity

_EVERY_PHOTO = {
    404: "knows no such address; a rembg endpoint ends with /api/remove",
    405: "takes no pictures at this address; a rembg endpoint ends with /api/remove",
    407: "is reached through a proxy that asks for a password; check HTTP_PROXY and HTTPS_PROXY",
}
_FORBIDDEN = 403


def refusal(response: requests.Response, address: Endpoint, identity: Identity, *, is_proxied: bool) -> str:
    """What to do about a status that every other photo would get as well; empty for any other status.

    ``is_proxied`` says whether a proxy that the environment names has seen the request.
    """
    status = response.status_code
    if 300 <= status < 400:
        elsewhere = identity.hide(response.headers.get("Location", "elsewhere"))
        return f"{address.url} redirects to {elsewhere}, which is not followed; enter the final address"
    if status == _FORBIDDEN:
        return _forbidden(address, identity, is_proxied=is_proxied)
    if status == 401:
        return f"{address.url} {identity.refusal(response)}"
    return f"{address.url} {_EVERY_PHOTO[status]}" if status in _EVERY_PHOTO else ""


def speaker(response: requests.Response, identity: Identity) -> str:
    """The program that a 403 names as its sender, such as ``nginx/1.24.0``; else empty."""
    names = (response.headers.get("Via", ""), response.headers.get("Server", ""))
    return identity.hide(", ".join(each for each in names if each))[:60] if response.status_code == _FORBIDDEN else ""


def is_proxied(session: requests.Session, url: str) -> bool:
    """Whether a request goes to a proxy of the environment in the clear, so that the proxy may answer it itself."""
    proxies = session.merge_environment_settings(url, {}, None, None, None)["proxies"]
    return url.startswith("http:") and bool(select_proxy(url, proxies))


def _forbidden(address: Endpoint, identity: Identity, *, is_proxied: bool) -> str:
    """What to do about a 403, which is never rembg's own."""
    token = "" if identity.is_empty else f"; it may be the token as well, {WHERE}"
    if is_proxied:
        return (
            f"{address.url} is refused by the proxy that HTTP_PROXY names, or by the server behind it; ask who looks "
            f"after the proxy, or name {address.host} in NO_PROXY{token}"
        )
    if token:
        return f"{address.url} refuses access; check the token {WHERE}, or ask who looks after the server"
    return (
        f"{address.url} refuses access: rembg itself does not, it is a proxy or a firewall in front of it; ask who "
        f"looks after that, and where it wants a token, set it {WHERE}"
    )
