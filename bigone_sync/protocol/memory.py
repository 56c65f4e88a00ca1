"""What a stream remembers across connections, so that nothing comes twice and nothing goes missing in silence."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable
from datetime import datetime

from ..events import Candle, Order, Trade

__all__ = ["CandleMemory", "Hole", "OrderMemory", "TradeMemory"]

Hole = tuple[datetime | None, datetime | None]
"""Times of the last item before and of the first item after."""


class TradeMemory:
    """Trades of one market, told apart by id."""

    def __init__(self, window: int) -> None:
        self._seen: set[str] = set()
        self._order: deque[str] = deque()
        self._window = window
        self._last_id = -1
        self._last_time: datetime | None = None
        self._started = False

    def _take(self, trade: Trade) -> bool:
        if trade.id in self._seen:
            return False
        self._seen.add(trade.id)
        self._order.append(trade.id)
        if len(self._order) > self._window:
            self._seen.discard(self._order.popleft())
        number = int(trade.id)
        if number >= self._last_id:
            self._last_id, self._last_time = number, trade.time
        return True

    def update(self, trade: Trade) -> bool:
        """Whether ``trade`` is new."""
        self._started = True
        return self._take(trade)

    def snapshot(self, trades: Iterable[Trade], limit: int) -> tuple[list[Trade], Hole | None]:
        """The new ones among ``trades``, oldest first, and the hole before them if they do not reach back."""
        ordered = sorted(trades, key=lambda trade: int(trade.id))
        hole: Hole | None = None
        if self._started:
            joins = bool(ordered) and int(ordered[0].id) <= self._last_id
            # A stream that had no trade yet and gets fewer than it asked for has got them all.
            complete = self._last_id < 0 and len(ordered) < limit
            if not joins and not complete:
                hole = self._last_time, ordered[0].time if ordered else None
        self._started = True
        return [trade for trade in ordered if self._take(trade)], hole


class CandleMemory:
    """The newest candle of one market and period."""

    def __init__(self) -> None:
        self._last: datetime | None = None

    def update(self, candle: Candle) -> None:
        """Note a candle."""
        if candle.time is not None and (self._last is None or candle.time > self._last):
            self._last = candle.time

    def snapshot(self, candles: Iterable[Candle]) -> tuple[list[Candle], Hole | None]:
        """The candles oldest first, and the hole before them if they do not reach back."""
        ordered = sorted(candles, key=lambda candle: candle.time.timestamp() if candle.time else 0.0)
        times = [candle.time for candle in ordered if candle.time is not None]
        hole: Hole | None = None
        if self._last is not None and (not times or times[0] > self._last):
            hole = self._last, times[0] if times else None
        for candle in ordered:
            self.update(candle)
        return ordered, hole


class OrderMemory:
    """The newest word on each of the latest orders.

    There is no sequence number; an update that is older than what was said is dropped, and nothing comes after a
    final state (spot protocol, section 7.2).
    """

    def __init__(self, window: int = 10_000) -> None:
        self._last: OrderedDict[str, Order] = OrderedDict()
        self._window = window

    def accept(self, order: Order) -> bool:
        """Whether ``order`` says something new; items of a snapshot are accepted unless they are outdated."""
        before = self._last.get(order.id)
        if before is not None:
            if before.is_final and not order.is_final:
                return False
            if before.updated_at and order.updated_at and order.updated_at < before.updated_at:
                return False
            if not order.is_snapshot and _same(before, order):
                return False
        self._last[order.id] = order
        self._last.move_to_end(order.id)
        if len(self._last) > self._window:
            self._last.popitem(last=False)
        return True


def _same(one: Order, other: Order) -> bool:
    return all(
        getattr(one, name) == getattr(other, name)
        for name in Order.__struct_fields__
        if name not in ("is_snapshot", "connection", "received_at")
    )
