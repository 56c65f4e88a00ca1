"""Commands on Rails whose answer is lost, late or refused: what is known is said, and nothing is ever sent twice."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

import pytest
from client_rig import PATIENCE, Doing, running, until_ready
from rails_client_rig import BTC, asked, rails, until_open, until_streams, venue
from rails_commands_rig import (
    CANCEL,
    CREATE,
    LEVERAGE,
    MODIFY,
    Trader,
    nothing_is_left,
    own,
    resting,
    sent,
    trading,
    until_sent,
)

from bigone_sync import ConnectionState, Limits, OrderState
from bigone_sync.errors import (
    ConnectionLost,
    NotConnected,
    OrderRejected,
    OutcomeUnknown,
    RateLimited,
    RequestTimeout,
)
from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import leak_check, wait_until

pytestmark = pytest.mark.one_codec

LONG, SHORT = threading.TIMEOUT_MAX, 0.2


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
    trader = Trader(rails(market, redundancy=2))
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
