"""The one account of the contract exchange: signed positions, what they earn, and the cash of each currency.

Margin is simple: one leverage for all of a contract, and an order that needs more than is available is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from bigone_sync.testing._book import ASK, BID, Order
from bigone_sync.testing._contract_terms import Terms, grain
from bigone_sync.testing._contract_views import CashView, PositionView
from bigone_sync.testing._ledger import ZERO

TAKER_RATE = Decimal("0.0007")
MAKER_RATE = Decimal("0.0006")
LEVERAGE = Decimal(100)
RISK_LIMIT = Decimal(100)
# The part of its margin that a position may lose before it would be liquidated.
_LOSS_LIMIT = Decimal("0.9")
_RATIO = Decimal("1e-8")
_ONE = Decimal(1)
_SIGNS = {BID: 1, ASK: -1}


class Holding:
    """The position in one contract, and the account's open orders there."""

    def __init__(self, terms: Terms, position_id: str) -> None:
        self.terms = terms
        self.id = position_id
        self.size = ZERO
        self.cost = ZERO  # what the size was worth when it was opened; never negative
        self.realised = ZERO
        self.mark = ZERO
        self.fills = 0
        self.leverage = LEVERAGE
        self.is_cross = True
        self.added = ZERO  # margin of an isolated position beyond what its leverage demands
        self.risk_limit = RISK_LIMIT
        self.orders: dict[int, Order] = {}

    def trade(self, side: str, amount: Decimal, price: Decimal) -> Decimal:
        """Take in one execution: first it closes, what is left of it opens.

        Returns:
            What was realised.
        """
        sign = _SIGNS[side]
        closing = min(amount, abs(self.size)) if self.size * sign < 0 else ZERO
        pnl = self._close(closing, price) if closing else ZERO
        opening = amount - closing
        if opening:
            self.size += sign * opening
            self.cost += self.terms.value(opening, price)
        if not self.size:
            self.added = ZERO
        self.realised += pnl
        self.fills += 1
        return pnl

    @property
    def unrealised(self) -> Decimal:
        """What closing at the mark price would realise."""
        return self._profit(self.value - self.cost)

    @property
    def value(self) -> Decimal:
        """What the size is worth at the mark price."""
        return self.terms.value(abs(self.size), self.mark) if self.size else ZERO

    @property
    def margin(self) -> Decimal:
        """What the position binds."""
        return self.required_margin + self.added

    @property
    def required_margin(self) -> Decimal:
        """What its leverage demands of the position."""
        return grain(self.cost / self.leverage)

    @property
    def order_margin(self) -> Decimal:
        """What the open orders bind."""
        return grain((self._open(BID)[1] + self._open(ASK)[1]) / self.leverage)

    def margin_for(self, side: str, amount: Decimal, price: Decimal) -> Decimal:
        """What a new order would bind; as much of it as closes the position is free."""
        free = abs(self.size) if self.size * _SIGNS[side] < 0 else ZERO
        return grain(self.terms.value(max(amount - free, ZERO), price) / self.leverage)

    def can_reduce(self, side: str, amount: Decimal) -> bool:
        """Whether so much on a side, beside the open orders that only reduce, would do nothing but close."""
        open_size = sum((order.remaining for order in self.orders.values() if order.reduce_only), ZERO)
        return self.size * _SIGNS[side] < 0 and amount + open_size <= abs(self.size)

    def unfounded(self) -> list[int]:
        """The open orders that should only reduce, and for which not enough of the position is left."""
        left, found = abs(self.size), []
        for number, order in self.orders.items():
            if order.reduce_only:
                if self.size * _SIGNS[order.side] < 0 and order.remaining <= left:
                    left -= order.remaining
                else:
                    found.append(number)
        return found

    def view(self) -> PositionView:
        """The position as it is now."""
        unrealised, margin = self.unrealised, self.margin
        buying, selling = self._open(BID), self._open(ASK)
        entry = self.terms.price(abs(self.size), self.cost)
        return PositionView(
            id=self.id,
            market=self.terms.symbol,
            currency=self.terms.currency,
            is_cross=self.is_cross,
            size=self.size,
            notional=self.cost if self.size >= 0 else -self.cost,
            entry_price=entry,
            mark_price=self.mark,
            liquidate_price=self._liquidation(entry),
            margin=margin,
            init_margin=self.required_margin,
            order_margin=self.order_margin,
            margin_rate=ratio(_ONE, self.leverage),
            fee_rate_taker=TAKER_RATE,
            fee_rate_maker=MAKER_RATE,
            realised_pnl=self.realised,
            total_pnl=self.realised + unrealised,
            unrealized_pnl=unrealised,
            leverage=self.leverage,
            risk_limit=self.risk_limit,
            equity=margin + unrealised,
            value=self.value,
            risk=ZERO,
            rom=ratio(unrealised, margin),
            buying_notional=buying[1],
            selling_notional=-selling[1],
            buying_size=buying[0],
            selling_size=-selling[0],
            seq_no=self.fills or None,
        )

    def _close(self, amount: Decimal, price: Decimal) -> Decimal:
        held = abs(self.size)
        released = self.cost if amount == held else grain(self.cost * amount / held)
        pnl = self._profit(self.terms.value(amount, price) - released)
        self.size -= amount if self.size > 0 else -amount
        self.cost -= released
        return pnl

    def _profit(self, gained: Decimal) -> Decimal:
        """What a gain in value means: an inverse contract is worth less coins the higher its price."""
        return gained if (self.size > 0) != self.terms.inverse else -gained

    def _open(self, side: str) -> tuple[Decimal, Decimal]:
        """Size and notional of what is open on one side."""
        size = value = ZERO
        for order in self.orders.values():
            if order.side == side and order.price is not None:
                size += order.remaining
                value += self.terms.value(order.remaining, order.price)
        return size, value

    def _liquidation(self, entry: Decimal) -> Decimal:
        distance = entry / self.leverage * _LOSS_LIMIT
        return (entry - distance if self.size > 0 else entry + distance).quantize(self.terms.tick)


