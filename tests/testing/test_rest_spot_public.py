"""Public spot calls of the REST side, against the engine and the socket."""

from __future__ import annotations

import time
from collections.abc import Iterator
from decimal import Decimal as D

import pytest
from rest_peer import Rest
from spot_peer import Peer

from bigone_sync.testing.exchange import LocalExchange

BTC = "/asset_pairs/BTC-USDT"


@pytest.fixture
def rest(still: LocalExchange) -> Iterator[Rest]:
    with Rest(still) as rest:
        yield rest


def test_ping_tells_the_servers_clock_in_nanoseconds(still: LocalExchange, rest: Rest) -> None:
    before = time.time_ns()
    first = rest.get("/ping")
    assert set(first) == {"Timestamp"}
    assert before <= first["Timestamp"] <= time.time_ns()
    still.clock_offset = -3_600
    assert rest.get("/ping")["Timestamp"] < before


def test_public_calls_need_no_login(rest: Rest) -> None:
    assert rest.call("GET", "/ping", auth="").status_code == 200
    assert rest.call("GET", "/ping", auth="Bearer nonsense").status_code == 200


def test_asset_pairs(still: LocalExchange, rest: Rest) -> None:
    rows = rest.get("/asset_pairs")
    assert [row["name"] for row in rows] == ["BTC-USDT", "ETH-USDT"]
    row = rows[0]
    assert (row["base_scale"], row["quote_scale"]) == (8, 2)
    assert row["base_asset"] == {"id": still.asset_uuid("BTC"), "symbol": "BTC", "name": "Bitcoin"}
    assert row["quote_asset"]["symbol"] == "USDT"
    assert D(row["min_quote_value"]) == D("0.01")
    assert D(row["max_quote_value"]) > D(row["min_quote_value"])
    assert len({row["id"] for row in rows}) == 2


def test_depth_is_the_engines_book_best_first(still: LocalExchange, rest: Rest) -> None:
    depth = rest.get(f"{BTC}/depth", limit=200)
    book = still.book("BTC-USDT")
    assert depth["asset_pair_name"] == "BTC-USDT"
    for name, side in (("bids", book.bids), ("asks", book.asks)):
        assert [(D(level["price"]), D(level["quantity"])) for level in depth[name]] == list(side.items())
        assert all(set(level) == {"price", "quantity", "order_count"} for level in depth[name])
        assert all(isinstance(level["order_count"], int) for level in depth[name])


@pytest.mark.parametrize(("limit", "count"), [(None, 50), (1, 1), (7, 7)])
def test_depth_has_so_many_levels(rest: Rest, limit: int | None, count: int) -> None:
    depth = rest.get(f"{BTC}/depth", **({} if limit is None else {"limit": limit}))
    assert len(depth["bids"]) == len(depth["asks"]) == count


def test_the_ticker_is_that_of_the_socket(still: LocalExchange, rest: Rest) -> None:
    with Peer(still) as peer:
        _, body = peer.ask("subscribeMarketsTickerRequest", {"markets": ["BTC-USDT"]})
    streamed, ticker = body["tickers"][0], rest.get(f"{BTC}/ticker")
    assert ticker["asset_pair_name"] == streamed["market"]
    assert ticker["daily_change"] == streamed["dailyChange"]
    for name in ("open", "high", "low", "close", "volume"):
        assert ticker[name] == streamed[name]
    for side in ("bid", "ask"):
        level = ticker[side]
        assert (level["price"], level["quantity"]) == (streamed[side]["price"], streamed[side]["amount"])
        assert str(level["order_count"]) == streamed[side]["orderCount"]


def test_tickers_of_some_or_of_all(rest: Rest) -> None:
    names = [row["asset_pair_name"] for row in rest.get("/asset_pairs/tickers")]
    assert names == ["BTC-USDT", "ETH-USDT"]
    assert rest.get("/asset_pairs/tickers", pair_names="ETH-USDT") == [rest.get("/asset_pairs/ETH-USDT/ticker")]
    assert rest.refusal("GET", "/asset_pairs/tickers", {"pair_names": "ETH-USDT,NO-SUCH"}) == (404, 10013)


