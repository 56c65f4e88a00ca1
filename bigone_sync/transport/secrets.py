"""What a handshake carries that nobody may see, taken out of what the peer repeats of it."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["Secrets"]

_HIDDEN = "***"
# What is shorter is no secret worth the name, and would be found everywhere.
_SHORTEST = 4


class Secrets:
    """The secrets of one handshake.

    Args:
        headers: of the handshake; the value of ``Authorization`` is secret.
        subprotocol: what follows its ``#``, where it has one, is secret (Rails protocol, section 1.3).
    """

    def __init__(self, headers: Mapping[str, str], subprotocol: str | None) -> None:
        found = [value.rpartition(" ")[2] for name, value in headers.items() if name.lower() == "authorization"]
        found.append((subprotocol or "").partition("#")[2])
        self._values = tuple(value for value in found if len(value) >= _SHORTEST)

    def __repr__(self) -> str:
        return f"<Secrets {len(self._values)}>"

    def hide(self, text: str) -> str:
        """``text`` without them."""
        for value in self._values:
            text = text.replace(value, _HIDDEN)
        return text

    def hide_bytes(self, data: bytes) -> bytes:
        """The same for a body."""
        for value in self._values:
            data = data.replace(value.encode("latin-1", "replace"), _HIDDEN.encode())
        return data
