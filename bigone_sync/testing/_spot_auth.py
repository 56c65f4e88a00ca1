"""The exchange's side of authentication: really checks the token (spot protocol, section 4; contract, section 7).

It verifies with the standard library and not with the package that signs on the client's side.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import heapq
import hmac
import json
from typing import Any

_NANOSECONDS = 1_000_000_000
_MICROSECOND = 1_000
_KEPT_NONCES = 50_000
_MAX_DIGITS = 20  # of an unsigned 64-bit number


class Refused(Exception):
    """The token is not good; the text says why and never contains the token or the secret."""


class Authenticator:
    """Checks tokens of one API key and remembers the nonces it accepted.

    Requests that are made at the same time may arrive in any order, so a nonce may be smaller than one that came
    before it; only using one twice is refused.

    Args:
        key: the API key.
        secret: used as it is.
        recv_window: default of the claim of that name, seconds.
        guide: also take tokens in the form of the guides, which say no ``type``.
    """

    def __init__(self, key: str, secret: str, *, recv_window: float, guide: bool = False) -> None:
        self._key = key
        self._secret = secret.encode()
        self._recv_window = recv_window
        self._guide = guide
        self._used: set[int] = set()
        self._oldest_first: list[int] = []  # a heap of the same nonces
        self._floor = -1  # all that is known of the nonces up to here is that they may have been used

    def verify(self, token: str, now_ns: int) -> None:
        """Accept a token, or raise `Refused`; an accepted nonce is used up."""
        claims = self._claims(token)
        as_guide = self._guide and "type" not in claims
        if not as_guide and claims.get("type") != "OpenAPIV2":
            raise Refused("claim type must be OpenAPIV2")
        if claims.get("sub") != self._key:
            raise Refused("claim sub is not a known API key")
        window = self._recv_window
        if as_guide:
            nonce = self._number(claims, "nonce") * _MICROSECOND
            self._check_validity(claims, now_ns)
        else:
            nonce = self._digits(claims, "nonce")
            if "recv_window" in claims:
                window = self._digits(claims, "recv_window")
        if abs(nonce - now_ns) >= window * _NANOSECONDS:
            raise Refused("nonce is outside of recv_window")
        self._use(nonce)

    def _use(self, nonce: int) -> None:
        """Accept a nonce once; of more than can be remembered, the smallest are refused without being known."""
        if nonce <= self._floor or nonce in self._used:
            raise Refused("nonce was used before")
        self._used.add(nonce)
        heapq.heappush(self._oldest_first, nonce)
        if len(self._used) > _KEPT_NONCES:
            self._floor = heapq.heappop(self._oldest_first)
            self._used.remove(self._floor)

    def _check_validity(self, claims: dict[str, Any], now_ns: int) -> None:
        """The times of a guide's token; one from the near future is a clock that goes fast."""
        if self._number(claims, "exp") * _NANOSECONDS <= now_ns:
            raise Refused("token has expired")
        if self._number(claims, "iat") * _NANOSECONDS >= now_ns + self._recv_window * _NANOSECONDS:
            raise Refused("token is not valid yet")

    def _claims(self, token: str) -> dict[str, Any]:
        if not token.startswith("Bearer "):
            raise Refused("token must begin with 'Bearer '")
        parts = token.removeprefix("Bearer ").split(".")
        if len(parts) != 3:
            raise Refused("token is not a JWT")
        header, claims = _json_object(parts[0]), _json_object(parts[1])
        if header.get("alg") != "HS256":
            raise Refused("algorithm must be HS256")
        expected = hmac.new(self._secret, f"{parts[0]}.{parts[1]}".encode(), hashlib.sha256).digest()
        if not hmac.compare_digest(expected, _from_base64url(parts[2])):
            raise Refused("signature does not match")
        return claims

    @staticmethod
    def _number(claims: dict[str, Any], name: str) -> int:
        value = claims.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise Refused(f"claim {name} must be an integer")
        return value

    @staticmethod
    def _digits(claims: dict[str, Any], name: str) -> int:
        text = claims.get(name)
        if not isinstance(text, str) or not (text.isascii() and text.isdigit()) or len(text) > _MAX_DIGITS:
            raise Refused(f"claim {name} must be a string of digits")
        return int(text)


def _from_base64url(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars="-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refused("token is not a JWT") from error


def _json_object(part: str) -> dict[str, Any]:
    try:
        value = json.loads(_from_base64url(part))
    except ValueError as error:
        raise Refused("token is not a JWT") from error
    if not isinstance(value, dict):
        raise Refused("token is not a JWT")
    return value
