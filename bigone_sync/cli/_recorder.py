"""What the client tells during the demo, kept for the screen and for the checks at the end.

The handlers run on the client's worker thread, the readers on the main thread; everything is copied under one lock.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from ..book import OrderBook
from ..clients.spot import SpotClient
from ..enums import BookState, ConnectionState
from ..errors import BigOneError, TransportError
from ..events import Account, Gap, Order, StateChange, Ticker, Trade
from . import _format
from ._recovery import Recovery
from ._settings import TRADES_ASKED

__all__ = ["Note", "Recorder"]

_SHOWN_TRADES = 20


@dataclass(frozen=True)
class Note:
    """One line of the story."""

    at: float
    """Seconds since the start."""
    kind: str
    """``demo`` (what was done to the client), or what was heard: ``state``, ``book``, ``order``, ``balance``, ``gap``,
    ``error``, ``log``."""
    text: str
    short: str
    """The same for narrow places."""

    @property
    def is_main(self) -> bool:
        """Whether it belongs to the plot; the rest is detail that a picture shows otherwise."""
        return self.kind in ("demo", "book", "order", "gap", "log")


class Recorder:
    """Watches one market and the account of a client.

    Args:
        market: which one.
    """

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
        self._trade_ids: list[int] = []
        self._orders: dict[str, list[Order]] = {}
        self._balances: dict[str, Account] = {}
        self._ticker: Ticker | None = None
        self._book: OrderBook | None = None
        self._book_state = BookState.SYNCING
        self._states: dict[str, ConnectionState] = {}

    def attach(self, client: SpotClient) -> None:
        """Register everything that the demo shows."""
        client.on_state(self._on_state)
        client.on_error(self._on_error)
        client.on_gap(self._on_gap)
        client.on_order(self.market, self._on_order)
        client.on_account(self._on_account)
        client.on_book(self.market, self._on_book)
        client.on_trade(self.market, self._on_trade, limit=TRADES_ASKED)
        client.on_ticker(self.market, self._on_ticker)
        self._book = client.order_book(self.market)

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

    def trade_ids(self) -> list[int]:
        """The ids of all trades, as they came."""
        with self._lock:
            return list(self._trade_ids)

    def orders(self) -> Mapping[str, list[Order]]:
        """Everything heard of each own order, in order of their appearance."""
        with self._lock:
            return {order_id: list(states) for order_id, states in self._orders.items()}

    def balances(self) -> Mapping[str, Account]:
        """The newest word on each asset."""
        with self._lock:
            return dict(self._balances)

    @property
    def ticker(self) -> Ticker | None:
        """The newest one."""
        return self._ticker

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
        with self._lock:
            state = book.state
            if state is not self._book_state:
                self.note("book", f"{self._book_state} -> {state}", f"book {state}")
                self._book_state = state
            recovery = self.recovery
            if recovery is not None and recovery.look(state, self.now()):
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
        self.note("gap", f"{gap.channel} {gap.market or ''}: {gap.reason}")

    def _on_book(self, book: OrderBook) -> None:
        self.look()

    def _on_trade(self, trade: Trade) -> None:
        with self._lock:
            self._trades.append(trade)
            self._trade_ids.append(int(trade.id))

    def _on_ticker(self, ticker: Ticker) -> None:
        self._ticker = ticker

    def _on_order(self, order: Order) -> None:
        with self._lock:
            known = self._orders.setdefault(order.id, [])
            before = known[-1] if known else None
            known.append(order)
            # The snapshot after a reconnect repeats what is known.
            if before is None or (before.state, before.filled_amount) != (order.state, order.filled_amount):
                number = list(self._orders).index(order.id) + 1
                label = f"#{number}"
                self.note("order", _format.order_text(label, before, order), _format.order_short(label, order))

    def _on_account(self, account: Account) -> None:
        with self._lock:
            before = self._balances.get(account.asset)
            self._balances[account.asset] = account
            if before is None or (before.balance, before.locked_balance) != (account.balance, account.locked_balance):
                self.note("balance", _format.account_text(account))
