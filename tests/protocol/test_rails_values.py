"""Single values of the Rails wire (Rails protocol, sections 4 to 7), as REST reads them, too."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw

from bigone_sync.enums import OrderState, OrderType, Side
from bigone_sync.events import Fill, LevelText, RailsOrder
from bigone_sync.protocol.base import CodecError
from bigone_sync.protocol.contract_values import members_of
from bigone_sync.protocol.rails_values import fill_of, levels_of, order_of, side_of, time_of, trade_of

D = Decimal
HERE: dict[str, Any] = {"connection": "rails", "received_at": 1.5}


def members(**values: Any) -> Any:
    return members_of(json.dumps(values).encode())


@pytest.mark.parametrize(
    ("kind", "code", "status", "remaining", "expected"),
    [
        ("rejectOrder", 400, "active", "1", OrderState.REJECTED),
        ("rejectOrder", None, None, None, OrderState.REJECTED),
        ("createOrder", 400, "pending", "1", OrderState.REJECTED),
        ("createOrder", 202, "pending", "1", OrderState.PENDING),
        ("createOrder", None, None, "1", OrderState.UNKNOWN),
        ("cancelOrder", 200, "active", "1", OrderState.CANCELLED),
        ("cancelOrder", 202, "cancelling", "1", OrderState.CANCELLING),
        ("cancelOrder", 409, "active", "1", OrderState.ACTIVE),
        ("modifyOrder", 200, "modified", "1", OrderState.MODIFIED),
        ("modifyOrder", 400, "active", "1", OrderState.ACTIVE),
        ("completeFillOrder", 200, "active", "0", OrderState.FILLED),
        ("partialFillOrder", 200, None, "0.5", OrderState.ACTIVE),
        ("partialFillOrder", 200, None, "0.0", OrderState.FILLED),
        ("partialFillOrder", 200, "cancelling", "0.5", OrderState.CANCELLING),
        ("orderFilled", 200, None, None, OrderState.UNKNOWN),
        ("", None, "filled", "0", OrderState.FILLED),
        ("", None, None, "0", OrderState.UNKNOWN),
    ],
)
def test_what_became_of_an_order(
    kind: str, code: int | None, status: str | None, remaining: str | None, expected: OrderState
) -> None:
    order = order_of(
        members(orderId="1", orderStatus=status, quantity=remaining), **HERE, result_type=kind, status_code=code
    )
    assert order.status == expected


def test_a_new_word_stays_readable() -> None:
    order = order_of(members(orderId="1", orderStatus="liquidated", tradeType="twap", orderType="both"), **HERE)
    assert (order.status, order.status.value) == (OrderState.UNKNOWN, "liquidated")
    assert (order.type, order.type.value) == (OrderType.UNKNOWN, "twap")
    assert (order.side, order.side.value) == (Side.UNKNOWN, "both")


def test_an_order_of_rest() -> None:
    order = order_of(members(orderId="1", clientRequestId="2", createdAt=0, updatedAt=None, price=1.50), **HERE)
    assert order == RailsOrder("1", "2", price=D("1.5"))
    assert str(order.price) == "1.5"
    assert (order.connection, order.received_at) == ("rails", 1.5)


@pytest.mark.parametrize(
    ("word", "side"),
    [("buy", Side.BUY), ("sell", Side.SELL), ("BUY", Side.BUY), (None, Side.UNKNOWN), ("", Side.UNKNOWN)],
)
def test_sides(word: str | None, side: Side) -> None:
    assert side_of(word) == side


@pytest.mark.parametrize("word", ["0", "1", " 1 "])
def test_numbers_are_no_sides(word: str) -> None:
    with pytest.raises(CodecError, match="not a side"):
        side_of(word)


@pytest.mark.parametrize(
    ("milliseconds", "time"),
    [(None, None), (0, None), (1772576154169, datetime(2026, 3, 3, 22, 15, 54, 169000, tzinfo=timezone.utc))],
)
def test_times(milliseconds: int | None, time: datetime | None) -> None:
    assert time_of(milliseconds) == time


@pytest.mark.parametrize("milliseconds", [2**53, -(2**53), 2**63, 10**400])
def test_times_beyond_all_calendars(milliseconds: int) -> None:
    with pytest.raises(CodecError, match="time"):
        time_of(milliseconds)


PLAIN = st.from_regex(r"[0-9]{1,5}(\.[0-9]{0,5})?", fullmatch=True)
ODD = st.sampled_from(["1e5", "+1", "0.", "1E-300", "9" * 150])
TEXT = PLAIN | ODD


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(["buy", "sell"]), TEXT, TEXT), max_size=6))
def test_levels_keep_their_text(rows: list[tuple[str, str, str]]) -> None:
    wire = json.dumps([{"orderType": side, "price": price, "quantity": size} for side, price, size in rows])
    expected = tuple(
        tuple(LevelText(price, size, None) for side, price, size in rows if side == wanted)
        for wanted in ("buy", "sell")
    )
    assert levels_of(wire.encode()) == expected
    assert levels_of(Raw(wire.encode())) == expected


@pytest.mark.parametrize("bad", ["", "|", "1|1", "1|", "-1", "inf", "1e301", "1\n", "0x1", " 1", "9" * 401])
@pytest.mark.parametrize("usual", [True, False])
def test_levels_are_numbers(bad: str, usual: bool) -> None:
    good: dict[str, Any] = {"orderType": "buy", "price": "1", "quantity": "1" if usual else 1}
    for field in ("price", "quantity"):
        with pytest.raises(CodecError):
            levels_of(json.dumps([good, {**good, field: bad}, good]).encode())


def test_a_fill_of_rest() -> None:
    row = members(matchId="m", market="ETH-USD", filledAt=1745376015256, orderType="sell", executionType="maker")
    key, fill = fill_of(row, **HERE)
    assert key == ("ETH-USD", None, "m")
    time = datetime(2025, 4, 23, 2, 40, 15, 256000, tzinfo=timezone.utc)
    assert fill == Fill(id="m", market="ETH-USD", side=Side.SELL, role="MAKER", time=time)


def test_a_trade_of_rest() -> None:
    key, trade = trade_of(members(matchId="m", price=1.5, quantity="2"), market="ETH-USD", **HERE)
    assert key == ("m", None, None)
    assert (trade.price, trade.amount, trade.taker_side, trade.time) == (D("1.5"), D(2), Side.UNKNOWN, None)
