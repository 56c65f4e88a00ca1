"""The public channels of the contract half, field by field, its refusals and its answers to pings."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from contract_peer import PERIODS, SYMBOLS, ContractPeer, refusal, until

from bigone_sync.testing.exchange import LocalExchange

MS = 1_000_000
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
INSTRUMENT = {
    "turnover24h",
    "openInterest",
    "volume24hInUsd",
    "fundingRate",
    "nextFundingRate",
    "nextFundingTime",
    "volume24h",
    "last24hMaxPrice",
    "btcPrice",
    "ethPrice",
    "usdtPrice",
    "latestPrice",
    "symbol",
    "openValue",
    "last24hMinPrice",
    "last24hPriceChange",
    "openTime",
    "markPrice",
    "indexPrice",
}


@pytest.fixture
def exchange() -> Iterator[LocalExchange]:
    with LocalExchange(rate=0) as exchange:
        yield exchange


def is_number(value: Any) -> bool:
    return isinstance(value, (int, Decimal)) and not isinstance(value, bool)


def test_depth_begins_with_the_whole_book(exchange: LocalExchange) -> None:
    with ContractPeer(exchange, "depth@BTCUSD") as peer:
        snapshot = peer.receive()
        assert peer.everything() == []
    assert list(snapshot) == ["to", "bestPrices", "lastPrice", "bids", "asks", "from"]
    assert snapshot["from"] == 0
    view = exchange.contract_book("BTCUSD")
    assert snapshot["to"] == view.change_id
    assert {Decimal(price): size for price, size in snapshot["bids"].items()} == view.bids
    assert {Decimal(price): size for price, size in snapshot["asks"].items()} == view.asks
    assert snapshot["bestPrices"] == {"ask": next(iter(view.asks)), "bid": next(iter(view.bids))}
    assert snapshot["lastPrice"] == exchange.contract_trades("BTCUSD")[-1].price
    for side in (snapshot["bids"], snapshot["asks"]):
        assert 5 <= len(side) <= 60
        assert all(is_number(size) and size > 0 for size in side.values())
        assert all("e" not in price.lower() and Decimal(price) % Decimal("0.5") == 0 for price in side)


def test_levels_come_in_no_order(exchange: LocalExchange) -> None:
    orders = set()
    for _ in range(3):
        with ContractPeer(exchange, "depth@BTCUSDT") as peer:
            orders.add(tuple(peer.receive()["bids"]))
    assert len(orders) > 1
    assert all(list(order) != sorted(order, key=Decimal, reverse=True) for order in orders)


def test_a_depth_delta_names_its_symbol_and_continues(exchange: LocalExchange) -> None:
    with ContractPeer(exchange, "depth@ETHUSDT") as peer:
        snapshot = peer.receive()
        exchange.step(1, market="ETHUSDT")
        (delta,) = peer.everything()
    assert set(delta) == {"symbol", "bids", "asks", "bestPrices", "lastPrice", "from", "to"}
    assert delta["symbol"] == "ETHUSDT"
    assert delta["from"] == snapshot["to"]
    assert delta["to"] == exchange.contract_book("ETHUSDT").change_id > delta["from"]
    assert delta["bids"] or delta["asks"]


def test_sizes_are_whole_and_sometimes_broken_numbers_without_zeros_at_their_end(exchange: LocalExchange) -> None:
    with ContractPeer(exchange, "depth@BTCUSDT") as peer:
        exchange.step(300, market="BTCUSDT")
        frames = peer.everything()
    sizes = [size for frame in frames for name in ("bids", "asks") for size in frame[name].values()]
    assert {type(size) for size in sizes} == {int, Decimal}
    assert all(str(size).endswith(".5") for size in sizes if isinstance(size, Decimal))


def test_trades_begin_with_recent_ones_oldest_first(exchange: LocalExchange) -> None:
    with ContractPeer(exchange, "trades@BTCUSD") as peer:
        snapshot = peer.receive()
        exchange.step(300, market="BTCUSD")
        updates = peer.everything()
    known = exchange.contract_trades("BTCUSD")
    rows = [row for update in updates for row in update]
    assert len(snapshot) == 20
    assert all(update for update in updates)
    first = next(index for index, trade in enumerate(known) if trade.id == snapshot[0]["id"])
    assert len(rows) > 10
    for row, trade in zip([*snapshot, *rows], known[first:], strict=True):
        assert row == {
            "id": trade.id,
            "symbol": "BTCUSD",
            "price": trade.price,
            "size": trade.amount,
            "matchedAt": trade.time_ns // MS,
            "side": trade.taker_side,
        }
        assert UUID.fullmatch(row["id"])
        assert is_number(row["price"])
        assert is_number(row["size"])
        assert isinstance(row["matchedAt"], int)
    assert {row["side"] for row in rows} == {"BUY", "SELL"}
    assert [row["matchedAt"] for row in snapshot] == sorted(row["matchedAt"] for row in snapshot)
    assert len({trade.id for trade in known}) == len(known)


@pytest.mark.parametrize("period", PERIODS)
def test_candles_begin_with_a_few_and_go_on_one_by_one(exchange: LocalExchange, period: str) -> None:
    with ContractPeer(exchange, f"candlesticks/{period}@BTCUSD") as peer:
        snapshot = peer.receive()
        exchange.step(60, market="BTCUSD")
        updates = peer.everything()
    known = exchange.contract_candles("BTCUSD", period)
    assert 1 <= len(snapshot) <= 5
    assert [row["time"] for row in snapshot] == sorted({row["time"] for row in snapshot})
    assert updates
    assert all(len(update) == 1 for update in updates)
    candle, row = known[-1], updates[-1][0]
    assert row == {
        "symbol": "BTCUSD",
        "type": period,
        "time": candle.time_ns // MS,
        "open": candle.open,
        "close": candle.close,
        "high": candle.high,
        "low": candle.low,
        "nTrades": candle.trade_count,
        "volume": candle.volume,
        "turnover": candle.turnover,
        "version": candle.version,
        "nextTs": candle.close_time_ns // MS,
    }
    for row in [*snapshot, *(update[0] for update in updates)]:
        assert row["low"] <= min(row["open"], row["close"]) <= max(row["open"], row["close"]) <= row["high"]
        assert row["nextTs"] > row["time"]
        assert row["time"] % (row["nextTs"] - row["time"]) == 0
    versions = [update[0]["version"] for update in updates]
    assert versions == sorted(versions)
    assert updates[-1][0]["version"] <= exchange.contract_book("BTCUSD").change_id


def test_candles_agree_with_the_trades(exchange: LocalExchange) -> None:
    exchange.step(500, market="BTCUSDT")
    trades = exchange.contract_trades("BTCUSDT")
    for period in PERIODS:
        candles = exchange.contract_candles("BTCUSDT", period)
        assert sum(candle.trade_count for candle in candles) == len(trades)
        assert sum(candle.volume for candle in candles) == sum(trade.amount for trade in trades)
        assert sum(candle.turnover for candle in candles) == sum(trade.turnover for trade in trades)
        assert max(candle.high for candle in candles) == max(trade.price for trade in trades)


def row_of(exchange: LocalExchange, symbol: str) -> dict[str, Any]:
    view = exchange.instruments()[symbol]
    return {
        "turnover24h": view.turnover_24h,
        "openInterest": view.open_interest,
        "volume24hInUsd": view.volume_24h_usd,
        "fundingRate": view.funding_rate,
        "nextFundingRate": view.next_funding_rate,
        "nextFundingTime": view.next_funding_ns // MS,
        "volume24h": view.volume_24h,
        "last24hMaxPrice": view.high_24h,
        "btcPrice": view.btc_price,
        "ethPrice": view.eth_price,
        "usdtPrice": view.usdt_price,
        "latestPrice": view.latest_price,
        "symbol": symbol,
        "openValue": view.open_value,
        "last24hMinPrice": view.low_24h,
        "last24hPriceChange": view.price_change_24h,
        "openTime": 0,
        "markPrice": view.mark_price,
        "indexPrice": view.index_price,
    }


def test_all_instruments_begin_with_every_row_and_go_on_one_by_one(exchange: LocalExchange) -> None:
    with ContractPeer(exchange, "instruments") as peer:
        snapshot = peer.receive()
        assert [row["symbol"] for row in snapshot] == list(SYMBOLS)
        assert snapshot == [row_of(exchange, symbol) for symbol in SYMBOLS]
        exchange.step(30)
        updates = peer.everything()
    assert len(updates) == 90
    assert all(len(update) == 1 and set(update[0]) == INSTRUMENT for update in updates)
    assert {update[0]["symbol"] for update in updates} == set(SYMBOLS)
    assert [update[0] for update in updates[-3:]] == [row_of(exchange, symbol) for symbol in SYMBOLS]
    assert all(is_number(value) for update in updates for name, value in update[0].items() if name != "symbol")
    # The index moves only now and then: rows repeat it.
    assert len({update[0]["indexPrice"] for update in updates if update[0]["symbol"] == "BTCUSD"}) < 5


def test_one_instrument(exchange: LocalExchange) -> None:
    with ContractPeer(exchange, "instruments@ETHUSDT") as peer:
        assert peer.receive() == [row_of(exchange, "ETHUSDT")]
        exchange.step(2)
        assert [[row["symbol"] for row in update] for update in peer.everything()] == [["ETHUSDT"], ["ETHUSDT"]]
    row = row_of(exchange, "ETHUSDT")
    assert row["nextFundingTime"] > time.time() * 1000
    assert abs(row["fundingRate"]) < Decimal("0.01")
    assert abs(row["last24hPriceChange"]) < 1


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("depth@NOSUCHUSD", 400),
        ("depth@btcusd", 400),
        ("depth@BTC-USDT", 400),
        ("depth@", 400),
        ("trades@btcusdt", 400),
        ("instruments@XUSD", 400),
        ("candlesticks/1MIN@XUSD", 400),
        ("candlesticks/3H@BTCUSD", 400),
        ("candlesticks/MIN1@BTCUSD", 400),
        ("candlesticks@BTCUSD", 400),
        ("depth", 204),
        ("trades", 204),
        ("candlesticks", 204),
        ("candlesticks/1MIN", 204),
        ("ticker@BTCUSD", 204),
        ("nothing", 204),
        ("stream@BTCUSD", 204),
        ("", 204),
    ],
)
def test_what_is_no_channel_is_refused_without_a_word(exchange: LocalExchange, path: str, status: int) -> None:
    assert refusal(exchange, path) == (status, b"")
    assert exchange.handshakes == 1
    assert exchange.contract_connections() == []


def test_no_extension_is_offered_and_frames_are_text(exchange: LocalExchange) -> None:
    offer = ["Sec-WebSocket-Extensions: permessage-deflate"]
    with ContractPeer(exchange, "depth@BTCUSD", header=offer) as peer:
        assert "sec-websocket-extensions" not in (peer.ws.headers or {})
        opcode, data = peer.control()
        assert opcode == 1
        assert data.startswith(b'{"to":')


@pytest.mark.parametrize("path", ["depth@BTCUSD", "trades@BTCUSD", "instruments", "candlesticks/1H@BTCUSDT"])
def test_pings_are_answered_on_every_channel(exchange: LocalExchange, path: str) -> None:
    with ContractPeer(exchange, path) as peer:
        peer.receive()
        for sent, answer in (
            ('{"ping":1}', {"pong": 1}),
            ('{"ping":"x"}', {"pong": "x"}),
            ('{"ping":{"a":[1,null]}}', {"pong": {"a": [1, None]}}),
            ('{"ping":"\\ud800"}', {"pong": "\ud800"}),
            ("{}", {"pong": None}),
            ('{"subscribe":"depth"}', {"pong": None}),
        ):
            peer.ws.send(sent)
            assert peer.receive() == answer
        for ignored in ("hello", "[1]", '"ping"', "{", "[" * 100_000, '{"ping":NaN}'):
            peer.ws.send(ignored)
        peer.ws.send_binary(b'{"ping":5}')
        assert peer.everything() == []
        peer.ws.ping(b"abc")
        assert peer.control() == (10, b"abc")


def test_pongs_can_be_stopped(exchange: LocalExchange) -> None:
    with ContractPeer(exchange, "trades@BTCUSD") as peer:
        peer.receive()
        exchange.stop_pongs()
        peer.ws.send('{"ping":1}')
        peer.ws.ping(b"abc")
        exchange.send_contract_raw("marker", "trades@BTCUSD")
        assert peer.control() == (1, b"marker")
        exchange.resume_pongs()
        assert peer.everything() == []


def test_an_escaped_path_and_a_query_are_understood(exchange: LocalExchange) -> None:
    for path in ("depth%40BTCUSD", "depth@BTCUSD?x=1"):
        with ContractPeer(exchange, path) as peer:
            assert peer.receive()["from"] == 0


def test_sockets_of_one_channel_get_the_same(exchange: LocalExchange) -> None:
    with ContractPeer(exchange, "depth@BTCUSD") as one, ContractPeer(exchange, "depth@BTCUSD") as two:
        first = one.receive()
        second = two.receive()
        assert first["to"] == second["to"]
        assert first["bids"] == second["bids"]
        exchange.step(20, market="BTCUSD")
        assert one.everything() == two.everything()
        assert exchange.contract_connections() == ["depth@BTCUSD", "depth@BTCUSD"]


def test_plain_http_is_no_way_in(exchange: LocalExchange) -> None:
    with socket.create_connection(("127.0.0.1", exchange.port), timeout=10) as plain:
        plain.sendall(b"GET /ws/contract/v2/depth@BTCUSD HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert plain.recv(1000).startswith(b"HTTP/1.1 400")


def test_a_trade_shows_on_every_channel_that_tells_of_it(exchange: LocalExchange) -> None:
    with (
        ContractPeer(exchange, "depth@BTCUSDT") as depth,
        ContractPeer(exchange, "trades@BTCUSDT") as trades,
        ContractPeer(exchange, "candlesticks/1MIN@BTCUSDT") as candles,
    ):
        for peer in (depth, trades, candles):
            peer.receive()
        best = next(iter(exchange.contract_book("BTCUSDT").asks))
        exchange.place_contract_order("BTCUSDT", "BUY", 1, type="MARKET")
        delta = until(depth, lambda frame: "symbol" in frame)
        assert delta["lastPrice"] == best
        assert set(delta["asks"]) == {format(best.normalize(), "f")}
        assert delta["bids"] == {}
        ((trade,),) = trades.everything()
        assert (trade["price"], trade["size"], trade["side"]) == (best, 1, "BUY")
        ((candle,),) = candles.everything()
        assert (candle["close"], candle["version"]) == (best, delta["to"])
