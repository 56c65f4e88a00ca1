"""Who is connected and subscribed to what, and the way of a body to every subscriber."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from bigone_sync.testing._connection import Connection
from bigone_sync.testing._roster import Roster
from bigone_sync.testing._spot_faults import Faults
from bigone_sync.testing._spot_wire import dump

PRIVATE = ("accounts", "orders", "margin_accounts", "flash_orders", "cost_prices")


class Key(NamedTuple):
    """One stream. ``market`` is "" for streams over all markets; ``detail``: candle period, business unit or asset."""

    channel: str
    market: str = ""
    detail: str = ""


class Subscription(NamedTuple):
    """One client's subscription to one stream, as `LocalExchange.subscriptions` tells it."""

    connection: int
    channel: str
    market: str
    detail: str
    request_id: str


class Hub(Roster[Connection]):
    """Routes bodies to connections; used on the exchange's loop only."""

    def __init__(self, faults: Faults) -> None:
        super().__init__()
        self._faults = faults
        self._subscribers: dict[Key, dict[Connection, str]] = {}

    def remove(self, connection: Connection) -> None:
        """Forget a connection and its subscriptions."""
        super().remove(connection)
        for key in list(self._subscribers):
            self.unsubscribe(connection, key)

    def subscribe(self, connection: Connection, key: Key, request_id: str) -> None:
        """Start a stream; a second time only the request id changes."""
        self._subscribers.setdefault(key, {})[connection] = request_id

    def unsubscribe(self, connection: Connection, key: Key) -> None:
        """End a stream; harmless when there is none."""
        watching = self._subscribers.get(key)
        if watching is not None and watching.pop(connection, None) is not None and not watching:
            del self._subscribers[key]
            if key.channel == "depth":
                self._faults.held.pop(key.market, None)

    def unsubscribe_channel(self, connection: Connection, channel: str) -> None:
        """End every stream of a channel."""
        for key in list(self._subscribers):
            if key.channel == channel:
                self.unsubscribe(connection, key)

    def unsubscribe_private(self, connection: Connection) -> None:
        """End every stream that needs a login."""
        for channel in PRIVATE:
            self.unsubscribe_channel(connection, channel)

    def keys(self, channel: str, market: str) -> list[Key]:
        """The streams of a channel and market that somebody watches."""
        return [key for key in self._subscribers if key.channel == channel and key.market == market]

    def subscriptions(self) -> list[Subscription]:
        """Every subscription there is."""
        return [
            Subscription(connection.number, *key, request_id)
            for key, watching in self._subscribers.items()
            for connection, request_id in watching.items()
        ]

    def watchers(self, channel: str) -> list[Connection]:
        """The connections with a subscription to anything in a channel."""
        found = (watching for key, watching in self._subscribers.items() if key.channel == channel)
        return list(dict.fromkeys(connection for watching in found for connection in watching))

    def publish(self, key: Key, member: str, body: Callable[[], str]) -> None:
        """Send an update to all who watch a stream; the body is rendered only if there is somebody."""
        watching = self._subscribers.get(key)
        if not watching or key.channel in self._faults.muted:
            return
        text = body()
        bodies = self._faults.shape_depth(key.market, text) if member == "depthUpdate" else [text]
        for one in bodies:
            for connection, request_id in list(watching.items()):
                self.answer(connection, request_id, member, one)

    def answer(self, connection: Connection, request_id: str, member: str, body: str) -> None:
        """Send one response to one connection, as this one is spoken to."""
        connection.send(*connection.encoding.frame(request_id, member, body))

    def error(self, connection: Connection, request_id: str, code: int, message: str) -> None:
        """Send an error; its code is a number, as all documents print it."""
        self.answer(connection, request_id, "error", dump({"code": code, "message": message}))
