"""The body that asks for a spot order (REST protocol, section 3, CreateOrder)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bigone_sync.testing._book import SIDES
from bigone_sync.testing._checks import MOST
from bigone_sync.testing._rest_params import Unfit, choice, required, truth
from bigone_sync.testing._spot_orders import MIN_QUOTE_VALUE
from bigone_sync.testing.market import TYPES

__all__ = ["Draft", "draft_of"]

_FIELDS = (
    "asset_pair_name",
    "side",
    "type",
    "amount",
    "price",
    "stop_price",
    "operator",
    "immediate_or_cancel",
    "post_only",
    "client_order_id",
)
_DECIMAL = re.compile(r"[0-9]{1,40}(\.[0-9]{1,40})?")
_CLIENT_ORDER_ID = re.compile(r"[a-zA-Z0-9_-]{1,36}")


@dataclass(frozen=True, slots=True)
class Draft:
    """An order that was asked for, each value of the right kind; ``amount`` is base also of a market buy."""

    market: str
    side: str
    type: str
    amount: Decimal
    price: Decimal | None
    stop_price: Decimal | None
    operator: str | None
    ioc: bool
    post_only: bool
    client_order_id: str


def draft_of(body: Any) -> Draft:
    """Read the body strictly: a field that is unknown, or that the type of the order has no use for, is refused.

    Raises:
        Unfit: it is no order.
    """
    if not isinstance(body, dict):
        raise Unfit("an order must be an object")
    if unknown := sorted(set(body) - set(_FIELDS)):
        raise Unfit(f"an order has no field {unknown[0]!r}")
    market = required(body, "asset_pair_name")
    side, type = required(body, "side"), required(body, "type")
    choice(body, "side", SIDES)
    choice(body, "type", TYPES)
    amount = _decimal(body, "amount", needed=True)
    price = _decimal(body, "price", needed=type.endswith("LIMIT"))
    ioc, post_only = truth(body, "immediate_or_cancel") or False, truth(body, "post_only") or False
    # Of the two, only the first is said to be for LIMIT orders alone.
    if (ioc and (type != "LIMIT" or post_only)) or (post_only and not type.endswith("LIMIT")):
        raise Unfit(
            "immediate_or_cancel is for LIMIT orders, post_only for LIMIT and STOP_LIMIT; they exclude each other"
        )
    assert amount is not None
    if price is not None and not MIN_QUOTE_VALUE <= price * amount <= MOST:
        raise Unfit(f"price times amount must be at least {MIN_QUOTE_VALUE} and at most {MOST}")
    operator = choice(body, "operator", ("GTE", "LTE"))
    if operator is not None and not type.startswith("STOP"):
        raise Unfit("operator is for stop orders")
    return Draft(
        market,
        side,
        type,
        amount,
        price,
        _decimal(body, "stop_price", needed=type.startswith("STOP")),
        operator,
        ioc,
        post_only,
        _client_order_id(body),
    )


def _decimal(body: Mapping[str, Any], name: str, *, needed: bool) -> Decimal | None:
    """A decimal in a string; None where none is needed."""
    value = body.get(name)
    if not needed:
        if value is not None:
            raise Unfit(f"{name} is not for an order of this type")
        return None
    if not isinstance(value, str) or _DECIMAL.fullmatch(value) is None:
        raise Unfit(f"{name} must be a decimal in a string: {value!r}")
    return Decimal(value)


def _client_order_id(body: Mapping[str, Any]) -> str:
    value = body.get("client_order_id")
    if value is None:
        return ""
    if not isinstance(value, str) or _CLIENT_ORDER_ID.fullmatch(value) is None:
        raise Unfit(f"client_order_id must be 1 to 36 letters, digits, - and _: {value!r}")
    return value
