# SPDX-License-Identifier: GPL-3.0-or-later
"""The token: how it is sent, what a server says of it that refuses it, and how it stays out of every message."""

import base64
import json
import re

import requests

from ..common.errors import BadUseError
from .settings import TOKEN_VARIABLE

WHERE = f"in the preferences or in {TOKEN_VARIABLE}"
"""Where the token is set."""
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_SCHEME = re.compile(r"\b(basic|bearer|digest|negotiate|ntlm|kerberos|hawk|mutual)\b", re.IGNORECASE)


class Identity(requests.auth.AuthBase):
    """Sets the token as ``Bearer``, or, once a server has asked for that, ``user:password`` as ``Basic`` (RFC 7617).

    Without a token, keeps requests from sending what ~/.netrc holds for that host.
    """

    def __init__(self, token: str) -> None:
        """Raises BadUseError for a token that cannot be sent."""
        # A file or a shell often leaves a line end behind, and who copies a whole header its first word.
        token = token.strip()
        if token[:7].lower() == "bearer ":
            token = token[7:].strip()
        _, colon, password = token.partition(":")
        self._can_be_basic = bool(colon)
        # In Base64 any character can be sent; as it is, ASCII alone.
        self._is_basic = self._can_be_basic and not token.isascii()
        if not token.isprintable() or not (token.isascii() or self._is_basic):
            raise BadUseError("The token holds characters that no HTTP header can carry; copy it again")
        self._token = token
        self._basic = base64.b64encode(token.encode()).decode()
        as_json = [json.dumps(each)[1:-1] for each in (token, password)]
        secrets = {token, password, *as_json, self._basic} - {""}
        self._secrets = sorted(secrets, key=len, reverse=True)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Set the header."""
        if self._token:
            is_basic = self._is_basic
            request.headers["Authorization"] = f"Basic {self._basic}" if is_basic else f"Bearer {self._token}"
        return request

    def adapts_to(self, response: requests.Response) -> bool:
        """Whether the same request is worth another try: the server asks for Basic, and was given a Bearer."""
        was_bearer = response.request.headers.get("Authorization", "").startswith("Bearer ")
        if response.status_code != 401 or not (was_bearer and self._can_be_basic and "basic" in _schemes(response)):
            return False
        self._is_basic = True
        return True

    def refusal(self, response: requests.Response) -> str:
        """What a server with the status 401 wants, and what to do: a sentence that goes on behind its address."""
        schemes = _schemes(response)
        if schemes and not schemes & {"basic", "bearer"}:
            wanted = " or ".join(sorted(map(str.capitalize, schemes)))
            return (
                f"asks to log in by {wanted}, which Scan Cutout cannot; have its proxy ask "
                "for Basic (user name and password) or for a token"
            )
        if "basic" not in schemes or "bearer" in schemes:
            return f"asks for a token, or refuses the one it got; set the token {WHERE}"
        if self._can_be_basic:
            return f"refuses the user name or the password; correct the token {WHERE}"
        remark = ", and the token is not of that form" if self._token else ""
        return f"asks for a user name and a password{remark}; write them as user:password into the token {WHERE}"

    @property
    def is_empty(self) -> bool:
        """Whether there is no token."""
        return not self._token

    def hide(self, text: str) -> str:
        """What a server says, without the token that it may say back."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


def _schemes(response: requests.Response) -> set[str]:
    """The ways to log in that a server offers (RFC 9110, 11.6.1), in lower case."""
    offered = _QUOTED.sub("", response.headers.get("WWW-Authenticate", ""))
    return {each.lower() for each in _SCHEME.findall(offered)}
