"""What can be told from a market's trades: the trade list, candles of every period and the rolling 24 h ticker."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Generic, Protocol, TypeVar

from bigone_sync.testing._book import Trade, utc
from bigone_sync.testing._ledger import ZERO

_SECOND = 1_000_000_000
_MINUTE = 60 * _SECOND
_DAY = 1_440 * _MINUTE
_KEPT_TRADES = 1_000_000
_KEPT_CANDLES = 1_000

# The epoch was a Thursday; weeks begin on Monday.
_WEEK_SHIFT = 3 * _DAY


def _every(length: int, shift: int = 0) -> Callable[[int], int]:
    return lambda time_ns: (time_ns + shift) // length * length - shift


def _month(time_ns: int) -> int:
    day = utc(time_ns)
    first = datetime(day.year, day.month, 1, tzinfo=day.tzinfo)
    return (first - utc(0)) // timedelta(seconds=1) * _SECOND


#: Period name to a function from a time to the open time of the candle it falls into (nanoseconds).
PERIODS: dict[str, Callable[[int], int]] = {
    "MIN1": _every(_MINUTE),
    "MIN5": _every(5 * _MINUTE),
    "MIN15": _every(15 * _MINUTE),
    "MIN30": _every(30 * _MINUTE),
    "HOUR1": _every(60 * _MINUTE),
    "HOUR3": _every(180 * _MINUTE),
    "HOUR4": _every(240 * _MINUTE),
    "HOUR6": _every(360 * _MINUTE),
    "HOUR12": _every(720 * _MINUTE),
    "DAY1": _every(_DAY),
    "WEEK1": _every(7 * _DAY, _WEEK_SHIFT),
    "MONTH1": _month,
}


@dataclass(frozen=True, slots=True)
class Candle:
    """Open, high, low, close and base volume of one period; ``time_ns`` is its open time."""

    market: str
    period: str
    time_ns: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


@dataclass(frozen=True, slots=True)
class Ticker:
    """The last 24 hours of trades; without any, all prices are the last one."""

    market: str
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal

    @property
    def daily_change(self) -> Decimal:
        return self.close - self.open

    @property
    def daily_change_percent(self) -> Decimal:
        return (self.daily_change / self.open * 100).quantize(Decimal("0.01")) if self.open else ZERO


class Traded(Protocol):
    """What the rolling day needs of a trade."""

    @property
    def price(self) -> Decimal:
        """What was paid."""

    @property
    def amount(self) -> Decimal:
        """How much was traded."""

    @property
    def time_ns(self) -> int:
        """When it was."""


T = TypeVar("T", bound=Traded)


class Day(Generic[T]):
    """The trades of the last 24 hours, their volume and their extremes."""

    def __init__(self) -> None:
        self.trades: deque[T] = deque()
        self.volume = ZERO
        # Candidates for the window's extremes, best first: a later and better trade makes an earlier one useless.
        self._highs: deque[T] = deque()
        self._lows: deque[T] = deque()

    def add(self, trade: T) -> None:
        """Take the next trade into account."""
        self.trades.append(trade)
        self.volume += trade.amount
        while self._highs and self._highs[-1].price <= trade.price:
            self._highs.pop()
        self._highs.append(trade)
        while self._lows and self._lows[-1].price >= trade.price:
            self._lows.pop()
        self._lows.append(trade)

    def forget(self, now_ns: int) -> list[T]:
        """Let go, and return, what is a day old at ``now_ns``."""
        gone: list[T] = []
        while self.trades and self.trades[0].time_ns <= now_ns - _DAY:
            trade = self.trades.popleft()
            gone.append(trade)
            self.volume -= trade.amount
            for extremes in (self._highs, self._lows):
                if extremes[0] is trade:
                    extremes.popleft()
        return gone

    @property
    def high(self) -> Decimal:
        """The highest price; ask only if there are trades."""
        return self._highs[0].price

    @property
    def low(self) -> Decimal:
        """The lowest price; ask only if there are trades."""
        return self._lows[0].price


class Tape:
    """Collects the trades of one market, in order of time."""

    def __init__(self, market: str) -> None:
        self._market = market
        self.trades: deque[Trade] = deque(maxlen=_KEPT_TRADES)
        self._candles: dict[str, deque[Candle]] = {period: deque(maxlen=_KEPT_CANDLES) for period in PERIODS}
        self._day: Day[Trade] = Day()

    def add(self, trade: Trade) -> None:
        """Take the next trade into account."""
        self.trades.append(trade)
        for period, floor in PERIODS.items():
            self._add_to_candle(period, floor(trade.time_ns), trade)
        self._day.add(trade)

    def candles(self, period: str, limit: int = 1) -> tuple[Candle, ...]:
        """The latest candles, newest first; periods without a trade have none."""
        kept = self._candles[period]
        return tuple(kept[-1 - index] for index in range(min(limit, len(kept))))

    def latest(self, limit: int) -> tuple[Trade, ...]:
        """The latest trades, newest first."""
        return tuple(self.trades[-1 - index] for index in range(min(limit, len(self.trades))))

    def ticker(self, now_ns: int) -> Ticker:
        """The ticker over the 24 hours up to ``now_ns``."""
        day = self._day
        day.forget(now_ns)
        if not day.trades:
            last = self.trades[-1].price if self.trades else ZERO
            return Ticker(self._market, last, last, last, last, ZERO)
        return Ticker(
            market=self._market,
            open=day.trades[0].price,
            high=day.high,
            low=day.low,
            close=day.trades[-1].price,
            volume=day.volume,
        )

    def _add_to_candle(self, period: str, time_ns: int, trade: Trade) -> None:
        kept = self._candles[period]
        price = trade.price
        if not kept or kept[-1].time_ns != time_ns:
            kept.append(Candle(self._market, period, time_ns, price, price, price, price, trade.amount))
            return
        running = kept[-1]
        kept[-1] = replace(
            running,
            high=max(running.high, price),
            low=min(running.low, price),
            close=price,
            volume=running.volume + trade.amount,
        )
