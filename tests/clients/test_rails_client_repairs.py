"""What a Rails client does about losses: books made anew, trades bridged, own orders and trades asked for by REST.

There are no sequence numbers (Rails protocol, section 7): that a delta was lost on a connection that goes on cannot be
seen, by nobody, until the level changes again or another snapshot comes.  It is not tested, for there is nothing to be.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from client_rig import BACKOFF, CALM, PATIENCE, QUICK, Log, Watched, running, until_ready
from rails_client_rig import (
    BTC,
    asked,
    rails,
    told_trades,
    trade_facts,
    until_follows,
    until_open,
    venue,
)

from bigone_sync import (
    Channel,
    ConnectError,
    ConnectionLost,
    Fill,
    OrderState,
    RailsOrder,
    RequestRejected,
    RequestTimeout,
    SubscriptionState,
    Timeouts,
    Trade,
)
from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import wait_until

pytestmark = [pytest.mark.one_codec, pytest.mark.usefixtures("nothing_left")]


@pytest.fixture
def exchange() -> Iterator[LocalExchange]:
    with venue() as exchange:
        yield exchange


def delta(*levels: tuple[str, str, str], **more: Any) -> str:
    """A change of the book that the exchange itself never made."""
    orders = [{"orderType": side, "price": price, "quantity": quantity} for side, price, quantity in levels]
    return json.dumps(
        {"resultType": "publicOrderBookDelta", "market": BTC, "data": {"orders": orders, "statusCode": 200, **more}}
    )


# -- books


@pytest.mark.parametrize(
    "broken",
    [
        delta(("buy", "999999999", "1")),
        delta(("buy", "nonsense", "1")),
        delta(("hold", "1", "1")),
        delta(statusCode=500, body="out of order"),
        '{"resultType":"publicOrderBookDelta","data":',
        '{"resultType":"publicOrderBookDelta","data":{}}',
    ],
    ids=["crossed", "price", "side", "status", "cut", "empty"],
)
def test_a_change_that_cannot_be_used_brings_a_snapshot(exchange: LocalExchange, broken: str) -> None:
    client = rails(exchange)
    watched = Watched(client)
    book = client.order_book()
    with running(client):
        exchange.rails_send_raw(broken)
        (gap,) = watched.gaps.wait(1)
        assert (gap.channel, gap.market) == (Channel.DEPTH, BTC)
        exchange.rails_step(BTC, 20)
        until_follows(book, exchange)
        assert len(asked(exchange, "emitPublicOrderBook")) == 2
        assert client.stats().reconnects == 0


def test_a_book_that_breaks_again_and_again_is_not_asked_for_at_once(exchange: LocalExchange) -> None:
    client = rails(exchange)
    watched = Watched(client)
    book = client.order_book()
    with running(client):
        for count in range(1, 4):
            exchange.rails_send_raw(delta(("buy", "nonsense", "1")))
            watched.gaps.wait(count)
            until_follows(book, exchange)
        assert len(asked(exchange, "emitPublicOrderBook")) == 4


def test_a_snapshot_that_does_not_come_is_asked_for_again(exchange: LocalExchange) -> None:
    client = rails(exchange, timeouts=Timeouts(reply=0.3, close=2))
    watched = Watched(client)
    exchange.rails_hold("publicOrderBook", 200)
    book = client.order_book()
    with client:
        (error,) = watched.errors.wait(1, RequestTimeout)
        assert error.command == "emitPublicOrderBook"
        assert error.request_id == asked(exchange, "emitPublicOrderBook")[0]["clientRequestId"]
        exchange.rails_release()
        until_follows(book, exchange)
        assert client.stats().reconnects == 0


def test_a_connection_that_brings_no_snapshot_three_times_is_replaced(exchange: LocalExchange) -> None:
    client = rails(exchange, timeouts=Timeouts(reply=0.2, close=2))
    watched = Watched(client)
    exchange.rails_hold("publicOrderBook", 200)
    book = client.order_book()
    with client:
        first = until_open(exchange, 1)
        until_open(exchange, 1, first)
        (lost,) = watched.errors.wait(1, ConnectionLost)
        assert lost.cause == "no answer"
        assert len(watched.errors.of(RequestTimeout)) == 3
        exchange.rails_release()
        until_follows(book, exchange)


def test_requests_to_subscribe_that_are_not_answered_cost_the_connection(exchange: LocalExchange) -> None:
    exchange.rails_hold("subscribed", 200)
    client = rails(exchange, timeouts=Timeouts(reply=0.2, close=2))
    watched = Watched(client)
    with client:
        first = until_open(exchange, 1)
        until_open(exchange, 1, first)
        (lost,) = watched.errors.wait(1, ConnectionLost)
        assert lost.cause == "no answer"
        assert "subscribe" in str(lost)


@pytest.mark.parametrize("channel", [Channel.DEPTH, Channel.TRADES])
def test_a_snapshot_that_is_refused_is_asked_for_again_or_done_without(
    exchange: LocalExchange, channel: Channel
) -> None:
    """The shape of a refusal is provisional (Rails protocol, section 9)."""
    word, kind = {
        Channel.DEPTH: ("emitPublicOrderBook", "publicOrderBook"),
        Channel.TRADES: ("emitPublicCompletedOrders", "publicCompletedOrders"),
    }[channel]
    exchange.rails_hold(kind, 200)
    client = rails(exchange)
    watched = Watched(client)
    events: Log[Any] = Log()
    client.subscribe(channel, handler=events)
    with client:
        wait_until(lambda: bool(asked(exchange, word)), PATIENCE)
        name = asked(exchange, word)[0]["clientRequestId"]
        refusal = {"resultType": kind, "data": {"statusCode": 429, "body": "slow", "clientRequestId": name}}
        exchange.rails_send_raw(json.dumps(refusal))
        (error,) = watched.errors.wait(1, RequestRejected)
        assert (error.code, error.reason, error.command) == (429, "slow", word)
        if channel == Channel.DEPTH:
            wait_until(lambda: len(asked(exchange, word)) == 2, PATIENCE)
            exchange.rails_release()
        else:
            exchange.rails_trade(BTC)
        events.wait(1)
        client.wait_ready(PATIENCE)


def test_a_book_that_is_silent_is_asked_for_and_then_its_connection_replaced(exchange: LocalExchange) -> None:
    client = rails(exchange, timeouts=Timeouts(stale=0.3, close=2))
    watched = Watched(client)
    book = client.order_book()
    with running(client):
        first = until_open(exchange, 1)
        (gap,) = watched.gaps.wait(1)[:1]
        assert "no data" in gap.reason
        until_open(exchange, 1, first)
        (lost,) = watched.errors.wait(1, ConnectionLost)[:1]
        assert lost.cause == "stale"
        until_follows(book, exchange)


# -- connections


def test_a_connection_that_answers_no_ping_is_replaced(exchange: LocalExchange) -> None:
    client = rails(exchange, timeouts=QUICK)
    watched = Watched(client)
    book = client.order_book()
    with running(client):
        first = until_open(exchange, 1)
        exchange.rails_stall(first[0])
        (lost,) = watched.errors.wait(1, ConnectionLost)
        assert lost.cause == "silent"
        until_open(exchange, 1, first)
        until_follows(book, exchange)


@pytest.mark.parametrize("how", ["cut", "restart"])
def test_book_and_trades_go_on_after_a_loss(exchange: LocalExchange, how: str) -> None:
    client = rails(exchange)
    watched = Watched(client)
    book = client.order_book()
    trades: Log[Trade] = Log()
    client.on_trade(trades)
    with running(client):
        exchange.rails_step(BTC, 20)
        until_follows(book, exchange)
        if how == "cut":
            exchange.rails_cut(exchange.rails_connections[0])
            exchange.rails_trade(BTC)
        else:
            exchange.take_down()
            wait_until(lambda: not book.is_live, PATIENCE)
            exchange.rails_step(BTC, 30)
            exchange.bring_up()
        until_ready(client, 1)
        exchange.rails_step(BTC, 10)
        until_follows(book, exchange)
        wait_until(lambda: trade_facts(trades)[-1] == told_trades(exchange)[-1], PATIENCE)
    assert trade_facts(trades) == told_trades(exchange)[-len(trades) :]
    assert not watched.gaps.items
    assert {type(error) for error in watched.errors} <= {ConnectionLost, ConnectError}


def test_trades_that_the_recent_ones_do_not_reach_back_to_are_a_gap(exchange: LocalExchange) -> None:
    client = rails(exchange)
    watched = Watched(client)
    trades: Log[Trade] = Log()
    client.on_trade(trades)
    with running(client):
        last = exchange.rails_trade(BTC)
        wait_until(lambda: bool(trades) and trades[-1].id == last.match_id, PATIENCE)
        exchange.take_down()
        wait_until(lambda: client.state.value != "ready", PATIENCE)
        for _ in range(150):  # more than the exchange tells
            exchange.rails_trade(BTC)
        seen = len(trades)
        exchange.bring_up()
        (gap,) = watched.gaps.wait(1)
        wait_until(lambda: trade_facts(trades)[-1] == told_trades(exchange)[-1], PATIENCE)
    assert (gap.channel, gap.market) == (Channel.TRADES, BTC)
    assert (gap.since, gap.until) == (trades[seen - 1].time, trades[seen].time)
    assert "do not reach back" in gap.reason
    told = told_trades(exchange)
    assert trade_facts(trades)[seen:] == told[-(len(trades) - seen) :]


def test_the_list_of_recent_trades_may_stay_away(exchange: LocalExchange) -> None:
    client = rails(exchange, timeouts=Timeouts(reply=0.3, close=2))
    watched = Watched(client)
    trades: Log[Trade] = Log()
    client.on_trade(trades)
    exchange.rails_hold("publicCompletedOrders", 200)
    with running(client):
        last = exchange.rails_trade(BTC)
        watched.errors.wait(1, RequestTimeout)
        wait_until(lambda: [trade.id for trade in trades] == [last.match_id], PATIENCE)
        assert not watched.gaps.items  # nothing came before
        exchange.rails_cut(exchange.rails_connections[0])
        (gap,) = watched.gaps.wait(1)
        assert "could not be asked for" in gap.reason


# -- own orders and trades


def account(exchange: LocalExchange, **options: Any) -> tuple[Any, Watched, Log[RailsOrder], Log[Fill]]:
    client = rails(exchange, **options)
    watched = Watched(client)
    orders: Log[RailsOrder] = Log()
    fills: Log[Fill] = Log()
    client.on_order(orders)
    client.on_fill(fills)
    return client, watched, orders, fills


def outage(exchange: LocalExchange, client: Any) -> None:
    exchange.take_down()
    wait_until(lambda: client.state.value != "ready", PATIENCE)


@pytest.mark.parametrize("amount", ["0.2", None], ids=["in part", "all"])
def test_what_became_of_orders_is_asked_for_after_an_outage(exchange: LocalExchange, amount: str | None) -> None:
    client, watched, orders, fills = account(exchange)
    with running(client):
        price = next(iter(exchange.rails_book(BTC).bids))
        known = exchange.rails_place(BTC, "buy", "0.5", price)
        wait_until(lambda: bool(orders) and orders[-1].status == OrderState.ACTIVE, PATIENCE)
        outage(exchange, client)
        exchange.rails_fill(known, amount)
        placed = exchange.rails_place(BTC, "buy", "0.1", price)
        exchange.bring_up()
        until_ready(client, 1)
        wait_until(lambda: {known, placed} <= {order.order_id for order in orders.items[2:]}, PATIENCE)
        after = {order.order_id: order for order in orders.items[2:]}
        assert after[known].status == (OrderState.FILLED if amount is None else OrderState.ACTIVE)
        assert after[known].filled is not None
        assert after[known].filled > 0
        assert after[placed].status == OrderState.ACTIVE
        assert [fill.id for fill in fills] == [row.match_id for row in exchange.rails_fills()]
        # What comes later comes by the stream, once.
        exchange.rails_cancel(placed)
        wait_until(lambda: orders[-1].status == OrderState.CANCELED, PATIENCE)
        assert all(stream.state == SubscriptionState.LIVE for stream in client.subscriptions)
    assert not watched.gaps.items


def test_without_reconciling_an_outage_is_a_gap(exchange: LocalExchange) -> None:
    client, watched, orders, _ = account(exchange, reconcile=False)
    with running(client):
        calls = exchange.rest_calls
        outage(exchange, client)
        placed = exchange.rails_place(BTC, "buy", "0.1", next(iter(exchange.rails_book(BTC).bids)))
        exchange.bring_up()
        until_ready(client, 1)
        gaps = watched.gaps.wait(2)
        assert {gap.channel for gap in gaps} == {Channel.ORDERS, Channel.FILLS}
        exchange.rails_cancel(placed)
        wait_until(lambda: bool(orders) and orders[-1].status == OrderState.CANCELED, PATIENCE)
        assert exchange.rest_calls == calls


@pytest.mark.parametrize("path", ["/open-orders", "/completed-orders"])
def test_what_rest_does_not_tell_is_a_gap(exchange: LocalExchange, path: str) -> None:
    channel = {"/open-orders": Channel.ORDERS, "/completed-orders": Channel.FILLS}[path]
    client, watched, orders, fills = account(exchange)
    with running(client):
        price = next(iter(exchange.rails_book(BTC).bids))
        outage(exchange, client)
        exchange.fail_rest("429", times=None, path=path)
        filled = exchange.rails_place(BTC, "buy", "0.1", price)
        exchange.rails_fill(filled)
        resting = exchange.rails_place(BTC, "buy", "0.1", next(iter(exchange.rails_book(BTC).bids)))
        exchange.bring_up()
        (gap,) = watched.gaps.wait(1)
        assert gap.channel == channel
        assert "429" in gap.reason
        if channel == Channel.ORDERS:
            wait_until(lambda: [fill.order_id for fill in fills] == [filled], PATIENCE)
        else:
            wait_until(lambda: [order.order_id for order in orders] == [resting], PATIENCE)
        client.wait_ready(PATIENCE)


def test_an_outage_while_rest_is_asked_is_reconciled_from_its_first_loss_on(exchange: LocalExchange) -> None:
    client, watched, orders, fills = account(exchange, timeouts=CALM, backoff=BACKOFF)
    with running(client):
        price = next(iter(exchange.rails_book(BTC).bids))
        known = exchange.rails_place(BTC, "buy", "0.5", price)
        wait_until(lambda: bool(orders) and orders[-1].status == OrderState.ACTIVE, PATIENCE)
        outage(exchange, client)
        exchange.fail_rest("hang", times=1, path="/completed-orders")
        exchange.rails_fill(known)
        calls = exchange.rest_calls
        exchange.bring_up()
        wait_until(lambda: exchange.rest_calls > calls, PATIENCE)
        exchange.rails_cut(exchange.rails_connections[0])
        wait_until(lambda: client.stats().reconnects == 2, PATIENCE)
        exchange.heal_rest()
        wait_until(lambda: orders[-1].status == OrderState.FILLED, PATIENCE)
        wait_until(lambda: {fill.order_id for fill in fills} == {known}, PATIENCE)
        client.wait_ready(PATIENCE)
    assert len(fills) == len(exchange.rails_fills())
    assert [order.status for order in orders].count(OrderState.FILLED) == 1
    assert not watched.gaps.items
