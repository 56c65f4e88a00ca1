"""Kept order books: a snapshot, then absolute changes, readable from any thread.

How a side is stored.  Rows lie in a dict under the venue's own price text, because that is the cheapest way to find a
level that is already there (most changes touch one), and because the exact text is what comes out again.  Beside it
two parallel lists, ascending by number, hold the sort keys and the texts.  The key is the price as a float: several
times cheaper than ``Decimal`` and right as long as two prices do not share a float.  When they do, the side turns its
keys into ``Decimal``, once, and stays so until the next snapshot.  No number that comes out was ever a float.
"""

from __future__ import annotations

import math
import operator
import threading
from bisect import bisect_left
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from typing import Any

from .enums import BookState
from .errors import ConfigurationError
from .events import DepthSnapshot, DepthUpdate, Levels, LevelText, PriceLevel, PriceLevels

__all__ = ["BookView", "OrderBook"]

_INF = math.inf
_LIVE = BookState.LIVE
# Exact for any price an exchange could print, whatever the reading thread did to its own decimal context.
_EXACT = Context(prec=1000, Emin=MIN_EMIN, Emax=MAX_EMAX, traps=[])


def _number(text: str) -> Decimal:
    number = Decimal(text, _EXACT)  # NaN for what is no number, for this context traps nothing
    if not number.is_finite():
        raise ValueError(f"a price level holds no finite number but {text[:40]!r}")
    return number


def _normal(row: LevelText) -> LevelText:
    """``row`` with any zero amount written ``0``; ValueError when it is no level at all."""
    if not 0.0 < float(row.price) < _INF:
        _number(row.price)
    if 0.0 < float(row.amount) < _INF or row.amount == "0":
        return row
    amount = _number(row.amount)
    if amount < 0:
        raise ValueError(f"a price level holds a negative amount, {row.amount[:40]!r}")
    return row if amount else LevelText(row.price, "0", row.order_count)


def _checked(rows: Sequence[LevelText], held: dict[str, LevelText]) -> Sequence[LevelText]:
    """``rows`` after the check that all are levels, zero amounts written ``0``; nearly always ``rows`` itself.

    What floats cannot judge (other zeros, what under- or overflows, what is no number) is left to ``Decimal``.  The
    price of a level that is held was checked when it came.
    """
    for row in rows:
        if not 0.0 < float(row.amount) < _INF and row.amount != "0":
            return [_normal(row) for row in rows]
        if row.price not in held and not 0.0 < float(row.price) < _INF:
            return [_normal(row) for row in rows]
    return rows


def _texts(levels: PriceLevels) -> Sequence[LevelText]:
    if isinstance(levels, Levels):
        return levels.text()
    return [LevelText(str(price), str(amount), count) for price, amount, count in levels]


class _Side:
    """One side of a book; see the module's docstring. ``put`` takes checked rows only."""

    __slots__ = ("key", "keys", "rows", "texts")

    def __init__(self) -> None:
        self.rows: dict[str, LevelText] = {}
        self.texts: list[str] = []
        self.keys: list[Any] = []
        self.key: Callable[[str], Any] = float

    @classmethod
    def load(cls, levels: PriceLevels) -> _Side:
        """A side of a snapshot. Of levels that are given twice the last one counts."""
        self = cls()
        rows = _checked(_texts(levels), self.rows)
        order = sorted([(float(row.price), row.price) for row in rows])
        keys = [key for key, _ in order]
        if any(map(operator.eq, keys, keys[1:])) or any(row.amount == "0" for row in rows):
            self.put(rows)  # not a plain list of different levels: one by one settles every case
        else:
            self.keys = keys
            self.texts = [text for _, text in order]
            self.rows = {row.price: row for row in rows}
        return self

    def put(self, rows: Sequence[LevelText]) -> None:
        """Set and delete levels, in order."""
        held = self.rows
        for row in rows:
            text = row.price
            if text in held:
                if row.amount != "0":
                    held[text] = row
                else:
                    index = bisect_left(self.keys, self.key(text))
                    del held[text], self.keys[index], self.texts[index]
            else:
                key = self.key(text)
                keys = self.keys
                index = bisect_left(keys, key)
                if index < len(keys) and keys[index] == key:
                    self._meet(index, row)
                elif row.amount != "0":
                    keys.insert(index, key)
                    self.texts.insert(index, text)
                    held[text] = row

    def _meet(self, index: int, row: LevelText) -> None:
        """Put ``row`` where a level with the same key and another text is held."""
        text = self.texts[index]
        if Decimal(text) == Decimal(row.price):
            del self.rows[text]
            if row.amount == "0":
                del self.keys[index], self.texts[index]
            else:
                self.texts[index] = row.price
                self.rows[row.price] = row
        else:
            # Different floats are in the order of their numbers, so the texts are sorted already.
            self.key = Decimal
            self.keys = [Decimal(text) for text in self.texts]
            self.put((row,))

    def highest(self, n: int | None) -> list[LevelText]:
        texts = self.texts[::-1] if n is None else self.texts[: -n - 1 : -1]
        return [self.rows[text] for text in texts]

    def lowest(self, n: int | None) -> list[LevelText]:
        return [self.rows[text] for text in self.texts[:n]]


