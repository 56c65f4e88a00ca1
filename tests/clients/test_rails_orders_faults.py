"""Commands on Rails when things go wrong: what is known is said, and nothing is ever sent twice."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from client_rig import PATIENCE, Doing, Log, Watched, needs_signals, running, until_ready
from rails_client_rig import BTC, asked, rails, until_open, until_streams, venue
from rails_commands_rig import (
    CANCEL,
    CREATE,
    LEVERAGE,
    MODIFY,
    Trader,
    own,
    resting,
    sent,
    trading,
    until_sent,
)

from bigone_sync import ConnectionState, Limits, OrderState, RailsClient, RailsOrder
from bigone_sync.errors import (
    BigOneError,
    ConnectionClosed,
    ConnectionLost,
    NotConnected,
    OrderRejected,
    OutcomeUnknown,
    RateLimited,
    RequestTimeout,
    RestError,
)
from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import leak_check, wait_until

pytestmark = pytest.mark.one_codec

LONG, SHORT = threading.TIMEOUT_MAX, 0.2
STRANGER = "0835bf3e-4a20-41f0-908d-8213f2b7a285"


@pytest.fixture
def market() -> Iterator[LocalExchange]:
    with leak_check(), venue() as exchange:
        yield exchange


@pytest.fixture
def trader(market: LocalExchange) -> Iterator[Trader]:
    """One whose connection may be lost."""
    trader = Trader(rails(market, reconcile=False))
    with running(trader.client):
        yield trader


def nothing_is_left(client: RailsClient) -> None:
    """No command is waited for."""
    assert client._group.commands._open == {}
    assert client._group.commands._decided == []


# -- limits


def test_the_exchanges_limit_is_reached_before_ours(market: LocalExchange) -> None:
    with leak_check(), venue(rails_order_limit=1) as market, trading(market) as trader:
        client = trader.client
        order = client.create_order(**resting(market))
        with pytest.raises(OrderRejected) as refused:
            client.cancel_order(order.order_id)
        assert (refused.value.code, refused.value.command) == (429, CANCEL)
        # For the rest of the minute nothing is sent: who goes on may be banned.
        commands: list[Callable[[], object]] = [
            lambda: client.create_order(**resting(market)),
            lambda: client.modify_order(order.order_id, amount=1),
            lambda: client.cancel_order(order.order_id),
            lambda: client.update_leverage(2),
            lambda: client.resolve(order.client_request_id or ""),
        ]
        for command in commands:
            with pytest.raises(RateLimited) as limited:
                command()
            assert 0 < limited.value.retry_in <= 60
        assert client.ping() > 0  # no order operation
    assert sent(market) == 2
    assert not asked(market, "getOrder")


def test_our_own_limit_is_reached_first_and_nothing_is_sent(market: LocalExchange) -> None:
    with trading(market, order_limit=2) as trader:
        client = trader.client
        order = client.create_order(**resting(market), wait="confirm")
        client.cancel_order(order.order_id)
        with pytest.raises(RateLimited, match="was not sent, and is not sent later: 2 order operations") as caught:
            client.create_order(**resting(market))
        assert caught.value.command == CREATE
        assert 0 < caught.value.retry_in <= 60
        assert sent(market) == 2
        # The limit is the account's: another client in this process has no room either.
        with trading(market, order_limit=2) as other, pytest.raises(RateLimited):
            other.client.create_order(**resting(market))
        # Of a client that has only a token nobody knows the account.
        with trading(market, token=market.rails_token(), order_limit=2) as third:
            third.client.create_order(**resting(market))
    assert sent(market) == 3


def test_what_was_not_sent_is_not_counted(market: LocalExchange) -> None:
    client = rails(market, order_limit=1, reconcile=False)
    with running(client):
        market.refuse_rails_handshakes(503)
        market.rails_cut(*market.rails_connections)
        wait_until(lambda: client.state != ConnectionState.READY, PATIENCE)
        for _ in range(3):
            with pytest.raises(NotConnected):
                client.create_order(**resting(market))
        market.accept_rails_handshakes()
        client.wait_ready(PATIENCE)
        client.create_order(**resting(market))
    assert sent(market) == 1


# -- lost answers


def test_a_lost_acknowledgement_and_what_resolve_finds(market: LocalExchange, trader: Trader) -> None:
    client = trader.client
    market.rails_lose_next(CREATE)
    with pytest.raises(OutcomeUnknown, match="was sent, and the connection ended before the answer") as caught:
        client.create_order(**resting(market))
    error = caught.value
    assert error.client_request_id == error.request_id == asked(market, CREATE)[0]["clientRequestId"]
    assert isinstance(error.__cause__, ConnectionLost)
    until_ready(client, 1)
    order = client.resolve(error.client_request_id)
    assert order is not None
    assert (order.status, order.result_type) == (OrderState.ACTIVE, "")
    assert order.order_id == market.rails_orders()[0].order_id
    # It is told for an hour after its end.
    client.cancel_order(order.order_id, wait="confirm")
    ended = client.resolve(error.client_request_id.upper())
    assert ended is not None
    assert (ended.order_id, ended.status) == (order.order_id, OrderState.CANCELLED)
    market.clock_offset = 3601
    assert client.resolve(error.client_request_id, timeout=SHORT) is None
    assert sent(market, CREATE) == 1
    nothing_is_left(client)


def test_resolve_of_a_filled_order(market: LocalExchange, trader: Trader) -> None:
    order = trader.client.create_order(**resting(market))
    market.rails_fill(order.order_id)
    found = trader.client.resolve(order.client_request_id or "")
    assert found is not None
    assert (found.status, found.filled) == (OrderState.FILLED, order.remaining)


def test_resolve_of_one_that_never_arrived_gives_none_and_counts_what_it_asked(market: LocalExchange) -> None:
    with trading(market, order_limit=4) as trader:
        assert trader.client.resolve(STRANGER, timeout=PATIENCE) is None
        assert len([call for call in market.rest_requests if call.path.endswith("/order")]) == 3
        trader.client.create_order(**resting(market))
        with pytest.raises(RateLimited):
            trader.client.resolve(STRANGER)


def test_resolve_waits_for_an_order_that_is_still_on_its_way(market: LocalExchange) -> None:
    with trading(market) as trader:
        resolving = Doing(lambda: trader.client.resolve(STRANGER, timeout=PATIENCE))
        wait_until(lambda: any(call.path.endswith("/order") for call in market.rest_requests), PATIENCE)
        terms = resting(market)
        order_id = market.rails_place(BTC, "buy", terms["amount"], terms["price"], client_request_id=STRANGER)
        assert resolving.end().order_id == order_id


def test_resolve_that_cannot_ask_says_so(market: LocalExchange) -> None:
    with trading(market) as trader:
        market.fail_rest("500", path="/order", times=None)
        with pytest.raises(RestError):
            trader.client.resolve(STRANGER, timeout=1)


def test_closing_while_resolve_waits_is_no_none(market: LocalExchange) -> None:
    client = rails(market)
    with running(client):
        resolving = Doing(lambda: client.resolve(STRANGER, timeout=PATIENCE))
        wait_until(lambda: any(call.path.endswith("/order") for call in market.rest_requests), PATIENCE)
    assert isinstance(resolving.end(), ConnectionClosed)
    with pytest.raises(ConnectionClosed):
        client.resolve(STRANGER)


@pytest.mark.parametrize("command", [MODIFY, CANCEL])
def test_lost_answers_of_other_commands(market: LocalExchange, trader: Trader, command: str) -> None:
    client = trader.client
    order = client.create_order(**resting(market), wait="confirm")
    market.rails_lose_next(command)
    lose = partial(client.modify_order, amount=1) if command == MODIFY else client.cancel_order
    with pytest.raises(OutcomeUnknown) as caught:
        lose(order.order_id)
    assert (caught.value.command, caught.value.client_request_id != order.client_request_id) == (command, True)
    until_ready(client, 1)
    if command == MODIFY:
        new = client.resolve(caught.value.client_request_id)
        assert new is not None
        assert (new.order_id != order.order_id, new.status) == (True, OrderState.ACTIVE)
    assert own(market, order.order_id).status == ("modified" if command == MODIFY else "cancelled")
    assert sent(market, command) == 1


def test_lost_after_the_acknowledgement(market: LocalExchange, trader: Trader) -> None:
    market.rails_hold(CREATE, 200)
    creating = Doing(lambda: trader.client.create_order(**resting(market), wait="confirm", timeout=LONG))
    trader.orders.wait(1)
    market.rails_cut(*market.rails_connections)
    error = creating.end()
    assert isinstance(error, OutcomeUnknown)
    assert "was acknowledged, and the connection ended" in str(error)


@pytest.mark.parametrize("command", [LEVERAGE, "ping"])
def test_what_can_be_repeated_says_only_that_the_connection_was_lost(
    market: LocalExchange, trader: Trader, command: str
) -> None:
    if command == LEVERAGE:
        market.rails_lose_next(LEVERAGE)
        doing = Doing(lambda: trader.client.update_leverage(2, timeout=LONG))
    else:
        market.rails_hold("pong", 200)
        doing = Doing(lambda: trader.client.ping(timeout=LONG))
        until_sent(market, 1, "ping")
        market.rails_cut(*market.rails_connections)
    error = doing.end()
    assert type(error) is ConnectionLost
    assert f"before {command} was answered" in str(error)
    assert sent(market, command) == 1


def test_the_standby_brings_the_answer(market: LocalExchange) -> None:
    trader = Trader(rails(market, redundancy=2, patience=PATIENCE))
    with running(trader.client) as client:
        _, second = until_open(market, 2)
        until_streams(market, second, "orders")
        market.rails_lose_next(CREATE)
        order = client.create_order(**resting(market), wait="confirm")
        assert order.status == OrderState.ACTIVE
        assert sent(market) == 1
        wait_until(lambda: client.stats().failovers == 1, PATIENCE)
        wait_until(lambda: len(trader.orders) == 2, PATIENCE)
    assert not trader.watched.gaps.items


def test_an_answer_that_only_the_asker_gets_is_lost_after_the_patience() -> None:
    with leak_check(), venue(rails_replies="asker") as market:
        trader = Trader(rails(market, redundancy=2, patience=SHORT))
        with running(trader.client) as client:
            until_open(market, 2)
            market.rails_lose_next(CREATE, 2)
            with pytest.raises(OutcomeUnknown) as caught:
                client.create_order(**resting(market), timeout=LONG)
            assert client.resolve(caught.value.client_request_id) is not None
            client.wait_ready(PATIENCE)
            error = client.create_order_nowait(**resting(market), timeout=LONG).exception(PATIENCE)
            assert isinstance(error, OutcomeUnknown)
            # A pong never comes to another connection: that is not waited for.
            market.rails_hold("pong", 200)
            client.wait_ready(PATIENCE)
            before = sent(market, "ping")
            pinging = Doing(lambda: client.ping(timeout=LONG))
            until_sent(market, before + 1, "ping")
            [asker] = [number for number, request in market.rails_requests if request["message"] == "ping"][before:]
            market.rails_cut(asker)
            assert type(pinging.end()) is ConnectionLost
            assert sent(market) == 2


# -- no answer in time


def test_timeout_before_the_acknowledgement_and_a_late_answer(market: LocalExchange) -> None:
    with trading(market) as trader:
        market.rails_hold(CREATE, 202)
        market.rails_hold(CREATE, 200)
        with pytest.raises(RequestTimeout, match=r"no answer to createOrder within 0\.2 s; it was sent") as caught:
            trader.client.create_order(**resting(market), timeout=SHORT)
        nothing_is_left(trader.client)
        found = trader.client.resolve(caught.value.request_id)
        assert found is not None
        assert found.status == OrderState.ACTIVE
        market.rails_release()
        trader.orders.wait(2)
        assert [order.client_request_id for order in trader.orders] == [caught.value.request_id] * 2
    assert sent(market) == 1


def test_timeout_after_the_acknowledgement(market: LocalExchange) -> None:
    with trading(market) as trader:
        market.rails_hold(CREATE, 200)
        with pytest.raises(RequestTimeout, match="no confirmation of createOrder"):
            trader.client.create_order(**resting(market), wait="confirm", timeout=SHORT)
        assert trader.client.create_order(**resting(market), wait="ack").status == OrderState.PENDING
        market.rails_release()
        trader.orders.wait(4)


def test_a_late_refusal_is_no_error(market: LocalExchange) -> None:
    with trading(market) as trader:
        market.rails_hold(CREATE, 400)
        with pytest.raises(RequestTimeout):
            trader.client.create_order(side="buy", amount=1, price=1, timeout=SHORT)
        market.rails_release()
        trader.client.ping()
        assert trader.told() == []


@pytest.mark.parametrize("kind", ["pong", LEVERAGE])
def test_timeout_of_what_is_no_order(market: LocalExchange, kind: str) -> None:
    with trading(market) as trader:
        market.rails_hold(kind, 200)
        late = trader.client.ping if kind == "pong" else partial(trader.client.update_leverage, 2)
        with pytest.raises(RequestTimeout) as caught:
            late(timeout=SHORT)
        assert "resolve()" not in str(caught.value)


def test_the_time_of_a_future_ends_while_handlers_hold_up_the_reader(market: LocalExchange) -> None:
    client = rails(market, limits=Limits(queue=10))
    go, entered = threading.Event(), threading.Event()

    def stuck(_: object) -> None:
        entered.set()
        assert go.wait(PATIENCE)

    client.on_depth(stuck)
    with running(client):
        assert entered.wait(PATIENCE)
        market.rails_step(BTC, 300)
        wait_until(lambda: client._sessions[f"{BTC}#0"].connection.is_delivering, PATIENCE)
        future = client.create_order_nowait(**resting(market), timeout=SHORT)
        assert isinstance(future.exception(PATIENCE), RequestTimeout)
        assert not go.is_set()
        go.set()


# -- no connection


def uses(client: RailsClient) -> dict[str, Callable[[], object]]:
    return {
        CREATE: lambda: client.create_order(side="buy", amount=1, price=1),
        MODIFY: lambda: client.modify_order("01ABC", amount=1),
        CANCEL: lambda: client.cancel_order("01ABC"),
        LEVERAGE: lambda: client.update_leverage(2),
        "ping": client.ping,
    }


def test_before_the_start_and_after_the_end(market: LocalExchange) -> None:
    client = rails(market)
    for command, use in uses(client).items():
        with pytest.raises(NotConnected, match=rf"{command} was not sent: call start\(\) first"):
            use()
    assert market.handshakes == 0
    with client:
        client.wait_ready(PATIENCE)
    for use in uses(client).values():
        with pytest.raises(ConnectionClosed):
            use()
    assert sent(market) == 0


def test_the_first_command_waits_for_the_first_connection(market: LocalExchange) -> None:
    market.refuse_rails_handshakes(503, 2)
    with rails(market) as client:
        assert client.create_order(**resting(market), timeout=PATIENCE).status == OrderState.PENDING


def test_while_the_connection_is_lost(market: LocalExchange, trader: Trader) -> None:
    market.refuse_rails_handshakes(503)
    market.rails_cut(*market.rails_connections)
    wait_until(lambda: trader.client.state == ConnectionState.WAITING, PATIENCE)
    for command, use in uses(trader.client).items():
        with pytest.raises(NotConnected, match=f"no connection is ready: {command} was not sent"):
            use()
    market.accept_rails_handshakes()
    until_ready(trader.client, 1)
    assert sent(market) == 0


def test_a_connection_that_never_comes(market: LocalExchange) -> None:
    market.refuse_rails_handshakes(503)
    with rails(market) as client, pytest.raises(NotConnected):
        client.create_order(**resting(market), timeout=SHORT)
    assert sent(market) == 0


def test_a_client_that_was_refused_for_good(market: LocalExchange) -> None:
    market.refuse_rails_handshakes(401)
    client = rails(market, market.rails_token())
    errors = Log[BigOneError]()
    client.on_error(errors)
    with client, pytest.raises(BigOneError) as caught:
        client.create_order(**resting(market), timeout=PATIENCE)
    assert not isinstance(caught.value, NotConnected)


@pytest.mark.parametrize("redundancy", [1, 2])
def test_close_ends_all_commands_that_wait_with_a_reason(market: LocalExchange, redundancy: int) -> None:
    client = rails(market, redundancy=redundancy)
    for kind in (CREATE, LEVERAGE):
        market.rails_hold(kind, 202)
        market.rails_hold(kind, 200)
    market.rails_hold("pong", 200)
    with running(client):
        until_open(market, redundancy)
        doing = [
            Doing(lambda: client.create_order(**resting(market), timeout=LONG)),
            Doing(lambda: client.update_leverage(2, timeout=LONG)),
            Doing(lambda: client.ping(timeout=LONG)),
        ]
        futures = [
            client.create_order_nowait(**resting(market), timeout=LONG),
            client.update_leverage_nowait(2, timeout=LONG),
            client.ping_nowait(timeout=LONG),
        ]
        until_sent(market, 4)
        until_sent(market, 2, "ping")
    kinds = [OutcomeUnknown, ConnectionLost, ConnectionLost]
    ends = [work.end() for work in doing]
    assert [type(end) for end in ends] == kinds
    assert [type(future.exception(PATIENCE)) for future in futures] == kinds
    assert all("the client was closed" in str(end) for end in ends)
    nothing_is_left(client)


def test_close_while_the_first_connection_is_waited_for(market: LocalExchange) -> None:
    market.refuse_rails_handshakes(503)
    with rails(market) as client:
        creating = Doing(lambda: client.create_order(**resting(market), timeout=LONG))
        wait_until(lambda: client.state == ConnectionState.WAITING, PATIENCE)
    assert isinstance(creating.end(), ConnectionClosed)


def test_close_while_a_handler_waits_for_an_order(market: LocalExchange) -> None:
    client = rails(market)
    errors = Log[BaseException]()

    def trade(_: object) -> None:
        for _ in range(0 if errors.items else 2):
            with pytest.raises(BigOneError) as caught:
                client.create_order(side="buy", amount=1, price=price, timeout=LONG)
            errors(caught.value)

    market.rails_hold(CREATE, 202)
    market.rails_hold(CREATE, 200)
    price = resting(market)["price"]
    client.on_depth(trade)
    with client:
        until_sent(market, 1)
    errors.wait(2)
    assert [type(error) for error in errors] == [OutcomeUnknown, ConnectionClosed]
    assert sent(market) == 1


# -- signals and forks


@needs_signals
def test_ctrl_c_comes_out_and_leaves_nothing_behind(market: LocalExchange, on_signal: Any) -> None:
    with trading(market) as trader:
        market.rails_hold(CREATE, 202)
        market.rails_hold(CREATE, 200)
        on_signal(lambda: sent(market) == 1, signal.default_int_handler)
        with pytest.raises(KeyboardInterrupt):
            trader.client.create_order(**resting(market), timeout=LONG)
        nothing_is_left(trader.client)
        market.rails_release()
        assert trader.client.create_order(**resting(market), wait="confirm").status == OrderState.ACTIVE
    assert sent(market) == 2


@needs_signals
def test_a_signal_handler_gives_a_command_on_the_thread_that_waits_for_one(
    market: LocalExchange, on_signal: Any
) -> None:
    inside = Log[RailsOrder]()
    with trading(market) as trader:

        def react(number: int, frame: Any) -> None:
            market.rails_release()
            inside(trader.client.create_order(**{**terms, "amount": "0.25"}, wait="confirm"))

        terms = resting(market)
        market.rails_hold(CREATE, 202)
        market.rails_hold(CREATE, 200)
        on_signal(lambda: sent(market) == 1, react)
        order = trader.client.create_order(**terms, timeout=LONG)
        assert (str(inside[0].remaining), str(order.remaining)) == ("0.25", "0.5")
        assert order.client_request_id != inside[0].client_request_id


@needs_signals
def test_a_signal_handler_that_closes_the_client_wakes_the_very_thread_that_waits(
    market: LocalExchange, on_signal: Any
) -> None:
    client = rails(market)
    market.rails_hold(CREATE, 202)
    market.rails_hold(CREATE, 200)
    with running(client):
        on_signal(lambda: sent(market) == 1, lambda number, frame: client.close())
        with pytest.raises(OutcomeUnknown):
            client.create_order(**resting(market), timeout=LONG)
    assert client.state == ConnectionState.CLOSED


LOCKS: dict[str, Callable[[RailsClient], Any]] = {
    "quota": lambda client: client._desk._quota._lock,
    "group": lambda client: client._group.lock,
    "turn": lambda client: client._group.turn,
    "changes": lambda client: client._hub._changes,
    "dispatcher": lambda client: client._dispatcher._lock,
}


@pytest.mark.parametrize("name", LOCKS)
def test_a_command_inside_of_a_lock_of_ours(market: LocalExchange, name: str) -> None:
    # As a signal handler gives it that interrupted the code that holds the lock.
    with trading(market) as trader:
        terms = resting(market)

        def interrupted() -> None:
            with LOCKS[name](trader.client):
                trader.client.create_order_nowait(**terms)

        assert Doing(interrupted).end() is None
        wait_until(lambda: sent(market) == 1, PATIENCE)
        trader.orders.wait(2)


def child_of(client: RailsClient) -> str:
    """What a forked child makes of its parent's client; empty if all is as it should be."""
    for name, use in {**uses(client), "resolve": lambda: client.resolve(STRANGER)}.items():
        try:
            use()
        except ConnectionClosed:
            continue
        except BaseException as error:  # noqa: BLE001 - told to the parent
            return f"{name}: {error!r}"
        return f"{name}: no error"
    for future in (client.create_order_nowait(side="buy", amount=1, price=1), client.ping_nowait()):
        if not isinstance(future.exception(1), ConnectionClosed):
            return f"nowait: {future!r}"
    client.close()
    return ""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_child_cannot_use_or_harm_its_parents_client(market: LocalExchange) -> None:
    with trading(market) as trader:
        reading, writing = os.pipe()
        with trader.client._group.lock:  # another thread may hold it at that moment
            child = os.fork()
        if child == 0:
            try:
                os.write(writing, (child_of(trader.client) or "fine").encode())
            finally:
                os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as report:
            assert report.read() == "fine"
        assert os.waitpid(child, 0)[1] == 0
        trader.client.create_order(**resting(market), wait="confirm")
        assert trader.client.stats().reconnects == 0
    assert sent(market) == 1
    assert market.handshakes == 1


