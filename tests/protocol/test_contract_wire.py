"""Frames of the contract channels (contract protocol, sections 3 to 8)."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bigone_sync.config import check_symbol
from bigone_sync.enums import CandlePeriod, OrderState, OrderType, Side
from bigone_sync.events import Cash, ContractOrder, Fill, Instrument, LevelText, Position, Trade
from bigone_sync.protocol.base import CodecError
from bigone_sync.protocol.contract_wire import (
    PERIODS,
    DepthFrame,
    PrivateFrame,
    decode_candles,
    decode_depth,
    decode_instruments,
    decode_private,
    decode_trades,
    pong_of,
)

D = Decimal
AT = 1562301514.5
NAME = "contract/test"

SNAPSHOT = (
    b'{"to":91277134,"bestPrices":{"ask":11202.5,"bid":11192.5},"lastPrice":11183.5,"bids":{"11192":35,"11184":742,'
    b'"11192.5":389,"11188":293},"asks":{"11202.5":1806,"11212.5":2138,"11211.5":19308},"from":0}'
)
UPDATE = (
    b'{"bids":{"11183":3500},"lastPrice":11183.5,"from":91277135,"bestPrices":{"ask":11202.5,"bid":11192.5},"asks":{},'
    b'"to":91277135}'
)
TRADES = (
    b'[{"id":"5aefeab9-6840-0000-0001-0000056fe3c8","symbol":"BTCUSD","price":11178.5,"size":100,'
    b'"matchedAt":1562288776609,"side":"BUY"},{"id":"5aefeb33-e940-0000-0001-0000056fea51","symbol":"BTCUSD",'
    b'"price":11180,"size":60,"matchedAt":1562288902053,"side":"SELL"}]'
)
CANDLES = (
    b'[{"symbol":"BTCUSD","type":"1MIN","time":1562301000000,"open":11119.5,"close":11109.5,"high":11123.5,'
    b'"low":11109.5,"nTrades":4,"volume":3427,"turnover":0.30820388075,"version":91383701,"nextTs":1562301060000}]'
)
SHORT_CANDLES = (
    b'[{"symbol":"BTCUSD","type":"1MIN","time":1562301000000,"open":11119.5,"close":11109.5,"high":11123.5,'
    b'"low":11109.5,"volume":3427}]'
)
INSTRUMENTS = (
    b'[{"turnover24h":0.354295837,"openInterest":3412,"volume24hInUsd":4000,"fundingRate":0,"volume24h":4000,'
    b'"last24hMaxPrice":11290,"btcPrice":11255.51,"latestPrice":11290,"symbol":"BTCUSD",'
    b'"openValue":0.300825969916003,"last24hMinPrice":11290,"openTime":0,"markPrice":11255.51,"indexPrice":11255.51}]'
)
CASH = (
    b'{"id":"5aed7b45-5d19-40f2-0005-ca49d01f33e3","userId":"5aec525e-335d-4724-0005-20153b361f89","currency":"USDT",'
    b'"balances":0.2,"available":0.2,"margin":0,"positionMargin":0,"orderMargin":0,"positionValue":0,"unrealizedPnl":0,'
    b'"marginBalances":0.2,"marginRate":0,"leverage":0}'
)
POSITION = (
    b'{"id":"5aed7b45-5d19-40f2-0005-ca49d01f33e3","userId":"5aec525e-335d-4724-0005-20153b361f89","symbol":"BTCUSD",'
    b'"currency":"BTC","isCross":true,"marginRate":0.01,"feeRateTaker":0.0007,"feeRateMaker":0.0006,"size":100,'
    b'"notional":0.008857,"initMargin":0.00008857,"margin":0.01,"orderMargin":0,"realisedPnl":0,"totalPnl":0,'
    b'"markPrice":11303.14,"riskLimit":100,"liquidatePrice":10000.5,"entryPrice":11290,"unrealizedPnl":0,'
    b'"leverage":100,"equity":0.1,"value":1.2,"risk":0,"rom":0,"buyingNotional":0,"sellingNotional":-0.116909,'
    b'"buyingSize":0,"sellingSize":-1400,"seqNo":0}'
)
ORDER = (
    b'{"id":"5aefeab9-6840-0000-0001-0000056fe3c8","userId":"5aec525e-335d-4724-0005-20153b361f89",'
    b'"liquidateUserId":null,"symbol":"BTCUSD","currency":"USDT","type":"LIMIT","side":"BUY",'
    b'"status":"PARTIALLY_FILLED","price":49500.0,"avgPrice":49450,"size":1.0,"notional":49500,"filled":0.5,'
    b'"filledNotional":24725}'
)
FILL = (
    b'{"id":"5aefeab9-6840-0000-0001-0000056fe3c8","orderId":"5aefeab9-6840-0000-0001-0000056fe3c8","symbol":"BTCUSD",'
    b'"side":"BUY","price":49500.0,"size":0.5,"notional":24750,"fee":0.05,"feeRate":0.002,"pnl":0}'
)
PRIVATE = b'{"cash":%b,"positions":[%b],"orders":[%b],"trades":[%b]}' % (CASH, POSITION, ORDER, FILL)
# The other shape of the documents: integer ids, a time on the order, a role on the trade.
NUMERIC = (
    b'{"orders":[{"id":888888,"symbol":"BTCUSD","type":"POST_ONLY","side":"SELL","status":"CANCELED","ts":1562288776609'
    b'}],"trades":[{"id":888888,"orderId":888889,"symbol":"BTCUSD","side":"ADL_BUY","role":"MAKER","ts":1562288776609}]}'
)
FIRST = (
    b'{"userId":"5aec525e-335d-4724-0005-20153b361f89","cash":%b,"positions":[{"symbol":"BTCUSDT","currency":"USDT",'
    b'"size":0,"seqNo":null}],"trades":[],"orders":[]}'
) % CASH


def trades(data: bytes) -> Any:
    return decode_trades(data, NAME, AT)


def candles(data: bytes) -> Any:
    return decode_candles(data, NAME, AT)


def instruments(data: bytes) -> Any:
    return decode_instruments(data, NAME, AT)


def private(data: bytes) -> Any:
    return decode_private(data, NAME, AT)


ARRAYS: list[Callable[[bytes], Any]] = [trades, candles, instruments]
DECODERS: list[Callable[[bytes], Any]] = [decode_depth, *ARRAYS, private]
EXAMPLES = [
    *((decode_depth, SNAPSHOT), (decode_depth, UPDATE), (trades, TRADES), (candles, CANDLES), (candles, SHORT_CANDLES)),
    *((instruments, INSTRUMENTS), (private, PRIVATE), (private, NUMERIC), (private, FIRST)),
]


def utc(milliseconds: int) -> datetime:
    whole, rest = divmod(milliseconds, 1000)
    return datetime.fromtimestamp(whole, timezone.utc).replace(microsecond=rest * 1000)


def depth(**members: Any) -> DepthFrame:
    found = decode_depth(json.dumps({"from": 1, "to": 2, **members}).encode())
    assert found is not None
    return found


def raw_depth(members: str) -> DepthFrame:
    found = decode_depth(b'{"from":1,"to":2,%b}' % members.encode())
    assert found is not None
    return found


# -- depth -----------------------------------------------------------------------------------------------------------


def test_a_snapshot() -> None:
    assert decode_depth(SNAPSHOT) == DepthFrame(
        from_id=0,
        to_id=91277134,
        symbol=None,
        bids=tuple(
            LevelText(price, size, None)
            for price, size in (("11192", "35"), ("11184", "742"), ("11192.5", "389"), ("11188", "293"))
        ),
        asks=tuple(
            LevelText(price, size, None)
            for price, size in (("11202.5", "1806"), ("11212.5", "2138"), ("11211.5", "19308"))
        ),
        best_bid=D("11192.5"),
        best_ask=D("11202.5"),
        has_best=True,
        last_price=D("11183.5"),
    )


def test_a_delta() -> None:
    frame = decode_depth(UPDATE)
    assert frame is not None
    assert (frame.from_id, frame.to_id, frame.is_snapshot) == (91277135, 91277135, False)
    assert (frame.bids, frame.asks) == ((LevelText("11183", "3500", None),), ())


def test_the_symbol_of_a_delta() -> None:
    assert depth(symbol="BTCUSD").symbol == "BTCUSD"
    assert depth(symbol=None).symbol is None
    with pytest.raises(CodecError, match="symbol"):
        depth(symbol=5)


@pytest.mark.parametrize("members", [{}, {"bids": None, "asks": None}, {"bids": {}, "asks": {}}])
def test_sides_may_be_missing_null_or_empty(members: dict[str, Any]) -> None:
    frame = depth(**members)
    assert (frame.bids, frame.asks, frame.last_price, frame.has_best) == ((), (), None, False)


@pytest.mark.parametrize(
    ("best", "bid", "ask"),
    [
        *((None, None, None), ({}, None, None), ({"ask": None, "bid": None}, None, None), ({"bid": 0}, None, None)),
        *(({"ask": 2}, None, D(2)), ({"bid": 1, "ask": None}, D(1), None), ({"bid": "1.50", "ask": 0}, D("1.5"), None)),
    ],
)
def test_best_prices_may_be_missing(best: Any, bid: Decimal | None, ask: Decimal | None) -> None:
    frame = depth(bestPrices=best)
    assert (frame.best_bid, frame.best_ask) == (bid, ask)
    assert frame.has_best is (bid is not None or ask is not None)


@pytest.mark.parametrize("best", [[], 1, "x", {"bid": "x"}, {"ask": True}, {"bid": -1}, {"ask": []}, {"bid": "NaN"}])
def test_best_prices_of_a_wrong_shape(best: Any) -> None:
    with pytest.raises(CodecError, match="bestPrices"):
        depth(bestPrices=best)


def test_levels_keep_the_text_of_their_numbers() -> None:
    found = raw_depth('"bids":{"4.96E-6":1E+6,"0.10":35.00,"7":"12.50","9":0,"8":0.0}').bids
    assert [(row.price, row.amount) for row in found] == [
        *(("4.96E-6", "1E+6"), ("0.10", "35.00"), ("7", "12.50"), ("9", "0"), ("8", "0.0")),
    ]
    assert {row.order_count for row in found} == {None}
    assert found[0].level().price == D("0.00000496")


@pytest.mark.parametrize(
    "level",
    [
        *('"-1":1', '"0":1', '"0.0":1', '"":1', '"NaN":1', '"Infinity":1', '"1e400":1', '"1e-400":1', '"1_0":1'),
        *(
            '"x":1',
            '" 1":1',
            '"1\\n":1',
            '"\\u0661":1',
            '"1":-1',
            '"1":"NaN"',
            '"1":"Infinity"',
            '"1":"-5"',
            '"1":null',
        ),
        *('"1":true', '"1":[]', '"1":{}', '"1":""', '"1":"x"', '"1":1e400', '"1":"1e400"', '"1":"1_0"', '"1e301":1'),
    ],
)
@pytest.mark.parametrize("side", ["bids", "asks"])
def test_what_is_no_level(side: str, level: str) -> None:
    with pytest.raises(CodecError, match=side):
        raw_depth(f'"{side}":{{"5":1,{level}}}')


@pytest.mark.parametrize("side", ["[]", "1", '"x"', "true", '[["1","2"]]'])
def test_what_is_no_side(side: str) -> None:
    with pytest.raises(CodecError, match="asks"):
        raw_depth(f'"asks":{side}')


def test_ids_may_be_text() -> None:
    frame = decode_depth(b'{"from":"18446744073709551615","to":"18446744073709551615"}')
    assert frame is not None
    assert frame.from_id == frame.to_id == 2**64 - 1
    assert DepthFrame(from_id=0, to_id=0).is_snapshot


@pytest.mark.parametrize("bad", ["null", '""', "1.5", "true", "-1", '"x"', "[]", "1e3", "1" * 41, str(2**64)])
@pytest.mark.parametrize("field", ["from", "to"])
def test_what_is_no_id(field: str, bad: str) -> None:
    other = {"from": "to", "to": "from"}[field]
    with pytest.raises(CodecError, match=field):
        decode_depth(f'{{"{field}":{bad},"{other}":1}}'.encode())
    with pytest.raises(CodecError, match=f"{field} is missing"):
        decode_depth(f'{{"{other}":1}}'.encode())


def test_a_book_of_a_snapshot_has_the_best_prices_that_it_names() -> None:
    frame = decode_depth(SNAPSHOT)
    assert frame is not None
    bids, asks = ([row.level() for row in side] for side in (frame.bids, frame.asks))
    assert max(level.price for level in bids) == frame.best_bid
    assert min(level.price for level in asks) == frame.best_ask


# -- trades ----------------------------------------------------------------------------------------------------------


def test_trades() -> None:
    first, second = trades(TRADES)
    assert first == Trade(
        "5aefeab9-6840-0000-0001-0000056fe3c8", "BTCUSD", D("11178.5"), D(100), Side.BUY, utc(1562288776609)
    )
    assert (second.taker_side, second.price, second.amount) == (Side.SELL, D(11180), D(60))
    assert (first.connection, first.received_at) == (NAME, AT)
    assert first.time.tzinfo is timezone.utc
    again = decode_trades(TRADES, NAME, AT, snapshot=True)
    assert again is not None
    assert [trade.is_snapshot for trade in again if isinstance(trade, Trade)] == [True, True]
    assert trades(b"[]") == []


def test_a_trade_may_have_an_integer_id_and_numbers_as_text() -> None:
    (trade,) = trades(b'[{"id":888888,"symbol":"BTCUSD","price":"1E+6","size":"2.50"}]')
    assert (trade.id, str(trade.price), str(trade.amount)) == ("888888", "1E+6", "2.50")
    assert (trade.taker_side, trade.time) == (Side.UNKNOWN, None)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        *(({"id": None}, "id"), ({"id": ""}, "id"), ({"id": 1.5}, "id"), ({"id": True}, "id"), ({"id": ["x"]}, "id")),
        *(
            ({"symbol": None}, "symbol"),
            ({"symbol": 5}, "symbol"),
            ({"price": None}, "price"),
            ({"price": {}}, "price"),
        ),
        *(
            ({"price": "NaN"}, "price"),
            ({"size": "Infinity"}, "size"),
            ({"size": True}, "size"),
            ({"size": ""}, "size"),
        ),
        *(({"side": 1}, "side"), ({"side": "1"}, "side"), ({"side": []}, "side"), ({"matchedAt": "x"}, "matchedAt")),
        *(({"matchedAt": 1.5}, "matchedAt"), ({"matchedAt": 10**18}, "matchedAt"), ({"matchedAt": 2**64}, "matchedAt")),
    ],
)
def test_a_trade_that_cannot_be_read_does_not_take_the_others_along(change: dict[str, Any], match: str) -> None:
    good = json.loads(TRADES)[1]
    error, trade = trades(json.dumps([{**good, **change}, good]).encode())
    assert isinstance(error, CodecError)
    assert match in str(error)
    assert trade == trades(TRADES)[1]


# -- candles ---------------------------------------------------------------------------------------------------------


def test_a_candle() -> None:
    (candle,) = candles(CANDLES)
    assert (candle.market, candle.period, candle.time) == ("BTCUSD", CandlePeriod.MIN1, utc(1562301000000))
    assert (candle.open, candle.high, candle.low, candle.close) == (
        *map(D, ("11119.5", "11123.5", "11109.5")),
        D("11109.5"),
    )
    assert (candle.volume, str(candle.turnover)) == (D(3427), "0.30820388075")
    assert (candle.close_time, candle.trade_count, candle.version) == (utc(1562301060000), 4, 91383701)
    assert (candle.is_snapshot, candle.connection, candle.received_at) == (False, NAME, AT)


def test_a_short_candle() -> None:
    (candle,) = candles(SHORT_CANDLES)
    assert (candle.open, candle.volume) == (D("11119.5"), D(3427))
    assert (candle.close_time, candle.trade_count, candle.turnover, candle.version) == (None,) * 4


@pytest.mark.parametrize("change", [{"symbol": None}, {"time": None}, {"time": 0}, {"type": 1}, {"nTrades": 1.5}])
def test_what_is_no_candle(change: dict[str, Any]) -> None:
    (good,) = json.loads(CANDLES)
    error, _ = candles(json.dumps([{**good, **change}, good]).encode())
    assert isinstance(error, CodecError)
    assert next(iter(change)) in str(error)


def test_periods() -> None:
    assert list(PERIODS.values()) == ["1MIN", "5MIN", "15MIN", "30MIN", "1H", "4H", "6H", "12H", "1D"]
    for period, spelling in PERIODS.items():
        assert CandlePeriod.parse(spelling) is period
    (candle,) = candles(CANDLES.replace(b"1MIN", b"1W"))
    assert (candle.period, candle.period.value) == (CandlePeriod.UNKNOWN, "1W")
    with pytest.raises(TypeError):
        PERIODS[CandlePeriod.WEEK1] = "1W"  # type: ignore[index]


# -- instruments -----------------------------------------------------------------------------------------------------


def test_an_instrument() -> None:
    (found,) = instruments(INSTRUMENTS)
    assert found == Instrument(
        market="BTCUSD",
        mark_price=D("11255.51"),
        index_price=D("11255.51"),
        latest_price=D(11290),
        funding_rate=D(0),
        open_interest=D(3412),
        open_value=D("0.300825969916003"),
        volume_24h=D(4000),
        volume_24h_usd=D(4000),
        turnover_24h=D("0.354295837"),
        high_24h=D(11290),
        low_24h=D(11290),
        btc_price=D("11255.51"),
    )
    assert (found.connection, found.received_at) == (NAME, AT)


def test_what_the_example_of_an_instrument_lacks() -> None:
    (found,) = instruments(
        b'[{"symbol":"BTCUSD","nextFundingRate":0.0001,"nextFundingTime":1562284800000,"last24hPriceChange":-0.0041,'
        b'"ethPrice":1E+3,"usdtPrice":"1.0001","last24hMaxPrice":2,"last24hMinPrice":1}]'
    )
    assert found == Instrument(
        "BTCUSD",
        next_funding_rate=D("0.0001"),
        next_funding_time=utc(1562284800000),
        high_24h=D(2),
        low_24h=D(1),
        price_change_24h=D("-0.0041"),
        eth_price=D(1000),
        usdt_price=D("1.0001"),
    )


def test_rows_of_instruments_that_cannot_be_read() -> None:
    found = instruments(b'[{"symbol":"A"},{"markPrice":1},{"symbol":"B","markPrice":[]},5,null,"x",[],{"symbol":"C"}]')
    assert [row.market for row in found if isinstance(row, Instrument)] == ["A", "C"]
    assert [type(row) for row in found[1:-1]] == [CodecError] * 6


# -- the private stream ----------------------------------------------------------------------------------------------


def test_a_private_frame() -> None:
    frame = private(PRIVATE)
    assert isinstance(frame, PrivateFrame)
    assert frame.keys == {"cash", "positions", "orders", "trades"}
    ident, order_id = "5aed7b45-5d19-40f2-0005-ca49d01f33e3", "5aefeab9-6840-0000-0001-0000056fe3c8"
    zero = D(0)
    assert frame.cash == [
        Cash(
            id=ident,
            currency="USDT",
            balances=D("0.2"),
            available=D("0.2"),
            margin=zero,
            position_margin=zero,
            order_margin=zero,
            position_value=zero,
            unrealized_pnl=zero,
            margin_balances=D("0.2"),
            margin_rate=zero,
            leverage=zero,
        )
    ]
    assert frame.positions == [
        Position(
            id=ident,
            market="BTCUSD",
            currency="BTC",
            is_cross=True,
            size=D(100),
            notional=D("0.008857"),
            entry_price=D(11290),
            mark_price=D("11303.14"),
            liquidate_price=D("10000.5"),
            margin=D("0.01"),
            init_margin=D("0.00008857"),
            order_margin=zero,
            margin_rate=D("0.01"),
            fee_rate_taker=D("0.0007"),
            fee_rate_maker=D("0.0006"),
            realised_pnl=zero,
            total_pnl=zero,
            unrealized_pnl=zero,
            leverage=D(100),
            risk_limit=D(100),
            equity=D("0.1"),
            value=D("1.2"),
            risk=zero,
            rom=zero,
            buying_notional=zero,
            selling_notional=D("-0.116909"),
            buying_size=zero,
            selling_size=D(-1400),
            seq_no=0,
        )
    ]
    assert frame.orders == [
        ContractOrder(
            order_id,
            "BTCUSD",
            "USDT",
            OrderType.LIMIT,
            Side.BUY,
            OrderState.PARTIALLY_FILLED,
            price=D(49500),
            avg_price=D(49450),
            size=D(1),
            notional=D(49500),
            filled=D("0.5"),
            filled_notional=D(24725),
        )
    ]
    assert frame.fills == [
        Fill(
            id=order_id,
            order_id=order_id,
            market="BTCUSD",
            side=Side.BUY,
            price=D(49500),
            size=D("0.5"),
            notional=D(24750),
            fee=D("0.05"),
            fee_rate=D("0.002"),
            pnl=zero,
        )
    ]
    for event in (*frame.cash, *frame.positions, *frame.orders, *frame.fills):
        assert (event.connection, event.received_at) == (NAME, AT)
    assert str(frame.orders[0].price) == "49500.0"


def test_the_shape_with_integer_ids() -> None:
    frame = private(NUMERIC)
    assert frame.keys == {"orders", "trades"}
    assert (frame.cash, frame.positions) == ([], [])
    time = utc(1562288776609)
    assert frame.orders == [
        ContractOrder("888888", "BTCUSD", None, OrderType.POST_ONLY, Side.SELL, OrderState.CANCELLED, time=time)
    ]
    assert frame.orders[0].is_final
    assert frame.fills == [
        Fill(id="888888", order_id="888889", market="BTCUSD", side=Side("ADL_BUY"), role="MAKER", time=time)
    ]
    assert frame.fills[0].side.value == "ADL_BUY"


def test_what_looks_like_the_first_frame() -> None:
    frame = private(FIRST)
    assert frame.keys == {"cash", "positions", "orders", "trades"}
    assert frame.positions == [Position(market="BTCUSDT", currency="USDT", size=D(0))]
    assert (len(frame.cash), frame.orders, frame.fills) == (1, [], [])


def test_cash_may_be_null_or_several() -> None:
    assert private(b'{"cash":null}') == PrivateFrame(keys=frozenset(), cash=[], positions=[], orders=[], fills=[])
    assert [cash.currency for cash in private(b'{"cash":[{"currency":"BTC"},{"currency":"USDT"}]}').cash] == [
        "BTC",
        "USDT",
    ]
    assert private(b'{"userId":"x"}').keys == private(b"{}").keys == frozenset()


def test_cash_survives_what_else_cannot_be_read() -> None:
    frame = private(
        b'{"cash":{"currency":"BTC"},"orders":[{"id":null,"symbol":"A"},{"id":1},{"id":1,"symbol":"A","status":2},'
        b'{"id":2,"symbol":"A"}],"positions":[{"symbol":"A","isCross":"true"},{"symbol":"A","isCross":1},{}],'
        b'"trades":[{"id":1,"symbol":"A","role":5},7]}'
    )
    assert frame.cash == [Cash(currency="BTC")]
    assert [type(item) for item in frame.orders] == [CodecError] * 3 + [ContractOrder]
    assert [type(item) for item in frame.positions] == [CodecError] * 3
    assert [type(item) for item in frame.fills] == [CodecError] * 2
    unread = private(b'{"cash":{"balances":1},"positions":[{"symbol":"A","isCross":false,"seqNo":"12"}]}')
    assert "currency" in str(unread.cash[0])
    assert (unread.positions[0].is_cross, unread.positions[0].seq_no) == (False, 12)


@pytest.mark.parametrize("key", ["cash", "positions", "orders", "trades"])
@pytest.mark.parametrize("value", ["1", '"x"', "true"])
def test_what_is_no_list(key: str, value: str) -> None:
    with pytest.raises(CodecError, match=key):
        private(f'{{"{key}":{value}}}'.encode())


# -- pongs -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data", [b'{"pong":1}', b'{"pong":null}', b' {"pong": "x" } ', b'{"pong":{"a":[1]}}', b'\n{"pong":1790000000000}']
)
def test_a_pong_is_no_data_on_any_channel(data: bytes) -> None:
    assert pong_of(data)
    assert [decode(data) for decode in DECODERS] == [None] * len(DECODERS)


@pytest.mark.parametrize(
    "data",
    [
        *(
            b"",
            b"{}",
            b"[]",
            b'"pong"',
            b'["pong"]',
            b'{"ping":1}',
            b'{"pong":1',
            b'{"pong":1,"from":0,"to":1}',
            SNAPSHOT,
        ),
        *(b'[{"pong":1}]', b'{"symbol":"pong"}', b'{"pong":"' + b"x" * 2000 + b'"}', b'{"pong":\xff}'),
    ],
)
def test_what_is_no_pong(data: bytes) -> None:
    assert not pong_of(data)


# -- exactness -------------------------------------------------------------------------------------------------------

DIGITS = st.text("0123456789", min_size=1, max_size=40)


@st.composite
def number_texts(draw: st.DrawFn) -> str:
    """JSON numbers from 0, plain and with an exponent, of up to 80 digits."""
    whole = draw(DIGITS).lstrip("0") or "0"
    fraction = draw(st.one_of(st.just(""), DIGITS.map(lambda digits: f".{digits}")))
    exponent = draw(st.one_of(st.just(""), st.integers(-150, 150).map(lambda power: f"E{power:+d}")))
    return f"{whole}{fraction}{exponent}"


@given(number_texts(), st.booleans())
def test_every_number_survives_to_its_last_digit(text: str, quoted: bool) -> None:
    shown = f'"{text}"' if quoted else text
    (trade,) = trades(f'[{{"id":"1","symbol":"A","price":{shown},"size":-{text}}}]'.encode())
    (row,) = instruments(f'[{{"symbol":"A","fundingRate":{shown}}}]'.encode())
    for found in (trade.price, row.funding_rate):
        assert str(found) == str(D(text))
        assert found.as_tuple() == D(text).as_tuple()
    assert trade.amount == D(text).copy_negate()


@given(number_texts().filter(lambda text: float(text) > 0), number_texts(), st.booleans())
def test_every_level_survives_to_its_last_digit(price: str, size: str, quoted: bool) -> None:
    shown = f'"{size}"' if quoted else size
    assert raw_depth(f'"asks":{{"{price}":{shown}}}').asks == (LevelText(price, size, None),)


@pytest.mark.parametrize(
    "text", ["0.30820388075", "11192.5", "123456789012345678901234567890", "1E+6", "0.000000000000000000000000000001"]
)
def test_numbers_that_floats_would_bend(text: str) -> None:
    (candle,) = candles(f'[{{"symbol":"A","type":"1H","time":1,"open":{text},"turnover":"{text}"}}]'.encode())
    assert str(candle.open) == str(candle.turnover) == str(D(text))


@pytest.mark.parametrize("text", ["1e400", "-1e400", '"1e400"', "1e99999999999", '"Infinity"', '"-NaN"', "9" * 500])
def test_numbers_that_nothing_costs(text: str) -> None:
    found = trades(f'[{{"id":"1","symbol":"A","price":{text},"size":1}}]'.encode())
    assert [type(item) for item in found] == [CodecError]


# -- garbage ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("decode", DECODERS)
@pytest.mark.parametrize(
    "data",
    [
        *(b"", b" ", b"null", b"1", b'"x"', b"true", b"NaN", b"{", b"[", b"[1,", b'{"a"}', b"\xff", b"\xef\xbb\xbf[]"),
        *(b"[]]", b"{}x", b"[NaN]", b'{"from":NaN}', b"[" * 100_000, b'{"a":' * 100_000, b"[" * 5000 + b"]" * 5000),
        *(b'{"\xff":1}', b'{"bids":{"\xff":1},"from":0,"to":0', b"\x00"),
    ],
    ids=lambda data: repr(data[:12]) if isinstance(data, bytes) else None,
)
def test_what_is_no_frame(decode: Callable[[bytes], Any], data: bytes) -> None:
    try:
        found = decode(data)
    except CodecError:
        return
    assert all(isinstance(item, CodecError) for item in found)


@pytest.mark.parametrize("decode", ARRAYS)
def test_an_object_is_no_array(decode: Callable[[bytes], Any]) -> None:
    with pytest.raises(CodecError):
        decode(SNAPSHOT)


@pytest.mark.parametrize("decode", [decode_depth, private])
def test_an_array_is_no_object(decode: Callable[[bytes], Any]) -> None:
    with pytest.raises(CodecError):
        decode(TRADES)


@pytest.mark.parametrize(("decode", "data"), EXAMPLES)
def test_examples_cut_short_raise_codec_errors(decode: Callable[[bytes], Any], data: bytes) -> None:
    for length in range(len(data)):
        with pytest.raises(CodecError):
            decode(data[:length])


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["NaN", "Infinity", "1e400", "-1", "BUY", "BTCUSD", 10**50, 0, -0.0, "9" * 600, 2**64]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)),
    max_leaves=6,
)


def decoded_or_refused(decode: Callable[[bytes], Any], data: bytes) -> None:
    try:
        found = decode(data)
    except CodecError:
        return
    repr(found)


@given(st.sampled_from(EXAMPLES), st.data())
def test_changed_examples_raise_nothing_but_codec_errors(
    example: tuple[Callable[[bytes], Any], bytes], data: st.DataObject
) -> None:
    decode, frame = example
    value = json.loads(frame)
    place = value
    while True:
        keys: list[Any] = list(range(len(place))) if isinstance(place, list) else list(place)
        if not keys:
            break
        key = data.draw(st.sampled_from(keys))
        if isinstance(place[key], (dict, list)) and place[key] and data.draw(st.booleans()):
            place = place[key]
            continue
        place[key] = data.draw(VALUES)
        break
    decoded_or_refused(decode, json.dumps(value).encode("utf-8", "surrogatepass"))


@given(
    st.sampled_from(EXAMPLES), st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), min_size=1, max_size=4)
)
def test_flipped_bytes_raise_nothing_but_codec_errors(
    example: tuple[Callable[[bytes], Any], bytes], flips: list[tuple[int, int]]
) -> None:
    decode, frame = example
    changed = bytearray(frame)
    for place, byte in flips:
        changed[place % len(changed)] = byte
    decoded_or_refused(decode, bytes(changed))


@given(
    st.sampled_from(DECODERS), st.one_of(st.binary(max_size=64), VALUES.map(lambda value: json.dumps(value).encode()))
)
def test_anything_raises_nothing_but_codec_errors(decode: Callable[[bytes], Any], data: bytes) -> None:
    decoded_or_refused(decode, data)


def test_symbols_of_the_examples_pass_the_check_of_arguments() -> None:
    assert [check_symbol(row.market) for row in instruments(INSTRUMENTS)] == ["BTCUSD"]
