"""Several Rails connections as one: what befalls one of them is not to be seen in what is delivered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from client_rig import PATIENCE, QUICK, Gate, Log, in_thread
from rails_client_rig import (
    ALL,
    ALL_STREAMS,
    BTC,
    ETH,
    asked,
    rails,
    told_trades,
    trade_facts,
    until_follows,
    until_open,
    until_streams,
    venue,
)
from rails_redundancy_rig import NO_PAUSE, Redundant, in_step

from bigone_sync import (
    AuthenticationError,
    Channel,
    ConnectionState,
    ConnectTimeout,
    DepthSnapshot,
    Fill,
    Limits,
    OrderBook,
    OrderState,
    RailsOrder,
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


# -- what befalls the leader


@pytest.mark.parametrize("redundancy", [2, 3])
@pytest.mark.parametrize("fault", ["cut", "stall", "pause", "lag"])
def test_what_befalls_the_leader_costs_nothing(exchange: LocalExchange, redundancy: int, fault: str) -> None:
    options = {"timeouts": QUICK} if fault == "stall" else {"patience": PATIENCE if fault == "cut" else 0.3}
    with in_step(exchange, redundancy, **options) as side:
        client, leader = side.client, side.client.leader
        victim = side.number(leader)
        if fault == "cut":
            exchange.rails_cut(victim)
        elif fault == "lag":
            exchange.rails_lag(victim, 1.0)
        else:
            exchange.rails_stall(victim)
        exchange.rails_step(BTC, 40)
        side.until_whole()
        side.until_led_by_another(leader)
        if fault == "stall":
            wait_until(lambda: victim not in exchange.rails_connections, PATIENCE)
        elif fault == "pause":
            exchange.rails_resume(victim)
        side.until_in_step()
        side.until_brought()
        side.until_whole()
        stats = client.stats()
        assert stats.gaps == 0
        assert stats.callback_errors == 0
        if fault == "stall":
            assert stats.failovers >= 1
        else:
            assert stats.failovers == 1
            assert stats.reconnects == (fault == "cut")


def test_who_is_late_by_less_than_the_patience_goes_on_leading(exchange: LocalExchange) -> None:
    """However often one looks: another one has just brought more."""
    often = Timeouts(connect=2, ping=0.1, pong=5, reply=2, close=2)
    with in_step(exchange, patience=2.0, timeouts=often) as side:
        leader = side.client.leader
        exchange.rails_lag(side.number(leader), 0.2)
        pings = len(asked(exchange, "ping"))  # sent by the thread that loses patience
        side.until_much_has_happened(lambda: len(asked(exchange, "ping")) > pings + 50)
        assert (side.client.leader, side.client.stats().failovers) == (leader, 0)
        side.until_whole()


def test_the_lead_goes_to_one_that_is_not_behind_itself(exchange: LocalExchange) -> None:
    with in_step(exchange, 3, patience=0.3) as side:
        leader = side.client.leader
        late, quick = (name for name in side.client.in_step if name != leader)
        exchange.rails_lag(side.number(late), 5.0)
        exchange.rails_lag(side.number(leader), 1.0)
        side.until_led_by_another(leader)
        assert side.client.leader == quick
        side.until_whole()


def test_connections_are_lost_one_after_the_other(exchange: LocalExchange) -> None:
    with in_step(exchange) as side:
        for count in range(1, 5):
            exchange.rails_cut(side.number(side.client.leader))
            exchange.rails_step(BTC, 10)
            wait_until(lambda: side.client.stats().reconnects == count, PATIENCE)  # noqa: B023 - called at once
            side.until_in_step()
        side.until_whole()
        assert side.client.stats().failovers == 4


def test_the_leader_is_lost_while_the_other_lags(exchange: LocalExchange) -> None:
    """What the leader had brought beyond the other is known; what comes after it the other brings, late."""
    with in_step(exchange) as side:
        late = side.number(side.other())
        exchange.rails_stall(late)
        exchange.rails_step(BTC, 30)
        side.until_brought(side.client.leader)
        exchange.rails_cut(side.number(side.client.leader))
        exchange.rails_step(BTC, 30)
        exchange.rails_resume(late)
        side.until_in_step()
        side.until_whole()


@pytest.mark.parametrize("is_patient", [True, False], ids=["waits", "goes on"])
def test_a_new_connection_waits_for_one_that_lags(exchange: LocalExchange, is_patient: bool) -> None:
    with in_step(exchange, patience=PATIENCE if is_patient else 0.3) as side:
        leader, late = side.client.leader, side.number(side.other())
        exchange.rails_stall(late)
        exchange.rails_cut(side.number(leader))
        until_open(exchange, 2, {side.number(leader)})
        side.client.wait_ready(PATIENCE)
        before = len(side.watch.depth), len(side.watch.trades)
        side.bring(10)
        side.until_brought(leader)
        if is_patient:
            assert (len(side.watch.depth), len(side.watch.trades)) == before
            exchange.rails_resume(late)
            side.until_whole()
            return
        side.until_trades()
        until_follows(side.book, exchange)
        assert {gap.channel for gap in side.watch.gaps} == {Channel.DEPTH}
        assert (side.client.leader, side.client.stats().failovers) == (leader, 2)
        # What the late one brings in the end is known.
        exchange.rails_resume(late)
        side.until_in_step()
        side.until_brought()
        side.until_trades()
        until_follows(side.book, exchange)
        assert side.watch.snapshots == 2


def test_a_new_connection_that_brought_little_waits_without_harm(exchange: LocalExchange) -> None:
    """Its place is not known yet, but nothing is missing: the others brought the same."""
    often = Timeouts(connect=2, ping=0.1, pong=5, reply=2, close=2)
    with in_step(exchange, patience=0.1, timeouts=often) as side:
        exchange.rails_cut(side.number(side.client.leader))
        wait_until(lambda: side.client.stats().reconnects == 1, PATIENCE)
        side.client.wait_ready(PATIENCE)
        side.bring(1)
        side.until_brought()
        pings = len(asked(exchange, "ping"))  # sent by the thread that loses patience
        wait_until(lambda: len(asked(exchange, "ping")) > pings + 8, PATIENCE)
        assert len(side.client.in_step) == 1
        side.until_in_step()
        side.until_whole()


def test_who_follows_a_leader_that_is_lost_knows_its_place(exchange: LocalExchange) -> None:
    with in_step(exchange, 3) as side:
        lost = side.client.leader
        new, placed = (name for name in side.client.in_step if name != lost)
        exchange.rails_cut(side.number(new))
        wait_until(lambda: side.client.stats().reconnects == 1, PATIENCE)
        side.client.wait_ready(PATIENCE)
        assert set(side.client.in_step) == {lost, placed}
        exchange.rails_cut(side.number(lost))
        wait_until(lambda: side.client.leader not in (lost, None), PATIENCE)
        assert side.client.leader == placed
        side.until_in_step()
        side.until_whole()


@pytest.mark.parametrize("redundancy", [2, 3])
def test_when_all_are_lost_book_and_trades_go_on(exchange: LocalExchange, redundancy: int) -> None:
    with in_step(exchange, redundancy) as side:
        exchange.take_down()
        wait_until(lambda: side.client.leader is None, PATIENCE)
        assert side.client.in_step == ()
        wait_until(lambda: not side.book.is_live, PATIENCE)
        side.bring(20)
        exchange.bring_up()
        wait_until(lambda: side.client.stats().reconnects == redundancy, PATIENCE)
        side.until_in_step()
        side.until_trades()
        until_follows(side.book, exchange)
        assert side.watch.snapshots == 2
        assert not side.watch.gaps


# -- copies that differ


@pytest.mark.parametrize("is_leader", [True, False], ids=["leader", "other"])
def test_a_change_of_the_book_that_one_connection_did_not_bring(exchange: LocalExchange, is_leader: bool) -> None:
    with in_step(exchange) as side:
        name = side.client.leader if is_leader else side.other()
        exchange.rails_drop_next(side.number(name), "publicOrderBookDelta")
        side.bring()
        wait_until(lambda: side.watch.errors["StreamsDiverged"] >= 1, PATIENCE)
        until_follows(side.book, exchange)
        side.until_in_step()
        side.until_trades()
        until_follows(side.book, exchange)
        assert {gap.channel for gap in side.watch.gaps} == {Channel.DEPTH}
        assert side.watch.snapshots == 1 + len(side.watch.gaps)
        assert side.client.stats().reconnects == 0


@pytest.mark.parametrize("is_leader", [True, False], ids=["leader", "other"])
def test_a_trade_that_one_connection_did_not_bring(exchange: LocalExchange, is_leader: bool) -> None:
    with in_step(exchange) as side:
        name = side.client.leader if is_leader else side.other()
        exchange.rails_drop_next(side.number(name), "publicCompletedOrdersDelta")
        side.bring()
        wait_until(lambda: side.watch.errors["StreamsDiverged"] == 1, PATIENCE)
        side.bring()
        side.until_brought()
        truth = told_trades(exchange)
        # Whose copy came first decides whether it is late.
        wait_until(lambda: sorted(trade_facts(side.watch.trades)) == sorted(truth[-len(side.watch.trades) :]), PATIENCE)
        assert trade_facts(side.watch.trades)[-6:] == truth[-6:]
        until_follows(side.book, exchange)
        assert side.watch.snapshots == 1
        assert not side.watch.gaps
        assert side.watch.errors["StreamsDiverged"] == 1


# -- own orders and trades


@pytest.mark.parametrize("redundancy", [2, 3])
@pytest.mark.parametrize("is_late", [False, True], ids=["alike", "one late"])
def test_own_orders_and_trades_come_once(exchange: LocalExchange, redundancy: int, is_late: bool) -> None:
    side = Redundant(exchange, redundancy)
    orders, fills = Log[RailsOrder](), Log[Fill]()
    side.client.on_order(orders)
    side.client.on_fill(fills)
    with side.client:
        side.client.wait_ready(PATIENCE)
        side.until_in_step()
        late = side.number(side.client.leader)
        if is_late:
            exchange.rails_stall(late)
        price = next(iter(exchange.rails_book(BTC).bids))
        filled = exchange.rails_place(BTC, "buy", "0.5", price)
        exchange.rails_fill(filled, "0.2")
        exchange.rails_fill(filled)
        canceled = exchange.rails_place(BTC, "sell", "0.1", max(exchange.rails_book(BTC).asks))
        assert exchange.rails_cancel(canceled)
        wait_until(lambda: bool(orders) and orders[-1].status == OrderState.CANCELED, PATIENCE)
        wait_until(lambda: len(fills) == len(exchange.rails_fills()), PATIENCE)
        if is_late:
            exchange.rails_resume(late)
        side.bring(1)
        side.until_brought()
        side.until_whole()
    # Of the same order no two events say the same, and no older one comes after a newer one.
    said = [(order.order_id, order.status, order.filled) for order in orders]
    assert len(set(said)) == len(said)
    assert [order.status for order in orders if order.order_id == canceled][-1] == OrderState.CANCELED
    assert [order.status for order in orders if order.order_id == filled][-1] == OrderState.FILLED
    amounts = [order.filled or 0 for order in orders if order.order_id == filled]
    assert amounts == sorted(amounts)
    assert [(fill.id, fill.order_id) for fill in fills] == [
        (row.match_id, row.order_id) for row in exchange.rails_fills()
    ]


# -- a consumer that is too slow


def test_a_slow_consumer_gets_everything_in_order(exchange: LocalExchange) -> None:
    gate = Gate()
    gate.go.set()
    side = Redundant(exchange, limits=Limits(queue=20, dial_interval=0.01))
    side.client.on_depth(gate)
    with side.client:
        side.client.wait_ready(PATIENCE)
        side.until_in_step()
        gate.go.clear()
        for _ in range(3):
            exchange.rails_step(BTC, 100)
        wait_until(lambda: side.client.stats().queue_depth >= 20, PATIENCE)
        gate.go.set()
        side.until_whole()
        stats = side.client.stats()
        assert stats.dropped == 0
        assert stats.reconnects == 0


# -- beginning and ending


def test_close_while_one_connection_stalls(exchange: LocalExchange) -> None:
    with in_step(exchange) as side:
        exchange.rails_stall(side.number(side.other()))
        exchange.rails_step(BTC, 20)
        side.until_whole()
        side.client.close()
        assert side.client.state == ConnectionState.CLOSED
        wait_until(lambda: not exchange.rails_connections, PATIENCE)


def test_close_while_one_cannot_connect(exchange: LocalExchange) -> None:
    with in_step(exchange) as side:
        exchange.refuse_rails_handshakes(503)
        exchange.rails_cut(side.number(side.client.leader))
        wait_until(lambda: side.watch.errors["ConnectError"] >= 1, PATIENCE)
        exchange.rails_step(BTC, 20)
        side.until_whole()
        side.client.close()
        assert side.client.state == ConnectionState.CLOSED
    assert side.client.leader is None


def test_ready_means_all_connections(exchange: LocalExchange) -> None:
    with in_step(exchange) as side:
        exchange.refuse_rails_handshakes(503)
        exchange.rails_cut(side.number(side.client.leader))
        wait_until(lambda: len(side.client.in_step) == 1, PATIENCE)
        assert side.book.is_live
        with pytest.raises(ConnectTimeout, match=f"{BTC}#0 .*{BTC}#1"):
            side.client.wait_ready(0.1)
        done: Log[str] = Log()
        waiter = in_thread(lambda: (side.client.wait_ready(PATIENCE), done("ready")))
        exchange.accept_rails_handshakes()
        done.wait(1)
        waiter.join(PATIENCE)
        assert set(side.client.connections.values()) == {ConnectionState.READY}
        side.until_in_step()
        side.until_whole()


@pytest.mark.parametrize("is_leader", [False, True])
def test_a_connection_that_is_refused_for_good_is_done_without(exchange: LocalExchange, is_leader: bool) -> None:
    with in_step(exchange, redundancy=3) as side:
        gone = side.client.leader if is_leader else side.other()
        assert gone is not None
        exchange.refuse_rails_handshakes(403, n=2)  # a fresh token is tried once
        exchange.rails_cut(side.number(gone))
        wait_until(lambda: side.watch.errors["AuthenticationError"] == 1, PATIENCE)
        left = {f"rails/{BTC}#{number}" for number in range(3)} - {gone}
        wait_until(lambda: set(side.client.in_step) == left, PATIENCE)
        exchange.rails_step(BTC, 20)
        side.until_whole()
        order = side.client.create_order(side="buy", amount="1", price=side.book.best_bid.price)
        assert order.status == OrderState.PENDING
        assert side.client.state == ConnectionState.READY
        assert side.client.connections[gone.removeprefix("rails/")] == ConnectionState.CLOSED
        # Whoever asks is told that it is not as it was ordered.
        with pytest.raises(AuthenticationError, match=f"{gone}: .*403"):
            side.client.wait_ready(PATIENCE)
        assert not side.client.wait(0)


def test_the_last_connection_that_is_refused_for_good_ends_the_client(exchange: LocalExchange) -> None:
    with in_step(exchange) as side:
        exchange.refuse_rails_handshakes(403)
        exchange.rails_cut(side.number(side.client.leader))
        wait_until(lambda: side.watch.errors["AuthenticationError"] == 1, PATIENCE)
        exchange.rails_step(BTC, 20)
        side.until_whole()
        exchange.rails_cut(side.number(side.client.leader))
        with pytest.raises(AuthenticationError, match="403"):
            side.client.wait(PATIENCE)
        wait_until(lambda: side.watch.errors["AuthenticationError"] == 2, PATIENCE)
        with pytest.raises(AuthenticationError, match="403"):
            side.client.ping()
        assert side.client.state == ConnectionState.CLOSED


def test_credentials_that_are_wrong_end_all_connections_and_the_client(exchange: LocalExchange) -> None:
    side = Redundant(exchange, token="a.b.c")
    with side.client:
        with pytest.raises(AuthenticationError, match="401"):
            side.client.wait_ready(PATIENCE)
        with pytest.raises(AuthenticationError, match="401"):
            side.client.wait(PATIENCE)


def test_who_leads_and_who_is_in_step(exchange: LocalExchange) -> None:
    side = Redundant(exchange)
    names = (f"rails/{BTC}#0", f"rails/{BTC}#1")
    assert side.client.leader is None
    assert side.client.in_step == ()
    with side.client:
        side.client.wait_ready(PATIENCE)
        # Without anything brought only one of them has a place.
        assert side.client.leader in names
        assert len(side.client.in_step) == 1
        side.until_in_step()
        assert side.client.in_step == names
        exchange.refuse_rails_handshakes(503)
        gone = side.client.leader
        exchange.rails_cut(side.number(gone))
        wait_until(lambda: side.client.leader not in (None, gone), PATIENCE)
        assert side.client.in_step == (side.client.leader,)
        exchange.accept_rails_handshakes()
        side.until_in_step()
        assert side.client.leader != gone  # who leads goes on leading
        assert side.client.in_step == names


def test_numbers_of_each_connection_and_no_event_counted_twice(exchange: LocalExchange) -> None:
    with in_step(exchange) as side:
        exchange.rails_cut(side.number(side.other()))
        exchange.rails_step(BTC, 50)
        wait_until(lambda: side.client.stats().reconnects == 1, PATIENCE)
        side.until_in_step()
        side.until_brought()
        side.until_whole()
        wait_until(lambda: side.client.stats().queue_depth == 0, PATIENCE)
        stats = side.client.stats()
    assert set(stats.channels) == {f"{BTC}#0", f"{BTC}#1"}
    assert all(one.frames > 6 for one in stats.channels.values())
    for field in ("frames", "bytes", "events", "delivered", "reconnects", "gaps", "decode_errors"):
        assert getattr(stats, field) == sum(getattr(one, field) for one in stats.channels.values()), field
    assert stats.events == stats.delivered == len(side.watch.depth) + len(side.watch.trades)
    assert stats.failovers == 0


# -- several markets, and streams that come and go


def test_two_markets_over_two_connections(exchange: LocalExchange) -> None:
    client = rails(exchange, market=ALL, redundancy=2, limits=NO_PAUSE)
    trades, depth = {}, {}
    for market in (BTC, ETH):
        trades[market], depth[market] = Log[Trade](), Log[Any]()
        client.on_trade(market, trades[market])
        client.on_depth(market, depth[market])
    books = [client.order_book(market) for market in (BTC, ETH)]

    def go_on() -> None:
        client.wait_ready(PATIENCE)
        for _ in range(6):
            for market in (BTC, ETH):
                exchange.rails_trade(market)
        wait_until(lambda: len(client.in_step) == 2, PATIENCE)

    with client:
        go_on()
        first = exchange.rails_connections
        exchange.rails_cut(first[0])
        exchange.rails_step(BTC, 20)
        exchange.rails_step(ETH, 20)
        until_open(exchange, 2, first[:1])
        go_on()
        exchange.rails_cut(first[1])
        until_open(exchange, 2, first)
        go_on()
        for book in books:
            until_follows(book, exchange)
        for market in (BTC, ETH):
            log = trades[market]
            wait_until(lambda: trade_facts(log) == told_trades(exchange, market)[-len(log) :], PATIENCE)  # noqa: B023
            assert len(depth[market].of(DepthSnapshot)) == 1
        assert client.stats().gaps == 0


def test_streams_come_and_go_on_all_connections(exchange: LocalExchange) -> None:
    client = rails(exchange, redundancy=2, limits=NO_PAUSE)
    with client:
        client.wait_ready(PATIENCE)
        connections = until_open(exchange, 2)
        for connection in connections:
            until_streams(exchange, connection, "orders")
        for _ in range(2):
            trades, depth = Log[Trade](), Log[Any]()
            shown = Log[OrderBook]()
            subscriptions = [client.on_trade(trades), client.on_depth(depth), client.on_book(shown)]
            client.wait_ready(PATIENCE)
            for connection in connections:
                until_streams(exchange, connection, "orders", "publicTrades", "publicOrderBook")
            for _ in range(6):
                exchange.rails_trade(BTC)
            wait_until(lambda: len(client.in_step) == 2, PATIENCE)
            exchange.rails_step(BTC, 20)
            shown.wait(1)
            until_follows(shown[-1], exchange)
            wait_until(lambda: trade_facts(trades) == told_trades(exchange)[-len(trades) :], PATIENCE)  # noqa: B023
            assert len(depth.of(DepthSnapshot)) == 1
            for subscription in subscriptions:
                subscription.close()
            for connection in connections:
                until_streams(exchange, connection, "orders")
        client.on_trade(Log())
        client.on_fill(Log())
        client.on_depth(Log())
        for connection in connections:
            until_streams(exchange, connection, *ALL_STREAMS)
        assert until_open(exchange, 2) == connections
        assert client.stats().gaps == 0
