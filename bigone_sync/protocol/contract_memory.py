"""What contract streams remember across sockets, so that nothing comes twice and nothing goes missing in silence."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from ..events import Candle, ContractOrder, Fill, Trade
from .memory import Hole

__all__ = ["ContractCandleMemory", "ContractOrderMemory", "ContractTradeMemory", "FillMemory"]

_T = TypeVar("_T", Trade, Candle)
_O = TypeVar("_O", bound="ContractOrder | Fill")

_WINDOW = 10_000
_CANDLES = 1_000


class _Seen:
    """The latest ids. They are opaque: which of two is newer they do not say."""

    def __init__(self, window: int) -> None:
        self._ids: set[str] = set()
        self._order: deque[str] = deque()
        self._window = window

    def __contains__(self, id: object) -> bool:
        return id in self._ids

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, id: str) -> bool:
        """Whether ``id`` is new."""
        if id in self._ids:
            return False
        self._ids.add(id)
        self._order.append(id)
        if len(self._order) > self._window:
            self._ids.discard(self._order.popleft())
        return True


def _oldest_first(items: Sequence[_T]) -> list[_T]:
    """By time; those of one moment as they were sent, or the other way round where the newest was sent first."""
    times = [item.time.timestamp() if item.time is not None else 0.0 for item in items]
    newest_first = len(times) > 1 and times[0] > times[-1]
    pairs = list(zip(times, items, strict=True))
    return [item for _, item in sorted(pairs[::-1] if newest_first else pairs, key=lambda pair: pair[0])]


class ContractTradeMemory:
    """Trades of one contract (contract protocol, section 4)."""

    def __init__(self, window: int = _WINDOW) -> None:
        self._seen = _Seen(window)
        self._last: datetime | None = None
        self._started = False

    def update(self, trade: Trade) -> bool:
        """Whether ``trade`` is new."""
        self._started = True
        if not self._seen.add(trade.id):
            return False
        if trade.time is not None and (self._last is None or trade.time >= self._last):
            self._last = trade.time
        return True

    def snapshot(self, trades: Sequence[Trade]) -> tuple[list[Trade], Hole | None]:
        """The new ones among a socket's first trades, oldest first, and the hole before them if they do not reach back.

        They reach back if one of them has been seen before; how many trades a first frame holds is not documented.
        """
        ordered = _oldest_first(trades)
        hole: Hole | None = None
        if (self._seen or (self._started and ordered)) and not any(trade.id in self._seen for trade in ordered):
            hole = Hole(self._last, ordered[0].time if ordered else None)
        self._started = True
        return [trade for trade in ordered if self.update(trade)], hole


class ContractCandleMemory:
    """Candles of one contract and period, of each the largest version (contract protocol, section 5)."""

    def __init__(self) -> None:
        self._versions: OrderedDict[datetime | None, int] = OrderedDict()
        self._last: datetime | None = None

    def update(self, candle: Candle) -> bool:
        """Whether ``candle`` says something new; one without a version always does."""
        if candle.version is not None:
            known = self._versions.get(candle.time)
            if known is not None and candle.version <= known:
                return False
            self._versions[candle.time] = candle.version
            if len(self._versions) > _CANDLES:
                self._versions.popitem(last=False)
        if candle.time is not None and (self._last is None or candle.time > self._last):
            self._last = candle.time
        return True

    def snapshot(self, candles: Sequence[Candle]) -> tuple[list[Candle], Hole | None]:
        """The new ones among a socket's first candles, oldest first, and the hole before them."""
        ordered = _oldest_first(candles)
        times = [candle.time for candle in ordered if candle.time is not None]
        hole: Hole | None = None
        if self._last is not None and (not times or times[0] > self._last):
            hole = Hole(self._last, times[0] if times else None)
        return [candle for candle in ordered if self.update(candle)], hole


class ContractOrderMemory:
    """The newest word on each of the latest orders: nothing comes after a final state, and none with less filled."""

    def __init__(self, window: int = _WINDOW) -> None:
        self._last: OrderedDict[str, ContractOrder] = OrderedDict()
        self._window = window

    def accept(self, order: ContractOrder) -> bool:
        """Whether ``order`` may be said; what does not change it may be said again."""
        before = self._last.get(order.id)
        if before is not None and before.is_final:
            return False
        if before is not None and order.filled is not None and _filled(order) < _filled(before):
            return False
        self._last[order.id] = order
        self._last.move_to_end(order.id)
        if len(self._last) > self._window:
            self._last.popitem(last=False)
        return True

    def reconcile(self, orders: Iterable[ContractOrder]) -> list[ContractOrder]:
        """What differs among orders that REST tells, asked after all that is known, in order of their times."""
        return [order for order in _by_time(orders) if self._goes_on(order) and self.accept(order)]

    def _goes_on(self, order: ContractOrder) -> bool:
        before = self._last.get(order.id)
        if before is None or _filled(order) > _filled(before):
            return True
        return order.status != before.status and _filled(order) == _filled(before)

    def open(self) -> list[ContractOrder]:
        """The orders that are not known to have ended."""
        return [order for order in self._last.values() if not order.is_final]


_NOTHING = Decimal(0)


def _filled(order: ContractOrder) -> Decimal:
    return order.filled or _NOTHING


def _by_time(items: Iterable[_O]) -> list[_O]:
    """Oldest first. REST has the newest first, also among those of one moment, whose ids tell nothing."""
    ordered = list(items)
    ordered.reverse()
    ordered.sort(key=_time_of)
    return ordered


def _time_of(item: ContractOrder | Fill) -> float:
    return item.time.timestamp() if item.time is not None else 0.0


class FillMemory:
    """The latest own fills."""

    def __init__(self, window: int = _WINDOW) -> None:
        self._seen = _Seen(window)

    def accept(self, fill: Fill) -> bool:
        """Whether ``fill`` is new."""
        return self._seen.add(fill.id)

    def reconcile(self, fills: Iterable[Fill]) -> list[Fill]:
        """The new ones among fills that REST tells, which has the newest first; here it is the oldest."""
        return [fill for fill in _by_time(fills) if self.accept(fill)]
