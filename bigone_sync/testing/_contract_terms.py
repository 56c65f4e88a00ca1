"""What a contract is: its name, its money and its steps (contract protocol, sections 1 and 3)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal

_NAME = re.compile(r"([A-Z0-9]+?)(USDT|USD)")
_LINEAR = "USDT"
_TICKS = {"BTCUSD": Decimal("0.5"), "BTCUSDT": Decimal("0.1")}
_TICK = Decimal("0.01")
_MULTIPLIERS = {"BTC": Decimal("0.001")}
_MULTIPLIER = Decimal("0.01")
_ONE = Decimal(1)
_GRAIN = Decimal("1e-15")
# Enough digits for whatever an order may be refused for.
_MONEY = Context(prec=60, rounding=ROUND_HALF_EVEN)
# As many digits as a price keeps that is got back from a value of so many decimals.
_PRICES = Context(prec=9, rounding=ROUND_HALF_EVEN)

#: The smallest part of a contract that can be ordered. The crowd deals in whole and half ones.
LOT = Decimal("0.0001")


def grain(value: Decimal) -> Decimal:
    """An amount of money, rounded to what the account keeps (15 decimals)."""
    return value.quantize(_GRAIN, context=_MONEY)


@dataclass(frozen=True, slots=True)
class Terms:
    """One contract. ``multiplier``: coins per contract of a linear one, USD per contract of an inverse one."""

    symbol: str
    base: str
    currency: str
    inverse: bool
    tick: Decimal
    multiplier: Decimal

    @classmethod
    def of(cls, symbol: str) -> Terms:
        """The terms of a contract by its name.

        Raises:
            ValueError: the name does not say what it is settled in: coins for ``…USD``, USDT for ``…USDT``.
        """
        found = _NAME.fullmatch(symbol)
        if found is None:
            raise ValueError(f"no name of a contract: {symbol!r}; it ends in USD or USDT and has no dash")
        base, quote = found.groups()
        inverse = quote != _LINEAR
        return cls(
            symbol=symbol,
            base=base,
            currency=base if inverse else quote,
            inverse=inverse,
            tick=_TICKS.get(symbol, _TICK),
            multiplier=_ONE if inverse else _MULTIPLIERS.get(base, _MULTIPLIER),
        )

    def value(self, size: Decimal, price: Decimal) -> Decimal:
        """What ``size`` contracts are worth at a price, in the settlement currency."""
        units = size * self.multiplier
        return grain(units / price if self.inverse else units * price)

    def price(self, size: Decimal, value: Decimal) -> Decimal:
        """The price at which ``size`` contracts are worth ``value``; 0 for none."""
        if not size or not value:
            return Decimal(0)
        units = size * self.multiplier
        return _PRICES.divide(units, value) if self.inverse else _PRICES.divide(value, units)
