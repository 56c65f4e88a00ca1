"""What the exchanges trade: spot markets, contracts and markets of Rails, as listed, with their rules for numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, TypeVar

import msgspec

from .errors import ConfigurationError
from .exact import ROUNDINGS, exact, round_to, step_of

__all__ = ["Contract", "Market", "RailsMarket", "find_market"]

_M = TypeVar("_M")

_ONE = Decimal(1)


def _rounded(value: object, argument: str, step: Decimal, rounding: object) -> Decimal:
    if not isinstance(rounding, str) or rounding not in ROUNDINGS:
        raise ConfigurationError(
            f"rounding must be one of the decimal module, like decimal.ROUND_DOWN, not {rounding!r}",
            argument="rounding",
        )
    number = exact(value, argument)
    if number is None:
        raise ConfigurationError(
            f"{argument} must be a finite number, a Decimal, an int or text like '0.15', not {value!r}",
            argument=argument,
        )
    return round_to(number, step, rounding)


class Market(msgspec.Struct, frozen=True, gc=False):
    """A spot market (REST protocol, section 2; spot schema, section 3).

    The list over the socket is from the official schema, and not described in the documents.
    """

    name: str
    """``BTC-USDT``."""
    base_asset: str
    """By REST its symbol. Over the socket what the exchange sends: symbol or UUID is not documented."""
    quote_asset: str
    base_scale: int
    """Digits behind the point of an amount."""
    quote_scale: int
    """Digits behind the point of a price."""
    min_quote_value: Decimal | None = None
    """Least value of an order, in the quote asset; None where the exchange sends none."""
    max_quote_value: Decimal | None = None
    """Greatest value of an order, in the quote asset; None where the exchange sends none, as over the socket."""
    id: str | None = None
    """The market's UUID; None where the exchange sends none, as over the socket."""

    @property
    def tick_size(self) -> Decimal:
        """Step of a price, in the quote asset: 0.01 where ``quote_scale`` is 2."""
        return step_of(self.quote_scale)

    @property
    def lot_size(self) -> Decimal:
        """Step of an amount, in the base asset: 0.000001 where ``base_scale`` is 6."""
        return step_of(self.base_scale)

    def round_price(self, price: Decimal | int | str, *, rounding: str = ROUND_HALF_EVEN) -> Decimal:
        """``price`` as the market allows it. Exact under any decimal context.

        Args:
            price: in the quote asset.
            rounding: one of the :mod:`decimal` module.

        Raises:
            ConfigurationError: it is a float or no finite number, or there is no such rounding.
        """
        return _rounded(price, "price", self.tick_size, rounding)

    def round_amount(self, amount: Decimal | int | str, *, rounding: str = ROUND_DOWN) -> Decimal:
        """``amount`` as the market allows it; by default never more than was wanted. Otherwise as ``round_price``.

        Args:
            amount: in the base asset.
            rounding: one of the :mod:`decimal` module.

        Raises:
            ConfigurationError: it is a float or no finite number, or there is no such rounding.
        """
        return _rounded(amount, "amount", self.lot_size, rounding)


class Contract(msgspec.Struct, frozen=True, gc=False):
    """A contract (REST protocol, section 4). What the exchange leaves out is None.

    ``GET /symbols`` is in no official specification; its fields are those seen, and not explained.
    """

    name: str
    """``BTCUSD``; ``symbol`` on the wire."""
    base_currency: str | None = None
    quote_currency: str | None = None
    settle_currency: str | None = None
    """In which margin, fees and profits are counted."""
    is_inverse: bool | None = None
    """True: settled in the base currency."""
    multiplier: Decimal | None = None
    is_enabled: bool | None = None
    """``enable`` on the wire; the list has those that are not traded, too."""
    type: str | None = None
    price_step: Decimal | None = None
    """Of it every price is a multiple."""
    price_precision: int | None = None
    """Digits behind the point, like the two that follow."""
    value_precision: int | None = None
    fee_precision: int | None = None
    base_name: str | None = None
    initial_margin: Decimal | None = None
    """A fraction, like ``maintenance_margin``."""
    maintenance_margin: Decimal | None = None
    price_min: Decimal | None = None
    price_max: Decimal | None = None
    risk_limit: Decimal | None = None
    min_risk_limit: Decimal | None = None
    max_risk_limit: Decimal | None = None
    risk_step: Decimal | None = None

    @property
    def tick_size(self) -> Decimal | None:
        """Step of a price, in the quote currency; None where the exchange names none, or 0."""
        return self.price_step if self.price_step is not None and self.price_step > 0 else None

    @property
    def lot_size(self) -> Decimal:
        """Step of a size: one contract."""
        return _ONE

    def round_price(self, price: Decimal | int | str, *, rounding: str = ROUND_HALF_EVEN) -> Decimal:
        """``price`` as a multiple of ``price_step``. Exact under any decimal context.

        Args:
            price: in the quote currency.
            rounding: one of the :mod:`decimal` module.

        Raises:
            ConfigurationError: it is a float or no finite number, there is no such rounding, or the exchange has not
                named the step.
        """
        step = self.tick_size
        if step is None:
            raise ConfigurationError(f"the exchange names no price step of {self.name}", argument="price")
        return _rounded(price, "price", step, rounding)

    def round_amount(self, amount: Decimal | int | str, *, rounding: str = ROUND_DOWN) -> Decimal:
        """``amount`` as whole contracts; by default never more than was wanted. Otherwise as ``round_price``.

        Args:
            amount: contracts.
            rounding: one of the :mod:`decimal` module.

        Raises:
            ConfigurationError: it is a float or no finite number, or there is no such rounding.
        """
        return _rounded(amount, "amount", _ONE, rounding)


@dataclass(frozen=True)
class RailsMarket:
    """A market of Rails. Provisional: of the list only its path is documented (Rails protocol, section 1.5)."""

    name: str
    """``BTC-USD``."""
    tick_size: Decimal | None = None
    """Step of a price; None where the exchange names none, or in a way that is not understood."""
    members: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """All that the exchange says of it, read-only; numbers with a point or an exponent are Decimals."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "members", MappingProxyType(dict(self.members)))

    def __reduce__(self) -> tuple[type[RailsMarket], tuple[str, Decimal | None, dict[str, Any]]]:
        return RailsMarket, (self.name, self.tick_size, dict(self.members))


def find_market(name: str, known: Mapping[str, _M], *, argument: str = "market") -> _M:
    """The market of that name.

    Args:
        name: of a market or a contract.
        known: those that there are, by their names.
        argument: for the error.

    Raises:
        ConfigurationError: there is none; the message names those that are spelt most like it.
    """
    found = known.get(name)
    if found is None:
        raise ConfigurationError(
            f"{argument}: the exchange lists no {name!r}{_suggestion(name, known)}", argument=argument
        )
    return found


def _suggestion(name: str, known: Iterable[str]) -> str:
    close = get_close_matches(name, list(known), n=3)
    return f"; did you mean {' or '.join(repr(item) for item in close)}?" if close else ""
