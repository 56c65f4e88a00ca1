"""Kept order books: a snapshot, then absolute changes, readable from any thread."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from decimal import Decimal

from .book_side import EXACT, BookSide, checked, crossed, texts_of
from .enums import BookState
from .errors import ConfigurationError
from .events import DepthSnapshot, DepthUpdate, Levels, LevelText, PriceLevel

__all__ = ["BookView", "OrderBook"]

_LIVE = BookState.LIVE


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
        return EXACT.subtract(self.asks[0].price, self.bids[0].price) if self.bids and self.asks else None

    @property
    def mid(self) -> Decimal | None:
        """Middle between best bid and best ask, exact; None unless both are there."""
        spread = self.spread
        return None if spread is None else EXACT.add(self.bids[0].price, EXACT.divide(spread, 2))


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
        self._bids = BookSide()
        self._asks = BookSide()
        self._closed = False
        self._lock = threading.RLock()  # a signal handler that closes the client may interrupt whoever reads
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
        bids, asks = BookSide.load(snapshot.bids), BookSide.load(snapshot.asks)
        with self._changed:
            if self._closed:
                return True
            self._change_id, self._updated_at = snapshot.change_id, snapshot.received_at
            if crossed(bids, asks):
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
            bid_rows = levels.text() if type(levels) is Levels else texts_of(levels)
            levels = update.asks
            ask_rows = levels.text() if type(levels) is Levels else texts_of(levels)
            if bid_rows:
                bid_rows = checked(bid_rows, bids.rows)
            if ask_rows:
                asks.put(checked(ask_rows, asks.rows))
            # Both sides are checked: from here on nothing raises.
            if bid_rows:
                bids.put(bid_rows)
            self._change_id = update.change_id
            self._updated_at = update.received_at
            if (low := bids.keys) and (high := asks.keys):
                # Floats that differ are in the right order; a float and a Decimal cannot be compared like that.
                apart = bids.key is asks.key and low[-1] < high[0]
                if not apart and crossed(bids, asks):
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
        self._bids, self._asks = BookSide(), BookSide()
