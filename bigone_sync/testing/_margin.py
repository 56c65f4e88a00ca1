"""The margin account in one market: two sides with loans, and how near it is to being liquidated."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from bigone_sync.testing._book import LOT
from bigone_sync.testing._checks import Refused, check_multiple, rounded
from bigone_sync.testing._ledger import ZERO, Ledger

__all__ = ["MARGIN_STATES", "MarginAccount", "MarginSide", "MarginView"]

MARGIN_STATES = ("NORMAL", "LIQUIDATION", "PIERCING")

_LIQUIDATION_RATE = Decimal("1.1")
_RATE_STEP = Decimal("0.0001")
_PRICE_STEP = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class MarginSide:
    """One asset of a margin account; ``balance`` is the total and includes what is locked and what is lent."""

    asset: str
    balance: Decimal
    locked: Decimal
    loan: Decimal
    state: str


@dataclass(frozen=True, slots=True)
class MarginView:
    """One state of a margin account. Without a loan, ``risk_rate`` and ``liquidation_price`` are 0."""

    market: str
    base: MarginSide
    quote: MarginSide
    risk_rate: Decimal
    liquidation_price: Decimal


class MarginAccount:
    """Balances in a ledger of its own, loans and state. Not thread-safe.

    How the real exchange computes risk is not described. Here the risk rate is the value of what the account holds,
    in units of the value of its loans, and the liquidation price is where that falls to 1.1.

    Args:
        market: ``BASE-QUOTE``.
        base: total of the base asset.
        quote: total of the quote asset.
    """

    def __init__(self, market: str, base: Decimal, quote: Decimal) -> None:
        self.market = market
        self._base, self._quote = market.split("-")
        self.ledger = Ledger({self._base: base, self._quote: quote})
        self._loans = {self._base: ZERO, self._quote: ZERO}
        self._state = MARGIN_STATES[0]

    def change(
        self,
        base: Decimal | None,
        quote: Decimal | None,
        base_loan: Decimal | None,
        quote_loan: Decimal | None,
        state: str | None,
    ) -> None:
        """Replace totals, loans or the state of both sides; None leaves a value as it is.

        Raises:
            Refused: an amount is negative, too large or too fine, a total less than what open orders lock, or there is
                no such state; nothing has changed then.
        """
        totals = {self._base: base, self._quote: quote}
        loans = {self._base: base_loan, self._quote: quote_loan}
        if state is not None and state not in MARGIN_STATES:
            raise Refused(f"state must be one of {', '.join(MARGIN_STATES)}: {state!r}")
        for kind, amounts in (("total", totals), ("loan", loans)):
            for asset, amount in amounts.items():
                if amount is not None:
                    check_multiple(f"the {kind} of {asset}", amount, LOT, zero=True)
        for asset, total in totals.items():
            if total is not None and total < self.ledger.balance(asset).locked:
                raise Refused(f"{asset}: {total} is less than what open margin orders lock")
        for asset, total in totals.items():
            if total is not None:
                self.ledger.set_balance(asset, total)
        self._loans.update({asset: loan for asset, loan in loans.items() if loan is not None})
        self._state = self._state if state is None else state

    def view(self, price: Decimal) -> MarginView:
        """The account at a price of the base asset."""
        base, quote = self._side(self._base), self._side(self._quote)
        lent = base.loan * price + quote.loan
        held = base.balance * price + quote.balance
        rate = rounded(held / lent, _RATE_STEP) if lent else ZERO
        return MarginView(self.market, base, quote, rate, _liquidation_price(base, quote))

    def _side(self, asset: str) -> MarginSide:
        balance = self.ledger.balance(asset)
        return MarginSide(asset, balance.balance, balance.locked, self._loans[asset], self._state)


def _liquidation_price(base: MarginSide, quote: MarginSide) -> Decimal:
    """Where ``base.balance * p + quote.balance`` is 1.1 times ``base.loan * p + quote.loan``; 0 if nowhere."""
    if not base.loan and not quote.loan:
        return ZERO
    slope = base.balance - _LIQUIDATION_RATE * base.loan
    distance = _LIQUIDATION_RATE * quote.loan - quote.balance
    return max(ZERO, rounded(distance / slope, _PRICE_STEP)) if slope else ZERO
