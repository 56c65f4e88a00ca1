"""What the client tells during the demo, kept for the screen and for the checks at the end.

The handlers run on the client's worker thread, the readers on the main thread; everything is copied under one lock.
"""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ..book import OrderBook
from ..enums import BookState, Channel, ConnectionState
from ..errors import BigOneError, TransportError
from ..events import Gap, StateChange, Trade
from . import _format
from ._own import Holding, OwnOrder
from ._recovery import Recovery
from ._settings import AMOUNT_PLACES

__all__ = ["Note", "Recording"]

_SHOWN_TRADES = 20


@dataclass(frozen=True)
class Note:
    """One line of the story."""

    at: float
    """Seconds since the start."""
    kind: str
    """``demo`` (what was done to the client), or what was heard: ``state``, ``book``, ``order``, ``balance``, ``fill``,
    ``position``, ``cash``, ``gap``, ``error``, ``log``; ``command``: what the client was told to do, and the answer."""
    text: str
    short: str
    """The same for narrow places."""

    @property
    def is_main(self) -> bool:
        """Whether it belongs to the plot; the rest is detail that a picture shows otherwise."""
        return self.kind in ("demo", "book", "order", "gap", "log")


class Recording(ABC):
    """Watches one market and the account of a client; the venues differ in what the account is.

    Args:
        market: which one.
    """

    amount_places = AMOUNT_PLACES
    """Decimals that an amount has at least."""
    kind_width = 8
    """Room for the kind of a note, with a space."""
    account_title = ""
    """Of the panel with the latest own order and the holdings."""

    def __init__(self, market: str) -> None:
        self.market = market
        self.started = time.monotonic()
        self.caption = "Connecting to an exchange that runs inside this process ..."
        self.recovery: Recovery | None = None
        self.unexpected: list[str] = []
        """Errors other than the lost connections that the demo causes."""
        self._lock = threading.RLock()
        self._notes: list[Note] = []
        self._trades: deque[Trade] = deque(maxlen=_SHOWN_TRADES)
        self._trade_ids: list[str] = []
        self._trade_holes: list[tuple[datetime | None, datetime | None]] = []
        self._orders: dict[str, list[OwnOrder]] = {}
        self._book: OrderBook | None = None
        self._book_state = BookState.SYNCING
        self._states: dict[str, ConnectionState] = {}

    # -- what a venue adds

    @property
    @abstractmethod
    def account_caption(self) -> str:
        """What the columns of the holdings are."""

    @abstractmethod
    def holdings(self) -> Sequence[Holding]:
        """What the account has, one row each."""

    def market_text(self) -> str:
        """What is worth saying about the market beside its best prices; may be empty."""
        return ""

    def account_lag(self) -> str:
        """What is kept of the account and not yet up to date, in a word; empty: nothing."""
        return ""

    # -- for the show; main thread

    def now(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started

    def note(self, kind: str, text: str, short: str = "") -> None:
        """Add a line to the story."""
        with self._lock:
            self._notes.append(Note(self.now(), kind, text, short or text))

    def expect_reset(self, channels: int) -> Recovery:
        """The connections are about to be reset: watch the recovery from now on."""
        with self._lock:
            self.recovery = Recovery(channels, self.now())
            return self.recovery

    def notes(self, first: int = 0) -> list[Note]:
        """The story from line number ``first`` on."""
        with self._lock:
            return self._notes[first:]

    def trades(self) -> list[Trade]:
        """The latest trades, newest first."""
        with self._lock:
            return list(reversed(self._trades))

    def trade_ids(self) -> list[str]:
        """The ids of all trades, as they came."""
        with self._lock:
            return list(self._trade_ids)

    def is_in_hole(self, time: datetime) -> bool:
        """Whether the client said that trades of this time may be missing."""
        with self._lock:
            holes = list(self._trade_holes)
        # The wires have milliseconds.
        time = time.replace(microsecond=time.microsecond // 1000 * 1000)
        return any((since is None or since <= time) and (until is None or time <= until) for since, until in holes)

    def is_settled(self, order_id: str | None) -> bool:
        """Whether the client is not away, and has heard of an own order, if there is one."""
        with self._lock:
            is_there = self.recovery is None or self.recovery.is_over
            return is_there and (order_id is None or order_id in self._orders)

    def orders(self) -> Mapping[str, list[OwnOrder]]:
        """Everything heard of each own order, in order of their appearance."""
        with self._lock:
            return {order_id: list(states) for order_id, states in self._orders.items()}

    @property
    def states(self) -> Mapping[str, ConnectionState]:
        """Where each connection stands, as told by ``on_state``."""
        with self._lock:
            return dict(self._states)

    def look(self) -> None:
        """Notice a change of the book's state, and the end of a recovery."""
        book = self._book
        if book is None:
            return
        lag = self.account_lag()
        with self._lock:
            state = book.state
            if state is not self._book_state:
                self.note("book", f"{self._book_state} -> {state}", f"book {state}")
                self._book_state = state
            recovery = self.recovery
            if recovery is not None and recovery.look(state, self.now(), lag):
                text = f"recovered {recovery.seconds:.2f} s after the reset"
                self.note("demo", text, f"recovered in {recovery.seconds:.2f} s")
                self.caption = text.capitalize() + ": logged in, subscribed and in step again."

    # -- handlers; worker thread

    def _on_state(self, change: StateChange) -> None:
        text = f"{change.connection}: {change.old} -> {change.new}"
        if change.new == ConnectionState.WAITING and change.retry_in is not None:
            text += f", next attempt in {change.retry_in:.2f} s"
        with self._lock:
            self._states[change.connection] = change.new
            self.note("state", text)
            if self.recovery is not None:
                self.recovery.state(change.connection, change.new)
        self.look()

    def _on_error(self, error: BigOneError) -> None:
        if isinstance(error, TransportError):
            self.note("error", str(error))
            self.look()
        else:
            self.unexpected.append(f"{type(error).__name__}: {error}")
            self.note("error", self.unexpected[-1])

    def _on_gap(self, gap: Gap) -> None:
        with self._lock:
            text = f"{gap.channel} {gap.market or ''}: {gap.reason}"
            self.note("gap", text, f"{gap.channel}: a gap is announced")
            if gap.channel == Channel.TRADES:
                self._trade_holes.append((gap.since, gap.until))

    def _on_book(self, book: OrderBook) -> None:
        self.look()

    def _on_trade(self, trade: Trade) -> None:
        with self._lock:
            self._trades.append(trade)
            self._trade_ids.append(trade.id)

    def _heard(self, order: OwnOrder) -> None:
        """An update of an own order came."""
        with self._lock:
            known = self._orders.setdefault(order.id, [])
            before = known[-1] if known else None
            known.append(order)
            # The snapshot after a reconnect repeats what is known.
            if before is None or (before.state, before.filled) != (order.state, order.filled):
                label, least = self._label(order.id), self.amount_places
                text = _format.order_text(label, before, order, least)
                self.note("order", text, _format.order_short(label, order, least))

    def _label(self, order_id: str | None) -> str:
        """How an own order is called: ``#1`` is the first; ``#?`` one that nothing was heard of."""
        number = next((number for number, known in enumerate(self._orders, 1) if known == order_id), None)
        return f"#{number or '?'}"
