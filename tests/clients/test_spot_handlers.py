"""User code that fails, sleeps, blocks or wants out, and what the client makes of it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from client_rig import BTC, ETH, PATIENCE, QUICK, Gate, Log, Watched, running, spot

from bigone_sync import (
    BigOneError,
    CallbackError,
    ConnectionState,
    DepthSnapshot,
    Limits,
    OrderBook,
    SpotClient,
    Trade,
)
from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import leak_check, wait_until

# What a client does with its threads has nothing to do with the codec.
pytestmark = pytest.mark.one_codec


def fail(event: object) -> None:
    raise ValueError("my own fault")


def test_a_handler_that_raises_is_reported_and_the_next_one_runs(still: LocalExchange) -> None:
    client = spot(still.spot_url)
    watched, log = Watched(client), Log[DepthSnapshot]()
    client.on_depth(BTC, fail)
    client.on_depth(BTC, log)
    with running(client):
        still.step(20, BTC)
        log.wait(5)
        errors = watched.errors.wait(5, CallbackError)
        wait_until(lambda: client.stats().callback_errors == len(watched.errors) == len(log))
    assert {error.handler for error in errors} == {fail}
    assert [error.event for error in watched.errors.of(CallbackError)] == log.items
    assert all(isinstance(error.__cause__, ValueError) for error in errors)
    assert "fail" in str(errors[0])
    assert client.stats().callback_errors == len(log)


def test_an_on_error_handler_that_raises_harms_nobody(still: LocalExchange, caplog: pytest.LogCaptureFixture) -> None:
    client = spot(still.spot_url)
    log, errors = Log[Any](), Log[BigOneError]()
    client.on_error(fail)
    client.on_error(errors)
    client.on_depth(BTC, fail)
    client.on_depth(BTC, log)
    with running(client):
        still.send_raw("no json")
        errors.wait(2)
        still.step(20, BTC)
        log.wait(5)
    assert {type(error).__name__ for error in errors} == {"CallbackError", "DecodeError"}
    assert "fail" in caplog.text


def test_without_an_error_handler_errors_are_logged(still: LocalExchange, caplog: pytest.LogCaptureFixture) -> None:
    client = spot(still.spot_url)
    client.on_depth(BTC, fail)
    with running(client):
        still.send_raw("no json")
        wait_until(lambda: "could not be decoded" in caplog.text)
        wait_until(lambda: "handler fail raised ValueError" in caplog.text)
    assert {record.levelname for record in caplog.records if record.name == "bigone_sync.client"} >= {"ERROR"}


def test_one_function_for_data_and_for_errors_hears_of_its_own_failure(still: LocalExchange) -> None:
    client = spot(still.spot_url)
    seen: list[object] = []

    def handler(event: object) -> None:
        seen.append(event)
        if not isinstance(event, BigOneError):
            raise ValueError

    client.on_error(handler)
    client.on_depth(BTC, handler)
    with running(client):
        wait_until(lambda: len(seen) == 2)
    assert [type(event).__name__ for event in seen] == ["DepthSnapshot", "CallbackError"]


def test_a_sleeping_handler_does_not_stop_the_pings(still: LocalExchange, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing but pongs keeps the connection alive while the handler sleeps longer than ping + pong."""
    client = spot(still.spot_url, timeouts=QUICK, limits=Limits(slow_callback=0.2))
    watched, gate = Watched(client), Gate()

    def sleepy(event: object) -> None:
        gate(event)

    client.on_depth(BTC, sleepy)
    with caplog.at_level(logging.WARNING, "bigone_sync"), client:
        assert gate.entered.wait(PATIENCE)
        began = time.monotonic()
        wait_until(lambda: time.monotonic() - began > 3 * (QUICK.ping + QUICK.pong))
        assert client.state == ConnectionState.READY
        assert client.stats().channels["depth"].ping_rtt is not None
        gate.go.set()
        still.step(20, BTC)
        wait_until(lambda: client.stats().delivered > 5)
    assert watched.states.items
    assert client.stats().reconnects == 0
    slow = [record.getMessage() for record in caplog.records if "has not returned" in record.getMessage()]
    assert len(slow) == 1
    assert "sleepy" in slow[0]


def test_a_busy_but_quick_book_handler_is_not_called_slow(
    still: LocalExchange, caplog: pytest.LogCaptureFixture
) -> None:
    client = spot(still.spot_url, timeouts=QUICK, limits=Limits(slow_callback=1.0))
    calls = 0
    began = time.monotonic()

    def quick(book: OrderBook) -> None:
        nonlocal calls
        calls += 1
        time.sleep(0.02)
        if time.monotonic() - began < 2.5:
            still.step(3, BTC)  # there is always a next call

    with caplog.at_level(logging.WARNING, "bigone_sync"), client:
        client.on_book(BTC, quick)
        wait_until(lambda: time.monotonic() - began > 2.5)
    assert calls > 5
    assert "has not returned" not in caplog.text


