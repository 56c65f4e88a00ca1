"""Snapshots find their stream and their request, also where ids are reused or streams overlap."""

from __future__ import annotations

from typing import Any

import pytest
from spot_lines import MARKET, Line, candle, delivered, order, replies, trade, trades_snapshot

from bigone_sync.enums import CandlePeriod, Channel
from bigone_sync.events import Candle, Order, Trade
from bigone_sync.protocol.base import Request, Route

ETH = "ETH-USDT"


def wanted(
    line: Line, channel: Channel, market: str | None, period: CandlePeriod | None = None
) -> tuple[Route, Request]:
    route = line.add(channel, market, period)
    return route, line.protocol.subscribe([route])[0]


def candles(market: str, request_id: str) -> Any:
    return {"requestId": request_id, "candlesSnapshot": {"candles": [candle("2025-12-29T14:00:00Z", market=market)]}}


def orders(market: str, request_id: str) -> Any:
    return {"requestId": request_id, "ordersSnapshot": {"orders": [order(market, market=market)]}}


def trades(market: str, request_id: str) -> Any:
    return trades_snapshot(trade("5", market=market), request_id=request_id)


KINDS = [
    (Channel.TRADES, None, trades, Trade),
    (Channel.CANDLES, CandlePeriod.MIN1, candles, Candle),
    (Channel.ORDERS, None, orders, Order),
]


@pytest.mark.parametrize(("channel", "period", "snapshot", "kind"), KINDS)
def test_what_a_snapshot_holds_counts_more_than_its_id(
    channel: Channel, period: CandlePeriod | None, snapshot: Any, kind: Any
) -> None:
    line = Line()
    btc, first = wanted(line, channel, MARKET, period)
    eth, second = wanted(line, channel, ETH, period)
    items = line.send(snapshot(ETH, "1"), snapshot(MARKET, "1"))  # both with the id of the first
    assert replies(items) == [second, first]
    assert [route for route, _ in items if route] == [eth, btc]
    assert [event.market for event in delivered(items) if isinstance(event, kind)] == [ETH, MARKET]


@pytest.mark.parametrize(("channel", "period", "snapshot", "kind"), KINDS)
def test_the_id_of_another_channels_request_does_not_mislead(
    channel: Channel, period: CandlePeriod | None, snapshot: Any, kind: Any
) -> None:
    line = Line()
    _, depth = wanted(line, Channel.DEPTH, MARKET)
    route, request = wanted(line, channel, MARKET, period)
    items = line.send(snapshot(MARKET, depth.id))
    assert replies(items) == [request]
    assert [where for where, _ in items] == [None, route]


@pytest.mark.parametrize("payload", ["tradesSnapshot", "candlesSnapshot", "ordersSnapshot", "tickersSnapshot"])
def test_an_empty_snapshot_with_the_id_of_another_channels_request_answers_nothing(payload: str) -> None:
    line = Line()
    _, depth = wanted(line, Channel.DEPTH, MARKET)
    assert line.send({"requestId": depth.id, payload: {}}) == []


def test_an_empty_snapshot_of_a_stream_given_up_meanwhile_is_dropped() -> None:
    line = Line()
    route, request = wanted(line, Channel.TRADES, MARKET)
    line.protocol.remove(route)
    assert line.send(trades_snapshot(request_id=request.id)) == []
    assert line.protocol.unrouted == 1


# -- tickers: one market and all markets side by side


def tickers(request_id: str, *markets: str) -> Any:
    return {"requestId": request_id, "tickersSnapshot": {"tickers": [{"market": market} for market in markets]}}


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_snapshots_of_one_market_and_of_all_markets_each_answer_their_own_request(order: tuple[int, int]) -> None:
    line = Line()
    _, one = wanted(line, Channel.TICKER, MARKET)
    _, everything = wanted(line, Channel.TICKER, None)
    snapshots = [(one, tickers(one.id, MARKET)), (everything, tickers(everything.id, MARKET, ETH))]
    for index in order:
        request, snapshot = snapshots[index]
        assert replies(line.send(snapshot)) == [request]


def test_a_snapshot_of_all_markets_with_a_foreign_id_is_an_answer() -> None:
    line = Line()
    route, request = wanted(line, Channel.TICKER, None)
    items = line.send(tickers("404", MARKET, ETH))
    assert replies(items) == [request]
    assert [where for where, _ in items[1:]] == [route, route]


def test_with_foreign_ids_whoever_waits_is_answered() -> None:
    line = Line()
    _, one = wanted(line, Channel.TICKER, MARKET)
    assert replies(line.send(tickers("404", MARKET))) == [one]
    _, everything = wanted(line, Channel.TICKER, None)
    assert replies(line.send(tickers("404", MARKET, ETH))) == [everything]


def test_tickers_with_the_id_of_another_channels_request_answer_their_own() -> None:
    line = Line()
    _, depth = wanted(line, Channel.DEPTH, MARKET)
    assert replies(line.send(tickers(depth.id, ETH))) == []
    _, one = wanted(line, Channel.TICKER, MARKET)
    assert replies(line.send(tickers(depth.id, MARKET))) == [one]


# -- answers that are not snapshots


@pytest.mark.parametrize("channel", [Channel.TRADES, Channel.ORDERS])
def test_a_pong_does_not_answer_a_subscription_that_has_its_id(channel: Channel) -> None:
    line = Line()
    _, request = wanted(line, channel, MARKET)
    assert line.send({"requestId": request.id, "pong": {}}) == []
    assert replies(line.send({"requestId": request.id, f"{channel.value}Snapshot": {}})) == [request]
