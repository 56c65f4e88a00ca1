"""The matching of one contract: own orders move a position, all others belong to an anonymous crowd."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from decimal import Decimal

from bigone_sync.testing._book import ASK, BID, BookView, Order
from bigone_sync.testing._contract_account import MAKER_RATE, TAKER_RATE, ContractAccount
from bigone_sync.testing._contract_terms import LOT, Terms
from bigone_sync.testing._contract_views import ContractBatch, ContractOrderView, ContractTrade, FillView
from bigone_sync.testing._ledger import ZERO
from bigone_sync.testing._matching import Matching

TYPES = ("LIMIT", "MARKET", "IOC", "FOK", "POST_ONLY")
#: How the engine's sides are called on the wire, and what a test says.
WORDS = {BID: "BUY", ASK: "SELL"}
# More than a double holds exactly: a client that reads the ids as floats fails.
_FIRST_CHANGE_ID = 2**53 + 1


class ChangeIds:
    """The one counter of changes that all contracts share (contract protocol, section 3); its steps are seeded."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(f"contract ids:{seed}")
        self._last = _FIRST_CHANGE_ID

    def next(self) -> int:
        """The id of the next change of any contract."""
        self._last += self._rng.randint(1, 3)
        return self._last


class ContractEngine(Matching):
    """The engine. Not thread-safe: the owner calls it from one thread.

    Every operation changes the book at once; `commit` then returns what changed since the last commit.

    Args:
        ids: order, trade and fill numbers; the contracts of one exchange share the source.
        id_text: how such a number is written.
    """

    def __init__(
        self,
        terms: Terms,
        account: ContractAccount,
        *,
        change_ids: ChangeIds,
        ids: Iterator[int],
        id_text: Callable[[int], str],
        trade_id: Callable[[int], str],
    ) -> None:
        super().__init__()
        self.terms = terms
        self.name, self.base, self.tick = terms.symbol, terms.base, terms.tick
        self.change_id = change_ids.next()
        self.last_price: Decimal | None = None
        self.now_ns = 0
        self._account = account
        self._holding = account.holdings[terms.symbol]
        self._change_ids = change_ids
        self._ids = ids
        self._id_text = id_text
        self._trade_id = trade_id
        self._orders: dict[int, Order] = {}
        self._own: dict[int, Order] = {}
        self._changed: dict[int, Order] = {}
        self._trades: list[ContractTrade] = []
        self._fills: list[FillView] = []

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
        own: bool = False,
        reduce_only: bool = False,
    ) -> int:
        """Accept an order, match it, and let the rest of a LIMIT or POST_ONLY order rest.

        REJECTED at once: an own order that the account has no margin for, and a POST_ONLY that would trade. A FOK that
        cannot be filled as a whole is CANCELED untouched, what is left of an IOC or MARKET order after its trades.

        Args:
            side: BID or ASK.
            reduce_only: of an own order: REJECTED if it would do more than close the position, beside the other open
                orders of this kind; CANCELED when, later, too little of the position is left for it.

        Returns:
            The order's number.

        Raises:
            ValueError: the order makes no sense.
        """
        self._validate(side, amount, price, type)
        order = Order(
            id=next(self._ids), side=side, amount=amount, price=price, type=type, own=own, state="NEW",
            created_ns=self.now_ns, updated_ns=self.now_ns, reduce_only=reduce_only,
        )  # fmt: skip
        if own:
            self._own[order.id] = self._holding.orders[order.id] = order
        self._orders[order.id] = order
        self._report(order)
        if refusal := self._refusal(order):
            self._finish(order, refusal)
            return order.id
        self._match(order)
        if order.remaining and type in ("LIMIT", "POST_ONLY"):
            assert price is not None
            self.sides[side].add(order, price)
        elif order.remaining:
            self._finish(order, "CANCELED")
        for number in self._holding.unfounded():
            self.cancel(number)
        return order.id

    def cancel(self, order_id: int) -> bool:
        """Cancel a resting order; False when there is none with this number."""
        order = self._orders.get(order_id)
        if order is None or order.price is None:
            return False
        self._withdraw(order, order.price)
        self._finish(order, "CANCELED")
        return True

    def clear(self, side: str) -> None:
        """Cancel everything on one side, own orders included."""
        for level in list(self.sides[side]):
            for order_id in list(level.orders):
                self.cancel(order_id)

    def fill(self, order_id: int, amount: Decimal | None = None) -> Decimal:
        """Let the crowd trade against an own resting order, which takes everything ahead of it first.

        Returns:
            How much of the order was filled: never more than was left of it.

        Raises:
            ValueError: it does not rest in the book, or the amount is not positive.
        """
        order = self._orders.get(order_id)
        if order is None or order.price is None:
            raise ValueError(f"no resting order {self._id_text(order_id)} in {self.name}")
        wanted = order.remaining if amount is None else min(amount, order.remaining)
        if wanted <= 0:
            raise ValueError(f"nothing to fill: {amount}")
        before = order.filled
        self.place(ASK if order.side == BID else BID, self._ahead_of(order) + wanted, price=order.price, type="IOC")
        return order.filled - before

    # -- results ------------------------------------------------------------------------------------------------

    def commit(self) -> ContractBatch:
        """Return and forget what changed since the last commit; the change id moves on if a level changed."""
        prev_id = self.change_id
        bids, asks = self.sides[BID].take_changes(), self.sides[ASK].take_changes()
        if bids or asks:
            self.change_id = self._change_ids.next()
        trades, self._trades = tuple(self._trades), []
        fills, self._fills = tuple(self._fills), []
        orders = tuple(self._view(order) for order in self._changed.values())
        self._changed = {}
        return ContractBatch(self.name, self.change_id, prev_id, bids, asks, trades, orders, fills)

    def view(self) -> BookView:
        """The book as it is now; call after `commit`, else ``change_id`` belongs to an older state."""
        return BookView.freeze(self.change_id, self.sides[BID].amounts(), self.sides[ASK].amounts())

    def own_orders(self) -> tuple[ContractOrderView, ...]:
        """Every order the account ever placed here, oldest first."""
        return tuple(self._view(order) for order in self._own.values())

    def own_order(self, number: int) -> ContractOrderView:
        """The present state of an order of the account."""
        return self._view(self._own[number])

    def open_orders(self) -> tuple[ContractOrderView, ...]:
        """The account's orders that rest here, oldest first."""
        return tuple(self._view(order) for order in self._holding.orders.values())

    # -- inside -------------------------------------------------------------------------------------------------

    def _validate(self, side: str, amount: Decimal, price: Decimal | None, type: str) -> None:
        if side not in WORDS or type not in TYPES:
            raise ValueError(f"not an order: side {side!r}, type {type!r}")
        if amount <= 0 or amount % LOT:
            raise ValueError(f"size must be a positive multiple of {LOT}: {amount}")
        if (price is None) != (type == "MARKET"):
            raise ValueError(f"{type} order with price {price}")
        if price is not None and (price <= 0 or price % self.tick):
            raise ValueError(f"price must be a positive multiple of {self.tick}: {price}")

    def _refusal(self, order: Order) -> str:
        """The state in which an order ends before it could trade; "" for none."""
        if order.type == "POST_ONLY" and self._acceptable(order):
            return "REJECTED"
        if order.type == "FOK" and self._acceptable(order) < order.amount:
            return "CANCELED"
        if order.own:
            price = order.price or self.last_price
            # The order itself is among the open ones already: it must not pay twice.
            del self._holding.orders[order.id]
            if order.reduce_only and not self._holding.can_reduce(order.side, order.amount):
                return "REJECTED"
            if price is not None and not self._account.can_pay(self.terms, order.side, order.amount, price):
                return "REJECTED"
            self._holding.orders[order.id] = order
        return ""

    def _execute(self, maker: Order, taker: Order, quantity: Decimal, price: Decimal) -> None:
        self.last_price = price
        value = self.terms.value(quantity, price)
        trade_id = self._trade_id(next(self._ids))
        self._trades.append(ContractTrade(trade_id, self.name, price, quantity, WORDS[taker.side], value, self.now_ns))
        for order in (maker, taker):
            order.filled += quantity
            order.turnover += value
            if order.own:
                self._settle(order, quantity, price, "TAKER" if order is taker else "MAKER")
            if order.remaining:
                order.state = "PARTIALLY_FILLED"
                self._report(order)
            else:
                self._finish(order, "FILLED")

    def _settle(self, order: Order, quantity: Decimal, price: Decimal, role: str) -> None:
        rate = TAKER_RATE if role == "TAKER" else MAKER_RATE
        pnl, fee = self._account.settle(self.terms, order.side, quantity, price, rate)
        self._fills.append(
            FillView(
                id=self._id_text(next(self._ids)),
                order_id=self._id_text(order.id),
                market=self.name,
                side=WORDS[order.side],
                price=price,
                size=quantity,
                notional=self.terms.value(quantity, price),
                fee=fee,
                fee_rate=rate,
                pnl=pnl,
                role=role,
                time_ns=self.now_ns,
            )
        )

    def _finish(self, order: Order, state: str) -> None:
        order.state = "PARTIALLY_CANCELED" if state == "CANCELED" and order.filled else state
        self._orders.pop(order.id, None)
        self._holding.orders.pop(order.id, None)
        self._report(order)

    def _report(self, order: Order) -> None:
        order.updated_ns = self.now_ns
        if order.own:
            self._changed[order.id] = order

    def _view(self, order: Order) -> ContractOrderView:
        terms = self.terms
        return ContractOrderView(
            id=self._id_text(order.id),
            market=self.name,
            currency=terms.currency,
            type=order.type,
            side=WORDS[order.side],
            status=order.state,
            price=order.price,
            avg_price=terms.price(order.filled, order.turnover),
            size=order.amount,
            notional=order.turnover if order.price is None else terms.value(order.amount, order.price),
            filled=order.filled,
            filled_notional=order.turnover or ZERO,
            time_ns=order.updated_ns,
            reduce_only=order.reduce_only,
        )
