"""BigONE contract as one connection speaks it (contract protocol, sections 1 to 7).

The URL is the subscription: what a frame is, and of which contract, is known from the socket that it came on.  Nothing
is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..enums import CandlePeriod, Channel
from ..events import ContractOrder, Fill, Position, SubscriptionKey
from .base import CodecError, Item, Route
from .contract_private import PrivateFrames
from .contract_public import CandleFrames, DepthFrames, InstrumentFrames, TradeFrames
from .contract_socket import Frames, KeptValues
from .contract_wire import PERIODS
from .report import Reporter
from .sequence import RangeSequence

__all__ = ["ContractProtocol", "Socket"]

_PATHS = {Channel.DEPTH: "depth", Channel.TRADES: "trades", Channel.INSTRUMENTS: "instruments"}


@dataclass(frozen=True)
class Socket:
    """What one socket is for."""

    channel: Channel | None
    """None: the private stream, which carries all private channels."""
    market: str | None = None
    """The symbol; None: all instruments, or the private stream."""
    period: CandlePeriod | None = None

    @classmethod
    def of(cls, key: SubscriptionKey) -> Socket:
        """The socket that a stream comes on."""
        return cls(None) if key.channel.is_private else cls(key.channel, key.market, key.period)

    @property
    def path(self) -> str:
        """Behind the base URL, without a slash before it (contract protocol, section 1)."""
        if self.channel is None:
            return "stream"
        name = f"candlesticks/{PERIODS[self.period]}" if self.period is not None else _PATHS[self.channel]
        return name if self.market is None else f"{name}@{self.market}"


class ContractProtocol:
    """What one contract connection understands. Not thread-safe: its session serialises the calls.

    Args:
        socket: what it is for.
        connection: name of the connection, stamped on events and errors.
        kept: where the newest values are kept, by channel: cash and positions of the private stream, instruments.
    """

    def __init__(self, socket: Socket, *, connection: str, kept: dict[Channel, KeptValues] | None = None) -> None:
        self._reporter = reporter = Reporter(connection)
        self._frames = _frames_of(socket, reporter, kept or {})

    @property
    def decode_errors(self) -> int:
        """Frames, or items of frames, that could not be read."""
        return self._reporter.decode_errors

    @property
    def duplicates(self) -> int:
        """Items that said nothing new."""
        return self._reporter.duplicates

    @property
    def held_back(self) -> int:
        """Depth deltas dropped because the socket is being replaced."""
        return self._reporter.held_back

    def add(self, key: SubscriptionKey, *, limit: int | None = None, owner: Any = None) -> Route:
        """Know a stream, so that its events are routed; what it remembers survives reconnects."""
        route = Route(key, limit=limit, owner=owner, sequence=RangeSequence(), memory=None)
        self._frames.add(route)
        return route

    def remove(self, route: Route) -> None:
        """Forget a stream; what still comes for it is dropped."""
        self._frames.remove(route)

    def opened(self) -> None:
        """A new socket: its first frame is a snapshot."""
        self._frames.opened()

    def open_orders(self) -> list[ContractOrder]:
        """Of the private stream: the own orders that are not known to have ended."""
        return self._frames.open_orders() if isinstance(self._frames, PrivateFrames) else []

    def reconcile(
        self,
        *,
        orders: Sequence[ContractOrder],
        fills: Sequence[Fill],
        positions: Sequence[Position] | None,
        received_at: float,
    ) -> list[Item]:
        """Of the private stream: what is news to which stream among what REST tells; it is remembered.

        ``positions``: all that there are, those that came live since included; None: not asked for.
        """
        if not isinstance(self._frames, PrivateFrames):
            return []
        return self._frames.reconcile(orders, fills, positions, received_at)

    def receive(self, frames: Iterable[bytes], received_at: float) -> list[Item]:
        """What the payloads of one read mean, in order. Never raises because of what the exchange sent."""
        items: list[Item] = []
        for data in frames:
            try:
                self._frames.read(data, received_at, items)
            except CodecError as error:
                self._reporter.undecodable(error, data, items)
        return items


_PUBLIC: dict[Channel, Callable[[Reporter, str | None, CandlePeriod | None], Frames]] = {
    Channel.DEPTH: DepthFrames,
    Channel.TRADES: TradeFrames,
    Channel.CANDLES: CandleFrames,
}


def _frames_of(socket: Socket, reporter: Reporter, kept: dict[Channel, KeptValues]) -> Frames:
    if socket.channel is None:
        return PrivateFrames(reporter, kept)
    if socket.channel == Channel.INSTRUMENTS:
        return InstrumentFrames(reporter, socket.market, kept)
    return _PUBLIC[socket.channel](reporter, socket.market, socket.period)
