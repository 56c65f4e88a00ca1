"""Who is connected to the Rails half, and the way of a message to each connection, late if it was told so."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterable

from aiohttp import web

from bigone_sync.testing._connection import TEXT, Link
from bigone_sync.testing._rails_faults import RailsFaults
from bigone_sync.testing._rails_options import ALL, STREAMS, RailsOptions
from bigone_sync.testing._rails_wire import Message
from bigone_sync.testing._roster import Roster

__all__ = ["RailsHub", "RailsSocket"]


class RailsSocket(Link):
    """One Rails connection. Everything written to it goes through one queue, in which it may be made to wait.

    Args:
        market: a market's name or ``ALL``.
        streams: newest names of the streams that it begins with.
    """

    def __init__(
        self,
        number: int,
        ws: web.WebSocketResponse,
        transport: asyncio.Transport,
        *,
        market: str,
        streams: Iterable[str],
        backlog: int,
        stall: float,
    ) -> None:
        super().__init__(number, ws, transport, backlog=backlog, stall=stall)
        self.market = market
        self.streams = set(streams)
        self.drops: Counter[str] = Counter()  # resultType to how many of the next such messages are left out
        self._lag = 0.0
        self._stalled = False
        self._waiting: deque[tuple[float, int, bytes]] = deque()  # when it is due, opcode, payload
        self._timer: asyncio.TimerHandle | None = None

    @property
    def active(self) -> list[str]:
        """Newest names of the active streams, in the order of the documents."""
        return [stream for stream in STREAMS if stream in self.streams]

    def set_lag(self, seconds: float) -> None:
        """Delay what is written from now on; what waits already goes first."""
        self._lag = seconds

    def set_stalled(self, on: bool) -> None:
        """Deliver nothing, or deliver what has waited meanwhile."""
        self._stalled = on
        self._flush()

    def send(self, opcode: int, payload: bytes) -> None:
        """Write one frame behind all that wait."""
        if not self._waiting and not self._lag and not self._stalled:
            super().send(opcode, payload)
        elif self.is_open:
            self._waiting.append((self._loop.time() + self._lag, opcode, payload))
            self._schedule()

    def forget(self) -> None:
        """Deliver nothing that waits any more."""
        self._waiting.clear()
        self._schedule()

    def is_about(self, market: str) -> bool:
        """Whether it was opened for this market."""
        return self.market in (ALL, market)

    def _flush(self) -> None:
        """Write what is due; a head that is not holds up those behind it."""
        self._timer = None
        while self._waiting and not self._stalled and self._waiting[0][0] <= self._loop.time():
            _, opcode, payload = self._waiting.popleft()
            super().send(opcode, payload)
        self._schedule()

    def _schedule(self) -> None:
        if self._timer is not None and (not self._waiting or self._stalled):
            self._timer.cancel()
            self._timer = None
        elif self._timer is None and self._waiting and not self._stalled:
            self._timer = self._loop.call_at(self._waiting[0][0], self._flush)


class RailsHub(Roster[RailsSocket]):
    """Routes messages to connections; used on the exchange's loop only."""

    def __init__(self, options: RailsOptions, faults: RailsFaults) -> None:
        super().__init__()
        self._options = options
        self._faults = faults
        self._held: list[tuple[list[RailsSocket], Message]] = []

    def remove(self, connection: RailsSocket) -> None:
        """Forget a connection and what waits for it."""
        super().remove(connection)
        connection.forget()

    def socket(self, number: int) -> RailsSocket:
        """The open connection of that number.

        Raises:
            ValueError: there is none.
        """
        if number not in self.connections:
            raise ValueError(f"no open Rails connection {number}: {', '.join(map(str, self.connections)) or 'none'}")
        return self.connections[number]

    def publish(self, stream: str, market: str, message: Callable[[], Message]) -> None:
        """Send a public message to all who watch its stream and market; it is made only if there is somebody."""
        watching = [one for one in self.all() if stream in one.streams and one.is_about(market)]
        if watching:
            self._write(watching, message())

    def publish_fills(self, message: Message) -> None:
        """Send trades of the account to all who watch them, whatever their market is (Rails protocol, section 4.3)."""
        self._write([one for one in self.all() if "trades" in one.streams], message)

    def notify(self, message: Message) -> None:
        """Send what happened to an order to all who watch orders."""
        self._write_or_hold([one for one in self.all() if self._watches_orders(one, message)], message)

    def reply(self, asker: RailsSocket | None, message: Message) -> None:
        """Send a command's reply to who gave it and, unless the options say otherwise, to all who watch orders."""
        others = self._options.replies == "all"
        receivers = [one for one in self.all() if one is asker or (others and self._watches_orders(one, message))]
        self._write_or_hold(receivers, message)

    def answer(self, asker: RailsSocket, message: Message) -> None:
        """Send what answers one connection alone."""
        self._write_or_hold([asker], message)

    def release(self) -> None:
        """Send what was held back, in its order."""
        held, self._held = self._held, []
        for receivers, message in held:
            self._write(receivers, message)

    def _watches_orders(self, socket: RailsSocket, message: Message) -> bool:
        if "orders" not in socket.streams:
            return False
        return self._options.order_scope == "account" or message.market is None or socket.is_about(message.market)

    def _write_or_hold(self, receivers: list[RailsSocket], message: Message) -> None:
        if (message.kind, message.status) in self._faults.held_kinds:
            self._held.append((receivers, message))
        else:
            self._write(receivers, message)

    def _write(self, receivers: list[RailsSocket], message: Message) -> None:
        told = self._options.spoken.market
        for socket in receivers:
            if socket.drops[message.kind] > 0:
                socket.drops[message.kind] -= 1
                continue
            socket.send(TEXT, message.payload(told == "always" or (told == "all" and socket.market == ALL)))
