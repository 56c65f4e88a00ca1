"""Spot market data by REST: what is asked, and what comes of the documented answers (REST protocol, section 2)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from decimal import Decimal as D
from typing import Any

import pytest
from scripted_http import SPOT, ScriptedServer, wrapped

from bigone_sync import (
    Candle,
    CandlePeriod,
    ClockOffset,
    ConfigurationError,
    DecodeError,
    DepthSnapshot,
    Market,
    PriceLevel,
    ServerClock,
    Side,
    SpotRest,
    Ticker,
    Trade,
)
from bigone_sync.testing.leaks import leak_check
from bigone_sync.times import NanoDatetime

UTC = timezone.utc
TICKER = (
    '{"asset_pair_name":"BTC-USDT","bid":{"price":"67801.27","order_count":1,"quantity":"0.001429"},'
    '"ask":{"price":"67808.06","order_count":1,"quantity":"0.001844"},"open":"68621.75","high":"70097.88",'
    '"low":"67298.01","close":"67804.67","volume":"1855.733078","daily_change":"-817.08"}'
)
TICKER_EVENT = Ticker(
    "BTC-USDT",
    open=D("68621.75"),
    high=D("70097.88"),
    low=D("67298.01"),
    close=D("67804.67"),
    volume=D("1855.733078"),
    bid=PriceLevel(D("67801.27"), D("0.001429"), 1),
    ask=PriceLevel(D("67808.06"), D("0.001844"), 1),
    daily_change=D("-817.08"),
    is_snapshot=True,
)
ASSET = {"id": "0df9c3c3-255a-46d7-ab82-dedae169fba9", "symbol": "BTC", "name": "Bitcoin"}
PAIR: dict[str, Any] = {
    "id": "d2185614-50c3-4588-b146-b8afe7534da6",
    "name": "BTC-USDT",
    "base_scale": 6,
    "quote_scale": 2,
    "base_asset": ASSET,
    "quote_asset": {"id": "17082d1c-0195-4fb6-8779-2cdbcb9eeb3c", "symbol": "USDT", "name": "TetherUS"},
    "min_quote_value": "5",
    "max_quote_value": "1E+6",
}
MARKET = Market("BTC-USDT", "BTC", "USDT", 6, 2, D(5), D(1000000), "d2185614-50c3-4588-b146-b8afe7534da6")


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with leak_check(), ScriptedServer(SPOT) as server:
        yield server


@pytest.fixture
def rest(server: ScriptedServer) -> Iterator[SpotRest]:
    with SpotRest(url=server.url) as rest:
        yield rest


def asked(server: ScriptedServer, path: str, *query: tuple[str, str]) -> None:
    """The one request was a public one, for this."""
    seen = server.only
    assert (seen.method, seen.path, seen.query, seen.body) == ("GET", path, list(query), b"")
    assert "authorization" not in seen.headers
    assert "content-type" not in seen.headers


# -- time ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body", ['{"Timestamp": 1528102434742412001}', '{"code":0,"data":{"timestamp":"1528102434742412001"}}']
)
def test_server_time_keeps_its_nanoseconds(server: ScriptedServer, rest: SpotRest, body: str) -> None:
    server.on("/ping", body)
    time = rest.server_time()
    assert time == NanoDatetime.build(datetime(2018, 6, 4, 8, 53, 54, 742412, tzinfo=UTC), 1)
    assert time.utcoffset() == timedelta(0)
    asked(server, "/ping")


@pytest.mark.parametrize("body", ["{}", '{"Timestamp":0}', '{"Timestamp":"now"}', "[]", "1", '{"Timestamp":1e99}'])
def test_a_time_that_is_none(server: ScriptedServer, rest: SpotRest, body: str) -> None:
    server.on("/ping", body)
    with pytest.raises(DecodeError, match="/ping"):
        rest.server_time()


def test_clock_offset_measures_the_clock(rest: SpotRest, monkeypatch: pytest.MonkeyPatch) -> None:
    offset = ClockOffset(0.25, round_trip=0.01)
    asked_for: list[int] = []
    monkeypatch.setattr(rest, "measure_clock", lambda samples: asked_for.append(samples) or offset)
    assert rest.clock_offset() is offset
    assert rest.clock_offset(samples=2) is offset
    assert asked_for == [5, 2]


def test_a_clock_can_be_shared() -> None:
    clock = ServerClock()
    with SpotRest(clock=clock) as rest:
        assert rest.clock is clock


# -- markets -------------------------------------------------------------------------------------------------------


def test_asset_pairs(server: ScriptedServer, rest: SpotRest) -> None:
    plain = {
        "name": "ETH-BTC",
        "base_scale": "3",
        "quote_scale": 0,
        "base_asset": "ETH",
        "quote_asset": {"symbol": "BTC"},
    }
    server.on("/asset_pairs", wrapped([PAIR, plain]))
    assert rest.asset_pairs() == (MARKET, Market("ETH-BTC", "ETH", "BTC", 3, 0))
    asked(server, "/asset_pairs")


@pytest.mark.parametrize(
    "change",
    [
        {"name": None},
        {"base_scale": None},
        {"base_scale": -1},
        {"base_scale": 101},
        {"quote_scale": "two"},
        {"base_asset": None},
        {"base_asset": {"id": "x"}},
        {"quote_asset": 5},
        {"min_quote_value": "NaN"},
        {"max_quote_value": "lots"},
    ],
)
def test_a_market_that_cannot_be_read_hides_none_of_the_others(
    server: ScriptedServer, rest: SpotRest, change: dict[str, Any]
) -> None:
    server.on("/asset_pairs", wrapped([PAIR, {**PAIR, **change}]))
    with pytest.raises(DecodeError, match="row 1: "):
        rest.asset_pairs()


# -- tickers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body", [f'{{"code":0,"data":{TICKER}}}', TICKER, f'{{"code":"0","message":"","data":{TICKER}}}']
)
def test_ticker(server: ScriptedServer, rest: SpotRest, body: str) -> None:
    server.on("/asset_pairs/BTC-USDT/ticker", body)
    ticker = rest.ticker("BTC-USDT")
    assert ticker == TICKER_EVENT
    assert ticker.connection == "spot/rest"
    assert ticker.received_at > 1.5e9
    asked(server, "/asset_pairs/BTC-USDT/ticker")


def test_ticker_of_another_market_is_none(server: ScriptedServer, rest: SpotRest) -> None:
    server.on("/asset_pairs/ETH-USDT/ticker", f'{{"code":0,"data":{TICKER}}}')
    with pytest.raises(DecodeError, match="'BTC-USDT', not of 'ETH-USDT'"):
        rest.ticker("ETH-USDT")


def test_tickers(server: ScriptedServer, rest: SpotRest) -> None:
    server.on("/asset_pairs/tickers", f'{{"code":0,"data":[{TICKER},{{"asset_pair_name":"ETH-BTC","bid":null}}]}}')
    assert rest.tickers() == (TICKER_EVENT, Ticker("ETH-BTC", is_snapshot=True))
    asked(server, "/asset_pairs/tickers")


@pytest.mark.parametrize(
    ("markets", "names"), [("BTC-USDT", "BTC-USDT"), (["BTC-USDT", "ETH-BTC", "BTC-USDT"], "BTC-USDT,ETH-BTC")]
)
def test_tickers_of_some(server: ScriptedServer, rest: SpotRest, markets: Any, names: str) -> None:
    server.on("/asset_pairs/tickers", "[]")
    assert rest.tickers(markets) == ()
    asked(server, "/asset_pairs/tickers", ("pair_names", names))


# -- depth ---------------------------------------------------------------------------------------------------------


def test_depth(server: ScriptedServer, rest: SpotRest) -> None:
    book = {
        "asset_pair_name": "BTC-USDT",
        "bids": [
            {"price": "100.5", "quantity": "0.000000000000000001", "order_count": 2},
            {"price": "100", "quantity": "1E+6"},
        ],
        "asks": [{"price": "101", "quantity": "3", "order_count": "4"}],
    }
    server.on("/asset_pairs/BTC-USDT/depth", wrapped(book))
    depth = rest.depth("BTC-USDT")
    assert depth == DepthSnapshot(
        "BTC-USDT",
        (PriceLevel(D("100.5"), D("1E-18"), 2), PriceLevel(D(100), D(1000000), None)),
        (PriceLevel(D(101), D(3), 4),),
    )
    assert depth.change_id is None
    asked(server, "/asset_pairs/BTC-USDT/depth", ("limit", "50"))


@pytest.mark.parametrize("limit", [1, 200])
def test_depth_has_a_limit(server: ScriptedServer, rest: SpotRest, limit: int) -> None:
    server.on("/asset_pairs/BTC-USDT/depth", wrapped({"asset_pair_name": "BTC-USDT", "bids": [], "asks": None}))
    assert rest.depth("BTC-USDT", limit=limit) == DepthSnapshot("BTC-USDT")
    asked(server, "/asset_pairs/BTC-USDT/depth", ("limit", str(limit)))


@pytest.mark.parametrize(
    "book",
    [
        {"bids": [], "asks": []},
        {"asset_pair_name": "ETH-USDT", "bids": [], "asks": []},
        {"asset_pair_name": "BTC-USDT", "bids": []},
        {"asset_pair_name": "BTC-USDT", "bids": {}, "asks": []},
        {"asset_pair_name": "BTC-USDT", "bids": [{"price": "1"}], "asks": []},
        {"asset_pair_name": "BTC-USDT", "bids": [{"price": "1", "quantity": "-1"}], "asks": []},
        {"asset_pair_name": "BTC-USDT", "bids": [{"price": "1", "quantity": "1", "order_count": "x"}], "asks": []},
        {"asset_pair_name": "BTC-USDT", "bids": [], "asks": [["1", "1"]]},
    ],
)
def test_a_book_that_is_none(server: ScriptedServer, rest: SpotRest, book: dict[str, Any]) -> None:
    server.on("/asset_pairs/BTC-USDT/depth", wrapped(book))
    with pytest.raises(DecodeError, match="/asset_pairs/BTC-USDT/depth"):
        rest.depth("BTC-USDT")


# -- trades --------------------------------------------------------------------------------------------------------

TRADE = {
    "id": 38199941,
    "price": "3378.67",
    "amount": "0.019335",
    "taker_side": "ASK",
    "inserted_at": "2025-12-29T14:50:54.623Z",
    "created_at": "2025-12-29T14:50:54.623Z",
}


def test_trades_are_oldest_first(server: ScriptedServer, rest: SpotRest) -> None:
    older = {"id": "9", "price": 1.5, "amount": 2, "taker_side": "BID", "created_at": "2019-02-01T06:05:59Z"}
    server.on("/asset_pairs/ETH-USDT/trades", wrapped([TRADE, older]))
    assert rest.trades("ETH-USDT") == (
        Trade("9", "ETH-USDT", D("1.5"), D(2), Side.BUY, datetime(2019, 2, 1, 6, 5, 59, tzinfo=UTC), True),
        Trade(
            "38199941",
            "ETH-USDT",
            D("3378.67"),
            D("0.019335"),
            Side.SELL,
            datetime(2025, 12, 29, 14, 50, 54, 623000, tzinfo=UTC),
            True,
        ),
    )
    asked(server, "/asset_pairs/ETH-USDT/trades")


def test_trades_have_a_limit(server: ScriptedServer, rest: SpotRest) -> None:
    server.on("/asset_pairs/ETH-USDT/trades", wrapped([{**TRADE, "taker_side": None}]))
    (trade,) = rest.trades("ETH-USDT", limit=1)
    assert trade.taker_side == Side.UNKNOWN
    asked(server, "/asset_pairs/ETH-USDT/trades", ("limit", "1"))


@pytest.mark.parametrize(
    "change",
    [
        {"id": None},
        {"id": 0},
        {"price": None},
        {"price": "NaN"},
        {"amount": ""},
        {"taker_side": "0"},
        {"created_at": 5, "inserted_at": 5},
    ],
)
def test_a_trade_that_is_none(server: ScriptedServer, rest: SpotRest, change: dict[str, Any]) -> None:
    server.on("/asset_pairs/ETH-USDT/trades", wrapped([{**TRADE, **change}]))
    with pytest.raises(DecodeError, match="row 0: "):
        rest.trades("ETH-USDT")


# -- candles -------------------------------------------------------------------------------------------------------

CANDLE = {
    "time": "2025-12-29T13:00:00Z",
    "open": "3613.94",
    "high": "3615.53",
    "low": "3613.94",
    "close": "3614.18",
    "volume": "0.084582",
}


@pytest.mark.parametrize(
    ("period", "word"),
    [(period, period.name.lower()) for period in CandlePeriod if period.is_known]
    + [("HOUR1", "hour1"), ("day1", "day1")],
)
def test_candles(server: ScriptedServer, rest: SpotRest, period: Any, word: str) -> None:
    server.on("/asset_pairs/ETH-USDT/candles", wrapped([CANDLE, {"time": "2025-12-29T12:00:00Z"}]))
    length = CandlePeriod(word)
    assert rest.candles("ETH-USDT", period) == (
        Candle(
            "ETH-USDT",
            length,
            datetime(2025, 12, 29, 13, tzinfo=UTC),
            D("3613.94"),
            D("3615.53"),
            D("3613.94"),
            D("3614.18"),
            D("0.084582"),
            True,
        ),
        Candle("ETH-USDT", length, datetime(2025, 12, 29, 12, tzinfo=UTC), is_snapshot=True),
    )
    asked(server, "/asset_pairs/ETH-USDT/candles", ("period", word), ("limit", "100"))


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (datetime(2025, 12, 29, 13, tzinfo=UTC), "2025-12-29T13:00:00Z"),
        (datetime(2025, 12, 29, 13, 0, 0, 623000, tzinfo=timezone(timedelta(hours=8))), "2025-12-29T05:00:00.623Z"),
        ("2025-12-29T13:00:00Z", "2025-12-29T13:00:00Z"),
    ],
)
def test_candles_up_to_a_time(server: ScriptedServer, rest: SpotRest, time: Any, text: str) -> None:
    server.on("/asset_pairs/ETH-USDT/candles", wrapped([]))
    assert rest.candles("ETH-USDT", "MIN1", limit=500, time=time, direction="asc") == ()
    query = [("period", "min1"), ("limit", "500"), ("time", text), ("direction", "ASC")]
    asked(server, "/asset_pairs/ETH-USDT/candles", *query)


def test_a_candle_without_time_is_none(server: ScriptedServer, rest: SpotRest) -> None:
    server.on("/asset_pairs/ETH-USDT/candles", wrapped([{**CANDLE, "time": None}]))
    with pytest.raises(DecodeError, match="row 0: time is missing"):
        rest.candles("ETH-USDT", "MIN1")


# -- bad input -----------------------------------------------------------------------------------------------------

BAD: list[tuple[str, tuple[Any, ...], dict[str, Any], str]] = [
    ("ticker", ("btc-usdt",), {}, "market"),
    ("ticker", ("BTC-USDT/../x",), {}, "market"),
    ("ticker", (None,), {}, "market"),
    ("tickers", ([],), {}, "markets"),
    ("tickers", (5,), {}, "markets"),
    ("tickers", (["BTC-USDT", "x"],), {}, "markets"),
    ("depth", ("BTCUSDT",), {}, "market"),
    ("depth", ("BTC-USDT",), {"limit": 0}, "limit"),
    ("depth", ("BTC-USDT",), {"limit": 201}, "limit"),
    ("depth", ("BTC-USDT",), {"limit": True}, "limit"),
    ("depth", ("BTC-USDT",), {"limit": 5.0}, "limit"),
    ("trades", ("BTC_USDT",), {}, "market"),
    ("trades", ("BTC-USDT",), {"limit": 201}, "limit"),
    ("trades", ("BTC-USDT",), {"limit": 0}, "limit"),
    ("candles", ("x", "MIN1"), {}, "market"),
    ("candles", ("BTC-USDT", "MIN2"), {}, "period"),
    ("candles", ("BTC-USDT", None), {}, "period"),
    ("candles", ("BTC-USDT", CandlePeriod.UNKNOWN), {}, "period"),
    ("candles", ("BTC-USDT", "MIN1"), {"limit": 501}, "limit"),
    ("candles", ("BTC-USDT", "MIN1"), {"time": datetime(2025, 1, 1)}, "time"),
    ("candles", ("BTC-USDT", "MIN1"), {"time": 1735689600}, "time"),
    ("candles", ("BTC-USDT", "MIN1"), {"time": "yesterday"}, "time"),
    ("candles", ("BTC-USDT", "MIN1"), {"time": ""}, "time"),
    ("candles", ("BTC-USDT", "MIN1"), {"direction": "UP"}, "direction"),
    ("candles", ("BTC-USDT", "MIN1"), {"direction": 1}, "direction"),
]


@pytest.mark.parametrize(("method", "arguments", "options", "argument"), BAD)
def test_bad_input_is_refused_before_anything_is_sent(
    server: ScriptedServer, rest: SpotRest, method: str, arguments: Any, options: Any, argument: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        getattr(rest, method)(*arguments, **options)
    assert caught.value.argument == argument
    assert str(caught.value).startswith(argument)
    assert server.seen == []


@pytest.mark.parametrize(
    ("options", "argument"),
    [({"url": "ws://127.0.0.1/"}, "url"), ({"check_markets": 1}, "check_markets"), ({"url": None}, "url")],
)
def test_bad_constructions(options: Any, argument: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        SpotRest(**options)
    assert caught.value.argument == argument
