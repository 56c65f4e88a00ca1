"""Queues on the way to user code, and the handlers at their ends."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["Guard", "Lane", "Sink"]

# Events taken per visit to a lane, about.
_BATCH = 512

Guard = Callable[[Callable[[Any], object], Any, Exception], None]
"""Told of a handler, the event it was called with, and the exception that it raised."""


class Sink:
    """Where events go: the handlers of one stream, or of one kind of listener."""

    __slots__ = ("call", "handlers", "name", "on_delivered")

    def __init__(self, name: str, on_delivered: Callable[[int], None] | None = None) -> None:
        self.name = name
        self.handlers: tuple[Callable[[Any], object], ...] = ()
        self.call: Callable[[Any], object] | None = None
        """What is called with an event; None: nobody listens."""
        self.on_delivered = on_delivered

    def set_handlers(
        self,
        handlers: Sequence[Callable[[Any], object]],
        guard: Guard,
    ) -> None:
        """Replace the handlers; ``guard`` is told of exceptions."""
        self.handlers = tuple(handlers)
        if not handlers:
            self.call = None
        elif len(handlers) == 1:
            self.call = handlers[0]
        else:
            self.call = _all_of(self.handlers, guard)


def _all_of(
    handlers: tuple[Callable[[Any], object], ...],
    guard: Guard,
) -> Callable[[Any], object]:
    """One call for several handlers, in order; one that raises does not keep the event from the next."""

    def call(event: Any) -> None:
        for handler in handlers:
            try:
                handler(event)
            except Exception as error:  # noqa: BLE001 - user code; handed to the guard
                guard(handler, event, error)

    return call


class Lane:
    """The queue of one channel."""

    __slots__ = (
        "batch",
        "blocked_seconds",
        "delivered",
        "dropped",
        "entries",
        "episode",
        "high_water",
        "leaving",
        "limit",
        "name",
        "private",
        "size",
        "waiting",
    )

    def __init__(self, name: str, limit: int, *, private: bool) -> None:
        self.name = name
        self.limit = limit
        self.batch = max(1, min(_BATCH, limit // 4))
        self.private = private
        self.entries: deque[tuple[Sink, Sequence[Any]]] = deque()
        self.size = 0
        self.high_water = 0
        self.dropped = 0
        self.delivered = 0
        self.blocked_seconds = 0.0
        self.waiting = 0
        self.episode = False
        """True from the moment the bound was reached until the lane is half empty."""
        self.leaving = False
        """True: hardly anything comes any more, and whenever it is empty it is forgotten."""
