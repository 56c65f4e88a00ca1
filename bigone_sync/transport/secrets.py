"""What a handshake carries that nobody may see, taken out of what the peer repeats of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import AnyStr

__all__ = ["Secrets"]

_HIDDEN = "***"
# What is shorter is no secret worth the name, and would be found everywhere.
_SHORTEST = 4
# So many characters of a longer one tell that it begins: a peer may cut what it repeats, and a close reason has but
# 123 bytes.
_TELLING = 12
# Header, claims and signature of a signed token; the header is everybody's.
_PARTS = 3
# How a token goes on. Those of one account begin alike, so what begins like ours may be one that was ours before, or
# another connection's; cut off within, it would not be known for a token by its looks any more.
_ON = r"(?:[\w.~+/=-]|\\/)*"
_ON_IN_TEXT = re.compile(_ON, re.ASCII)
_ON_IN_BYTES = re.compile(_ON.encode())


class Secrets:
    """The secrets of one handshake.

    Args:
        headers: of the handshake; the value of ``Authorization`` is secret.
        subprotocol: what follows its ``#``, where it has one, is secret (Rails protocol, section 1.3).
    """

    def __init__(self, headers: Mapping[str, str], subprotocol: str | None) -> None:
        found = [value.rpartition(" ")[2] for name, value in headers.items() if name.lower() == "authorization"]
        found.append((subprotocol or "").partition("#")[2])
        values = {part for value in found for part in (value, *_parts(value)) if len(part) >= _SHORTEST}
        # JSON may write a slash with a backslash. A whole token goes before its parts.
        written = {form for value in values for form in (value, value.replace("/", "\\/"))}
        self._values = sorted(written, key=len, reverse=True)
        self._values_in_bytes = [value.encode("latin-1", "replace") for value in self._values]

    def __repr__(self) -> str:
        return f"<Secrets {len(self._values)}>"

    def hide(self, text: str) -> str:
        """``text`` without them."""
        return _without(text, self._values, _HIDDEN, _ON_IN_TEXT)

    def hide_bytes(self, data: bytes) -> bytes:
        """The same for a body or a frame."""
        return _without(data, self._values_in_bytes, _HIDDEN.encode(), _ON_IN_BYTES)


def _parts(token: str) -> list[str]:
    parts = token.split(".")
    return parts[1:] if len(parts) == _PARTS else []


def _without(data: AnyStr, secrets: Sequence[AnyStr], hidden: AnyStr, on: re.Pattern[AnyStr]) -> AnyStr:
    for secret in secrets:
        # Not ``in``, which of bytes first tries, at length, to take what it looks for for a number.
        place = data.find(secret[:_TELLING])
        while place >= 0:
            end = place + min(len(secret), _TELLING)
            while end < place + len(secret) and data[end : end + 1] == secret[end - place : end - place + 1]:
                end += 1
            if end < place + len(secret) and (found := on.match(data, end)):
                end = found.end()
            data = data[:place] + hidden + data[end:]
            place = data.find(secret[:_TELLING], place + len(hidden))
    return data