def test_trades_are_the_engines_newest_first(still: LocalExchange, rest: Rest) -> None:
    rows = rest.get(f"{BTC}/trades")
    trades = still.trades("BTC-USDT")[::-1]
    assert [row["id"] for row in rows] == [trade.id for trade in trades[:50]]
    assert len(rows) == 30
    first = rows[0]
    assert set(first) == {"id", "price", "amount", "taker_side", "inserted_at", "created_at"}
    assert (D(first["price"]), D(first["amount"])) == (trades[0].price, trades[0].amount)
    assert first["taker_side"] == trades[0].taker_side
    assert first["inserted_at"] == first["created_at"]
    assert first["created_at"].endswith("Z")
    assert len(rest.get(f"{BTC}/trades", limit=3)) == 3


def test_more_than_150_trades_are_not_given(still: LocalExchange, rest: Rest) -> None:
    for _ in range(170):
        still.place_order("BTC-USDT", "BID", None, "0.00001", type="MARKET")
    assert len(rest.get(f"{BTC}/trades")) == 50
    assert len(rest.get(f"{BTC}/trades", limit=500)) == 150


def test_candles_are_those_of_the_socket(still: LocalExchange, rest: Rest) -> None:
    with Peer(still) as peer:
        _, body = peer.ask("subscribeMarketCandlesRequest", {"market": "BTC-USDT", "period": "MIN1", "limit": 100})
    rows = rest.get(f"{BTC}/candles", period="min1")
    names = ("time", "open", "high", "low", "close", "volume")
    assert rows == [{name: candle[name] for name in names} for candle in body["candles"]]
    assert len(rows) > 3
    assert rest.get(f"{BTC}/candles", period="min1", direction="ASC") == rows[::-1]
    assert rest.get(f"{BTC}/candles", period="min1", limit=2) == rows[:2]
    assert rest.get(f"{BTC}/candles", period="min1", limit=2, direction="ASC") == rows[1::-1]
    assert rest.get(f"{BTC}/candles", period="min1", time=rows[2]["time"], limit=1) == [rows[2]]
    assert rest.get(f"{BTC}/candles", period="min1", time="2001-01-01T00:00:00.5+01:00") == []


@pytest.mark.parametrize(
    "period",
    ["min1", "min5", "min15", "min30", "hour1", "hour3", "hour4", "hour6", "hour12", "day1", "week1", "month1"],
)
def test_every_period_has_candles(rest: Rest, period: str) -> None:
    assert rest.get(f"{BTC}/candles", period=period)


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("candles", {}),
        ("candles", {"period": "MIN1"}),
        ("candles", {"period": "min2"}),
        ("candles", {"period": "min1", "limit": 501}),
        ("candles", {"period": "min1", "limit": 0}),
        ("candles", {"period": "min1", "direction": "UP"}),
        ("candles", {"period": "min1", "time": "yesterday"}),
        ("candles", {"period": "min1", "time": "2025-13-01T00:00:00Z"}),
        ("depth", {"limit": 201}),
        ("depth", {"limit": "many"}),
        ("depth", {"limit": "9" * 5_000}),
        ("trades", {"limit": -1}),
    ],
)
def test_wrong_parameters(rest: Rest, path: str, query: dict[str, object]) -> None:
    assert rest.refusal("GET", f"{BTC}/{path}", query) == (400, 10007)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/asset_pairs/NO-SUCH/ticker"),
        ("GET", "/asset_pairs/btc-usdt/depth"),
        ("GET", "/asset_pairs/NO-SUCH/trades"),
        ("GET", "/asset_pairs/NO-SUCH/candles"),
        ("GET", "/nothing"),
        ("GET", "/"),
        ("POST", "/ping"),
        ("DELETE", "/asset_pairs"),
    ],
)
def test_what_is_not_there(rest: Rest, method: str, path: str) -> None:
    assert rest.refusal(method, path) == (404, 10013)


def test_a_side_without_orders_is_null() -> None:
    with LocalExchange(rate=0, markets=["A-B"]) as exchange, Rest(exchange) as rest:
        everything = sum(exchange.book("A-B").asks.values())
        exchange.place_order("A-B", "BID", None, everything, type="MARKET")
        ticker = rest.get("/asset_pairs/A-B/ticker")
        assert ticker["ask"] is None
        assert ticker["bid"] is not None
        assert rest.get("/asset_pairs/A-B/depth")["asks"] == []
