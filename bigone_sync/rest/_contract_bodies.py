"""New contract orders and settings: checked, and as the wire wants them (REST protocol, section 5). Pure.

Contracts want JSON numbers; each is written with the exact text of the Decimal, never by way of a float.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import msgspec
from msgspec import Raw

from ..arguments import check_flag, check_number, check_side, check_word
from ..config import check_symbol
from ..errors import ConfigurationError
from ..exact import exact, is_multiple
from ..markets import Contract

__all__ = ["ORDER_TYPES", "ContractOrderForm", "contract_side", "margin_body", "risk_limit_body"]

ORDER_TYPES = ("LIMIT", "MARKET", "IOC", "FOK", "POST_ONLY")
"""All that contracts have (REST protocol, section 5)."""

_WORDS = {"BID": "BUY", "ASK": "SELL"}


def contract_side(side: object) -> str:
    """BUY or SELL.

    Raises:
        ConfigurationError: it is neither.
    """
    return _WORDS[check_side(side)]


def _whole(size: object) -> str:
    text = check_number(size, "size")
    whole, _, digits = text.partition(".")
    if digits.strip("0"):
        raise ConfigurationError(f"size must be whole contracts, not {text}", argument="size")
    return whole


class ContractOrderForm:
    """An order to be placed, checked in all that needs no contract's rules.

    Raises:
        ConfigurationError: an argument is not allowed, alone or beside the others.
    """

    def __init__(
        self, market: object, side: object, *, size: object, price: object, type: object, reduce_only: object
    ) -> None:
        self.market = check_symbol(market)
        default = "MARKET" if price is None else "LIMIT"
        kind = default if type is None else check_word(type, "type", ORDER_TYPES)
        if kind == "MARKET" and price is not None:
            raise ConfigurationError("price must be None for a MARKET order", argument="price")
        if kind != "MARKET" and price is None:
            raise ConfigurationError(f"price must be given for a {kind} order", argument="price")
        self._price = None if price is None else check_number(price, "price")
        self._body: dict[str, object] = {
            "symbol": self.market,
            "side": contract_side(side),
            "type": kind,
            "size": Raw(_whole(size).encode()),
        }
        if self._price is not None:
            self._body["price"] = Raw(self._price.encode())
        if check_flag(reduce_only, "reduce_only"):
            self._body["reduceOnly"] = True

    def fit(self, rules: Callable[[str], Contract]) -> None:
        """Check the price by the contract's rules.

        Raises:
            ConfigurationError: there is no such contract, or the price is between two steps.
        """
        contract = rules(self.market)
        step = contract.tick_size
        if self._price is not None and step is not None and not is_multiple(Decimal(self._price), step):
            raise ConfigurationError(
                f"price {self._price} is no multiple of {step:f}, the price step of {self.market}:"
                " see Contract.round_price()",
                argument="price",
            )

    def encode(self) -> bytes:
        """The body of the request."""
        return msgspec.json.encode(self._body)


def margin_body(margin: object, leverage: object, is_cross: object) -> bytes:
    """A position's margin.

    Raises:
        ConfigurationError: nothing is to be set, or an argument is not allowed.
    """
    body: dict[str, object] = {}
    if margin is not None:
        # Whether it is the new margin or the change of it is not documented: it may be below 0.
        number = exact(margin, "margin")
        if number is None:
            raise ConfigurationError(
                f"margin must be a finite number, a Decimal, an int or text, not {margin!r}", argument="margin"
            )
        body["margin"] = Raw(f"{number:f}".encode())
    if leverage is not None:
        body["leverage"] = Raw(check_number(leverage, "leverage").encode())
    if is_cross is not None:
        body["isCross"] = check_flag(is_cross, "is_cross")
    if not body:
        raise ConfigurationError("margin, leverage or is_cross must be given", argument="margin")
    return msgspec.json.encode(body)


def risk_limit_body(notional: object) -> bytes:
    """A position's risk limit.

    Raises:
        ConfigurationError: it is no number greater than 0.
    """
    return msgspec.json.encode({"notional": Raw(check_number(notional, "notional").encode())})
