"""A Rails client for all markets: warned of, and everything goes to the market that it is of."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from client_rig import PATIENCE, Log, Watched, running
from rails_client_rig import ALL, BTC, ETH, asked, rails, told_trades, trade_facts, until_follows, until_open, venue

from bigone_sync import ConfigurationError, Fill, OrderState, RailsOrder, Trade
from bigone_sync.errors import ProtocolError
from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import wait_until

pytestmark = [pytest.mark.one_codec, pytest.mark.usefixtures("nothing_left")]


@pytest.fixture(params=["g6", "g5"])
def exchange(request: pytest.FixtureRequest) -> Iterator[LocalExchange]:
    with venue(rails_dialect=request.param) as exchange:
        yield exchange


@pytest.mark.parametrize("market", [ALL, BTC])
def test_all_markets_are_warned_of_once(caplog: pytest.LogCaptureFixture, market: str) -> None:
    with caplog.at_level(logging.WARNING), venue() as exchange:
        client = rails(exchange, market=market)
        client.order_book(BTC)
        with running(client):
            pass
    warnings = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == (market == ALL)
    assert all("one connection" in text and "section 1.2" in text for text in warnings)


def test_everything_goes_to_its_market(exchange: LocalExchange) -> None:
    client = rails(exchange, market=ALL)
    watched = Watched(client)
    books = {market: client.order_book(market) for market in (BTC, ETH)}
    trades: dict[str, Log[Trade]] = {market: Log() for market in (BTC, ETH)}
    for market, log in trades.items():
        client.on_trade(market, log)
    orders, of_eth, fills, of_btc = Log[RailsOrder](), Log[RailsOrder](), Log[Fill](), Log[Fill]()
    client.on_order(orders)
    client.on_order(ETH, of_eth)
    client.on_fill(fills)
    client.on_fill(BTC, of_btc)
    with running(client):
        assert len(until_open(exchange, 1)) == 1
        for market, book in books.items():
            exchange.rails_step(market, 40)
            until_follows(book, exchange)
            assert book.market == market
        placed = {}
        for market in (BTC, ETH):
            placed[market] = exchange.rails_place(market, "buy", "0.1", next(iter(exchange.rails_book(market).bids)))
            exchange.rails_fill(placed[market])
        wait_until(lambda: bool(of_eth) and of_eth[-1].status == OrderState.FILLED, PATIENCE)
        wait_until(lambda: len(fills) == len(exchange.rails_fills()), PATIENCE)
        for market, log in trades.items():
            told = told_trades(exchange, market)
            wait_until(lambda log=log, told=told: trade_facts(log)[-1] == told[-1], PATIENCE)  # type: ignore[misc]
            assert trade_facts(log) == told[-len(log) :]
            assert {trade.market for trade in log} == {market}
    assert {order.order_id for order in orders} == set(placed.values())
    assert {order.order_id for order in of_eth} == {placed[ETH]}
    assert of_eth.items == [order for order in orders if order.market == ETH]
    assert of_btc.items == [fill for fill in fills if fill.market == BTC]
    assert {request["market"] for request in asked(exchange, "emitPublicOrderBook")} == {BTC, ETH}
    watched.assert_quiet()


def test_markets_come_and_go(exchange: LocalExchange) -> None:
    client = rails(exchange, market=ALL)
    client.order_book(BTC)
    with running(client):
        trades = Log[Trade]()
        subscription = client.on_trade(ETH, trades)
        second = client.order_book(ETH)
        until_follows(second, exchange)
        last = exchange.rails_trade(ETH)
        wait_until(lambda: bool(trades) and trades[-1].id == last.match_id, PATIENCE)
        exchange.rails_trade(BTC)
        client.ping()
        assert {trade.market for trade in trades} == {ETH}
        assert subscription.key.market == ETH


@pytest.mark.parametrize(
    "method",
    [lambda client: client.on_depth(Log()), lambda client: client.order_book(), lambda c: c.subscribe("trades")],
)
def test_public_streams_need_a_market(method: Any) -> None:
    with venue() as exchange:
        client = rails(exchange, market=ALL)
        with pytest.raises(ConfigurationError) as caught:
            method(client)
        assert caught.value.argument == "market"
        client.close()


def test_what_names_no_market_is_reported_and_the_books_are_asked_for(exchange: LocalExchange) -> None:
    client = rails(exchange, market=ALL)
    watched = Watched(client)
    books = [client.order_book(market) for market in (BTC, ETH)]
    orders = [{"orderType": "buy", "price": "1", "quantity": "1"}]
    nameless = json.dumps({"resultType": "publicOrderBookDelta", "data": {"orders": orders, "statusCode": 200}})
    with running(client):
        exchange.rails_send_raw(nameless)
        (error,) = watched.errors.wait(1)
        assert isinstance(error, ProtocolError)
        assert "names no market" in str(error)
        assert {gap.market for gap in watched.gaps.wait(2)} == {BTC, ETH}
        for book in books:
            exchange.rails_step(book.market, 10)
            until_follows(book, exchange)


def test_snapshots_that_name_no_market_are_known_by_their_request() -> None:
    with venue(rails_dialect="g4") as exchange:
        client = rails(exchange, market=ALL)
        books = [client.order_book(market) for market in (BTC, ETH)]
        with running(client):
            for book in books:
                until_follows(book, exchange)
