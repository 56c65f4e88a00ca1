"""What the kinds of contract sockets have in common."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol, TypeVar

from ..enums import Channel
from ..errors import ProtocolError
from .base import CodecError, Item, Problem, Route
from .report import Reporter

__all__ = ["Frames", "KeptValues"]

_E = TypeVar("_E")


class KeptValues(Protocol):
    """Where the newest values of a channel are kept. Called on the reader, before the events are handed on."""

    def put(self, values: Sequence[Any], at: float, *, whole: bool) -> None:
        """Values came; ``whole``: they are all there are."""


class Frames:
    """The frames of one socket: its routes, and how they are read."""

    def __init__(self, reporter: Reporter) -> None:
        self.reporter = reporter
        self.routes: dict[tuple[Channel, str | None], Route] = {}
        self.is_first = True
        """Whether no data has come on this socket yet: what comes then is the snapshot."""
        self.is_again = False
        """Whether this is not the first socket."""
        self._was_opened = False

    def add(self, route: Route) -> None:
        """Know a stream."""
        self.routes[route.key.channel, route.key.market] = route

    def remove(self, route: Route) -> None:
        """Forget a stream."""
        place = route.key.channel, route.key.market
        if self.routes.get(place) is route:
            del self.routes[place]

    def opened(self) -> None:
        """A new socket."""
        self.is_again, self._was_opened = self._was_opened, True
        self.is_first = True

    def took_first(self) -> bool:
        """Note that data came; whether it was the first."""
        first, self.is_first = self.is_first, False
        return first

    def read(self, data: bytes, at: float, items: list[Item]) -> None:
        """What a frame means.

        Raises:
            CodecError: it cannot be read.
        """
        raise NotImplementedError

    def good(self, kind: str, found: Iterable[_E | CodecError], items: list[Item]) -> list[_E]:
        """What could be read of a frame; the rest is reported and does not take it along."""
        events: list[_E] = []
        for event in found:
            if isinstance(event, CodecError):
                self.reporter.undecodable(CodecError(f"{kind}: {event}"), b"", items)
            else:
                events.append(event)
        return events

    def stranger(self, got: str, market: str | None) -> ProtocolError:
        """The error for something of another contract than the socket's (contract protocol, section 3)."""
        name = self.reporter.connection
        return ProtocolError(f"{name}: a frame names {got[:40]!r} on the socket of {market}", connection=name)

    def of_market(self, events: Sequence[_E], market: str | None, items: list[Item]) -> list[_E]:
        """Those that are of the socket's contract; others are reported."""
        ours = []
        for event in events:
            got: str = event.market  # type: ignore[attr-defined]
            if market is None or got == market:
                ours.append(event)
            else:
                items.append((None, Problem(self.stranger(got, market))))
        return ours
