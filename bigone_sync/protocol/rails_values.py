"""Values of the Rails wire, member by member, for its socket and its REST calls (Rails protocol, sections 4 to 7).

Numbers are read from the text that they were written with.  Absent, null and the empty text mean the same.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable
from decimal import Decimal

import msgspec
from msgspec import Raw

from ..enums import OrderState, OrderType, Side
from ..events import Fill, LevelText, RailsOrder, Trade
from .base import CodecError
from .contract_values import (
    Members,
    count,
    flag,
    members_of,
    moment,
    name,
    named,
    numbers,
    rows_of,
    text_of,
    time_of,
    word_of,
)
from .json_text import NOT_JSON
from .spot_levels import checked
from .spot_values import decimal, word

__all__ = [
    "REFUSED",
    "BookSides",
    "fill_of",
    "level_sides",
    "levels_of",
    "order_of",
    "public_trade",
    "side_of",
    "time_of",
    "trade_of",
]

BookSides = tuple[tuple[LevelText, ...], tuple[LevelText, ...]]
"""Bids and asks."""

# Numbers from 0 without exponent, far within a float's range: some of what ``checked`` lets through.
_PLAIN = re.compile(r"\d{1,100}(?:\.\d{0,100})?(?:\|\d{1,100}(?:\.\d{0,100})?)*\Z", re.ASCII)
_SIDES = {"buy": Side.BUY, "sell": Side.SELL}
# Who took, by executionType and orderType of either order of a match (section 4.2, an inference).
_TAKERS = {
    ("taker", "buy"): Side.BUY,
    ("taker", "sell"): Side.SELL,
    ("maker", "buy"): Side.SELL,
    ("maker", "sell"): Side.BUY,
}

# The numbers of an order and of an own trade, by the events' names for them, and the wire's names.
_ORDER = {
    "price": "price",
    "remaining": "quantity",
    "filled": "filledQuantity",
    "avg_fill_price": "avgFillPrice",
    "leverage": "leverage",
}
_FILL = {"price": "price", "size": "quantity", "fee": "fees"}

REFUSED = 400
"""Status codes from here on say no (section 9)."""
_DONE = 200


def side_of(text: str | None) -> Side:
    """BUY for ``buy``, SELL for ``sell`` (section 6); UNKNOWN where it is missing, or with its word.

    Raises:
        CodecError: it is a number: those that others have for sides mean nothing here.
    """
    side = _SIDES.get(text or "")
    if side is None:
        if text is not None and text.strip().isdigit():
            raise CodecError(f"orderType is not a side: {text[:40]!r}")
        side = word(Side, text, Side.UNKNOWN)
    return side


def order_of(
    members: Members,
    *,
    connection: str,
    received_at: float,
    result_type: str = "",
    status_code: int | None = None,
    reason: str = "",
    client_request_id: str | None = None,
    quota: int | None = None,
) -> RailsOrder:
    """An order (section 6), as the message it came with makes it.

    Args:
        members: the order object.
        connection: name of the connection, for the event.
        received_at: Unix seconds when it was received.
        result_type: kind of the message; empty: REST told it.
        status_code: the message's.
        reason: the exchange's own words.
        client_request_id: of the message (``data.clientRequestId``), which counts more than that of the order.
        quota: ``apiQuotaUsed`` of the message.

    Raises:
        CodecError: ``orderId`` is missing, or something is not of its kind; the text names it.
    """
    values = numbers(members, _ORDER)
    return RailsOrder(
        named(members, "orderId"),
        client_request_id or name(members, "clientRequestId"),
        name(members, "market") or "",
        side_of(name(members, "orderType")),
        word_of(members, "tradeType", OrderType),
        _status(members, result_type, status_code, values["remaining"]),
        post_only=flag(members, "postOnly"),
        created_at=moment(members, "createdAt"),
        updated_at=moment(members, "updatedAt"),
        result_type=result_type,
        status_code=status_code,
        reason=reason,
        api_quota_used=quota,
        **values,
        connection=connection,
        received_at=received_at,
    )


def _status(members: Members, kind: str, code: int | None, remaining: Decimal | None) -> OrderState:
    """What became of an order: the kind of the message and its status code count more than ``orderStatus``, which may
    lag behind (section 5.2)."""
    if kind == "rejectOrder" or (kind == "createOrder" and code is not None and code >= REFUSED):
        return OrderState.REJECTED
    if kind == "cancelOrder" and code == _DONE:
        return OrderState.CANCELLED
    if kind == "completeFillOrder":
        return OrderState.FILLED
    status = word_of(members, "orderStatus", OrderState)
    # The kind that tells of a partial fill is not documented (section 5.1), nor whether it has an orderStatus.
    if text_of(members.get("orderStatus"), "orderStatus") is None and "fill" in kind.lower() and remaining is not None:
        return OrderState.ACTIVE if remaining else OrderState.FILLED
    return status


class _Level(msgspec.Struct, gc=False):
    """A level in its usual shape."""

    orderType: str
    price: str
    quantity: str


_usual_levels = msgspec.json.Decoder(list[_Level])


def levels_of(orders: bytes | Raw) -> BookSides:
    """Bids and asks of an ``orders`` array of a book or of its changes, in the order of the array (section 4.1).

    Raises:
        CodecError: it is no array, a side is neither ``buy`` nor ``sell``, or a number is none.
    """
    try:
        usual = _usual_levels.decode(orders)
    except NOT_JSON:
        return level_sides([_level(members_of(row)) for row in rows_of(orders)])
    return level_sides([(row.orderType, row.price, row.quantity) for row in usual])


def _level(members: Members) -> tuple[str, str, str]:
    price, quantity = (text_of(members.get(field), field) or "" for field in ("price", "quantity"))
    return named(members, "orderType"), price, quantity


def level_sides(rows: Iterable[tuple[str, str, str]]) -> BookSides:
    """Rows of side, price and quantity as bids and asks. Otherwise like :func:`levels_of`."""
    bids: list[LevelText] = []
    asks: list[LevelText] = []
    texts: list[str] = []
    for side, price, quantity in rows:
        if side == "buy":
            bids.append(LevelText(price, quantity, None))
        elif side == "sell":
            asks.append(LevelText(price, quantity, None))
        else:
            raise CodecError(f"orderType is neither buy nor sell: {side[:40]!r}")
        texts.append(price)
        texts.append(quantity)
    # All at once, for this is the busiest place; what is not plain is looked at one by one.
    joined = "|".join(texts)
    if texts and not (_PLAIN.match(joined) and joined.count("|") < len(texts)):
        return checked(bids), checked(asks)
    return tuple(bids), tuple(asks)


def trade_of(
    members: Members, *, market: str, connection: str, received_at: float, snapshot: bool = False
) -> tuple[Hashable, Trade]:
    """A public trade (section 4.2), after what tells it from all others of the market (section 8).

    Raises:
        CodecError: ``matchId``, price or quantity is missing, or something is not of its kind; the text names it.
    """
    return public_trade(
        (named(members, "matchId"), name(members, "executionType"), name(members, "orderType")),
        text_of(members.get("price"), "price"),
        text_of(members.get("quantity"), "quantity"),
        count(members, "updatedAt"),
        market=market,
        connection=connection,
        received_at=received_at,
        snapshot=snapshot,
    )


def public_trade(
    key: tuple[str, str | None, str | None],
    price: str | None,
    quantity: str | None,
    updated_at: int | None,
    *,
    market: str,
    connection: str,
    received_at: float,
    snapshot: bool,
) -> tuple[Hashable, Trade]:
    """The same of what the members hold: ``key`` is matchId, executionType and orderType."""
    match_id, role, side_word = key
    taker_side = _TAKERS.get((role or "", side_word or ""))
    if taker_side is None:
        side = side_of(side_word)
        taker_side = side if role == "taker" else Side.UNKNOWN
    trade = Trade(
        match_id,
        market,
        decimal(price, "price"),
        decimal(quantity, "quantity"),
        taker_side,
        time_of(updated_at, "updatedAt"),
        snapshot,
        connection=connection,
        received_at=received_at,
    )
    return key, trade


def fill_of(members: Members, *, connection: str, received_at: float) -> tuple[Hashable, Fill]:
    """An own trade of the socket (section 4.3) or of REST (1.6), after what tells it from all others (section 8).

    Raises:
        CodecError: ``matchId`` or ``market`` is missing, or something is not of its kind; the text names it.
    """
    match_id, market, order_id = named(members, "matchId"), named(members, "market"), name(members, "orderId")
    fill = Fill(
        id=match_id,
        order_id=order_id,
        market=market,
        side=side_of(name(members, "orderType")),
        role=(name(members, "executionType") or "").upper() or None,
        time=moment(members, "orderFilledAt") or moment(members, "filledAt"),
        **numbers(members, _FILL),
        connection=connection,
        received_at=received_at,
    )
    return (market, order_id, match_id), fill
