"""A small price-time-priority matching engine for one market: exact, seeded, without I/O or clock.

Every operation changes the book at once; `Market.commit` then returns what changed since the last commit as one
`Batch`, which is what an exchange would publish as one depth update.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from decimal import Decimal
from itertools import count

from bigone_sync.testing._book import (
    ASK,
    BID,
    LOT,
    SIDES,
    UNITS,
    Batch,
    BookView,
    LevelChange,
    Order,
    OrderView,
    Trade,
)
from bigone_sync.testing._checks import Refused, check_multiple
from bigone_sync.testing._clearing import Clearing
from bigone_sync.testing._ledger import Balance, Ledger
from bigone_sync.testing._matching import Matching

__all__ = ["Balance", "Batch", "BookView", "LevelChange", "Ledger", "Market", "OrderView", "Trade"]

TICK = Decimal("0.01")
TYPES = ("LIMIT", "MARKET", "STOP_LIMIT", "STOP_MARKET")

# Real ids have outgrown what a double holds exactly; starting there makes a client that reads them as floats fail.
FIRST_CHANGE_ID = 2**53 + 1
FIRST_ID = 2**53 + 500_001


class Market(Matching):
    """The engine. Not thread-safe: the owner calls it from one thread.

    Orders of the configured account are ``own=True``: they lock and move balances in the ledger of their business unit
    and are reported; all others belong to an anonymous crowd with unlimited means.

    Args:
        name: ``BASE-QUOTE``.
        ledger: balances of the account for orders of unit SPOT.
        margin: balances of the account's margin account in this market, for orders of unit MARGIN; None: empty ones.
        seed: decides the steps between change ids.
        tick: smallest price step.
        ids: order and trade ids; markets of one exchange share the source.
    """

    def __init__(
        self,
        name: str,
        ledger: Ledger,
        *,
        margin: Ledger | None = None,
        seed: int = 1,
        tick: Decimal = TICK,
        ids: Iterator[int] | None = None,
    ) -> None:
        super().__init__()
        self.name = name
        self.base, self.quote = name.split("-")
        self.tick = tick
        self.change_id = FIRST_CHANGE_ID
        self.last_price: Decimal | None = None
        self.now_ns = 0
        ledgers = {"SPOT": ledger, "MARGIN": Ledger({}) if margin is None else margin}
        self._clearing = Clearing(self.base, self.quote, ledgers, self.sides[ASK])
        self._rng = random.Random(f"ids:{seed}:{name}")
        self._orders: dict[int, Order] = {}
        self._own: dict[int, Order] = {}
        self._own_named: dict[str, Order] = {}
        self._stops: dict[int, Order] = {}
        self._trades: list[Trade] = []
        self._own_changes: list[OrderView] = []
        self._ids = count(FIRST_ID) if ids is None else ids

    def set_time(self, now_ns: int) -> None:
        """Set the time that the following operations carry; time never runs backwards here."""
        self.now_ns = max(self.now_ns, now_ns)

    # -- operations ---------------------------------------------------------------------------------------------

    def place(
        self,
        side: str,
        amount: Decimal,
        *,
        price: Decimal | None = None,
        type: str = "LIMIT",
        ioc: bool = False,
        post_only: bool = False,
        own: bool = False,
        client_order_id: str = "",
        stop_price: Decimal | None = None,
        operator: str | None = None,
        unit: str = "SPOT",
        must_be_payable: bool = False,
    ) -> int:
        """Accept an order, match it, and let the rest of a limit order rest.

        An own order that the account cannot pay for is accepted and at once REJECTED, as an exchange reports it.

        Args:
            post_only: CANCELLED instead of trading when it comes to the book.
            operator: GTE or LTE; by default the side of the last price on which ``stop_price`` lies.
            unit: SPOT or MARGIN: whose balances an own order uses.
            must_be_payable: do not accept an own order that the account cannot pay for.

        Returns:
            The order's id.

        Raises:
            Refused: the order makes no sense (side, type, price off the tick, amount not positive …), or the account
                cannot pay for it though it must. It is a ValueError.
        """
        self.validate(side, amount, price, type, stop_price, operator)
        if unit not in UNITS:
            raise Refused(f"business unit must be one of {', '.join(UNITS)}: {unit!r}")
        if operator is None:
            rising = stop_price is not None and self.last_price is not None and stop_price > self.last_price
            operator = "GTE" if rising else "LTE"
        order = Order(
            id=next(self._ids),
            side=side,
            amount=amount,
            price=price,
            type=type,
            ioc=ioc,
            post_only=post_only,
            own=own,
            unit=unit,
            client_order_id=client_order_id,
            stop_price=stop_price,
            operator=operator,
            created_ns=self.now_ns,
            updated_ns=self.now_ns,
        )
        if own and must_be_payable:
            self._clearing.check(order)
        self._orders[order.id] = order
        if own:
            self._own[order.id] = order
            if client_order_id:
                self._own_named[client_order_id] = order
        self._accept(order)
        self._fire_stops()
        return order.id

    def validate(
        self,
        side: str,
        amount: Decimal,
        price: Decimal | None,
        type: str,
        stop_price: Decimal | None,
        operator: str | None,
    ) -> None:
        """Check that an order makes sense; whether it can be paid for is another question.

        Raises:
            Refused: it does not.
        """
        if side not in SIDES or type not in TYPES or operator not in (None, "GTE", "LTE"):
            raise Refused(f"not an order: side {side!r}, type {type!r}, operator {operator!r}")
        check_multiple("amount", amount, LOT)
        if (price is None) == type.endswith("LIMIT"):
            raise Refused(f"{type} order with price {price}")
        if (stop_price is None) == type.startswith("STOP"):
            raise Refused(f"{type} order with stop price {stop_price}")
        for value in (price, stop_price):
            if value is not None:
                check_multiple("price", value, self.tick)

    def cancel(self, order_id: int) -> bool:
        """Cancel an open order; False when there is none with this id."""
        order = self._orders.get(order_id)
        if order is None:
            return False
        if order_id not in self._stops and order.price is not None:
            self._withdraw(order, order.price)
        self._finish(order, "CANCELLED")
        return True

    def fill(self, order_id: int, amount: Decimal | None = None) -> Decimal:
        """Let the crowd trade against an own resting order, which takes everything ahead of it first.

        Returns:
            How much of the order was filled: never more than was left of it.

        Raises:
            ValueError: there is no such order resting in the book, or the amount is not positive.
        """
        order = self._orders.get(order_id)
        if order is None or order.price is None or order_id in self._stops:
            raise ValueError(f"no resting order {order_id} in {self.name}")
        wanted = order.remaining if amount is None else min(amount, order.remaining)
        if wanted <= 0:
            raise ValueError(f"nothing to fill: {amount}")
        before = order.filled
        taker_side = ASK if order.side == BID else BID
        self.place(taker_side, self._ahead_of(order) + wanted, price=order.price, ioc=True)
        return order.filled - before

    # -- results ------------------------------------------------------------------------------------------------

    def commit(self) -> Batch:
        """Return and forget what changed since the last commit; the change id moves on if a level changed."""
        prev_id = self.change_id
        bids, asks = self.sides[BID].take_changes(), self.sides[ASK].take_changes()
        if bids or asks:
            self.change_id += self._rng.randint(1, 3)
        trades, self._trades = tuple(self._trades), []
        orders, self._own_changes = tuple(self._own_changes), []
        fills, balances = self._clearing.take_fills(), self._clearing.ledgers["SPOT"].take_changes()
        return Batch(self.name, self.change_id, prev_id, bids, asks, trades, orders, fills, balances)

    def view(self) -> BookView:
        """The book as it is now; call after `commit`, else ``change_id`` belongs to an older state."""
        return BookView.freeze(self.change_id, self.sides[BID].amounts(), self.sides[ASK].amounts())

    def is_open(self, order_id: int) -> bool:
        """Whether the order is resting or waiting for its stop price."""
        return order_id in self._orders

    def own_orders(self) -> tuple[OrderView, ...]:
        """Every order the account ever placed, oldest first."""
        return tuple(OrderView.of(self.name, order) for order in self._own.values())

    def own_order(self, order_id: int) -> OrderView:
        """The present state of an order of the account.

        Raises:
            ValueError: the account has placed no such order here.
        """
        if order_id not in self._own:
            raise ValueError(f"no own order {order_id} in {self.name}")
        return OrderView.of(self.name, self._own[order_id])

    def has_own(self, order_id: int) -> bool:
        """Whether the account has ever placed an order of this number here."""
        return order_id in self._own

    def own_order_named(self, client_order_id: str) -> OrderView | None:
        """The newest order of the account that was given this name here."""
        order = self._own_named.get(client_order_id)
        return None if order is None else OrderView.of(self.name, order)

    # -- accepting ----------------------------------------------------------------------------------------------

    def _accept(self, order: Order) -> None:
        if order.own and not self._clearing.reserve(order):
            self._finish(order, "REJECTED")
            return
        if order.stop_price is not None:
            self._stops[order.id] = order
            self._report(order)
            return
        if order.price is not None:
            self._report(order)
        self._work(order)

    def _fire_stops(self) -> None:
        """Send every stop order whose price was reached into the book; its trades may fire further ones."""
        while self.last_price is not None:
            due = next((order for order in self._stops.values() if self._is_due(order, self.last_price)), None)
            if due is None:
                return
            del self._stops[due.id]
            due.state = "FIRED"
            self._touch(due)
            if due.price is None and due.side == BID and not self._clearing.can_buy_now(due):
                self._finish(due, "CANCELLED")
            else:
                due.state = "PENDING"
                if due.price is not None:
                    self._report(due)
                self._work(due)

    @staticmethod
    def _is_due(order: Order, last: Decimal) -> bool:
        assert order.stop_price is not None
        return last >= order.stop_price if order.operator == "GTE" else last <= order.stop_price

    # -- matching -----------------------------------------------------------------------------------------------

    def _work(self, taker: Order) -> None:
        if taker.post_only and self._acceptable(taker):
            self._finish(taker, "CANCELLED")
            return
        self._match(taker)
        if not taker.remaining:
            return
        if taker.price is None or taker.ioc:
            self._finish(taker, "CANCELLED")
        else:
            self.sides[taker.side].add(taker, taker.price)

    def _execute(self, maker: Order, taker: Order, quantity: Decimal, price: Decimal) -> None:
        self.last_price = price
        trade_id = next(self._ids)
        self._trades.append(Trade(trade_id, self.name, price, quantity, taker.side, maker.id, taker.id, self.now_ns))
        for order in (maker, taker):
            order.filled += quantity
            order.turnover += price * quantity
            if order.own:
                self._clearing.settle(order, quantity, price, trade_id)
            if order.remaining:
                self._touch(order)
            else:
                self._finish(order, "FILLED")

    def _finish(self, order: Order, state: str) -> None:
        order.state = state
        self._orders.pop(order.id, None)
        self._stops.pop(order.id, None)
        if order.own:
            self._clearing.release(order, order.locked)
        self._touch(order)

    def _touch(self, order: Order) -> None:
        order.updated_ns = self.now_ns
        self._report(order)

    def _report(self, order: Order) -> None:
        if order.own:
            self._own_changes.append(OrderView.of(self.name, order))
