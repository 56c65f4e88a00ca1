"""What the stream kinds of one spot connection share: its requests, its counters, its ways of reporting."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..events import SubscriptionKey
from .base import Item, Parting, Request, Route
from .messages import Message
from .report import Reporter
from .spot_requests import Codec, Requests

__all__ = ["Context", "Handler", "StreamKind"]

Handler = Callable[[Message, float, list[Item]], None]
"""Takes a message, its time of receipt and the list that it adds to; may raise CodecError."""


class Context(Reporter):
    """One per protocol."""

    def __init__(self, codec: Codec, connection: str) -> None:
        super().__init__(connection)
        self.requests = Requests(codec)

    def events(
        self, message: Message, make: Callable[..., Any], at: float, items: list[Item], *, snapshot: bool
    ) -> list[Any]:
        """The body's items as events; one that cannot be read is reported and does not take the others along."""
        wires = message.body if snapshot else (message.body,)
        return self.each(message.kind, wires, make, at, items, snapshot=snapshot)


class StreamKind:
    """One kind of stream: its routes and the handlers of its messages."""

    is_listed = False
    """Whether one request can ask for several streams."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.routes: dict[Any, Route] = {}

    def place(self, route: Route) -> Any:
        """What its updates are routed by."""
        return route.key.market

    def admit(self, keys: Sequence[SubscriptionKey]) -> None:
        """Nothing, if streams of ``keys`` can be added to those that there are.

        Raises:
            ConfigurationError: they cannot.
        """

    def groups(self, routes: Sequence[Route]) -> list[list[Route]]:
        """The streams to ask for so that ``routes`` run, those of each group with one request."""
        if self.is_listed:
            return [list(routes)] if routes else []
        return [[route] for route in routes]

    def parting(self, routes: Sequence[Route]) -> Parting:
        """How to leave ``routes``, which run."""
        return Parting(tuple(tuple(group) for group in self.groups(routes)))

    def apart(self, request: Request) -> tuple[tuple[Route, ...], ...]:
        """What to ask for instead of what ``request`` was refused: which of its streams is at fault is not said."""
        return tuple((route,) for route in self.refused(request)) if len(request.routes) > 1 else ()

    def refused(self, request: Request) -> list[Route]:
        """The streams that waited for the answer to ``request``."""
        ours = (route for route in request.routes if self.routes.get(self.place(route)) is route)
        return [route for route in ours if route.request_id == request.id]

    def answering(self, message: Message, places: Iterable[Any]) -> Route | None:
        """The stream that a snapshot is of; what it holds counts more than its id, which may come twice."""
        for place in places:
            if place in self.routes:
                return self.routes[place]
        asked = self.context.requests.routes_of(message)
        return asked[0] if len(asked) == 1 and self.routes.get(self.place(asked[0])) is asked[0] else None

    def reconcile(self, route: Route, events: Sequence[Any]) -> list[Any]:
        """What is news to a stream, in order, among what REST tells."""
        fresh: list[Any] = route.memory.reconcile(events)
        self.context.duplicates += len(events) - len(fresh)
        return fresh

    def memory(self, limit: int | None) -> Any:
        """What such a stream remembers across connections."""
        return None

    def handlers(self) -> dict[str, Handler]:
        """By the payload's member."""
        raise NotImplementedError
