"""Words, times and numbers as a proto3 JSON printer may write them (spot protocol, section 5)."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from spot_lines import MARKET, Line, order, order_update, trade, trade_update, utc

from bigone_sync.enums import BusinessUnit, Channel, OrderOperator, OrderState, OrderType, Side
from bigone_sync.events import Order, Trade
from bigone_sync.protocol import spot_values
from bigone_sync.times import NanoDatetime


def one_order(**fields: Any) -> Order:
    line = Line()
    line.subscribed(Channel.ORDERS)
    event = line.one(order_update(order(**fields)))
    assert isinstance(event, Order)
    return event


def one_trade(**fields: Any) -> Trade:
    line = Line()
    line.subscribed(Channel.TRADES, MARKET)
    event = line.one(trade_update(trade("5", **fields)))
    assert isinstance(event, Trade)
    return event


WORDS = [
    ("side", "side", Side, {"BID": Side.BUY, "ASK": Side.SELL}, 0),
    (
        "state",
        "state",
        OrderState,
        {name: OrderState(name) for name in ("PENDING", "FILLED", "CANCELLED", "FIRED", "REJECTED")},
        0,
    ),
    (
        "type",
        "type",
        OrderType,
        {name: OrderType(name) for name in ("LIMIT", "MARKET", "STOP_LIMIT", "STOP_MARKET")},
        0,
    ),
    ("operator", "operator", OrderOperator, {"LTE": OrderOperator.LTE, "GTE": OrderOperator.GTE}, 0),
    (
        "businessUnit",
        "business_unit",
        BusinessUnit,
        {"SPOT": BusinessUnit.SPOT, "MARGIN": BusinessUnit.MARGIN},
        0,
    ),
]


@pytest.mark.parametrize(("member", "attribute", "kind", "words", "first"), WORDS)
def test_enumerations_come_as_names_and_numbers(
    member: str, attribute: str, kind: Any, words: dict[str, Any], first: int
) -> None:
    for number, (name, meant) in enumerate(words.items(), first):
        for written in (name, number, str(number)):
            assert getattr(one_order(**{member: written}), attribute) is meant


@pytest.mark.parametrize(("member", "attribute", "kind", "words", "first"), WORDS)
@pytest.mark.parametrize("word", ["HALTED", 99, -1, 10**300])
def test_unknown_words_are_kept(
    member: str, attribute: str, kind: Any, words: dict[str, Any], first: int, word: Any
) -> None:
    found = getattr(one_order(**{member: word}), attribute)
    assert found == kind.UNKNOWN
    assert found.value == str(word)
    assert not found.is_known


def test_words_of_the_peers_invention_are_not_collected() -> None:
    one_order(state="FILLED")
    before = len(spot_values._words)
    for number in range(50):
        one_order(state=f"STATE{number}")
    assert len(spot_values._words) == before


def test_an_unknown_word_is_not_mistaken_for_the_one_before_it() -> None:
    assert [one_order(state=word).state.value for word in ("HALTED", "PAUSED", "HALTED")] == [
        "HALTED",
        "PAUSED",
        "HALTED",
    ]


@pytest.mark.parametrize(
    ("written", "side"),
    [("BID", Side.BUY), ("ASK", Side.SELL), (0, Side.BUY), (1, Side.SELL), (None, Side.BUY), ("", Side.BUY)],
)
def test_the_taker_side(written: Any, side: Side) -> None:
    assert one_trade(takerSide=written).taker_side is side


def test_a_missing_taker_side_is_bid() -> None:
    line = Line()
    line.subscribed(Channel.TRADES, MARKET)
    item = trade("5")
    del item["takerSide"]
    event = line.one(trade_update(item))
    assert isinstance(event, Trade)
    assert event.taker_side is Side.BUY


BASE = utc(2018, 9, 12, 9, 52, 37)

TIMES = [
    ("2018-09-12T09:52:37Z", BASE, 0),
    ("2018-09-12T09:52:37.5Z", BASE.replace(microsecond=500_000), 0),
    ("2018-09-12T09:52:37.123Z", BASE.replace(microsecond=123_000), 0),
    ("2018-09-12T09:52:37.123456Z", BASE.replace(microsecond=123_456), 0),
    ("2018-09-12T09:52:37.123456789Z", BASE.replace(microsecond=123_456), 789),
    ("2018-09-12T09:52:37.000000001Z", BASE, 1),
    ("2018-09-12T09:52:37.123456789999Z", BASE.replace(microsecond=123_456), 789),
    ("2018-09-12T11:52:37+02:00", BASE, 0),
    ("2018-09-12t09:52:37z", BASE, 0),
    ("2016-12-31T23:59:60Z", utc(2016, 12, 31, 23, 59, 59), 0),
]


@pytest.mark.parametrize(("written", "moment", "nanosecond"), TIMES)
def test_times_keep_every_fraction(written: str, moment: datetime, nanosecond: int) -> None:
    found = one_trade(createdAt=written).time
    assert found is not None
    assert found.utcoffset() is not None
    assert found.replace(tzinfo=None) == moment.replace(tzinfo=None)
    assert getattr(found, "nanosecond", 0) == nanosecond
    assert found == (NanoDatetime.build(moment, nanosecond) if nanosecond else moment)
    updated = one_order(updatedAt=written)
    assert updated.updated_at == found


@pytest.mark.parametrize("absent", [{}, {"createdAt": None}, {"createdAt": ""}])
def test_a_time_may_be_missing(absent: Any) -> None:
    assert one_order(**absent).created_at is None


NO_TIMES = [
    "2018-09-12",
    "2018-09-12T09:52:37",
    "2018-13-12T09:52:37Z",
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+01:00",
    "1536745957",
    "x" * 100_000,
    1536745957,
    1.5,
    True,
    {},
    {"seconds": 5},
    [],
    10**300,
]


@pytest.mark.parametrize("written", NO_TIMES)
def test_what_is_no_time_is_an_error(written: Any) -> None:
    line = Line()
    line.subscribed(Channel.TRADES, MARKET)
    problem = line.problem(trade_update(trade("5", createdAt=written)))
    assert "createdAt" in str(problem)
    assert len(str(problem)) < 300
    assert line.protocol.duplicates == 0
    assert len(line.events(trade_update(trade("5")))) == 1  # the bad one did not use up the id


DECIMALS = [
    "9.0",
    "10000.0",
    "0.001429",
    "0",
    "0.0",
    "-817.08",
    "1e5",
    "1E-8",
    "+5",
    "007.50",
    "9" * 60 + "." + "1" * 60,
]


@pytest.mark.parametrize("text", DECIMALS)
def test_decimals_are_exact(text: str) -> None:
    event = one_order(amount=text)
    assert event.amount == Decimal(text)
    assert str(event.amount) == str(Decimal(text))


@pytest.mark.parametrize(
    "text", ["1e400", "1e-400", "1e999", "1e-999999999999999999999", "1" * 401, "1_000", " 1", "\u0661"]
)
def test_numbers_that_nobody_can_mean_are_errors(text: str) -> None:
    line = Line()
    line.subscribed(Channel.ORDERS)
    assert "amount is not a number" in str(line.problem(order_update(order(amount=text))))


def test_a_zero_with_an_exponent_is_zero() -> None:
    assert one_order(amount="0e999").amount == 0
