"""What the keeper notices: silence, missing pongs, stale data, requests without an answer."""

from __future__ import annotations

import time
from typing import Any

import pytest
from client_rig import BTC, PATIENCE, QUICK, Gate, Log, Watched, asked, matches, members, running, spot, until_ready

from bigone_sync import (
    ConnectionLost,
    ConnectionState,
    Limits,
    RequestTimeout,
    SubscriptionState,
    Timeouts,
)
from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import leak_check, wait_until
from bigone_sync.testing.proxy import FaultProxy

# What a client does with its threads has nothing to do with the codec.
pytestmark = pytest.mark.one_codec

IMPATIENT = Timeouts(connect=2, ping=5, pong=5, reply=0.2, close=2)


def test_pongs_alone_keep_a_silent_connection(still: LocalExchange) -> None:
    client = spot(still.spot_url, timeouts=QUICK)
    watched = Watched(client)
    client.on_depth(BTC, Log())
    with running(client):
        began = time.monotonic()
        wait_until(lambda: time.monotonic() - began > 3 * (QUICK.ping + QUICK.pong))
        assert client.stats().channels["depth"].ping_rtt is not None
        age = client.stats().channels["depth"].last_frame_age
        assert age is not None
    assert client.stats().reconnects == 0
    watched.assert_quiet()


def test_without_pongs_and_data_the_connection_is_silent(still: LocalExchange) -> None:
    client = spot(still.spot_url, timeouts=QUICK)
    watched = Watched(client)
    client.on_depth(BTC, Log())
    with running(client):
        still.stop_pongs()
        [error] = watched.errors.wait(1, ConnectionLost)
        still.resume_pongs()
        until_ready(client, 1)
    assert error.cause == "silent"


def test_without_pongs_data_keeps_it_up() -> None:
    with leak_check(), LocalExchange(rate=100) as exchange:
        client = spot(exchange.spot_url, timeouts=QUICK)
        watched = Watched(client)
        client.on_depth(BTC, Log())
        exchange.stop_pongs()
        with running(client):
            began = time.monotonic()
            wait_until(lambda: time.monotonic() - began > 3 * (QUICK.ping + QUICK.pong))
            assert client.stats().channels["depth"].ping_rtt is None
            assert client.state == ConnectionState.READY
        watched.assert_quiet()


def test_a_handshake_that_is_never_answered_times_out_and_is_tried_again(still: LocalExchange) -> None:
    with FaultProxy(still.spot_url) as proxy:
        proxy.blackhole()
        client = spot(proxy.url, timeouts=Timeouts(connect=0.3, ping=5, pong=5, reply=2, close=2))
        watched = Watched(client)
        client.on_depth(BTC, Log())
        with client:
            watched.errors.wait(2, TimeoutError)
            assert client.state in (ConnectionState.CONNECTING, ConnectionState.WAITING)
            proxy.heal()
            client.wait_ready(PATIENCE)


# -- requests ------------------------------------------------------------------------------------------------------


def test_a_snapshot_that_does_not_come_is_reported_and_asked_for_again(still: LocalExchange) -> None:
    still.mute_snapshots(2)
    client = spot(still.spot_url, timeouts=IMPATIENT)
    watched, log = Watched(client), Log[Any]()
    subscription = client.on_depth(BTC, log)
    with running(client):
        log.wait(1)
    assert [(type(error), error.command) for error in watched.errors] == [  # type: ignore[attr-defined]
        (RequestTimeout, "subscribeMarketDepthRequest")
    ] * 2
    assert isinstance(watched.errors[0], TimeoutError)
    assert members(still) == ["subscribeMarketDepthRequest"] * 3
    assert still.handshakes == 1
    assert subscription.received == 1


def test_updates_before_the_snapshot_are_held_back(still: LocalExchange) -> None:
    still.mute_snapshots(1, deliver_updates=True)
    client = spot(still.spot_url, timeouts=IMPATIENT)
    log: Log[Any] = Log()
    client.on_depth(BTC, log)
    book = client.order_book(BTC)
    with client:
        wait_until(lambda: bool(still.subscriptions()))
        still.step(20, BTC)
        client.wait_ready(PATIENCE)
        still.step(20, BTC)
        wait_until(lambda: matches(book, still))
    assert type(log[0]).__name__ == "DepthSnapshot"


