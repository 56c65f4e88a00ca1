"""New spot orders: checked, and as the wire wants them (REST protocol, section 3). Pure but for fresh ids."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import msgspec

from ..arguments import check_client_order_id, check_flag, check_number, check_order_id, check_side, check_word
from ..config import check_market
from ..errors import ConfigurationError
from ..markets import Market
from .values import NewOrder

__all__ = ["OrderForm", "order_target"]

_TYPES = ("LIMIT", "MARKET", "STOP_LIMIT", "STOP_MARKET")
_OPERATORS = ("GTE", "LTE")


def _scaled(text: str, scale: int, argument: str, market: Market) -> str:
    """``text`` with no more digits behind the point than ``scale``; zeros at its end are no digits."""
    whole, _, digits = text.partition(".")
    digits = digits[:scale] + digits[scale:].rstrip("0")
    if len(digits) > scale:
        advice = "Market.round_amount()" if argument == "amount" else "Market.round_price()"
        raise ConfigurationError(
            f"{argument} {text} has {len(digits)} digits behind the point, {market.name} allows {scale}: see {advice}",
            argument=argument,
        )
    return f"{whole}.{digits}" if digits else whole


def _type(order: NewOrder) -> str:
    """The type that was named, or that the prices make."""
    if order.type is not None:
        kind = check_word(order.type, "type", _TYPES)
    else:
        kind = ("STOP_" if order.stop_price is not None else "") + ("MARKET" if order.price is None else "LIMIT")
    if kind.endswith("LIMIT") and order.price is None:
        raise ConfigurationError(f"price must be given for a {kind} order", argument="price")
    if kind.endswith("MARKET") and order.price is not None:
        raise ConfigurationError(f"price must be None for a {kind} order", argument="price")
    if kind.startswith("STOP_") and order.stop_price is None:
        raise ConfigurationError(f"stop_price must be given for a {kind} order", argument="stop_price")
    for argument in ("stop_price", "operator"):
        if not kind.startswith("STOP_") and getattr(order, argument) is not None:
            raise ConfigurationError(f"{argument} must be None for a {kind} order", argument=argument)
    return kind


class OrderForm:
    """An order to be placed, checked in all that needs no market's rules.

    Raises:
        ConfigurationError: an argument is not allowed, alone or beside the others.
    """

    def __init__(self, order: NewOrder) -> None:
        if not isinstance(order, NewOrder):
            raise ConfigurationError(f"orders must be NewOrder objects, not {order!r}", argument="orders")
        self.market = check_market(order.market)
        kind = _type(order)
        side = check_side(order.side)
        self.body: dict[str, Any] = {
            "asset_pair_name": self.market,
            "side": side,
            "type": kind,
            "amount": check_number(order.amount, "amount"),
        }
        for field in ("price", "stop_price"):
            value = getattr(order, field)
            if value is not None:
                self.body[field] = check_number(value, field)
        if order.operator is not None:
            self.body["operator"] = check_word(order.operator, "operator", _OPERATORS)
        self._flags(kind, ioc=check_flag(order.ioc, "ioc"), post_only=check_flag(order.post_only, "post_only"))
        # Made here, so that an order whose answer is lost can be looked up.
        given = order.client_order_id
        self.client_order_id = uuid.uuid4().hex if given is None else check_client_order_id(given)
        self.body["client_order_id"] = self.client_order_id
        # Whether it counts in the quote asset is contradictory (REST protocol, section 6).
        self._may_be_quote = kind.endswith("MARKET") and side == "BID"

    def _flags(self, kind: str, *, ioc: bool, post_only: bool) -> None:
        if ioc and post_only:
            raise ConfigurationError("ioc and post_only exclude each other", argument="post_only")
        if ioc and kind != "LIMIT":
            raise ConfigurationError(f"ioc is for LIMIT orders, not for a {kind} order", argument="ioc")
        if post_only and not kind.endswith("LIMIT"):
            raise ConfigurationError(
                f"post_only is for LIMIT and STOP_LIMIT orders, not for a {kind} order", argument="post_only"
            )
        if ioc:
            self.body["immediate_or_cancel"] = True
        if post_only:
            self.body["post_only"] = True

    def fit(self, rules: Callable[[str], Market]) -> None:
        """Check the numbers by the market's rules, and drop zeros at their ends that are too many.

        Raises:
            ConfigurationError: there is no such market, or a number has more digits behind the point than it allows.
        """
        market = rules(self.market)
        scale = max(market.base_scale, market.quote_scale) if self._may_be_quote else market.base_scale
        self.body["amount"] = _scaled(self.body["amount"], scale, "amount", market)
        for field in ("price", "stop_price"):
            if field in self.body:
                self.body[field] = _scaled(self.body[field], market.quote_scale, field, market)

    def encode(self) -> bytes:
        """The body of the request."""
        return msgspec.json.encode(self.body)


def order_target(order_id: object, client_order_id: object) -> tuple[str | None, str]:
    """Which of the two ids was given: the exchange's, or else one's own.

    Raises:
        ConfigurationError: both or none were given, or it is not allowed.
    """
    if (order_id is None) == (client_order_id is None):
        raise ConfigurationError("either order_id or client_order_id must be given", argument="order_id")
    if order_id is not None:
        return check_order_id(order_id), ""
    return None, check_client_order_id(client_order_id)
