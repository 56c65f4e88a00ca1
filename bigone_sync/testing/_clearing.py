"""What own orders lock, pay and receive, in the ledger of their business unit."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from bigone_sync.testing._book import ASK, BookSide, Fill, Order
from bigone_sync.testing._checks import Unpayable
from bigone_sync.testing._ledger import ZERO, Ledger

__all__ = ["FEE_RATE", "Clearing"]

FEE_RATE = Decimal("0.001")


class Clearing:
    """Moves the account's money in one market.

    Args:
        base: asset that is traded.
        quote: asset it is paid with.
        ledgers: business unit to the balances its orders lock and move.
        asks: what a market buy will have to pay.
    """

    def __init__(self, base: str, quote: str, ledgers: Mapping[str, Ledger], asks: BookSide) -> None:
        self.ledgers = ledgers
        self._base = base
        self._quote = quote
        self._asks = asks
        self._fills: list[Fill] = []

    def check(self, order: Order) -> None:
        """Raise Unpayable if the account cannot pay for an order."""
        asset, needed = self._needs(order)
        available = self._ledger(order).balance(asset).available
        if needed > available:
            raise Unpayable(f"not enough {asset}: {needed:f} needed, {available:f} available")

    def reserve(self, order: Order) -> bool:
        """Lock what the order may cost; a market buy has no price to lock by and pays as it goes.

        Returns:
            False, with nothing locked, if the account cannot pay.
        """
        asset, needed = self._needs(order)
        ledger = self._ledger(order)
        if needed > ledger.balance(asset).available:
            return False
        if order.side == ASK or order.price is not None:
            order.locked = needed
            ledger.lock(asset, needed)
        return True

    def can_buy_now(self, order: Order) -> bool:
        """Whether the account can pay what a market buy costs at this moment."""
        return self._market_cost(order) <= self._ledger(order).balance(self._quote).available

    def settle(self, order: Order, quantity: Decimal, price: Decimal, trade_id: int) -> None:
        """Book one execution of an own order."""
        cost, ledger = price * quantity, self._ledger(order)
        if order.side == ASK:
            released, fee = quantity, cost * FEE_RATE
            ledger.add(self._base, -quantity)
            ledger.add(self._quote, cost - fee)
        else:
            released, fee = ZERO if order.price is None else order.price * quantity, quantity * FEE_RATE
            ledger.add(self._quote, -cost)
            ledger.add(self._base, quantity - fee)
        order.fees += fee
        self.release(order, released)
        self._fills.append(Fill(str(order.id), order.unit, order.side, price, quantity, fee, trade_id))

    def release(self, order: Order, amount: Decimal) -> None:
        """Give back an amount that the order had locked."""
        order.locked -= amount
        self._ledger(order).lock(self._base if order.side == ASK else self._quote, -amount)

    def take_fills(self) -> tuple[Fill, ...]:
        """What was settled since the last call."""
        fills, self._fills = tuple(self._fills), []
        return fills

    def _ledger(self, order: Order) -> Ledger:
        return self.ledgers[order.unit]

    def _needs(self, order: Order) -> tuple[str, Decimal]:
        """Asset and amount that the account must have; a market buy that waits for its stop price needs nothing yet."""
        if order.side == ASK:
            return self._base, order.amount
        if order.price is not None:
            return self._quote, order.price * order.amount
        return self._quote, ZERO if order.stop_price is not None else self._market_cost(order)

    def _market_cost(self, order: Order) -> Decimal:
        cost, left = ZERO, order.remaining
        for level in self._asks:
            quantity = min(left, level.amount)
            cost, left = cost + level.price * quantity, left - quantity
        return cost
