"""The orders and fills of the one Rails account, as told on its wire."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice

from bigone_sync.testing._book import ASK, BID, LOT, Batch, Fill, OrderView, Trade
from bigone_sync.testing._checks import rounded
from bigone_sync.testing._clearing import FEE_RATE
from bigone_sync.testing._contract_json import number
from bigone_sync.testing._ledger import ZERO
from bigone_sync.testing._rails_views import RailsFill, RailsOrderView
from bigone_sync.testing._rails_wire import RailsIds

__all__ = ["SIDES", "WORDS", "Draft", "OwnOrder", "RailsAccount", "milliseconds"]

SIDES = {"buy": BID, "sell": ASK}
"""Word of the wire to that of the engine."""
WORDS = {engine: word for word, engine in SIDES.items()}

_KEPT_FILLS = 100_000
_MILLISECOND_NS = 1_000_000


def milliseconds(time_ns: int) -> int:
    """Nanoseconds since the epoch as the wire's milliseconds."""
    return time_ns // _MILLISECOND_NS


@dataclass(frozen=True, slots=True)
class Draft:
    """An order that is asked for: ``type`` is ``limit`` or ``market``, ``price`` of the latter the expected one."""

    market: str
    side: str
    type: str
    price: Decimal
    quantity: Decimal
    post_only: bool = False
    slippage: Decimal = ZERO


@dataclass(slots=True)
class OwnOrder:
    """An order of the account as last told."""

    number: int
    order_id: str
    client_request_id: str | None
    draft: Draft
    leverage: str
    created_ns: int
    updated_ns: int
    status: str = "pending"
    filled: Decimal = ZERO
    average: Decimal = ZERO
    booked: Decimal = ZERO  # how much of `filled` the trades of the account have told

    @property
    def is_open(self) -> bool:
        """Whether it rests in the book."""
        return self.status == "active"

    @property
    def remaining(self) -> Decimal:
        """What is left to be filled."""
        return self.draft.quantity - self.filled

    def mark(self, status: str, now_ns: int) -> None:
        """Note what has become of it."""
        self.status = status
        self.updated_ns = max(self.updated_ns, now_ns)

    def view(self) -> RailsOrderView:
        """A copy of its present state."""
        draft = self.draft
        return RailsOrderView(
            order_id=self.order_id,
            client_request_id=self.client_request_id,
            market=draft.market,
            side=draft.side,
            type=draft.type,
            status=self.status,
            price=number(draft.price),
            quantity=number(self.remaining),
            filled_quantity=number(self.filled),
            avg_fill_price=number(self.average) if self.filled else None,
            leverage=self.leverage,
            post_only=draft.post_only,
            created=milliseconds(self.created_ns),
            updated=milliseconds(self.updated_ns),
        )


class RailsAccount:
    """Knows every order by its id; used on the exchange's loop only."""

    def __init__(self, ids: RailsIds, *, seed: int) -> None:
        self.leverage = "1"
        self.fills: deque[RailsFill] = deque(maxlen=_KEPT_FILLS)
        self._ids = ids
        self._rng = random.Random(f"account:{seed}")
        self._orders: dict[str, OwnOrder] = {}
        self._by_number: dict[int, OwnOrder] = {}
        self._named: dict[str, OwnOrder] = {}

    def add(self, engine_number: int, draft: Draft, client_request_id: str | None, now_ns: int) -> OwnOrder:
        """Note an order that the engine has taken; a name that was used before then means this one."""
        order_id = self._ids.order_id(engine_number)
        order = OwnOrder(engine_number, order_id, client_request_id, draft, self.leverage, now_ns, now_ns)
        self._orders[order_id] = self._by_number[engine_number] = order
        if client_request_id is not None:
            self._named[client_request_id] = order
        return order

    def order(self, order_id: str) -> OwnOrder | None:
        """The order of that id."""
        return self._orders.get(order_id)

    def named(self, client_request_id: str) -> OwnOrder | None:
        """The newest order that was created by that request."""
        return self._named.get(client_request_id)

    def orders(self) -> list[OwnOrder]:
        """All, oldest first."""
        return list(self._orders.values())

    def open_shuffled(self) -> list[OwnOrder]:
        """Those in a book, in no particular order."""
        found = [order for order in self._orders.values() if order.is_open]
        self._rng.shuffle(found)
        return found

    def latest_fills(self, start: int, count: int) -> list[RailsFill]:
        """Fills, newest first, from the one at ``start`` on."""
        return list(islice(reversed(self.fills), start, start + count))

    def follow(self, view: OrderView) -> OwnOrder | None:
        """Take in a state that the engine tells; returns the order if that is news to whoever watches it.

        What the account has cancelled or replaced itself was told by those who did it.
        """
        order = self._by_number[int(view.id)]
        if view.state == "CANCELLED" and order.status in ("cancelled", "modified"):
            return None
        has_filled = view.filled_amount > order.filled
        order.filled, order.average = view.filled_amount, view.avg_deal_price
        if view.state == "CANCELLED":
            # Only a post-only order that would have traded ends so without ever resting.
            order.mark("rejected" if order.draft.post_only else "cancelled", view.updated_ns)
            return order
        if not has_filled:
            return None
        order.mark("filled" if view.state == "FILLED" else "active", view.updated_ns)
        return order

    def book(self, batch: Batch) -> list[RailsFill]:
        """Note the fills of a commit; returns them as told."""
        trades = {trade.id: trade for trade in batch.trades}
        booked = [self._book_one(fill, trades[fill.trade_id]) for fill in batch.fills]
        self.fills.extend(booked)
        return booked

    def _book_one(self, fill: Fill, trade: Trade) -> RailsFill:
        order = self._by_number[int(fill.order_id)]
        order.booked += fill.amount
        return RailsFill(
            market=order.draft.market,
            order_id=order.order_id,
            match_id=self._ids.match_id(trade.id),
            side=order.draft.side,
            type=order.draft.type,
            role="taker" if trade.taker_order_id == order.number else "maker",
            is_complete=order.booked == order.draft.quantity,
            price=number(fill.price),
            quantity=number(fill.amount),
            leverage=order.leverage,
            fees=number(rounded(fill.price * fill.amount * FEE_RATE, LOT)),
            order_created=milliseconds(order.created_ns),
            time=milliseconds(trade.time_ns),
        )
