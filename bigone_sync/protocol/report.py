"""How a protocol reports what it could not read and what is missing; the same for all venues."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ..errors import DecodeError
from ..events import Gap
from ..redact import redact, redact_bytes
from .base import CodecError, Item, Missing, Problem, Route
from .memory import Hole

__all__ = ["Reporter", "excerpt_of"]

_EXCERPT = 200
_LOOKED_AT = 4096


def excerpt_of(data: bytes) -> str:
    """The beginning of a frame, credentials replaced."""
    # Redacted before it is cut: half a token is not recognised as one.
    return redact_bytes(data[:_LOOKED_AT])[:_EXCERPT].decode("utf-8", "backslashreplace")


class Reporter:
    """One per protocol."""

    def __init__(self, connection: str) -> None:
        self.connection = connection
        self.decode_errors = 0
        self.duplicates = 0
        self.held_back = 0
        self.unrouted = 0

    def undecodable(self, error: CodecError, data: bytes, items: list[Item]) -> None:
        """Report a frame, or an item of one, that could not be read."""
        items.append((None, self.problem(error, data)))

    def problem(self, error: CodecError, data: bytes) -> Problem:
        """The same as what to report; counted."""
        self.decode_errors += 1
        problem = DecodeError(
            redact(f"{self.connection}: a frame could not be decoded: {error}"),
            connection=self.connection,
            excerpt=excerpt_of(data),
        )
        words = redact(str(error))
        problem.__cause__ = error if words == str(error) else CodecError(words)
        return Problem(problem)

    def each(
        self, kind: str, wires: Iterable[Any], make: Callable[..., Any], at: float, items: list[Item], *, snapshot: bool
    ) -> list[Any]:
        """``wires``, of a message of this kind, as events; otherwise like :meth:`events`."""
        events = []
        for wire in wires:
            try:
                if isinstance(wire, CodecError):
                    raise wire
                events.append(make(wire, self.connection, at, snapshot=snapshot))
            except CodecError as error:
                shown = b"" if isinstance(wire, CodecError) else repr(wire).encode()
                self.undecodable(CodecError(f"{kind}: {error}"), shown, items)
        return events

    def missing(self, route: Route, hole: Hole | None, reason: str, at: float, items: list[Item]) -> None:
        """Report a hole, if there is one."""
        if hole is not None:
            key = route.key
            gap = Gap(
                key.channel, key.market, hole.since, hole.until, reason, connection=self.connection, received_at=at
            )
            items.append((None, Missing(route, gap, hole.last)))
