"""Every stream of the Rails client over one connection, end to end against the local exchange."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from decimal import Decimal as D
from typing import Any

import pytest
from client_rig import PATIENCE, QUICK, Gate, Log, Watched, running
from rails_client_rig import (
    ALL_STREAMS,
    BTC,
    ETH,
    asked,
    follows,
    rails,
    told_trades,
    trade_facts,
    until_follows,
    until_open,
    until_streams,
    venue,
)

from bigone_sync import (
    Channel,
    DepthSnapshot,
    DepthUpdate,
    Fill,
    Limits,
    OrderState,
    Overflow,
    RailsOrder,
    RequestRejected,
    Side,
    SubscriptionRejected,
    SubscriptionState,
    Trade,
)
from bigone_sync.errors import UnknownMessage
from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import wait_until

pytestmark = [pytest.mark.one_codec, pytest.mark.usefixtures("nothing_left")]


@pytest.fixture
def exchange() -> Iterator[LocalExchange]:
    with venue() as exchange:
        yield exchange


def best_bid(exchange: LocalExchange, market: str = BTC) -> D:
    return next(iter(exchange.rails_book(market).bids))


def low(exchange: LocalExchange) -> D:
    """A price at which nobody sells."""
    return min(exchange.rails_book(BTC).bids)


# -- what comes


@pytest.mark.parametrize("echo_ids", [True, False], ids=["ids", "no ids"])
@pytest.mark.parametrize("dialect", ["g6", "g5", "g4", "g3"])
def test_book_and_trades_in_every_dialect(dialect: str, echo_ids: bool) -> None:
    rows = "match" if echo_ids else "side"
    with venue(rails_dialect=dialect, rails_echo_ids=echo_ids, rails_trade_rows=rows) as exchange:
        client = rails(exchange, dialect="legacy" if dialect == "g3" else "current")
        watched = Watched(client)
        depth: Log[Any] = Log()
        trades: Log[Trade] = Log()
        client.on_depth(depth)
        client.on_trade(trades)
        book, shown = client.order_book(), Log[Any]()
        client.on_book(shown)
        with running(client):
            for _ in range(4):
                exchange.rails_step(BTC, 25)
                until_follows(book, exchange)
            told = told_trades(exchange)
            wait_until(lambda: trade_facts(trades)[-1:] == told[-1:], PATIENCE)
        assert trade_facts(trades) == told[-len(trades) :]
        sides = [Side.BID if row.taker_side == "buy" else Side.ASK for row in exchange.rails_trades(BTC)]
        assert [trade.taker_side for trade in trades] == sides[-len(trades) :]
        assert trades[0].is_snapshot
        assert not trades[-1].is_snapshot
        assert isinstance(depth[0], DepthSnapshot)
        assert len(depth.of(DepthUpdate)) == len(depth) - 1 > 0
        assert all(item is book for item in shown)
        assert shown.items
        assert depth.threads == {"bigone-rails/worker"}
        watched.assert_quiet()


def test_orders_and_fills_of_the_account(exchange: LocalExchange) -> None:
    client = rails(exchange)
    watched = Watched(client)
    orders: Log[RailsOrder] = Log()
    fills: Log[Fill] = Log()
    client.on_order(orders)
    client.on_fill(fills)
    with running(client):
        first = exchange.rails_place(BTC, "buy", "0.5", best_bid(exchange))
        exchange.rails_fill(first, "0.2")
        exchange.rails_fill(first)
        elsewhere = exchange.rails_place(ETH, "buy", "0.5", best_bid(exchange, ETH))
        exchange.rails_fill(elsewhere)
        other = exchange.rails_place(BTC, "sell", "0.1", max(exchange.rails_book(BTC).asks))
        assert exchange.rails_cancel(other)
        wait_until(lambda: bool(orders) and orders[-1].status == OrderState.CANCELED, PATIENCE)
        wait_until(lambda: len(fills) == len(exchange.rails_fills()), PATIENCE)
        mine = [order for order in orders if order.order_id == first]
        assert [order.status for order in mine[:2]] == [OrderState.PENDING, OrderState.ACTIVE]
        assert (mine[-1].status, mine[-1].filled, mine[-1].client_request_id) == (OrderState.FILLED, D("0.5"), None)
        # Own trades come of every market, whatever the connection's is (section 4).
        assert {fill.market for fill in fills} == {BTC, ETH}
        assert [(fill.id, fill.order_id, fill.price) for fill in fills] == [
            (row.match_id, row.order_id, D(row.price)) for row in exchange.rails_fills()
        ]
    watched.assert_quiet()


def test_a_bulk_cancellation_comes_with_suffixes(exchange: LocalExchange) -> None:
    client = rails(exchange)
    watched = Watched(client)
    orders: Log[RailsOrder] = Log()
    client.on_order(orders)
    with running(client):
        placed = {exchange.rails_place(BTC, "buy", "0.1", low(exchange)) for _ in range(3)}
        request_id = str(uuid.uuid4())
        exchange.cancel_all_rails(request_id)
        wait_until(lambda: sum(order.status == OrderState.CANCELED for order in orders) == 3, PATIENCE)
    gone = [order for order in orders if order.status == OrderState.CANCELED]
    assert {order.order_id for order in gone} == placed
    assert {order.client_request_id for order in gone} == {f"{request_id}#{number}" for number in range(3)}
    watched.assert_quiet()


def test_unknown_kinds_are_reported_once_and_harm_nothing(exchange: LocalExchange) -> None:
    client = rails(exchange)
    watched = Watched(client)
    book = client.order_book()
    with running(client):
        for _ in range(3):
            exchange.rails_send_raw('{"resultType":"liquidation","data":{"why":"unknown"}}')
        exchange.rails_send_raw('{"data":{"new":1},"resultType":"pong","extra":[1]}')
        exchange.rails_step(BTC, 20)
        until_follows(book, exchange)
        (error,) = watched.errors.wait(1)
    assert isinstance(error, UnknownMessage)
    assert "liquidation" in str(error)


def test_events_can_be_iterated(exchange: LocalExchange) -> None:
    client = rails(exchange)
    trades, orders = client.subscribe("trades"), client.subscribe(Channel.ORDERS)
    with running(client):
        match = exchange.rails_trade(BTC)
        placed = exchange.rails_place(BTC, "buy", "0.1", low(exchange))
        seen = [trade.id for trade in trades.events(timeout=0.3)]
        assert seen[-1] == match.match_id
        assert {order.order_id for order in orders.events(timeout=0.3)} == {placed}


def test_ping_requests_tell_the_time_of_the_way(exchange: LocalExchange) -> None:
    client = rails(exchange, timeouts=QUICK)
    with running(client):
        wait_until(lambda: client.stats().channels[f"{BTC}#0"].ping_rtt is not None, PATIENCE)
        assert 0 < client.ping() < PATIENCE
        assert asked(exchange, "ping")


# -- subscribing while it runs


def test_streams_come_and_go_while_it_runs(exchange: LocalExchange) -> None:
    client = rails(exchange)
    watched = Watched(client)
    with running(client):
        (connection,) = until_open(exchange, 1)
        assert exchange.rails_subscriptions(connection) == ("orders",)
        trades: Log[Trade] = Log()
        subscription = client.on_trade(lambda event: trades(event))
        second = client.on_trade(Log())
        book = client.order_book()
        client.on_fill(Log())
        client.wait_ready(PATIENCE)
        until_follows(book, exchange)
        until_streams(exchange, connection, *ALL_STREAMS)
        last = exchange.rails_trade(BTC)
        wait_until(lambda: bool(trades) and trades[-1].id == last.match_id, PATIENCE)
        subscription.close()
        until_streams(exchange, connection, *ALL_STREAMS)
        second.close()
        until_streams(exchange, connection, "orders", "trades", "publicOrderBook")
        missed = exchange.rails_trade(BTC)
        again: Log[Trade] = Log()
        client.on_trade(again)
        until_streams(exchange, connection, *ALL_STREAMS)
        # Begun anew, it tells the recent ones, those of the pause included.
        wait_until(lambda: missed.match_id in [trade.id for trade in again], PATIENCE)
        assert exchange.handshakes == 1
    assert missed.match_id not in [trade.id for trade in trades]
    watched.assert_quiet()


def held_subscription(exchange: LocalExchange, client: Any) -> str:
    """The id of the next request to subscribe, to which the exchange itself will not answer."""
    before = len(asked(exchange, "subscribe"))
    exchange.rails_hold("subscribed", 200)
    client.on_trade(Log())
    wait_until(lambda: len(asked(exchange, "subscribe")) > before, PATIENCE)
    name: str = asked(exchange, "subscribe")[-1]["clientRequestId"]
    return name


def refusal(name: str, kind: str = "subscribed", status: int = 400) -> str:
    """A request that is refused; its shape is provisional (Rails protocol, section 9)."""
    return json.dumps(
        {"resultType": kind, "data": {"statusCode": status, "body": "not for you", "clientRequestId": name}}
    )


def test_a_refused_subscription_is_rejected_and_the_others_go_on(exchange: LocalExchange) -> None:
    client = rails(exchange)
    watched = Watched(client)
    book = client.order_book()
    with running(client):
        exchange.rails_send_raw(refusal(held_subscription(exchange, client), status=403))
        (error,) = watched.errors.wait(1)
        assert isinstance(error, SubscriptionRejected)
        assert (error.code, error.reason) == (403, "not for you")
        assert client.subscriptions[-1].state == SubscriptionState.REJECTED
        exchange.rails_step(BTC, 20)
        until_follows(book, exchange)


def test_own_orders_that_are_refused_are_told_of_though_nobody_subscribed(exchange: LocalExchange) -> None:
    exchange.rails_hold("subscribed", 200)
    client = rails(exchange)
    watched = Watched(client)
    with running(client):
        wait_until(lambda: len(asked(exchange, "subscribe")) == 1, PATIENCE)
        exchange.rails_send_raw(refusal(asked(exchange, "subscribe")[0]["clientRequestId"], status=403))
        (error,) = watched.errors.wait(1, RequestRejected)
        assert (error.code, error.command) == (403, "subscribe")
        assert "answers to commands may not come" in str(error)


def test_a_refusal_of_several_streams_is_not_that_of_all(exchange: LocalExchange) -> None:
    exchange.rails_hold("subscribed", 200)
    client = rails(exchange)
    watched = Watched(client)
    book = client.order_book()
    trades = client.subscribe("trades")
    with client:
        wait_until(lambda: len(asked(exchange, "subscribe")) == 1, PATIENCE)
        exchange.rails_send_raw(refusal(asked(exchange, "subscribe")[0]["clientRequestId"]))
        wait_until(lambda: len(asked(exchange, "subscribe")) == 4, PATIENCE)
        single = {tuple(one["subscriptions"]): one["clientRequestId"] for one in asked(exchange, "subscribe")[1:]}
        exchange.rails_send_raw(refusal(single["publicTrades",]))
        (error,) = watched.errors.wait(1, SubscriptionRejected)
        assert error.key.channel == Channel.TRADES
        exchange.rails_release()
        until_follows(book, exchange)
        assert trades.state == SubscriptionState.REJECTED


def test_a_stream_that_the_exchange_drops_is_asked_for_again_and_made_whole(exchange: LocalExchange) -> None:
    client = rails(exchange)
    watched = Watched(client)
    book = client.order_book()
    trades: Log[Trade] = Log()
    orders: Log[RailsOrder] = Log()
    fills: Log[Fill] = Log()
    client.on_trade(trades)
    client.on_order(orders)
    client.on_fill(fills)
    with running(client):
        (connection,) = until_open(exchange, 1)
        placed = exchange.rails_place(BTC, "buy", "0.1", best_bid(exchange))
        wait_until(lambda: bool(orders) and orders[-1].status == OrderState.ACTIVE, PATIENCE)
        exchange._call(exchange._rails.hub.socket(connection).streams.clear)
        exchange.rails_fill(placed)  # which nobody is told of, nor of what follows
        exchange.rails_step(BTC, 30)
        assert not follows(book, exchange)
        exchange.rails_send_raw('{"resultType":"unsubscribed","data":{"activeSubscriptions":[]}}')
        until_streams(exchange, connection, *ALL_STREAMS)
        until_follows(book, exchange)
        wait_until(lambda: trade_facts(trades)[-1] == told_trades(exchange)[-1], PATIENCE)
        wait_until(lambda: bool(orders) and orders[-1].status == OrderState.FILLED, PATIENCE)
        wait_until(lambda: [fill.order_id for fill in fills] == [placed], PATIENCE)
        assert trade_facts(trades) == told_trades(exchange)[-len(trades) :]
        client.wait_ready(PATIENCE)
        assert exchange.handshakes == 1
    watched.assert_quiet()


def test_a_stream_that_is_not_active_from_the_start_is_asked_for_again(exchange: LocalExchange) -> None:
    """Whoever asked for the snapshot before it is active would miss what comes in between."""
    exchange.rails_hold("subscribed", 200)
    client = rails(exchange)
    book = client.order_book()
    with client:
        (connection,) = until_open(exchange, 1)
        wait_until(lambda: bool(asked(exchange, "subscribe")), PATIENCE)
        socket = exchange._call(lambda: exchange._rails.hub.socket(connection))
        exchange._call(lambda: socket.streams.discard("publicOrderBook"))
        exchange.rails_send_raw('{"resultType":"subscribed","data":{"activeSubscriptions":["orders"]}}')
        wait_until(lambda: len(asked(exchange, "subscribe")) == 2, PATIENCE)
        assert not asked(exchange, "emitPublicOrderBook")
        exchange.rails_step(BTC, 20)
        exchange.rails_release()
        until_follows(book, exchange)


def test_what_the_exchange_brings_unasked_is_left(exchange: LocalExchange) -> None:
    client = rails(exchange)
    with running(client):
        (connection,) = until_open(exchange, 1)
        exchange._call(lambda: exchange._rails.hub.socket(connection).streams.update(ALL_STREAMS))
        words = json.dumps(list(ALL_STREAMS))
        exchange.rails_send_raw(f'{{"resultType":"subscribed","data":{{"activeSubscriptions":{words}}}}}')
        until_streams(exchange, connection, "orders")


# -- a consumer that is too slow


def test_an_overflow_discards_and_asks_for_a_snapshot(exchange: LocalExchange) -> None:
    client = rails(exchange, limits=Limits(queue=20))
    watched = Watched(client)
    events: Log[Any] = Log()
    gate = Gate(events)
    client.on_depth(gate, overflow=Overflow.RESYNC)
    book = client.order_book()
    with client:
        wait_until(gate.entered.is_set, PATIENCE)
        exchange.rails_step(BTC, 300)
        wait_until(lambda: client.stats().dropped > 0, PATIENCE)
        gate.go.set()
        (gap,) = watched.gaps.wait(1)[:1]
        assert "the queue was full" in gap.reason
        until_follows(book, exchange)
        wait_until(lambda: len(events.of(DepthSnapshot)) >= 2, PATIENCE)
    assert gap.channel == Channel.DEPTH
