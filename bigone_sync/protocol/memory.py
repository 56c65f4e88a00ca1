"""What a stream remembers across connections, so that nothing comes twice and nothing goes missing in silence."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from ..events import Candle, FlashOrder, Order, Trade

__all__ = ["CandleMemory", "FlashMemory", "Hole", "OrderMemory", "TradeMemory"]


class Hole(NamedTuple):
    """Where items are missing."""

    since: datetime | None
    """Time of the last item before."""
    until: datetime | None
    """Time of the first item after."""
    last: int | None = None
    """Id of the last item before, where ids grow and there was one."""


class _Newest:
    """The newest of items whose ids grow."""

    def __init__(self) -> None:
        self._id = -1
        self._time: datetime | None = None
        self._started = False

    def note(self, number: int, time: datetime | None) -> None:
        """An item came."""
        self._started = True
        if number >= self._id:
            self._id, self._time = number, time

    def hole(self, numbers: Sequence[int], first: datetime | None, limit: int) -> Hole | None:
        """The hole before a snapshot of ``numbers``, oldest first, the first of this time, if it does not reach back.

        ``limit`` items were asked for.
        """
        hole: Hole | None = None
        if self._started:
            joins = bool(numbers) and numbers[0] <= self._id
            # A stream that had no item yet and gets fewer than it asked for has got them all.
            complete = self._id < 0 and len(numbers) < limit
            if not joins and not complete:
                hole = Hole(self._time, first, self._id if self._id >= 0 else None)
        self._started = True
        return hole


class TradeMemory:
    """Trades of one market, told apart by id."""

    def __init__(self, window: int) -> None:
        self._seen: set[str] = set()
        self._order: deque[str] = deque()
        self._window = window
        self._newest = _Newest()

    def update(self, trade: Trade) -> bool:
        """Whether ``trade`` is new."""
        if trade.id in self._seen:
            return False
        self._seen.add(trade.id)
        self._order.append(trade.id)
        if len(self._order) > self._window:
            self._seen.discard(self._order.popleft())
        self._newest.note(int(trade.id), trade.time)
        return True

    def snapshot(self, trades: Iterable[Trade], limit: int) -> tuple[list[Trade], Hole | None]:
        """The new ones among ``trades``, oldest first, and the hole before them if they do not reach back."""
        ordered = sorted(trades, key=lambda trade: int(trade.id))
        first = ordered[0].time if ordered else None
        hole = self._newest.hole([int(trade.id) for trade in ordered], first, limit)
        return [trade for trade in ordered if self.update(trade)], hole

    def reconcile(self, trades: Iterable[Trade]) -> list[Trade]:
        """The new ones among trades that REST tells, oldest first."""
        return [trade for trade in sorted(trades, key=lambda trade: int(trade.id)) if self.update(trade)]


class FlashMemory:
    """The newest flash exchange order."""

    def __init__(self) -> None:
        self._newest = _Newest()

    def update(self, order: FlashOrder) -> None:
        """Note an order."""
        self._newest.note(int(order.id), order.created_at)

    def snapshot(self, orders: Iterable[FlashOrder], limit: int) -> tuple[list[FlashOrder], Hole | None]:
        """The orders oldest first, and the hole before them if they do not reach back."""
        ordered = sorted(orders, key=lambda order: int(order.id))
        first = ordered[0].created_at if ordered else None
        hole = self._newest.hole([int(order.id) for order in ordered], first, limit)
        for order in ordered:
            self.update(order)
        return ordered, hole


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
            hole = Hole(self._last, times[0] if times else None)
        for candle in ordered:
            self.update(candle)
        return ordered, hole


class OrderMemory:
    """The newest word on each of the latest orders.

    There is no sequence number; an update that is older than what was said is dropped, or of which less is filled, and
    nothing comes after a final state (spot protocol, section 7.2).
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
            if order.filled_amount is not None and _filled(order) < _filled(before):
                return False
            if not order.is_snapshot and (_same(before, order) or _said_by_rest(before, order)):
                return False
        self._note(order)
        return True

    def reconcile(self, orders: Iterable[Order]) -> list[Order]:
        """What differs among orders that REST tells, asked after all that is known, in order of their updates.

        REST's times are coarser than the stream's, so they do not decide: an order goes on if it ends, if more of it is
        filled, or if its state is another one and no older.
        """
        return [order for order in sorted(orders, key=_place) if self._goes_on(order)]

    def _goes_on(self, order: Order) -> bool:
        before = self._last.get(order.id)
        if before is not None:
            if before.is_final or _filled(order) < _filled(before):
                return False
            further = order.is_final or _filled(order) > _filled(before)
            if not further and (order.state == before.state or _updated(order) < _updated(before)):
                return False
        self._note(order)
        return True

    def _note(self, order: Order) -> None:
        self._last[order.id] = order
        self._last.move_to_end(order.id)
        if len(self._last) > self._window:
            self._last.popitem(last=False)

    def open(self) -> list[Order]:
        """The orders that are not known to have ended."""
        return [order for order in self._last.values() if not order.is_final]

    def newest(self) -> float | None:
        """Time of the newest update that is known, Unix time of the exchange; None: there is none."""
        return max((_updated(order) for order in self._last.values()), default=0.0) or None

    def markets(self) -> set[str]:
        """The markets of all orders that are remembered."""
        return {order.market for order in self._last.values()}


_NOTHING = Decimal(0)
_SECOND = 1.0


def _filled(order: Order) -> Decimal:
    return order.filled_amount or _NOTHING


def _place(order: Order) -> tuple[float, int, str]:
    """What orders are sorted by: of one second, which REST does not tell apart, by their ids, which grow."""
    return _updated(order), len(order.id), order.id


def _updated(order: Order) -> float:
    time = order.updated_at or order.created_at
    return time.timestamp() if time is not None else 0.0


def _said_by_rest(before: Order, order: Order) -> bool:
    """Whether ``before`` tells the same, as REST does: its times have whole seconds, and its fields other digits."""
    return (
        before.is_snapshot
        and (order.state, order.amount, order.price) == (before.state, before.amount, before.price)
        and _filled(order) == _filled(before)
        and 0 <= _updated(order) - _updated(before) < _SECOND
    )


def _same(one: Order, other: Order) -> bool:
    return all(
        getattr(one, name) == getattr(other, name)
        for name in Order.__struct_fields__
        if name not in ("is_snapshot", "connection", "received_at")
    )