def test_callbacks_of_one_client_never_overlap_over_all_channels() -> None:
    with leak_check(), LocalExchange(rate=300) as exchange:
        client = spot(exchange.spot_url, private=True)
        inside, worst, calls = 0, 0, 0

        def handler(event: object) -> None:
            nonlocal inside, worst, calls
            inside += 1
            worst = max(worst, inside)
            calls += 1
            time.sleep(0)
            inside -= 1

        for register in (client.on_depth, client.on_book, client.on_trade, client.on_ticker):
            register(BTC, handler)
        client.on_candle(BTC, "MIN1", handler)
        client.on_account(handler)
        client.on_order(handler)
        for listen in (client.on_error, client.on_state, client.on_gap, client.on_raw):
            listen(handler)
        with running(client):
            for _ in range(10):
                exchange.place_order(BTC, "BID", price="1", amount="1")
            wait_until(lambda: calls > 1000, 20)
        assert worst == 1


def test_private_events_overtake_queued_public_ones(still: LocalExchange) -> None:
    seen: list[str] = []
    client = spot(still.spot_url, private=True)
    gate = Gate()
    client.on_depth(BTC, lambda event: (seen.append("depth"), gate(event)))
    client.on_order(lambda order: seen.append("order"))
    with running(client):
        assert gate.entered.wait(PATIENCE)
        still.step(100, BTC)
        wait_until(lambda: client.stats().channels["depth"].queue_depth > 30)
        still.place_order(ETH, "BID", price="1", amount="1")
        wait_until(lambda: client.stats().channels["private"].queue_depth > 0)
        gate.go.set()
        wait_until(lambda: len(seen) > 30)
    assert seen[:3] == ["depth", "order", "depth"]


# -- callbacks that use the client --------------------------------------------------------------------------------


def in_callback(client: SpotClient, work: Callable[[], object], *, full: bool) -> tuple[threading.Event, list[object]]:
    """Let the first trade's callback do something, when the queue is full; returns when it is done and what came."""
    done, results = threading.Event(), list[object]()

    def handler(_: Trade) -> None:
        if not done.is_set():
            try:
                if full:
                    wait_until(lambda: client._sessions["shared"].lane.waiting, PATIENCE)
                results.append(work())
            finally:
                done.set()

    client.on_trade(BTC, handler)
    return done, results


@pytest.mark.parametrize("queue", [2, 100_000])
def test_a_callback_may_ask_for_a_book_and_wait_for_it(queue: int) -> None:
    """With everything on one socket and a full queue the snapshot comes behind what nobody takes."""
    with leak_check(), LocalExchange(rate=200) as exchange:
        client = spot(exchange.spot_url, limits=Limits(queue=queue), connections="shared")
        client.on_depth(ETH, lambda _: None)
        done, results = in_callback(client, lambda: client.order_book(BTC).wait_live(PATIENCE), full=queue == 2)
        with client:
            assert done.wait(PATIENCE * 2)
        assert results == [True]


@pytest.mark.parametrize("queue", [2, 100_000])
def test_a_callback_may_subscribe_and_wait_until_ready(queue: int) -> None:
    with leak_check(), LocalExchange(rate=200) as exchange:
        client = spot(exchange.spot_url, limits=Limits(queue=queue), connections="shared")
        late: Log[Any] = Log()

        def work() -> str:
            client.on_ticker(ETH, late)
            client.wait_ready(PATIENCE)
            return "ready"

        done, results = in_callback(client, work, full=queue == 2)
        with client:
            assert done.wait(PATIENCE * 2)
            late.wait(1)
        assert results == ["ready"]


def test_a_callback_may_close_its_own_subscription(still: LocalExchange) -> None:
    client = spot(still.spot_url)
    log: Log[Any] = Log()

    def handler(event: object) -> None:
        log(event)
        subscription.close()

    subscription = client.on_depth(BTC, handler)
    client.on_depth(BTC, other := Log[Any]())
    with running(client):
        still.step(20, BTC)
        other.wait(5)
    assert len(log) == 1


# -- wanting out ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way_out", [SystemExit(5), KeyboardInterrupt()], ids=["exit", "interrupt"])
@pytest.mark.parametrize("where", ["data", "error"])
@pytest.mark.parametrize("how", ["run_forever", "wait"])
def test_a_handler_that_wants_out_closes_the_client(
    still: LocalExchange, way_out: BaseException, where: str, how: str
) -> None:
    client = spot(still.spot_url)

    def leave(_: object) -> None:
        raise way_out

    client.on_depth(BTC, leave if where == "data" else fail)
    if where == "error":
        client.on_error(leave)
    if how == "wait":
        client.start()
    with pytest.raises(type(way_out)) as caught:
        client.run_forever() if how == "run_forever" else client.wait(PATIENCE)
    assert caught.value is way_out
    client.close()
    assert client.state == ConnectionState.CLOSED
