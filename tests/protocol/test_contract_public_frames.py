"""Trades, candles and instruments over bytes (contract protocol, sections 4 to 6)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from contract_lines import AT, BTC, ETH, NAME, Line, events, holes, problems, utc

from bigone_sync.enums import CandlePeriod, Channel, Side
from bigone_sync.errors import DecodeError, ProtocolError
from bigone_sync.events import Gap

D = Decimal
T0 = 1562288776609
MINUTE = 60_000
C0 = 1562301000000

TRADES = (
    b'[{"id":"5aefeab9-6840-0000-0001-0000056fe3c8","symbol":"BTCUSD","price":11178.5,"size":100,'
    b'"matchedAt":1562288776609,"side":"BUY"},{"id":"5aefeb33-e940-0000-0001-0000056fea51","symbol":"BTCUSD",'
    b'"price":11180,"size":60,"matchedAt":1562288902053,"side":"SELL"}]'
)
TRADE_UPDATE = (
    b'[{"id":"5af01b50-9700-0000-0001-000005727d9b","symbol":"BTCUSD","price":11138,"size":267,'
    b'"matchedAt":1562301514332,"side":"BUY"}]'
)
CANDLES = (
    b'[{"symbol":"BTCUSD","type":"1MIN","time":1562301000000,"open":11119.5,"close":11109.5,"high":11123.5,'
    b'"low":11109.5,"nTrades":4,"volume":3427,"turnover":0.30820388075,"version":91383701,"nextTs":1562301060000}]'
)
INSTRUMENTS = (
    b'[{"turnover24h":0.354295837,"openInterest":3412,"volume24hInUsd":4000,"fundingRate":0,"volume24h":4000,'
    b'"last24hMaxPrice":11290,"btcPrice":11255.51,"latestPrice":11290,"symbol":"BTCUSD",'
    b'"openValue":0.300825969916003,"last24hMinPrice":11290,"openTime":0,"markPrice":11255.51,"indexPrice":11255.51}]'
)


def trade(number: int, *, at: int | None = None, symbol: str = BTC, **other: Any) -> dict[str, Any]:
    """A trade whose time grows with its number; its id does not tell."""
    when = T0 + number * 1000 if at is None else at
    return {"id": f"id-{number}", "symbol": symbol, "price": 1, "size": 1, "matchedAt": when, "side": "BUY", **other}


def ids(items: Any) -> list[str]:
    return [event.id for event in events(items)]


def gap_of(line: Line, items: Any) -> tuple[Any, Any]:
    """From when to when the only hole is."""
    (hole,) = holes(items)
    assert hole.route is line.route
    assert isinstance(hole.gap, Gap)
    assert (hole.gap.channel, hole.gap.market) == (line.route.key.channel, line.route.key.market)
    assert (hole.gap.connection, hole.gap.received_at) == (NAME, AT)
    assert hole.gap.reason
    return hole.gap.since, hole.gap.until


# -- trades --------------------------------------------------------------------------------------------------------


@pytest.fixture
def trades() -> Line:
    return Line(Channel.TRADES, BTC)


def test_the_documented_trades(trades: Line) -> None:
    first, second, third = events(trades.send(TRADES, TRADE_UPDATE))
    assert (first.id, first.market, first.price, first.amount) == (
        "5aefeab9-6840-0000-0001-0000056fe3c8",
        BTC,
        D("11178.5"),
        100,
    )
    assert (first.taker_side, second.taker_side) == (Side.BUY, Side.SELL)
    assert (first.time, third.time) == (utc(1562288776609), utc(1562301514332))
    assert [event.is_snapshot for event in (first, second, third)] == [True, True, False]
    assert {(event.connection, event.received_at) for event in (first, second, third)} == {(NAME, AT)}


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 1, 3)])
def test_the_first_frame_comes_oldest_first_however_it_was_sent(trades: Line, order: tuple[int, ...]) -> None:
    items = trades.send([trade(number) for number in order])
    assert ids(items) == ["id-1", "id-2", "id-3"]
    assert all(event.is_snapshot for event in events(items))


def test_trades_of_one_moment_keep_their_order_newest_first_included(trades: Line) -> None:
    oldest_first = [trade(1), trade(2, at=T0 + 5000), trade(3, at=T0 + 5000), trade(9)]
    assert ids(trades.send(oldest_first)) == ["id-1", "id-2", "id-3", "id-9"]
    assert ids(Line(Channel.TRADES, BTC).send(oldest_first[::-1])) == ["id-1", "id-2", "id-3", "id-9"]


def test_no_trade_comes_twice_on_one_socket_or_over_several(trades: Line) -> None:
    assert ids(trades.send([trade(1), trade(1)], [trade(1), trade(2)])) == ["id-1", "id-2"]
    items = trades.again([trade(1), trade(2), trade(3)], [trade(3), trade(4)])
    assert ids(items) == ["id-3", "id-4"]
    assert [event.is_snapshot for event in events(items)] == [True, False]
    assert holes(items) == []
    assert trades.protocol.duplicates == 5


def test_a_new_socket_that_does_not_reach_back_leaves_a_gap(trades: Line) -> None:
    trades.send([trade(1), trade(2)])
    items = trades.again([trade(9), trade(8)])
    assert gap_of(trades, items) == (utc(T0 + 2000), utc(T0 + 8000))
    assert ids(items) == ["id-8", "id-9"]
    assert items[0][0] is None  # told before what stands behind the hole


def test_an_old_trade_among_new_ones_reaches_back(trades: Line) -> None:
    trades.send([trade(1)], [trade(2)])
    items = trades.again([trade(9), trade(2), trade(8)])
    assert holes(items) == []
    assert ids(items) == ["id-8", "id-9"]


def test_a_new_socket_that_has_nothing_does_not_reach_back(trades: Line) -> None:
    trades.send([trade(1)])
    assert gap_of(trades, trades.again([])) == (utc(T0 + 1000), None)
    # It was the first frame all the same.
    items = trades.send([trade(5)])
    assert holes(items) == []
    assert not events(items)[0].is_snapshot


def test_where_there_never_was_a_trade_nothing_is_missing(trades: Line) -> None:
    assert trades.send([]) == []
    assert trades.again([]) == []


def test_trades_after_a_socket_that_had_none_may_not_be_all(trades: Line) -> None:
    trades.send([])
    items = trades.again([trade(3), trade(4)])
    assert gap_of(trades, items) == (None, utc(T0 + 3000))
    assert ids(items) == ["id-3", "id-4"]


def test_the_first_socket_misses_nothing(trades: Line) -> None:
    assert holes(trades.send([trade(1)])) == []


def test_trades_without_a_time_are_told_apart_too(trades: Line) -> None:
    trades.send([trade(1, at=0)])
    assert holes(trades.again([trade(1, at=0), trade(2, at=0)])) == []
    items = trades.again([trade(7, at=0)])
    assert gap_of(trades, items) == (None, None)


def test_a_socket_that_brought_nothing_at_all_changes_nothing(trades: Line) -> None:
    trades.send([trade(1)])
    assert trades.again() == []
    assert holes(trades.again([trade(1), trade(2)])) == []


def test_a_bad_trade_is_reported_and_does_not_take_the_others_along(trades: Line) -> None:
    items = trades.send([trade(1), trade(2, price="x"), 5, trade(3), {**trade(4), "id": None}])
    assert ids(items) == ["id-1", "id-3"]
    errors = problems(items)
    assert [type(error) for error in errors] == [DecodeError] * 3
    assert all("trades: " in str(error) for error in errors)
    assert trades.protocol.decode_errors == 3


def test_a_trade_of_another_contract_is_reported_and_not_delivered(trades: Line) -> None:
    items = trades.send([trade(1), trade(2, symbol=ETH)])
    assert ids(items) == ["id-1"]
    (error,) = problems(items)
    assert type(error) is ProtocolError
    assert "'ETHUSD'" in str(error)
    assert ids(trades.send([trade(2)])) == ["id-2"]


# -- candles -------------------------------------------------------------------------------------------------------


def candle(minute: int, version: int | None = 1, **other: Any) -> dict[str, Any]:
    """A candle of so many minutes after the documented one."""
    wire = {"symbol": BTC, "type": "1MIN", "time": C0 + minute * MINUTE, "close": 1}
    return {**wire, **({} if version is None else {"version": version}), **other}


@pytest.fixture
def candles() -> Line:
    return Line(Channel.CANDLES, BTC, CandlePeriod.MIN1)


def seen(items: Any) -> list[tuple[int, int | None]]:
    """Minutes and versions of the candles."""
    return [(round((event.time.timestamp() * 1000 - C0) / MINUTE), event.version) for event in events(items)]


def test_the_documented_candle(candles: Line) -> None:
    (event,) = events(candles.send(CANDLES))
    assert (event.market, event.period, event.time, event.close_time) == (
        BTC,
        CandlePeriod.MIN1,
        utc(C0),
        utc(C0 + MINUTE),
    )
    assert (event.open, event.high, event.low, event.close) == (D("11119.5"), D("11123.5"), D("11109.5"), D("11109.5"))
    assert (event.volume, event.turnover, event.trade_count, event.version) == (3427, D("0.30820388075"), 4, 91383701)
    assert event.is_snapshot


def test_of_equal_times_only_a_larger_version_counts(candles: Line) -> None:
    items = candles.send([candle(0, 5)], [candle(0, 5)], [candle(0, 4)], [candle(0, 6)], [candle(1, 2)])
    assert seen(items) == [(0, 5), (0, 6), (1, 2)]
    assert [event.is_snapshot for event in events(items)] == [True, False, False]
    assert candles.protocol.duplicates == 2


def test_versions_are_remembered_over_sockets(candles: Line) -> None:
    candles.send([candle(0, 5), candle(1, 7)])
    items = candles.again([candle(2, 8), candle(1, 7), candle(0, 6)])
    assert seen(items) == [(0, 6), (2, 8)]
    assert holes(items) == []


def test_without_a_version_every_candle_is_delivered(candles: Line) -> None:
    assert seen(candles.send([candle(0, None)], [candle(0, None)])) == [(0, None), (0, None)]


def test_candles_between_two_sockets_are_missing(candles: Line) -> None:
    candles.send([candle(0)], [candle(3)])
    items = candles.again([candle(9), candle(7)])
    assert gap_of(candles, items) == (utc(C0 + 3 * MINUTE), utc(C0 + 7 * MINUTE))
    assert seen(items) == [(7, 1), (9, 1)]


def test_a_new_socket_that_has_the_last_candle_misses_none(candles: Line) -> None:
    candles.send([candle(3)])
    assert holes(candles.again([candle(3), candle(4)])) == []
    assert holes(candles.again([candle(2), candle(3), candle(4)])) == []


def test_a_new_socket_that_has_no_candles_may_miss_some(candles: Line) -> None:
    assert candles.send([]) == []
    assert candles.again([]) == []
    candles.send([candle(3)])
    assert gap_of(candles, candles.again([])) == (utc(C0 + 3 * MINUTE), None)


@pytest.mark.parametrize(
    ("other", "named"), [({"type": "5MIN"}, "MIN5"), ({"type": "2MIN"}, "2MIN"), ({"symbol": ETH}, "ETHUSD")]
)
def test_a_candle_of_another_period_or_contract_is_reported(candles: Line, other: Any, named: str) -> None:
    items = candles.send([candle(0), candle(1, **other)])
    assert seen(items) == [(0, 1)]
    (error,) = problems(items)
    assert type(error) is ProtocolError
    assert named in str(error)


def test_a_candle_that_names_no_period_is_of_the_sockets(candles: Line) -> None:
    wire = candle(0)
    del wire["type"]
    (event,) = events(candles.send([wire]))
    assert event.period == CandlePeriod.MIN1


def test_a_bad_candle_does_not_take_the_others_along(candles: Line) -> None:
    items = candles.send([candle(0), candle(1, open="x"), candle(2, time=None)])
    assert seen(items) == [(0, 1)]
    assert [type(error) for error in problems(items)] == [DecodeError] * 2


# -- instruments ---------------------------------------------------------------------------------------------------


def row(symbol: str, mark: int = 1) -> dict[str, Any]:
    return {"symbol": symbol, "markPrice": mark}


def marks(rows: Any) -> list[tuple[str, int]]:
    return [(event.market, int(event.mark_price)) for event in rows]


def test_the_documented_instrument() -> None:
    for market in (None, BTC):
        (event,) = events(Line(Channel.INSTRUMENTS, market).send(INSTRUMENTS))
        assert (event.market, event.mark_price, event.open_interest) == (BTC, D("11255.51"), 3412)
        assert (event.next_funding_time, event.next_funding_rate, event.usdt_price) == (None, None, None)


def test_all_rows_come_first_and_then_single_ones_unchanged_ones_included() -> None:
    line = Line(Channel.INSTRUMENTS)
    items = line.send([row(BTC), row(ETH)], [row(ETH, 2)], [row(ETH, 2)])
    assert marks(events(items)) == [(BTC, 1), (ETH, 1), (ETH, 2), (ETH, 2)]
    puts = line.kept[Channel.INSTRUMENTS].puts
    assert [(marks(rows), whole) for rows, whole in puts] == [
        ([(BTC, 1), (ETH, 1)], True),
        ([(ETH, 2)], False),
        ([(ETH, 2)], False),
    ]


def test_the_first_frame_of_each_socket_is_the_whole() -> None:
    line = Line(Channel.INSTRUMENTS)
    line.send([row(BTC)])
    line.again([row(BTC)], [row(BTC)])
    assert [whole for _, whole in line.kept[Channel.INSTRUMENTS].puts] == [True, True, False]


def test_a_first_frame_with_a_bad_row_is_not_the_whole() -> None:
    line = Line(Channel.INSTRUMENTS)
    items = line.send([row(BTC), {"symbol": ETH, "markPrice": "x"}], [])
    assert marks(events(items)) == [(BTC, 1)]
    assert [type(error) for error in problems(items)] == [DecodeError]
    assert [whole for _, whole in line.kept[Channel.INSTRUMENTS].puts] == [False]


def test_one_instrument_is_never_the_whole_and_others_are_reported() -> None:
    line = Line(Channel.INSTRUMENTS, BTC)
    items = line.send([row(BTC), row(ETH)], [row(BTC, 2)])
    assert marks(events(items)) == [(BTC, 1), (BTC, 2)]
    assert [type(error) for error in problems(items)] == [ProtocolError]
    assert [whole for _, whole in line.kept[Channel.INSTRUMENTS].puts] == [False, False]


@pytest.mark.parametrize("channel", [Channel.TRADES, Channel.CANDLES, Channel.INSTRUMENTS])
def test_what_nobody_wants_is_dropped(channel: Channel) -> None:
    line = Line(channel, BTC, CandlePeriod.MIN1 if channel == Channel.CANDLES else None)
    line.protocol.remove(line.route)
    assert line.send([trade(1, **candle(1))]) == []