def test_errors_in_the_background_name_no_secret(market: LocalExchange) -> None:
    client = rails(market, reconcile=False)
    watched = Watched(client)
    with running(client):
        market.rails_lose_next(CREATE)
        with pytest.raises(OutcomeUnknown) as caught:
            client.create_order(**resting(market))
        watched.errors.wait(1)
    for error in (caught.value, *watched.errors):
        assert "authorization#" not in f"{error!r} {error.__cause__!r}"


def test_what_resolve_finds_of_a_cancellation(market: LocalExchange, trader: Trader) -> None:
    order = trader.client.create_order(**resting(market), wait="confirm")
    market.rails_lose_next(CANCEL)
    with pytest.raises(OutcomeUnknown) as caught:
        trader.client.cancel_order(order.order_id)
    found = trader.client.resolve(caught.value.client_request_id)
    assert found is not None
    assert (found.order_id, found.status) == (order.order_id, OrderState.CANCELLED)


def test_what_resolve_finds_of_a_modification(market: LocalExchange, trader: Trader) -> None:
    order = trader.client.create_order(**resting(market), wait="confirm")
    market.rails_lose_next(MODIFY)
    with pytest.raises(OutcomeUnknown) as caught:
        trader.client.modify_order(order.order_id, amount="0.3")
    found = trader.client.resolve(caught.value.client_request_id)
    assert found is not None
    assert found.order_id != order.order_id
    assert found.remaining == Decimal("0.3")