class ContractAccount:
    """Positions by symbol and balances by currency.

    Args:
        holdings: one for each contract.
        balances: total per settlement currency.
        ids: currency to the id of its cash.
    """

    def __init__(self, holdings: Iterable[Holding], balances: Mapping[str, Decimal], ids: Mapping[str, str]) -> None:
        self.holdings = {holding.terms.symbol: holding for holding in holdings}
        self.balances = dict(balances)
        self._ids = dict(ids)

    def can_pay(self, terms: Terms, side: str, amount: Decimal, price: Decimal) -> bool:
        """Whether there is margin for a new order."""
        return self.holdings[terms.symbol].margin_for(side, amount, price) <= self.cash(terms.currency).available

    def settle(
        self, terms: Terms, side: str, amount: Decimal, price: Decimal, rate: Decimal
    ) -> tuple[Decimal, Decimal]:
        """Take in one execution of an own order.

        Args:
            rate: of the fee, on the value.

        Returns:
            What it realised, and the fee.
        """
        pnl = self.holdings[terms.symbol].trade(side, amount, price)
        fee = grain(terms.value(amount, price) * rate)
        self.balances[terms.currency] += pnl - fee
        return pnl, fee

    def cash(self, currency: str) -> CashView:
        """One currency as it is now."""
        held = [holding for holding in self.holdings.values() if holding.terms.currency == currency]
        busy = [holding for holding in held if holding.size or holding.orders]
        position_margin = sum((holding.margin for holding in busy), ZERO)
        order_margin = sum((holding.order_margin for holding in busy), ZERO)
        unrealised = sum((holding.unrealised for holding in busy), ZERO)
        value = sum((holding.value for holding in busy), ZERO)
        balances, margin = self.balances[currency], position_margin + order_margin
        equity = balances + unrealised
        return CashView(
            id=self._ids[currency],
            currency=currency,
            balances=balances,
            available=max(equity - margin, ZERO),
            margin=margin,
            position_margin=position_margin,
            order_margin=order_margin,
            position_value=value,
            unrealized_pnl=unrealised,
            margin_balances=equity,
            margin_rate=ratio(margin, equity),
            leverage=ratio(value, equity),
        )


def ratio(part: Decimal, whole: Decimal) -> Decimal:
    """A quotient with 8 decimals; 0 of nothing."""
    return (part / whole).quantize(_RATIO) if whole else ZERO
