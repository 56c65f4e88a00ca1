"""What REST tells of own orders and trades after a reconnect: what differs, once, in order, before what is live."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal as D
from typing import Any

import pytest
from client_rig import BTC, ETH, KEYS, PATIENCE, Log, Watched, matches, members, running, spot, until_ready

from bigone_sync import (
    Channel,
    ConnectError,
    ConnectionLost,
    Gap,
    Limits,
    Order,
    OrderState,
    RawFrame,
    SpotRest,
    SubscriptionState,
    Timeouts,
    Trade,
)
from bigone_sync.clients._spot_history import RestSpotHistory
from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import leak_check, wait_until

pytestmark = pytest.mark.one_codec

PATIENT = Timeouts(connect=2, ping=5, pong=5, reply=30, close=10)
SHORT = Timeouts(connect=1, ping=5, pong=5, reply=0.6, close=5)
ORDERS, TRADES = "/viewer/orders", f"/asset_pairs/{BTC}/trades"
SCOPES = pytest.mark.parametrize("market", [None, BTC], ids=["all orders", "one market"])


@contextmanager
def away(exchange: LocalExchange) -> Iterator[None]:
    """The client is not connected in the block, and comes back after it."""
    exchange.take_down()
    yield
    exchange.bring_up()


def asked(exchange: LocalExchange, path: str = ORDERS) -> int:
    """REST calls for something so far."""
    return len([request for request in exchange.rest_requests if path in request.path])


def subscribe(client: Any, market: str | None, log: Log[Order]) -> Any:
    return client.on_order(log) if market is None else client.on_order(market, log)


def facts(orders: list[Order]) -> list[tuple[str, OrderState, D | None]]:
    return [(order.id, order.state, order.filled_amount) for order in orders]


# -- orders: what is delivered


@SCOPES
def test_exactly_what_differs_is_told_in_order(still: LocalExchange, market: str | None) -> None:
    client = spot(still.spot_url, private=True)
    watched, log = Watched(client), Log[Order]()
    subscribe(client, market, log)
    with running(client):
        ended, partly, same = (still.place_order(BTC, "BID", price=price, amount="2") for price in ("3", "4", "2"))
        log.wait(3)
        before = len(log)
        with away(still):
            still.cancel_order(ended)
            still.fill_order(partly, "0.5")
            new = still.place_order(BTC, "BID", price="1", amount="1")
            gone = still.place_order(BTC, "BID", price="1", amount="1")
            still.cancel_order(gone)
        until_ready(client, 1)
        mark = still.place_order(BTC, "BID", price="1", amount="7")
        wait_until(lambda: log[-1].id == mark, PATIENCE)
        told = log.items[before:-1]
    assert all(order.is_snapshot for order in told)
    assert not log[-1].is_snapshot
    latest = {order.id: (order.state, order.filled_amount) for order in told}
    assert latest[ended] == (OrderState.CANCELLED, D(0))
    assert latest[partly] == (OrderState.PENDING, D("0.5"))
    assert latest[new] == (OrderState.PENDING, D(0))
    assert latest[gone] == (OrderState.CANCELLED, D(0))
    assert len(facts(told)) == len(set(facts(told)))
    if market is None:  # which has no snapshot of the stream's own
        assert len(told) == 4
        assert same not in latest
        times = [order.updated_at for order in told]
        assert times == sorted(times)  # type: ignore[type-var]
    assert {type(error) for error in watched.errors} <= {ConnectionLost, ConnectError}
    assert not watched.gaps.items


@SCOPES
def test_nothing_is_told_where_nothing_differs(still: LocalExchange, market: str | None) -> None:
    client = spot(still.spot_url, private=True)
    watched, log = Watched(client), Log[Order]()
    subscribe(client, market, log)
    with running(client):
        order = still.place_order(BTC, "BID", price="1", amount="1")
        log.wait(1)
        for number in (1, 2):
            still.drop_connections()
            until_ready(client, number)
            wait_until(lambda number=number: asked(still) >= 2 * number, PATIENCE)  # type: ignore[misc]
        still.cancel_order(order)
        wait_until(lambda: log[-1].is_final, PATIENCE)
    # A stream of one market repeats its snapshot at each opening.
    assert len(log) == (2 if market is None else 4)
    assert not watched.gaps.items


def test_an_old_order_that_was_never_heard_of_is_told_when_it_ends_meanwhile(still: LocalExchange) -> None:
    # Placed long before the client came: the stream of all orders does not tell of it.
    still.clock_offset = -3600
    old, *_ = [still.place_order(BTC, "BID", price="1", amount="1") for _ in range(4)]
    still.clock_offset = 0
    client = spot(still.spot_url, private=True)
    watched, log = Watched(client), Log[Order]()
    client.on_order(log)
    with running(client):
        with away(still):
            still.cancel_order(old)
        until_ready(client, 1)
        wait_until(lambda: any(order.id == old for order in log), PATIENCE)
    assert [order.is_final for order in log if order.id == old] == [True]
    assert not watched.gaps.items


@SCOPES
def test_what_is_live_is_held_back_until_all_is_whole(still: LocalExchange, market: str | None) -> None:
    client = spot(still.spot_url, private=True, timeouts=PATIENT)
    watched, log = Watched(client), Log[Order]()
    subscription = subscribe(client, market, log)
    with running(client):
        order = still.place_order(BTC, "BID", price="1", amount="1")
        log.wait(1)
        still.fail_rest("hang", path=ORDERS, times=None)
        with away(still):
            still.cancel_order(order)
        wait_until(lambda: asked(still) == 1, PATIENCE)
        live = still.place_order(BTC, "BID", price="1", amount="2")
        received = subscription.received
        wait_until(lambda: subscription.received > received or subscription.received >= 2, PATIENCE)
        assert len(log) == 1
        assert subscription.state != SubscriptionState.LIVE
        assert not client.wait(0.01)
        still.heal_rest()
        client.wait_ready(PATIENCE)
        wait_until(lambda: {order.id for order in log.items[1:]} == {order, live}, PATIENCE)
        assert subscription.state == SubscriptionState.LIVE
        later = still.place_order(BTC, "BID", price="1", amount="3")
        wait_until(lambda: log[-1].id == later, PATIENCE)
    finals = [told for told in log if told.id == order and told.is_final]
    assert len(finals) == 1
    assert facts(log.items).count((live, OrderState.PENDING, D(0))) == 1
    assert not watched.gaps.items


def test_a_late_live_frame_does_not_undo_an_end(still: LocalExchange) -> None:
    client = spot(still.spot_url, private=True)
    watched, log, raw = Watched(client), Log[Order](), Log[RawFrame]()
    client.on_order(log)
    client.on_raw(raw)
    with running(client):
        order = still.place_order(BTC, "BID", price="1", amount="1")
        log.wait(1)
        [frame] = [frame for frame in raw if order.encode() in frame.data]
        with away(still):
            still.cancel_order(order)
        until_ready(client, 1)
        wait_until(lambda: log[-1].is_final, PATIENCE)
        still.send_raw(frame.data.decode())
        mark = still.place_order(BTC, "BID", price="1", amount="7")
        wait_until(lambda: log[-1].id == mark, PATIENCE)
    assert [(told.id, told.is_final) for told in log] == [(order, False), (order, True), (mark, False)]
    assert not watched.gaps.items


# -- orders: where they are asked for


def test_only_named_markets_and_those_seen_are_asked_for(still: LocalExchange) -> None:
    client = spot(still.spot_url, private=True, reconcile=[BTC])
    log = Log[Order]()
    client.on_order(log)
    with running(client):
        for number, expected in ((1, {BTC}), (2, {BTC, ETH})):
            already = asked(still)
            still.drop_connections()
            until_ready(client, number)
            told = [request for request in still.rest_requests if ORDERS in request.path][already:]
            assert {dict(request.query)["asset_pair_name"] for request in told} == expected
            order = still.place_order(ETH, "BID", price="1", amount="1")
            wait_until(lambda order=order: log.items and log[-1].id == order, PATIENCE)  # type: ignore[misc]
    assert asked(still, "/asset_pairs") == 0


def test_of_many_markets_a_gap_says_what_to_do() -> None:
    names = [f"C{number:02}-USDT" for number in range(25)]
    with leak_check(), LocalExchange(rate=0, markets=names) as exchange:
        client = spot(exchange.spot_url, private=True)
        watched, log = Watched(client), Log[Order]()
        client.on_order(log)
        with running(client):
            order = exchange.place_order(names[3], "BID", price="0.1", amount="1")
            log.wait(1)
            with away(exchange):
                exchange.cancel_order(order)
            until_ready(client, 1)
            [gap] = watched.gaps.wait(1, Gap)
            wait_until(lambda: log[-1].is_final, PATIENCE)
        assert (gap.channel, gap.market) == (Channel.ORDERS, None)
        assert "24 markets" in gap.reason
        assert "reconcile=[...]" in gap.reason
        told = [request for request in exchange.rest_requests if ORDERS in request.path]
        assert {dict(request.query).get("asset_pair_name", names[3]) for request in told} == {names[3]}


def test_without_reconciling_a_gap_is_announced_as_ever(still: LocalExchange) -> None:
    client = spot(still.spot_url, private=True, reconcile=False)
    watched = Watched(client)
    client.on_order(Log())
    with running(client):
        still.drop_connections()
        [gap] = watched.gaps.wait(1, Gap)
        until_ready(client, 1)
    assert "no snapshot" in gap.reason
    assert asked(still) == 0


# -- orders: what goes wrong

FAULTS = ["500", "hang", "cut_json", "cut_body", "429"]


@SCOPES
@pytest.mark.parametrize("fault", FAULTS)
def test_where_rest_fails_a_gap_says_why_and_the_stream_goes_on(
    still: LocalExchange, fault: str, market: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client = spot(still.spot_url, private=True, timeouts=SHORT)
    watched, log = Watched(client), Log[Order]()
    subscription = subscribe(client, market, log)
    with running(client):
        still.fail_rest(fault, path=ORDERS, times=None)
        still.drop_connections()
        [gap] = watched.gaps.wait(1, Gap)
        until_ready(client, 1)
        assert subscription.state == SubscriptionState.LIVE
        order = still.place_order(BTC, "BID", price="1", amount="1")
        wait_until(lambda: log.items and log[-1].id == order, PATIENCE)
        # And the next time it may be there again.
        still.heal_rest()
        with away(still):
            still.cancel_order(order)
        wait_until(lambda: log[-1].is_final, PATIENCE)
        until_ready(client, 2)
    assert (gap.channel, gap.market) == (Channel.ORDERS, market)
    assert "orders were asked for, and not all were had: " in gap.reason
    assert len(watched.gaps) == 1
    assert client.stats().gaps == 1
    for secret in ("Bearer", "eyJ"):
        assert secret not in caplog.text + gap.reason


def test_faults_that_pass_are_not_noticed(still: LocalExchange) -> None:
    client = spot(still.spot_url, private=True, timeouts=PATIENT)
    watched, log = Watched(client), Log[Order]()
    client.on_order(log)
    with running(client):
        still.fail_rest("500", path=ORDERS, times=1)
        still.fail_rest("drop", path=ORDERS, times=1)
        with away(still):
            order = still.place_order(BTC, "BID", price="1", amount="1")
        wait_until(lambda: log.items and log[0].id == order, PATIENCE)
    assert not watched.gaps.items


def test_a_renewed_login_is_followed_by_reconciling(still: LocalExchange) -> None:
    client = spot(still.spot_url, private=True, timeouts=PATIENT)
    watched, log = Watched(client), Log[Order]()
    subscription = client.on_order(log)
    with running(client):
        order = still.place_order(BTC, "BID", price="1", amount="1")
        log.wait(1)
        pings = asked(still, "/ping")
        # The clock is measured before the new login: as long as that hangs, nobody is logged in.
        still.fail_rest("hang", path="/ping", times=None)
        still.expire_auth()
        wait_until(lambda: asked(still, "/ping") > pings, PATIENCE)
        assert subscription.state == SubscriptionState.STALE
        still.cancel_order(order)
        still.heal_rest()
        wait_until(lambda: log[-1].is_final, PATIENCE)
        client.wait_ready(PATIENCE)
        assert subscription.state == SubscriptionState.LIVE
    assert [(told.id, told.is_snapshot) for told in log] == [(order, False), (order, True)]
    watched.assert_quiet()
    assert still.handshakes == 1


@SCOPES
def test_a_reconnect_during_a_reconcile(still: LocalExchange, market: str | None) -> None:
    client = spot(still.spot_url, private=True, timeouts=PATIENT)
    watched, log = Watched(client), Log[Order]()
    subscription = subscribe(client, market, log)
    with running(client):
        one, two = (still.place_order(BTC, "BID", price="1", amount="1") for _ in range(2))
        log.wait(2)
        still.fail_rest("hang", path=ORDERS, times=1)
        with away(still):
            still.cancel_order(one)
        wait_until(lambda: asked(still) == 1, PATIENCE)
        with away(still):  # which ends the call that hangs, too
            still.cancel_order(two)
            gone = still.place_order(BTC, "BID", price="1", amount="1")
            still.cancel_order(gone)
        wait_until(lambda: client.stats().reconnects == 2, PATIENCE)
        still.heal_rest()
        client.wait_ready(PATIENCE)
        assert subscription.state == SubscriptionState.LIVE
        mark = still.place_order(BTC, "BID", price="1", amount="7")
        wait_until(lambda: log[-1].id == mark, PATIENCE)
    finals = [told.id for told in log if told.is_final]
    assert set(finals) == {one, two, gone}
    if market is None:  # a stream of one market repeats what its snapshot holds at each opening
        assert len(finals) == 3
    assert not [gap for gap in watched.gaps if gap.market != market]


def test_close_during_a_reconcile(still: LocalExchange, caplog: pytest.LogCaptureFixture) -> None:
    client = spot(still.spot_url, private=True, timeouts=PATIENT)
    watched = Watched(client)
    client.on_order(Log())
    with running(client):
        still.fail_rest("hang", path=ORDERS, times=None)
        still.drop_connections()
        wait_until(lambda: asked(still) == 1, PATIENCE)
    assert client._closed.is_set()
    assert not watched.gaps.items
    assert "left behind" not in caplog.text


def test_a_stream_that_is_left_during_a_reconcile(still: LocalExchange) -> None:
    client = spot(still.spot_url, private=True, timeouts=PATIENT)
    watched, log, again = Watched(client), Log[Order](), Log[Order]()
    subscription = client.on_order(log)
    with running(client):
        still.fail_rest("hang", path=ORDERS, times=None)
        with away(still):
            order = still.place_order(BTC, "BID", price="1", amount="1")
        wait_until(lambda: asked(still) == 1, PATIENCE)
        subscription.close()
        client.on_order(again)
        client.wait_ready(PATIENCE)
        still.heal_rest()
        still.cancel_order(order)
        again.wait(1)
    assert subscription.state == SubscriptionState.ENDED
    assert log.items == []
    assert [told.is_final for told in again] == [True]
    assert not watched.gaps.items


@pytest.mark.one_codec
@pytest.mark.parametrize("unit", ["MARGIN"])
def test_orders_that_rest_does_not_list_are_a_gap(still: LocalExchange, unit: str) -> None:
    client = spot(still.spot_url, private=True)
    watched = Watched(client)
    client.subscribe(Channel.ORDERS, business_unit=unit, handler=Log())
    with running(client):
        still.drop_connections()
        [gap] = watched.gaps.wait(1, Gap)
        until_ready(client, 1)
    assert "no snapshot" in gap.reason
    assert asked(still) == 0


# -- trades


def numbers(log: Log[Trade]) -> list[int]:
    return [int(trade.id) for trade in log]


def there(exchange: LocalExchange) -> list[int]:
    return [int(trade.id) for trade in exchange.trades(BTC)]


def caught_up(exchange: LocalExchange, log: Log[Trade]) -> Callable[[], bool]:
    return lambda: bool(log.items) and numbers(log)[-1] == there(exchange)[-1]


def make_trades(exchange: LocalExchange, count: int) -> None:
    """At least so many."""
    before = len(there(exchange))
    while len(there(exchange)) < before + count:
        exchange.step(1, BTC)


def assert_whole(exchange: LocalExchange, log: Log[Trade]) -> None:
    """Every trade since the first, in order, once."""
    ids = there(exchange)
    assert numbers(log) == ids[ids.index(numbers(log)[0]) :]


@pytest.fixture
def tape(still: LocalExchange) -> Iterator[tuple[LocalExchange, Any, Log[Trade], Watched]]:
    """A running client with a stream of trades whose snapshots are short."""
    client = spot(still.spot_url, timeouts=PATIENT)
    watched, log = Watched(client), Log[Trade]()
    client.on_trade(BTC, log, limit=3)
    with running(client):
        make_trades(still, 5)
        wait_until(caught_up(still, log), PATIENCE)
        yield still, client, log, watched


def test_a_hole_is_filled_in_order(tape: Any) -> None:
    exchange, client, log, watched = tape
    for number in (1, 2):
        with away(exchange):
            make_trades(exchange, 40)
        until_ready(client, number)
        wait_until(caught_up(exchange, log), PATIENCE)
        assert asked(exchange, TRADES) == number
        make_trades(exchange, 5)
        wait_until(caught_up(exchange, log), PATIENCE)
    assert_whole(exchange, log)
    assert not watched.gaps.items


def test_without_a_hole_nobody_is_asked(tape: Any) -> None:
    exchange, client, log, watched = tape
    with away(exchange):
        make_trades(exchange, 1)
    until_ready(client, 1)
    wait_until(caught_up(exchange, log), PATIENCE)
    assert_whole(exchange, log)
    assert exchange.rest_requests == []
    assert not watched.gaps.items


def test_what_rest_does_not_reach_is_a_gap_with_its_times(tape: Any) -> None:
    exchange, client, log, watched = tape
    last, before = log[-1], len(log)
    with away(exchange):
        make_trades(exchange, 200)
    [gap] = watched.gaps.wait(1, Gap)
    wait_until(caught_up(exchange, log), PATIENCE)
    make_trades(exchange, 5)
    wait_until(caught_up(exchange, log), PATIENCE)
    after = numbers(log)[before:]
    assert after == there(exchange)[-len(after) :]
    assert len(after) >= 150
    assert (gap.channel, gap.market, gap.since, gap.until) == (Channel.TRADES, BTC, last.time, log[before].time)
    assert "does not reach back" in gap.reason
    assert client.stats().gaps == len(watched.gaps) == 1


@pytest.mark.parametrize("fault", ["500", "hang", "cut_json", "html"])
def test_where_rest_fails_the_whole_hole_is_a_gap(still: LocalExchange, fault: str) -> None:
    client = spot(still.spot_url, timeouts=SHORT)
    watched, log = Watched(client), Log[Trade]()
    client.on_trade(BTC, log, limit=3)
    with running(client):
        make_trades(still, 5)
        wait_until(caught_up(still, log), PATIENCE)
        last, before = log[-1], len(log)
        still.fail_rest(fault, path=TRADES, times=None)
        with away(still):
            make_trades(still, 40)
        [gap] = watched.gaps.wait(1, Gap)
        wait_until(caught_up(still, log), PATIENCE)
        make_trades(still, 3)
        wait_until(caught_up(still, log), PATIENCE)
    assert (gap.since, gap.until) == (last.time, log[before].time)
    assert "trades were asked for in vain" in gap.reason
    after = numbers(log)[before:]
    assert after == there(still)[-len(after) :]


def test_trades_that_rest_tells_before_the_stream_does_come_in_order_and_once(tape: Any) -> None:
    exchange, _client, log, watched = tape
    exchange.fail_rest("hang", path=TRADES, times=None)
    with away(exchange):
        make_trades(exchange, 20)
    wait_until(lambda: asked(exchange, TRADES) == 1, PATIENCE)
    make_trades(exchange, 5)  # live, and held back
    exchange.mute("trades")
    make_trades(exchange, 5)  # the stream is late with these: REST alone tells them
    exchange.heal_rest()
    wait_until(caught_up(exchange, log), PATIENCE)
    exchange.unmute()
    make_trades(exchange, 5)
    wait_until(caught_up(exchange, log), PATIENCE)
    assert_whole(exchange, log)
    assert not watched.gaps.items


def test_rest_that_is_behind_the_stream_leaves_a_gap(tape: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    exchange, _client, log, watched = tape
    trades, stale = SpotRest.trades, 10

    def behind(rest: SpotRest, market: str, **options: Any) -> tuple[Trade, ...]:
        found = sorted(trades(rest, market, **options), key=lambda trade: int(trade.id))
        return tuple(found[:-stale])

    monkeypatch.setattr(SpotRest, "trades", behind)
    with away(exchange):
        make_trades(exchange, 40)
    [gap] = watched.gaps.wait(1, Gap)
    wait_until(caught_up(exchange, log), PATIENCE)
    ids, times = numbers(log), {int(trade.id): trade.time for trade in log}
    assert ids == sorted(set(ids))
    missing = [id for id in there(exchange) if ids[0] < id and id not in ids]
    assert len(missing) == stale - 3
    assert gap.since == times[max(id for id in ids if id < missing[0])]
    assert gap.until == times[min(id for id in ids if id > missing[-1])]
    assert "behind the stream" in gap.reason


def test_holes_before_and_during_a_repair_are_filled_in_order(tape: Any) -> None:
    exchange, client, log, watched = tape
    exchange.fail_rest("hang", path=TRADES, times=1)
    with away(exchange):
        make_trades(exchange, 30)
    wait_until(lambda: asked(exchange, TRADES) == 1, PATIENCE)
    with away(exchange):
        make_trades(exchange, 30)
    wait_until(lambda: client.stats().reconnects == 2, PATIENCE)
    exchange.heal_rest()
    client.wait_ready(PATIENCE)
    wait_until(caught_up(exchange, log), PATIENCE)
    make_trades(exchange, 5)
    wait_until(caught_up(exchange, log), PATIENCE)
    assert_whole(exchange, log)
    assert not watched.gaps.items


def test_a_slow_handler_slows_the_reader_down_after_a_repair_too(still: LocalExchange) -> None:
    client = spot(still.spot_url, timeouts=PATIENT, limits=Limits(queue=5))
    watched, log = Watched(client), Log[Trade]()
    client.on_trade(BTC, log, limit=3)
    with running(client):
        make_trades(still, 5)
        wait_until(caught_up(still, log), PATIENCE)
        with away(still):
            make_trades(still, 100)
        until_ready(client, 1)
        make_trades(still, 100)
        wait_until(caught_up(still, log), PATIENCE)
    assert_whole(still, log)
    assert not watched.gaps.items


def test_other_streams_go_on_during_a_repair(still: LocalExchange) -> None:
    client = spot(still.spot_url, timeouts=PATIENT, private=True, connections="shared")
    log = Log[Trade]()
    client.on_trade(BTC, log, limit=3)
    client.on_order(Log())
    book = client.order_book(BTC)
    with running(client):
        make_trades(still, 5)
        wait_until(caught_up(still, log), PATIENCE)
        still.fail_rest("hang", times=None, path=TRADES)
        still.fail_rest("hang", times=None, path=ORDERS)
        with away(still):
            make_trades(still, 20)
        wait_until(lambda: asked(still, TRADES) + asked(still) >= 1, PATIENCE)
        wait_until(lambda: matches(book, still), PATIENCE)
        still.step(20, BTC)
        wait_until(lambda: matches(book, still), PATIENCE)
        still.heal_rest()
        wait_until(caught_up(still, log), PATIENCE)
        client.wait_ready(PATIENCE)
    assert_whole(still, log)
    assert members(still).count("authenticateCustomerRequest") == 2


def test_what_was_sent_behind_a_frame_that_was_read_late_is_asked_for(still: LocalExchange) -> None:
    with SpotRest(KEYS, url=still.rest_url()) as rest:
        history = RestSpotHistory(lambda: rest, deadline=PATIENCE, markets=None)
        heard_of = rest.order(still.place_order(BTC, "BID", price="1", amount="1"))
        unheard_of = still.place_order(BTC, "BID", price="2", amount="1")
        still.cancel_order(unheard_of)
        assert heard_of.updated_at is not None
        # The frame of the first order waited long in a full queue: when it was read, the second had come and gone.
        read_at, newest = time.time() + 60, heard_of.updated_at.timestamp()
        found = history.orders(None, [heard_of], [BTC], read_at, newest)
    assert not found.missing
    assert {order.id for order in found.items} == {heard_of.id, unheard_of}
