"""Price-time priority in one book: who trades with whom. What a trade means is the engine's."""

from __future__ import annotations

from decimal import Decimal

from bigone_sync.testing._book import ASK, BID, SIDES, BookSide, Order
from bigone_sync.testing._ledger import ZERO


class Matching:
    """The book of an engine, and the walk of a taker through it."""

    def __init__(self) -> None:
        self.sides = {side: BookSide(side) for side in SIDES}

    def best_price(self, side: str) -> Decimal | None:
        """The best price of a side, None when it is empty."""
        level = self.sides[side].best()
        return None if level is None else level.price

    def _match(self, taker: Order) -> None:
        """Let an order trade with whatever it accepts, best price and oldest order first, until nothing is left."""
        book = self._against(taker)
        while taker.remaining and (level := book.best()) is not None and _accepts(taker, level.price):
            maker = next(iter(level.orders.values()))
            quantity = min(maker.remaining, taker.remaining)
            book.reduce(level, maker, quantity)
            self._execute(maker, taker, quantity, level.price)

    def _execute(self, maker: Order, taker: Order, quantity: Decimal, price: Decimal) -> None:
        raise NotImplementedError

    def _withdraw(self, order: Order, price: Decimal) -> None:
        """Take what is left of a resting order out of the book."""
        side = self.sides[order.side]
        side.reduce(side.levels[price], order, order.remaining)

    def _against(self, taker: Order) -> BookSide:
        return self.sides[ASK if taker.side == BID else BID]

    def _acceptable(self, taker: Order) -> Decimal:
        """How much the book holds at prices that an order accepts."""
        return sum((level.amount for level in self._against(taker) if _accepts(taker, level.price)), ZERO)

    def _ahead_of(self, order: Order) -> Decimal:
        """How much a taker must trade before this order's turn comes."""
        ahead = ZERO
        for level in self.sides[order.side]:
            if level.price != order.price:
                ahead += level.amount
                continue
            for other in level.orders.values():
                if other is order:
                    return ahead
                ahead += other.remaining
        raise AssertionError(f"order {order.id} is not in the book")


def _accepts(taker: Order, price: Decimal) -> bool:
    if taker.price is None:
        return True
    return price <= taker.price if taker.side == BID else price >= taker.price
