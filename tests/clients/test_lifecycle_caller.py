"""Delivering on the caller's thread: ``poll()`` and ``run_forever()``."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from client_rig import BTC, ETH, PATIENCE, Gate, Log, in_thread, running, spot

from bigone_sync import ConfigurationError, ConnectionState, DepthSnapshot, Limits, SpotClient
from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import leak_check, wait_until

# What a client does with its threads has nothing to do with the codec.
pytestmark = pytest.mark.one_codec


def test_nothing_is_delivered_but_in_poll(still: LocalExchange) -> None:
    client = spot(still.spot_url, dispatch="caller")
    log: Log[Any] = Log()
    client.on_depth(BTC, log)
    client.on_depth(ETH, log)
    with running(client):
        still.step(10, BTC)
        wait_until(lambda: client.stats().queue_depth > 4)
        assert not log.items
        count = client.poll()
        assert count == len(log) > 4
        wait_until(lambda: client.poll() >= 0 and log[-1].change_id == still.book(BTC).change_id)
        assert client.poll(0.01) == 0
    assert log.threads == {threading.current_thread().name}
    assert not [thread for thread in threading.enumerate() if thread.name == "bigone-spot/worker"]


def test_poll_waits_for_the_first_event(still: LocalExchange) -> None:
    client = spot(still.spot_url, dispatch="caller")
    log: Log[Any] = Log()
    client.on_depth(BTC, log)
    client.start()
    while not log.of(DepthSnapshot):
        assert client.poll(PATIENCE) > 0
    client.close()


def test_poll_in_a_callback_and_after_close(still: LocalExchange) -> None:
    client = spot(still.spot_url, dispatch="caller")
    inner: list[int] = []
    client.on_depth(BTC, lambda _: inner.append(client.poll(1)))
    with running(client):
        still.step(10, BTC)
        wait_until(lambda: client.stats().queue_depth > 3)
    # What was queued when the client was closed is still the caller's.
    assert client.poll(PATIENCE) > 3
    assert client.poll(PATIENCE) == 0
    assert set(inner) == {0}


def test_close_without_draining_discards_what_poll_would_have_got(still: LocalExchange) -> None:
    client = spot(still.spot_url, dispatch="caller")
    client.on_depth(BTC, log := Log[Any]())
    with running(client):
        still.step(10, BTC)
        wait_until(lambda: client.stats().queue_depth > 3)
        client.close(drain=False)
    assert client.poll() == 0
    assert not log.items
    stats = client.stats()
    assert stats.events == stats.dropped > 3


def test_close_ends_a_poll_that_waits(still: LocalExchange) -> None:
    client = spot(still.spot_url, dispatch="caller")
    with client:
        counts: list[int] = []
        thread = in_thread(lambda: counts.append(client.poll(3600)))
        wait_until(client._dispatcher._delivering.locked)
        client.close()
        thread.join(PATIENCE)
        assert counts == [0]


def test_poll_needs_a_client_made_for_it(still: LocalExchange) -> None:
    with pytest.raises(ConfigurationError, match="dispatch='caller'"):
        spot(still.spot_url).poll()
    client = spot(still.spot_url, dispatch="caller")
    for timeout in (-1, "1", None, True):
        with pytest.raises(ConfigurationError, match="timeout"):
            client.poll(timeout)  # type: ignore[arg-type]


def test_waiting_until_ready_with_a_full_queue_and_nobody_polling() -> None:
    """The thread that would poll is the one that waits."""
    with leak_check(), LocalExchange(rate=200) as exchange:
        client = spot(exchange.spot_url, dispatch="caller", connections="shared", limits=Limits(queue=3))
        log: Log[Any] = Log()
        client.on_trade(BTC, log)
        client.on_depth(BTC, log)
        book = client.order_book(ETH)
        with client:
            client.wait_ready(PATIENCE)
            assert book.wait_live(PATIENCE)
            client.poll()
            assert log.items


# -- run_forever ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dispatch", ["worker", "caller"])
def test_run_forever_delivers_here_until_a_callback_closes(still: LocalExchange, dispatch: str) -> None:
    client = spot(still.spot_url, dispatch=dispatch)
    log: Log[Any] = Log()

    def handler(event: object) -> None:
        log(event)
        client.close()

    client.on_depth(BTC, handler)
    client.run_forever()
    assert client.state == ConnectionState.CLOSED
    assert log.of(DepthSnapshot)
    assert log.threads == {threading.current_thread().name}


@pytest.mark.parametrize("dispatch", ["worker", "caller"])
def test_close_from_elsewhere_ends_run_forever_after_everything_is_delivered(
    still: LocalExchange, dispatch: str
) -> None:
    client = spot(still.spot_url, dispatch=dispatch)
    seen, gate = Log[Any](), Gate()
    client.on_depth(BTC, lambda event: (gate(event), time.sleep(0.01), seen(event)))
    thread = in_thread(client.run_forever)
    assert gate.entered.wait(PATIENCE)
    still.step(40, BTC)
    wait_until(lambda: client.stats().queue_depth >= 15)
    waiting = client.stats().queue_depth
    closer = in_thread(client.close)
    wait_until(lambda: client.state == ConnectionState.CLOSING)
    gate.go.set()
    closer.join(PATIENCE)
    # No callback comes after close() has returned.
    after_close = len(seen)
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert len(seen) == after_close >= waiting


def test_run_forever_takes_over_from_a_worker_that_always_has_work(still: LocalExchange) -> None:
    client = spot(still.spot_url, limits=Limits(queue=1000))
    log: Log[Any] = Log()
    main = threading.current_thread().name

    def handler(event: object) -> None:
        log(event)
        if main in log.threads:
            client.close()
        else:
            still.step(4, BTC)  # the queue is never empty

    client.on_depth(BTC, handler)
    with client:
        log.wait(5)
        client.run_forever()
    assert main in log.threads


def test_run_forever_in_a_callback_is_refused(still: LocalExchange) -> None:
    client = spot(still.spot_url)
    caught: list[BaseException] = []

    def handler(_: object) -> None:
        try:
            client.run_forever()
        except ConfigurationError as error:
            caught.append(error)

    client.on_depth(BTC, handler)
    with running(client):
        wait_until(lambda: caught)


def test_two_clients_in_one_process_do_not_disturb_each_other(still: LocalExchange) -> None:
    clients: list[SpotClient] = [spot(still.spot_url) for _ in range(2)]
    logs = [Log[Any]() for _ in clients]
    for client, log in zip(clients, logs, strict=True):
        client.on_depth(BTC, log)
    with running(clients[0]), running(clients[1]):
        clients[0].close()
        still.step(20, BTC)
        logs[1].wait(5)
    assert len(logs[0]) < len(logs[1])


@pytest.mark.parametrize("way_out", [SystemExit(5), KeyboardInterrupt()], ids=["exit", "interrupt"])
def test_what_a_handler_wants_out_with_comes_out_of_poll(still: LocalExchange, way_out: BaseException) -> None:
    client = spot(still.spot_url, dispatch="caller")

    def leave(_: object) -> None:
        raise way_out

    client.on_depth(BTC, leave)
    with running(client):
        with pytest.raises(type(way_out)) as caught:
            wait_until(lambda: client.poll(PATIENCE))
        assert caught.value is way_out
        wait_until(lambda: client.state == ConnectionState.CLOSED)
