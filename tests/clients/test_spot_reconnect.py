"""Connections that end in every way, and what comes back: the same open sequence, no trade twice, no silent hole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from client_rig import BTC, ETH, PATIENCE, QUICK, Log, Watched, matches, members, running, spot, until_ready

from bigone_sync import Account, Channel, ConnectionLost, ConnectionState, Gap, Order, Trade
from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import wait_until
from bigone_sync.testing.proxy import FaultProxy
from bigone_sync.transport.states import TRANSITIONS

LEGAL = {(old, new) for (old, _), new in TRANSITIONS.items()}
OPEN_SEQUENCE = [
    "authenticateCustomerRequest",
    "subscribeViewerAccountsRequest",
    "subscribeViewerOrdersRequest",
    "subscribeMarketDepthRequest",
    "subscribeMarketTradesRequest",
]


def assert_legal(watched: Watched) -> None:
    """Every state change is in the table, and each connection's chain is unbroken."""
    last: dict[str, ConnectionState] = {}
    for change in watched.states:
        assert (change.old, change.new) in LEGAL
        assert change.old == last.get(change.connection, ConnectionState.IDLE)
        last[change.connection] = change.new


ENDINGS: dict[str, Callable[[LocalExchange, FaultProxy], object]] = {
    "reset": lambda exchange, proxy: proxy.reset(),
    "cut": lambda exchange, proxy: proxy.cut(),
    "dropped": lambda exchange, proxy: exchange.drop_connections(),
    "closed 1000": lambda exchange, proxy: exchange.close_connections(1000),
    "closed 1011": lambda exchange, proxy: exchange.close_connections(1011, "internal error"),
    "restart": lambda exchange, proxy: exchange.restart(),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_ending_is_followed_by_the_same_open_sequence(still: LocalExchange, ending: str) -> None:
    with FaultProxy(still.spot_url) as proxy:
        client = spot(proxy.url, private=True, connections="shared")
        watched = Watched(client)
        # Registered in another order than they are asked for.
        client.on_trade(BTC, Log())
        client.on_account(accounts := Log[Account]())
        client.on_order(BTC, orders := Log[Order]())
        book = client.order_book(BTC)
        with running(client):
            order = still.place_order(BTC, "BID", price="1", amount="1")
            orders.wait(1)
            snapshots = len([event for event in accounts if event.is_snapshot])
            for number in (1, 2):
                handshakes = still.handshakes
                ENDINGS[ending](still, proxy)
                until_ready(client, number)
                wait_until(lambda: matches(book, still))
                assert still.handshakes > handshakes
            wait_until(lambda: len([e for e in accounts if e.is_snapshot]) == 3 * snapshots)
            wait_until(lambda: len([e for e in orders if e.is_snapshot and e.id == order]) == 2)
            still.cancel_order(order)
            wait_until(lambda: orders.items and orders[-1].is_final)
        numbers = dict.fromkeys(number for number, _ in still.requests)
        sequences = [sorted(members(still, number), key=OPEN_SEQUENCE.index) for number in numbers]
        assert sequences == [OPEN_SEQUENCE] * len(numbers)
        for number in numbers:
            names = members(still, number)
            assert names[0] == OPEN_SEQUENCE[0]
            assert set(names[1:3]) == set(OPEN_SEQUENCE[1:3])
        lost = watched.errors.of(ConnectionLost)
        assert len(lost) >= 2
        assert all(error.cause in ("reset", "lost", "closed") for error in lost)
        assert_legal(watched)
        assert client.stats().reconnects == 2
        assert not watched.gaps.items


def test_a_close_code_and_its_reason_are_told(still: LocalExchange) -> None:
    client = spot(still.spot_url)
    watched = Watched(client)
    client.on_depth(BTC, Log())
    with running(client):
        still.close_connections(4001, "maintenance")
        [error] = watched.errors.wait(1, ConnectionLost)
        until_ready(client, 1)
    assert (error.cause, error.close_code, error.close_reason) == ("closed", 4001, "maintenance")
    waiting = [change for change in watched.states if change.new == ConnectionState.WAITING]
    assert waiting[0].cause is error
    assert waiting[0].retry_in is not None
    assert waiting[0].attempt >= 1


def test_a_dead_path_is_noticed_and_left_when_it_heals(still: LocalExchange) -> None:
    with FaultProxy(still.spot_url) as proxy:
        client = spot(proxy.url, timeouts=QUICK)
        watched = Watched(client)
        book = client.order_book(BTC)
        with running(client):
            proxy.blackhole()
            [error] = watched.errors.wait(1, ConnectionLost)
            assert error.cause == "silent"
            wait_until(lambda: not book.is_live)
            assert client.state != ConnectionState.READY
            still.step(20, BTC)
            proxy.heal()
            until_ready(client, 1)
            wait_until(lambda: matches(book, still))
        assert_legal(watched)


def test_while_the_exchange_is_away_the_client_waits_and_tries(still: LocalExchange) -> None:
    client = spot(still.spot_url)
    watched = Watched(client)
    client.on_depth(BTC, Log())
    with running(client):
        still.take_down()
        wait_until(lambda: len([s for s in watched.states if s.new == ConnectionState.WAITING]) >= 4)
        attempts = [change.attempt for change in watched.states if change.new == ConnectionState.WAITING]
        still.bring_up()
        until_ready(client, 1)
    assert attempts == sorted(attempts)
    assert attempts[-1] > attempts[0]
    assert_legal(watched)


def test_every_login_has_a_fresh_token(still: LocalExchange) -> None:
    # The exchange takes no nonce twice, so a token that is used again would be refused.
    client = spot(still.spot_url, private=True)
    watched = Watched(client)
    client.on_account(Log())
    with running(client):
        for number in (1, 2, 3):
            still.drop_connections()
            until_ready(client, number)
    assert members(still).count("authenticateCustomerRequest") == 4
    assert {type(error) for error in watched.errors} == {ConnectionLost}


# -- nothing twice, nothing lost in silence ------------------------------------------------------------------------


def ids(log: Log[Trade]) -> list[int]:
    return [int(trade.id) for trade in log]


def test_trades_missed_meanwhile_come_once_from_the_snapshot(still: LocalExchange) -> None:
    client = spot(still.spot_url)
    watched, log = Watched(client), Log[Trade]()
    client.on_trade(BTC, log, limit=50)
    with running(client):
        still.step(100, BTC)
        wait_until(lambda: log.items and ids(log)[-1] == still.trades(BTC)[-1].id)
        before = len(log)
        still.take_down()
        still.step(60, BTC)
        still.bring_up()
        until_ready(client, 1)
        still.step(50, BTC)
        wait_until(lambda: log.items and ids(log)[-1] == still.trades(BTC)[-1].id)
    there = [trade.id for trade in still.trades(BTC)]
    assert ids(log) == there[there.index(ids(log)[0]) :]
    assert any(trade.is_snapshot for trade in log.items[before:])
    assert not watched.gaps.items


def test_a_snapshot_that_does_not_reach_back_is_a_gap_with_its_times(still: LocalExchange) -> None:
    client = spot(still.spot_url, reconcile=False)
    watched, log = Watched(client), Log[Trade]()
    client.on_trade(BTC, log, limit=3)
    with running(client):
        still.step(50, BTC)
        wait_until(lambda: log.items and ids(log)[-1] == still.trades(BTC)[-1].id)
        last = log[-1]
        before = len(log)
        still.take_down()
        still.step(200, BTC)
        still.bring_up()
        [gap] = watched.gaps.wait(1, Gap)
        wait_until(lambda: len(log) >= before + 3)
    assert (gap.channel, gap.market, gap.since, gap.until) == (Channel.TRADES, BTC, last.time, log[before].time)
    assert int(log[before].id) > int(last.id) + 1
    assert client.stats().gaps == 1


def test_the_stream_of_all_orders_announces_a_gap_if_nobody_is_to_be_asked(still: LocalExchange) -> None:
    client = spot(still.spot_url, private=True, reconcile=False)
    watched = Watched(client)
    client.on_order(Log())
    with running(client):
        still.drop_connections()
        [gap] = watched.gaps.wait(1, Gap)
        until_ready(client, 1)
    assert (gap.channel, gap.market) == (Channel.ORDERS, None)
    assert "no snapshot" in gap.reason
    assert len(watched.gaps) == 1


def test_orders_changed_meanwhile_come_with_the_snapshot(still: LocalExchange) -> None:
    client = spot(still.spot_url, private=True)
    watched, log = Watched(client), Log[Order]()
    client.on_order(BTC, log)
    with running(client):
        order = still.place_order(BTC, "BID", price="1", amount="1")
        log.wait(1)
        still.take_down()
        still.cancel_order(order)
        still.bring_up()
        until_ready(client, 1)
        wait_until(lambda: log.items and log[-1].is_final)
    assert [(event.id, event.is_snapshot, event.is_final) for event in log] == [
        (order, False, False),
        (order, True, True),
    ]
    assert not watched.gaps.items


def test_only_the_connection_that_was_lost_opens_again(still: LocalExchange) -> None:
    client = spot(still.spot_url, private=True)
    watched = Watched(client)
    client.on_depth(BTC, Log())
    client.on_account(Log())
    with running(client):
        still.expire_auth()
        wait_until(lambda: members(still).count("subscribeViewerAccountsRequest") == 2)
        client.wait_ready(PATIENCE)
        assert still.handshakes == 2
    assert {change.connection for change in watched.states} == {"spot/depth", "spot/private"}
    assert not client.stats().reconnects


def test_books_of_other_connections_are_untouched_by_a_loss(still: LocalExchange) -> None:
    client = spot(still.spot_url)
    books: Log[Any] = Log()
    client.on_book(ETH, books)
    client.on_trade(BTC, Log())
    with running(client):
        still.send_raw("x", "trades")
        book = client.order_book(ETH)
        assert book.is_live
        assert members(still).count("subscribeMarketDepthRequest") == 1
