"""Recorded frames played to clients."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from spot_peer import Peer, Replica, in_schema, payload

from bigone_sync.testing._spot_replay import RecordedBook
from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import wait_until

DEPTH = "subscribeMarketDepthRequest"
TRADES = "subscribeMarketTradesRequest"
MARKETS = ("AAA-USD", "BBB-USD")
Line = dict[str, Any]


def level(price: str, amount: str) -> dict[str, Any]:
    return {"price": price, "amount": amount, "orderCount": 1}


def depth(market: str, bids: list[Any], asks: list[Any], change_id: int, prev_id: int | None = None) -> dict[str, Any]:
    body: dict[str, Any] = {"depth": {"market": market, "asks": asks, "bids": bids}, "changeId": str(change_id)}
    if prev_id is None:
        return {"requestId": "old", "depthSnapshot": body}
    return {"requestId": "old", "depthUpdate": {**body, "prevId": str(prev_id)}}


def recording(updates: int, *, gap: float = 0.0, trade_every: int = 5) -> list[Line]:
    """Two markets with snapshot, chained updates and trades; numbers and strings as a recording has them."""
    lines = [
        {"t": 100.0, "frame": depth(m, [level("9.50", "1"), level("9.0", "2")], [level("10.5", "1")], 10)}
        for m in MARKETS
    ]
    for i in range(updates):
        market, n = MARKETS[i % 2], i // 2
        amount = "0" if n % 3 == 2 else f"{n + 1}.0"
        t = 100.0 + gap * i
        lines.append({"t": t, "frame": depth(market, [level(f"8.{n % 7}0", amount)], [], 11 + n, 10 + n)})
        if i % trade_every == 0:
            trade = {"id": str(i + 1), "market": market, "price": "9.50", "amount": "1", "takerSide": "ASK"}
            lines.append({"t": t, "frame": {"requestId": "old", "tradeUpdate": {"trade": trade}}})
    return lines


def expected(lines: list[Line], market: str) -> RecordedBook:
    book = RecordedBook(market)
    for line in lines:
        member, body = payload(line["frame"])
        if member.startswith("depth") and body["depth"]["market"] == market:
            book.apply(member, body)
    return book


@pytest.fixture
def exchange() -> Iterator[LocalExchange]:
    with LocalExchange(rate=0, ids="number", defaults="omit") as exchange:
        yield exchange


def sent(encoding: str, frame: dict[str, Any]) -> Any:
    """The body of a recorded frame as it must arrive: exactly as recorded, or what the schema knows of it."""
    return payload(frame if encoding == "json" else in_schema(frame))[1]


def collect(peer: Peer, replicas: dict[str, Replica], frames: list[Any]) -> None:
    for frame in frames:
        member, body = payload(frame)
        if member.startswith("depth"):
            replicas[body["depth"]["market"]].take(frame)


@pytest.mark.parametrize("speed", [None, float("inf"), 1.0, 50.0])
def test_frames_are_played_in_order_and_form_to_who_subscribed(
    exchange: LocalExchange, encoding: str, speed: float | None
) -> None:
    lines = recording(60, gap=0.002)
    exchange.replay(lines, speed=speed)
    with Peer(exchange, encoding) as peer:
        assert peer.ask(TRADES, {"market": "AAA-USD"}) == ("tradesSnapshot", {"trades": []})
        ids = {}
        for market in MARKETS:
            ids[market] = peer.send(DEPTH, {"market": market})
        assert exchange.wait_replay(10)
        frames = peer.everything()
        by_kind = {name: [f for f in frames if payload(f)[0] == name] for name in ("depthSnapshot", "depthUpdate")}
        assert [f["depthSnapshot"] for f in by_kind["depthSnapshot"]] == [
            sent(encoding, line["frame"]) for line in lines[:2]
        ]
        assert [f["depthUpdate"] for f in by_kind["depthUpdate"]] == [
            sent(encoding, line["frame"]) for line in lines if "depthUpdate" in line["frame"]
        ]
        for frame in by_kind["depthUpdate"]:
            assert frame["requestId"] == ids[frame["depthUpdate"]["depth"]["market"]]
        trades = [payload(f)[1] for f in frames if payload(f)[0] == "tradeUpdate"]
        assert trades == [
            sent(encoding, line["frame"])
            for line in lines
            if "tradeUpdate" in line["frame"] and payload(line["frame"])[1]["trade"]["market"] == "AAA-USD"
        ]
        replicas = {market: Replica() for market in MARKETS}
        collect(peer, replicas, frames)
        for market in MARKETS:
            replicas[market].assert_equals(exchange, market)
            assert exchange.book(market) == expected(lines, market).view()


def test_who_comes_late_or_again_gets_the_book_of_that_moment(exchange: LocalExchange, encoding: str) -> None:
    lines = recording(400, gap=0.002)
    exchange.replay(lines)
    replicas = {market: Replica() for market in MARKETS}
    with Peer(exchange, encoding) as peer, Peer(exchange, encoding) as late:
        for market in MARKETS:
            peer.send(DEPTH, {"market": market})
        while replicas["AAA-USD"].updates < 40:
            collect(peer, replicas, [peer.receive()])
        late_replica = Replica()
        late.send(DEPTH, {"market": "AAA-USD"})
        late_replica.take(late.receive())
        assert late_replica.change_id > 10
        _, trades = late.ask(TRADES, {"market": "AAA-USD", "limit": 3})
        played = [int(trade["id"]) for trade in trades["trades"]]
        assert played == sorted(played, reverse=True)
        assert len(played) == 3
        again = peer.send(DEPTH, {"market": "AAA-USD"})
        assert exchange.wait_replay(20)
        frames = peer.everything()
        assert any(f["requestId"] == again and "depthSnapshot" in f for f in frames)
        collect(peer, replicas, frames)
        replicas["AAA-USD"].assert_equals(exchange, "AAA-USD")


def test_it_starts_by_command_too_and_other_markets_run_on(exchange: LocalExchange) -> None:
    exchange.replay(recording(20), speed=None, autostart=False)
    with Peer(exchange) as peer:
        for market in MARKETS:
            assert peer.ask(DEPTH, {"market": market})[0] == "depthSnapshot"
        peer.ask(DEPTH, {"market": "BTC-USDT"})
        assert not exchange.wait_replay(0)
        exchange.step(3)
        assert {payload(f)[1]["depth"]["market"] for f in peer.everything()} == {"BTC-USDT"}
        exchange.start_replay()
        exchange.start_replay()
        assert exchange.wait_replay(10)
        assert sum("depthUpdate" in f for f in peer.everything()) == 20


def test_a_market_of_the_engine_can_be_replayed_over(exchange: LocalExchange, encoding: str) -> None:
    lines = json.loads(json.dumps(recording(6)).replace("AAA-USD", "BTC-USDT"))
    exchange.replay(lines, speed=None, autostart=False)
    with Peer(exchange, encoding) as peer:
        assert peer.ask(DEPTH, {"market": "BTC-USDT"})[1]["changeId"] == "10"
        member, body = peer.ask("subscribeMarketsTickerRequest", {"markets": ["BTC-USDT"]})
        assert (member, body.get("tickers", [])) == ("tickersSnapshot", [])
        member, body = peer.ask("subscribeMarketCandlesRequest", {"market": "BTC-USDT"})
        assert (member, body.get("candles", [])) == ("candlesSnapshot", [])
        exchange.step(30, "BTC-USDT")
        assert peer.everything() == []


def test_a_slow_reader_sets_the_pace_when_there_is_none(exchange: LocalExchange) -> None:
    exchange.backlog_limit = 600_000
    lines = recording(0)
    big = [level(f"{price}.0", "1") for price in range(11, 2_011)]
    lines += [{"t": 100.0, "frame": depth("AAA-USD", [], big, 11 + i, 10 + i)} for i in range(40)]
    exchange.replay(lines, speed=None)
    with Peer(exchange) as peer:
        peer.send(DEPTH, {"market": "BBB-USD"})
        peer.send(DEPTH, {"market": "AAA-USD"})
        assert not exchange.wait_replay(0.0)
        replica, got = Replica(), 0
        while got < 41:
            member, body = payload(peer.receive())
            if body["depth"]["market"] == "AAA-USD":
                replica.take({member: body})
                got += 1
        assert exchange.wait_replay(10)
        assert exchange.slow_clients_dropped == 0
        replica.assert_equals(exchange, "AAA-USD")


def test_faults_work_on_recorded_frames(exchange: LocalExchange, encoding: str) -> None:
    exchange.replay(recording(20), speed=None)
    exchange.skip_change("AAA-USD", 4)
    with Peer(exchange, encoding) as peer:
        for market in MARKETS:
            peer.send(DEPTH, {"market": market})
        assert exchange.wait_replay(10)
        markets = [f["depthUpdate"]["depth"]["market"] for f in peer.everything() if "depthUpdate" in f]
        assert (markets.count("AAA-USD"), markets.count("BBB-USD")) == (6, 10)


def test_a_later_snapshot_in_the_recording_is_passed_on(exchange: LocalExchange, encoding: str) -> None:
    lines = recording(4)
    lines.append({"t": 101.0, "frame": depth("AAA-USD", [level("1.0", "1")], [], 500)})
    exchange.replay(lines, speed=None)
    with Peer(exchange, encoding) as peer:
        for market in MARKETS:
            peer.send(DEPTH, {"market": market})
        assert exchange.wait_replay(10)
        assert payload(peer.everything()[-1])[1] == sent(encoding, lines[-1]["frame"])
        assert exchange.book("AAA-USD").bids == {1: 1}


def test_tickers_candles_and_lone_trades_are_routed(exchange: LocalExchange, encoding: str) -> None:
    candle = {"market": "AAA-USD", "time": "2026-01-01T00:00:00Z", "close": "1"}
    bodies = [
        {"tickerUpdate": {"ticker": {"market": "AAA-USD", "close": "1"}}},
        {"candleUpdate": {"candle": candle}},
        {"candleUpdate": {"candle": {**candle, "period": "HOUR1"}}},
        {"tradeUpdate": {"trade": {"id": 5, "market": "AAA-USD"}}},
    ]
    exchange.replay(({"t": 1, "frame": body} for body in bodies), speed=None)
    with Peer(exchange, encoding) as peer:
        peer.ask("subscribeMarketsTickerRequest", {"markets": ["AAA-USD"]})
        peer.ask("subscribeMarketCandlesRequest", {"market": "AAA-USD"})
        peer.send(TRADES, {"market": "AAA-USD"})
        assert exchange.wait_replay(10)
        got = [payload(f)[1] for f in peer.everything() if payload(f)[0].endswith("Update")]
        assert got == [sent(encoding, bodies[index]) for index in (0, 1, 3)]


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([], "empty"),
        ([{"t": 1, "frame": {"requestId": "1", "success": {"ok": True}}}], "only market data"),
        ([{"t": 1, "frame": {"depthSnapshot": {}, "depthUpdate": {}}}], "only market data"),
        ([{"t": 1, "frame": depth("A-B", [], [], 2, 1)}], "before any depthSnapshot"),
    ],
)
def test_what_cannot_be_played_is_refused_at_once(exchange: LocalExchange, lines: list[Line], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        exchange.replay(lines)
    with pytest.raises(ValueError, match="speed"):
        exchange.replay(recording(1), speed=0)
    with pytest.raises(RuntimeError, match="nothing to replay"):
        exchange.wait_replay(0)
    with pytest.raises(RuntimeError, match="nothing to replay"):
        exchange.start_replay()


def test_closing_in_the_middle_ends_it(exchange: LocalExchange) -> None:
    exchange.replay(recording(1_000, gap=1.0))
    with Peer(exchange) as peer:
        for market in MARKETS:
            peer.ask(DEPTH, {"market": market})
        peer.receive()
        exchange.close()
    assert not exchange.wait_replay(0)
    wait_until(lambda: not [t for t in threading.enumerate() if t.name.startswith("local-exchange")])