def _crossed(bids: _Side, asks: _Side) -> bool:
    return bool(bids.texts and asks.texts) and Decimal(bids.texts[-1]) >= Decimal(asks.texts[0])


def _levels(rows: Sequence[LevelText]) -> tuple[PriceLevel, ...]:
    return tuple([row.level() for row in rows])


def _check_n(n: int | None) -> int | None:
    if n is not None and (isinstance(n, bool) or not isinstance(n, int) or n < 0):
        raise ConfigurationError(f"n must be None or a whole number from 0, not {n!r}", argument="n")
    return n


def _check_timeout(timeout: float | None) -> float | None:
    if timeout is None:
        return None
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or math.isnan(timeout):
        raise ConfigurationError(f"timeout must be None or a number of seconds, not {timeout!r}", argument="timeout")
    return min(timeout, threading.TIMEOUT_MAX)


@dataclass(frozen=True)
class BookView:
    """A book at one moment: sides best first, both empty unless ``state`` is LIVE. Immutable, equal by value."""

    market: str
    state: BookState
    change_id: int | None
    updated_at: float | None
    bids: tuple[PriceLevel, ...]
    asks: tuple[PriceLevel, ...]

    @property
    def best_bid(self) -> PriceLevel | None:
        """Highest bid of this view, or None."""
        return self.bids[0] if self.bids else None

    @property
    def best_ask(self) -> PriceLevel | None:
        """Lowest ask of this view, or None."""
        return self.asks[0] if self.asks else None

    @property
    def spread(self) -> Decimal | None:
        """Best ask minus best bid, exact; None unless both are there."""
        return _EXACT.subtract(self.asks[0].price, self.bids[0].price) if self.bids and self.asks else None

    @property
    def mid(self) -> Decimal | None:
        """Middle between best bid and best ask, exact; None unless both are there."""
        spread = self.spread
        return None if spread is None else _EXACT.add(self.bids[0].price, _EXACT.divide(spread, 2))


