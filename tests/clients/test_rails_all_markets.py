"""One Rails client for all markets: what is of which, and why one client a market is better."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from client_rig import PATIENCE, Log, Watched
from rails_client_rig import ALL, BTC, ETH, rails, told_trades, trade_facts, until_follows, venue

from bigone_sync import ConfigurationError, DepthSnapshot, Fill, RailsOrder, Trade
from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import leak_check, wait_until

pytestmark = pytest.mark.one_codec


@pytest.fixture(params=["g6", "g5"])
def exchange(request: pytest.FixtureRequest) -> Iterator[LocalExchange]:
    with leak_check(), venue(rails_dialect=request.param) as exchange:
        yield exchange


def test_each_market_gets_its_own(exchange: LocalExchange) -> None:
    client = rails(exchange, market=ALL)
    trades: dict[str, Log[Trade]] = {}
    depth: dict[str, Log[Any]] = {}
    orders: dict[str | None, Log[RailsOrder]] = {market: Log() for market in (None, BTC, ETH)}
    fills: dict[str | None, Log[Fill]] = {market: Log() for market in (None, BTC, ETH)}
    for market in (BTC, ETH):
        trades[market], depth[market] = Log(), Log()
        client.on_trade(market, trades[market])
        client.on_depth(market, depth[market])
    for some, log in orders.items():
        client.on_order(some, log)
    for some, each in fills.items():
        client.on_fill(some, each)
    books = [client.order_book(market) for market in (BTC, ETH)]
    with client:
        client.wait_ready(PATIENCE)
        ids = {}
        for market in (BTC, ETH):
            exchange.rails_step(market, 20)
            exchange.rails_trade(market)
            price = client.order_book(market).best_bid.price
            ids[market] = client.create_order(market=market, side="buy", amount="0.5", price=price).order_id
            exchange.rails_fill(ids[market], "0.2")
        for book in books:
            until_follows(book, exchange)
        for market in (BTC, ETH):
            log = trades[market]
            wait_until(lambda: trade_facts(log) == told_trades(exchange, market)[-len(log) :], PATIENCE)  # noqa: B023
            assert {event.market for event in depth[market]} == {market}
            assert len(depth[market].of(DepthSnapshot)) >= 1
            wait_until(lambda: [fill.order_id for fill in fills[market]] == [ids[market]], PATIENCE)  # noqa: B023
            assert {order.order_id for order in orders[market]} == {ids[market]}
        assert [fill.order_id for fill in fills[None]] == [ids[BTC], ids[ETH]]
        assert {order.order_id for order in orders[None]} == set(ids.values())


def test_it_is_warned_of_once_and_told_why(exchange: LocalExchange, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="bigone_sync"):
        client = rails(exchange, market=ALL)
        client.on_trade(BTC, Log())
        with client:
            client.wait_ready(PATIENCE)
    warnings = [record.getMessage() for record in caplog.records if record.name == "bigone_sync.client"]
    assert len(warnings) == 1
    assert "market='ALL'" in warnings[0]
    assert "if it is lost or slow, all of them are" in warnings[0]


@pytest.mark.parametrize("call", ["on_depth", "on_trade", "on_book"])
def test_a_public_stream_wants_its_market(exchange: LocalExchange, call: str) -> None:
    client = rails(exchange, market=ALL)
    with pytest.raises(ConfigurationError, match="market must be given") as caught:
        getattr(client, call)(Log())
    assert caught.value.argument == "market"
    with pytest.raises(ConfigurationError, match="market must be given"):
        client.create_order(side="buy", amount=1, price=1)


def test_another_market_than_the_clients_is_refused(exchange: LocalExchange) -> None:
    client = rails(exchange, market=BTC)
    with pytest.raises(ConfigurationError, match=f"this client is for {BTC}, not for {ETH}"):
        client.on_trade(ETH, Log())


def test_frames_that_name_no_market_are_reported_and_belong_to_none() -> None:
    with leak_check(), venue() as exchange:
        client = rails(exchange, market=ALL)
        watched = Watched(client)
        trades: Log[Trade] = Log()
        client.on_trade(BTC, trades)
        with client:
            client.wait_ready(PATIENCE)
            wait_until(lambda: len(trades) > 0, PATIENCE)
            before = len(trades)
            frame = (
                '{"resultType":"publicCompletedOrdersDelta","data":{"statusCode":200,"orders":[{"executionType":'
                '"taker","matchId":"m","orderType":"buy","price":"1","quantity":"1","updatedAt":1767762810250}]}}'
            )
            exchange.rails_send_raw(frame)
            (error,) = watched.errors.wait(1)
            assert "names no market" in str(error)
            exchange.rails_trade(BTC)
            wait_until(lambda: len(trades) == before + 1, PATIENCE)
            assert "m" not in [trade.id for trade in trades]
