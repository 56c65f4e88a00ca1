"""Commands on Rails that do not wait: their futures, where those are completed, and what they never do."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, as_completed
from concurrent.futures import wait as wait_all
from decimal import Decimal as D
from functools import partial
from typing import Any

import pytest
from client_rig import PATIENCE, Log, in_thread, running
from rails_client_rig import asked, rails, until_open
from rails_commands_rig import CANCEL, CREATE, Trader, resting, sent, trading, until_sent

from bigone_sync import ConnectionState, OrderState, RailsClient, RailsOrder
from bigone_sync.errors import (
    ConnectionClosed,
    ConnectionLost,
    NotConnected,
    OrderRejected,
    OutcomeUnknown,
    RateLimited,
    RequestTimeout,
)
from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import wait_until

pytestmark = pytest.mark.one_codec

LONG, SHORT = threading.TIMEOUT_MAX, 0.2


def uses(client: RailsClient) -> list[Callable[[], Future[Any]]]:
    return [
        lambda: client.create_order_nowait(side="buy", amount=1, price=1),
        lambda: client.modify_order_nowait("01ABC", amount=1),
        lambda: client.cancel_order_nowait("01ABC"),
        lambda: client.update_leverage_nowait(2),
        client.ping_nowait,
    ]


@pytest.mark.parametrize("wait", ["ack", "confirm"])
def test_what_the_blocking_form_returns_the_future_holds(market: LocalExchange, wait: str) -> None:
    with trading(market) as trader:
        client = trader.client
        order = client.create_order_nowait(**resting(market), wait=wait).result(PATIENCE)
        assert order.status == (OrderState.PENDING if wait == "ack" else OrderState.ACTIVE)
        new = client.modify_order_nowait(order.order_id, amount=1, wait="confirm").result(PATIENCE)
        assert (new.order_id != order.order_id, new.remaining) == (True, D(1))
        gone = client.cancel_order_nowait(new.order_id, wait=wait).result(PATIENCE)
        assert (gone.order_id, gone.status.value) == (new.order_id, "CANCELLING" if wait == "ack" else "CANCELLED")
        assert client.update_leverage_nowait(2, wait=wait).result(PATIENCE) is None
        assert client.ping_nowait().result(PATIENCE) > 0


def test_many_at_once_each_with_its_own_answer(market: LocalExchange) -> None:
    terms = resting(market)
    with trading(market, redundancy=2) as trader:
        futures = {
            trader.client.create_order_nowait(**{**terms, "amount": D(number) / 100}, wait="confirm"): D(number) / 100
            for number in range(1, 51)
        }
        done, waiting = wait_all(futures, PATIENCE)
        assert not waiting
        assert {future: future.result().remaining for future in done} == futures
    ids = [content["clientRequestId"] for content in asked(market, CREATE)]
    assert (len(ids), len(set(ids))) == (50, 50)


def test_threads_that_send_at_the_same_time_are_in_nobodys_way(market: LocalExchange) -> None:
    futures: Log[Future[float]] = Log()
    with trading(market) as trader:

        def pings() -> None:
            for _ in range(40):
                futures(trader.client.ping_nowait(PATIENCE))

        threads = [in_thread(pings) for _ in range(6)]
        for thread in threads:
            thread.join(PATIENCE)
        assert all(future.result(PATIENCE) > 0 for future in futures)
    assert sent(market, "ping") == len(futures) == 240


def test_they_raise_what_the_blocking_form_raises(market: LocalExchange) -> None:
    with trading(market, order_limit=4) as trader:
        client = trader.client
        market.rails_hold(CANCEL, 202)
        market.rails_hold(CANCEL, 200)
        order = client.create_order_nowait(**resting(market)).result(PATIENCE)
        refused = client.create_order_nowait(side="buy", amount=1, price=1).exception(PATIENCE)
        late = client.cancel_order_nowait(order.order_id, timeout=SHORT).exception(PATIENCE)
        gone = client.cancel_order_nowait(order.order_id).exception(PATIENCE)
        limited = client.create_order_nowait(**resting(market))
        assert limited.done()
        assert isinstance(refused, OrderRejected)
        assert (refused.code, refused.client_request_id) == (400, asked(market, CREATE)[1]["clientRequestId"])
        assert isinstance(late, RequestTimeout)
        assert late.request_id == asked(market, CANCEL)[0]["clientRequestId"]
        assert isinstance(gone, OrderRejected)
        assert gone.code == 404
        assert isinstance(limited.exception(), RateLimited)
    assert sent(market) == 4


def test_lost_answers(market: LocalExchange) -> None:
    client = rails(market, reconcile=False)
    with running(client):
        market.rails_lose_next(CREATE)
        market.rails_hold("pong", 200)
        before = sent(market, "ping")
        pinging = client.ping_nowait(LONG)
        until_sent(market, before + 1, "ping")
        error = client.create_order_nowait(**resting(market), timeout=LONG).exception(PATIENCE)
        assert isinstance(error, OutcomeUnknown)
        assert client.resolve(error.client_request_id) is not None
        assert type(pinging.exception(PATIENCE)) is ConnectionLost
    assert sent(market) == 1


def test_they_cannot_be_cancelled(market: LocalExchange) -> None:
    with trading(market) as trader:
        market.rails_hold(CREATE, 202)
        market.rails_hold(CREATE, 200)
        future = trader.client.create_order_nowait(**resting(market))
        assert future.cancel() is False
        assert future.running()
        market.rails_release()
        assert isinstance(future.result(PATIENCE), RailsOrder)
        assert future.cancel() is False


def test_callbacks_run_on_the_connections_thread_and_may_give_commands(market: LocalExchange) -> None:
    threads, results = Log[str](), Log[Any]()
    with trading(market) as trader:

        def placed(future: Future[RailsOrder]) -> None:
            threads(threading.current_thread().name)
            results(future.result())
            trader.client.cancel_order_nowait(future.result().order_id, wait="confirm").add_done_callback(cancelled)

        def cancelled(future: Future[RailsOrder]) -> None:
            threads(threading.current_thread().name)
            results(future.result())

        market.rails_hold(CREATE, 200)
        future = trader.client.create_order_nowait(**resting(market), wait="confirm")
        future.add_done_callback(placed)
        until_sent(market, 1)
        market.rails_release()
        results.wait(2)
        assert [order.status for order in results] == [OrderState.ACTIVE, OrderState.CANCELLED]
        assert set(threads) == {"bigone-rails/BTC-USD#0"}


def test_a_callback_that_raises_harms_nobody(market: LocalExchange, caplog: pytest.LogCaptureFixture) -> None:
    with trading(market) as trader:

        def fail(_: object) -> None:
            raise RuntimeError("mine")

        market.rails_hold(CREATE, 202)
        future = trader.client.create_order_nowait(**resting(market))
        future.add_done_callback(fail)
        market.rails_release()
        assert future.result(PATIENCE)
        assert trader.client.ping() > 0
        assert trader.client.state == ConnectionState.READY
        wait_until(lambda: len(trader.orders) == 2, PATIENCE)


@pytest.mark.parametrize("when", ["before the start", "connecting", "lost", "closed"])
def test_not_connected_is_a_failed_future_at_once(market: LocalExchange, when: str) -> None:
    client = rails(market, reconcile=False)
    expected: type[Exception] = NotConnected
    if when != "before the start":
        if when == "connecting":
            market.refuse_rails_handshakes(503)
        client.start()
        if when == "lost":
            client.wait_ready(PATIENCE)
            market.refuse_rails_handshakes(503)
            market.rails_cut(*market.rails_connections)
            wait_until(lambda: client.state == ConnectionState.WAITING, PATIENCE)
    if when == "closed":
        client.close()
        expected = ConnectionClosed
    for use in uses(client):
        future = use()
        assert future.done()
        assert type(future.exception()) is expected
    client.close()
    assert sent(market) == sent(market, "ping") == 0


def test_close_inside_a_callback_lets_no_more_out(market: LocalExchange) -> None:
    trader = Trader(rails(market))
    kinds = Log[type]()

    @trader.client.on_order
    def leave(order: RailsOrder) -> None:
        trader.client.close()
        for use in uses(trader.client):
            kinds(type(use().exception()))

    with running(trader.client) as client:
        client.create_order_nowait(**resting(market))
        kinds.wait(5)
    assert set(kinds) == {ConnectionClosed}
    assert sent(market) == 1


def failed_over(client: RailsClient, times: int) -> bool:
    return client.stats().failovers == times


def test_the_next_leader_takes_over_and_nothing_is_sent_twice(market: LocalExchange) -> None:
    trader = Trader(rails(market, redundancy=2))
    terms = resting(market)
    with running(trader.client) as client:
        until_open(market, 2)
        futures = []
        for number in range(30):
            if number in (10, 20):
                # What was sent after it on its connection would not arrive at all.
                wait_all(futures, PATIENCE)
                client.wait_ready(PATIENCE)
                market.rails_lose_next(CREATE)
            futures.append(client.create_order_nowait(**terms, wait="confirm", timeout=LONG))
            if number in (10, 20):
                wait_until(partial(failed_over, client, number // 10), PATIENCE)
        for future in as_completed(futures, PATIENCE):
            assert future.result().status == OrderState.ACTIVE
        wait_until(lambda: len(trader.orders) == 60, PATIENCE)
        assert client.stats().failovers == 2
    ids = [content["clientRequestId"] for content in asked(market, CREATE)]
    assert (len(ids), len(set(ids))) == (30, 30)