class OrderBook:
    """The kept book of one market (spot protocol, section 6.1). Thread-safe.

    Nothing can be read unless the book is LIVE: while it is SYNCING or STALE the sides are empty and the best prices
    None, for prices that may be wrong are worse than none.  Two reads in a row may see two states of the market;
    :meth:`snapshot` sees one.

    Numbers are exact.  ``9.1`` and ``9.10`` are one level and come out as the venue wrote it last; two different
    prices are two levels, however little they differ.

    The methods from ``load`` on are for the session that keeps the book; it calls ``load`` and ``apply`` on the reader
    thread, and only with frames whose place in the chain it has checked.
    """

    def __init__(self, market: str) -> None:
        self._market = market
        self._state = BookState.SYNCING
        self._change_id: int | None = None
        self._updated_at: float | None = None
        self._bids = _Side()
        self._asks = _Side()
        self._closed = False
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self.waiting: Callable[[], AbstractContextManager[None]] = nullcontext
        """For the session: entered around every wait, so that a waiting callback need not stop the reader."""

    @property
    def market(self) -> str:
        """The market's name, like ``BTC-USDT``."""
        return self._market

    @property
    def state(self) -> BookState:
        """SYNCING until the first snapshot, LIVE, or STALE until the next one; never LIVE again once closed."""
        return self._state

    @property
    def is_live(self) -> bool:
        """True while the book is as new as the stream."""
        return self._state is _LIVE

    @property
    def change_id(self) -> int | None:
        """``changeId`` of the last frame applied; None while SYNCING."""
        return self._change_id

    @property
    def updated_at(self) -> float | None:
        """When the last frame applied was read, in Unix seconds of this machine's clock; None while SYNCING."""
        return self._updated_at

    @property
    def best_bid(self) -> PriceLevel | None:
        """Highest bid; None when there is none or the book is not LIVE."""
        levels = self.bids(1)
        return levels[0] if levels else None

    @property
    def best_ask(self) -> PriceLevel | None:
        """Lowest ask; None when there is none or the book is not LIVE."""
        levels = self.asks(1)
        return levels[0] if levels else None

    @property
    def spread(self) -> Decimal | None:
        """Best ask minus best bid, exact; None unless both are there and the book is LIVE."""
        return self.snapshot(1).spread

    @property
    def mid(self) -> Decimal | None:
        """Middle between best bid and best ask, exact; None unless both are there and the book is LIVE."""
        return self.snapshot(1).mid

    def bids(self, n: int | None = None) -> tuple[PriceLevel, ...]:
        """The bids, highest first, at most ``n`` (None: all) of them; empty unless the book is LIVE.

        Raises:
            ConfigurationError: ``n`` is neither None nor a whole number from 0.
        """
        _check_n(n)
        with self._lock:
            rows = self._bids.highest(n)
        return _levels(rows)

    def asks(self, n: int | None = None) -> tuple[PriceLevel, ...]:
        """The asks, lowest first; otherwise like :meth:`bids`."""
        _check_n(n)
        with self._lock:
            rows = self._asks.lowest(n)
        return _levels(rows)

    def snapshot(self, n: int | None = None) -> BookView:
        """State, ids and at most ``n`` (None: all) levels a side, of one and the same moment.

        Raises:
            ConfigurationError: ``n`` is neither None nor a whole number from 0.
        """
        _check_n(n)
        with self._lock:
            state, change_id, updated_at = self._state, self._change_id, self._updated_at
            bids, asks = self._bids.highest(n), self._asks.lowest(n)
        # Making the numbers is the dear part; the reader must not wait for it.
        return BookView(self._market, state, change_id, updated_at, _levels(bids), _levels(asks))

    def wait_live(self, timeout: float | None = None) -> bool:
        """Wait, at most ``timeout`` seconds (None: for ever), until the book is LIVE; False: not in time, or closed.

        Raises:
            ConfigurationError: ``timeout`` is neither None nor a number.
        """
        timeout = _check_timeout(timeout)
        with self.waiting(), self._changed:
            self._changed.wait_for(lambda: self._closed or self._state is _LIVE, timeout)
            return self._state is _LIVE

    def __repr__(self) -> str:
        view = self.snapshot(1)
        return f"<OrderBook {view.market} {view.state.value} change_id={view.change_id} mid={view.mid}>"

    def load(self, snapshot: DepthSnapshot) -> bool:
        """Replace everything by a snapshot: the book is LIVE. Levels with amount 0 are skipped.

        Returns and raises like :meth:`apply`.
        """
        bids, asks = _Side.load(snapshot.bids), _Side.load(snapshot.asks)
        with self._changed:
            if self._closed:
                return True
            self._change_id, self._updated_at = snapshot.change_id, snapshot.received_at
            if _crossed(bids, asks):
                self._leave(BookState.STALE)
                return False
            self._bids, self._asks = bids, asks
            self._state = _LIVE
            self._changed.notify_all()
            return True

    def apply(self, update: DepthUpdate) -> bool:
        """Set the levels of an update, amount 0 deletes; all of it or nothing. Does nothing unless LIVE.

        Returns:
            False when bids and asks cross: the book is STALE and needs a snapshot.

        Raises:
            ValueError: a price or amount is no finite number, or an amount is negative. The book is as it was, and
                therefore behind: mark it stale.
        """
        lock = self._lock
        lock.acquire()  # cheaper than `with`, on the hottest path there is
        try:
            if self._state is not _LIVE:
                return True
            bids, asks, levels = self._bids, self._asks, update.bids
            bid_rows = levels.text() if type(levels) is Levels else _texts(levels)
            levels = update.asks
            ask_rows = levels.text() if type(levels) is Levels else _texts(levels)
            if bid_rows:
                bid_rows = _checked(bid_rows, bids.rows)
            if ask_rows:
                asks.put(_checked(ask_rows, asks.rows))
            # Both sides are checked: from here on nothing raises.
            if bid_rows:
                bids.put(bid_rows)
            self._change_id = update.change_id
            self._updated_at = update.received_at
            if (low := bids.keys) and (high := asks.keys):
                # Floats that differ are in the right order; a float and a Decimal cannot be compared like that.
                apart = bids.key is asks.key and low[-1] < high[0]
                if not apart and _crossed(bids, asks):
                    self._leave(BookState.STALE)
                    return False
            return True
        finally:
            lock.release()

    def mark_stale(self) -> None:
        """What is held may be wrong: nothing can be read until the next snapshot. No effect unless LIVE."""
        with self._lock:
            if self._state is _LIVE:
                self._leave(BookState.STALE)

    def mark_syncing(self) -> None:
        """Back to the beginning, before any snapshot. No effect after :meth:`close`."""
        with self._lock:
            if not self._closed:
                self._leave(BookState.SYNCING)
                self._change_id = self._updated_at = None

    def close(self) -> None:
        """Nobody keeps this book any more: a LIVE one is STALE for good, and every :meth:`wait_live` returns."""
        with self._changed:
            self._closed = True
            if self._state is _LIVE:
                self._leave(BookState.STALE)
            self._changed.notify_all()

    def _leave(self, state: BookState) -> None:
        # Only a LIVE book holds levels, so there is no way to read what may be wrong.
        self._state = state
        self._bids, self._asks = _Side(), _Side()