def test_three_requests_without_an_answer_end_the_connection(still: LocalExchange) -> None:
    still.mute_snapshots(3)
    client = spot(still.spot_url, timeouts=IMPATIENT)
    watched = Watched(client)
    client.on_depth(BTC, Log())
    with running(client):
        pass
    [lost] = watched.errors.of(ConnectionLost)
    assert lost.cause == "no answer"
    assert len(watched.errors.of(RequestTimeout)) == 3
    assert members(still, 1) == ["subscribeMarketDepthRequest"] * 3
    assert members(still, 2) == ["subscribeMarketDepthRequest"]


def test_the_patience_for_answers_starts_anew_with_each_connection(still: LocalExchange) -> None:
    still.mute_snapshots(5)
    client = spot(still.spot_url, timeouts=IMPATIENT)
    watched = Watched(client)
    client.on_depth(BTC, Log())
    with running(client):
        pass
    assert len(watched.errors.of(ConnectionLost)) == 1
    assert len(members(still, 2)) == 3


def test_all_orders_is_live_although_its_request_is_never_acknowledged(still: LocalExchange) -> None:
    still.mute_snapshots(1, deliver_updates=True)
    client = spot(still.spot_url, private=True, timeouts=IMPATIENT)
    watched, log = Watched(client), Log[Any]()
    client.on_order(log)
    with running(client):
        still.place_order(BTC, "BID", price="1", amount="1")
        log.wait(1)
    watched.assert_quiet()


# -- stale data ----------------------------------------------------------------------------------------------------

STALE = Timeouts(connect=2, ping=5, pong=5, reply=0.4, close=2, stale=0.3)


def test_depth_that_stops_is_subscribed_again(still: LocalExchange) -> None:
    client = spot(still.spot_url, timeouts=STALE)
    watched = Watched(client)
    book = client.order_book(BTC)
    with running(client):
        [gap, *_] = watched.gaps.wait(1)
        assert "no data for 0.3 s" in gap.reason
        wait_until(lambda: len(asked(still, "subscribeMarketDepthRequest")) >= 2)
        assert len(asked(still, "unsubscribeMarketDepthRequest")) >= 1
        still.step(5, BTC)
        assert book.wait_live(PATIENCE)


def test_depth_that_stays_stale_after_a_snapshot_ends_the_connection(still: LocalExchange) -> None:
    client = spot(still.spot_url, timeouts=STALE)
    watched = Watched(client)
    client.order_book(BTC)
    with running(client):
        [lost, *_] = watched.errors.wait(1, ConnectionLost)
        until_ready(client, 1)
    assert lost.cause == "stale"


def test_muted_depth_is_asked_for_again_and_then_the_connection_is_replaced(still: LocalExchange) -> None:
    client = spot(still.spot_url, timeouts=STALE)
    watched = Watched(client)
    subscription = client.on_depth(BTC, Log())
    with running(client):
        still.mute("depth")
        [lost, *_] = watched.errors.wait(1, ConnectionLost)
        assert subscription.state == SubscriptionState.STALE or still.handshakes > 1
        still.unmute()
        until_ready(client, 1)
    assert lost.cause in ("no answer", "stale")
    assert len(asked(still, "unsubscribeMarketDepthRequest")) >= 1


def test_streams_without_a_cadence_may_be_silent(still: LocalExchange) -> None:
    client = spot(still.spot_url, private=True, timeouts=STALE)
    watched = Watched(client)
    client.on_trade(BTC, Log())
    client.on_order(BTC, Log())
    with running(client):
        began = time.monotonic()
        wait_until(lambda: time.monotonic() - began > 1.0)
        client.wait_ready(PATIENCE)
    watched.assert_quiet()
    assert client.stats().reconnects == 0


def test_stale_is_not_watched_while_the_handler_holds_the_reader_up(still: LocalExchange) -> None:
    """What is late because our own queue is full is not the exchange's fault."""
    client = spot(still.spot_url, timeouts=STALE, limits=Limits(queue=2))
    watched, gate = Watched(client), Gate()
    client.on_depth(BTC, gate)
    with client:
        client.wait_ready(PATIENCE)
        still.step(40, BTC)
        wait_until(lambda: client.stats().queue_high_water >= 2)
        began = time.monotonic()
        wait_until(lambda: time.monotonic() - began > 1.0)
        assert not watched.gaps.items
        assert client.stats().reconnects == 0
        gate.go.set()
