"""Starting, waiting, and use at the wrong time."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from client_rig import BTC, ETH, PATIENCE, Log, Watched, in_thread, running, spot

from bigone_sync import (
    Backoff,
    Channel,
    ConnectError,
    ConnectionClosed,
    ConnectionState,
    ConnectTimeout,
    SubscriptionState,
)
from bigone_sync.errors import ReconnectExhausted
from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import leak_check, wait_until

# What a client does with its threads has nothing to do with the codec.
pytestmark = pytest.mark.one_codec


def test_start_and_stop_fifty_times_leaves_nothing(still: LocalExchange) -> None:
    with leak_check():
        for _ in range(50):
            client = spot(still.spot_url, private=True)
            client.on_depth(BTC, Log())
            client.on_account(Log())
            with client:
                client.wait_ready(PATIENCE)
            assert client.state == ConnectionState.CLOSED


def test_a_constructor_and_registrations_start_nothing(still: LocalExchange) -> None:
    with leak_check(timeout=0.0):
        client = spot(still.spot_url, private=True)
        client.on_depth(BTC, Log())
        client.on_order(Log())
        book = client.order_book(ETH)
        assert client.state == ConnectionState.IDLE
        assert set(client.connections.values()) == {ConnectionState.IDLE}
        assert not book.is_live
        threads = [thread for thread in threading.enumerate() if thread.name.startswith("bigone-")]
        assert not threads
    assert still.handshakes == 0


def test_states_of_a_client_over_its_life(still: LocalExchange) -> None:
    client = spot(still.spot_url)
    subscription = client.on_depth(BTC, Log())
    assert (client.state, subscription.state) == (ConnectionState.IDLE, SubscriptionState.WANTED)
    client.start()
    client.start()
    client.wait_ready(PATIENCE)
    assert (client.state, subscription.state) == (ConnectionState.READY, SubscriptionState.LIVE)
    assert "1 subscriptions" in repr(client)
    client.close()
    assert (client.state, subscription.state) == (ConnectionState.CLOSED, SubscriptionState.ENDED)
    assert set(client.connections.values()) == {ConnectionState.CLOSED}
    assert client.wait() is True


@pytest.mark.parametrize("started", [False, True])
def test_use_after_close_raises(still: LocalExchange, started: bool) -> None:
    client = spot(still.spot_url, private=True)
    client.on_depth(BTC, Log())
    if started:
        client.start()
        client.wait_ready(PATIENCE)
    client.close()
    uses: list[Callable[[], object]] = [
        client.start,
        client.run_forever,
        client.wait_ready,
        client.__enter__,
        lambda: client.on_depth(BTC, Log()),
        lambda: client.on_account(Log()),
        lambda: client.order_book(BTC),
        lambda: client.subscribe(Channel.TRADES, BTC),
    ]
    for use in uses:
        with pytest.raises(ConnectionClosed):
            use()
    client.close()
    assert client.stats().queue_depth == 0


def test_wait_ready_before_start_says_so(still: LocalExchange) -> None:
    client = spot(still.spot_url)
    with pytest.raises(ConnectionClosed, match="not started"):
        client.wait_ready(1)


def test_wait_ready_times_out_and_names_the_connection(still: LocalExchange) -> None:
    still.refuse_handshakes(503)
    client = spot(still.spot_url)
    client.on_depth(BTC, Log())
    with client, pytest.raises(ConnectTimeout, match="depth") as caught:
        client.wait_ready(0.2)
    assert isinstance(caught.value, TimeoutError)


@pytest.mark.parametrize("what", ["wait_ready", "wait", "events", "wait_live"])
def test_close_wakes_every_wait(still: LocalExchange, what: str) -> None:
    still.mute()
    client = spot(still.spot_url)
    subscription = client.subscribe(Channel.TRADES, BTC)
    book = client.order_book(BTC)
    results: list[object] = []

    def wait_ready() -> None:
        with pytest.raises(ConnectionClosed):
            client.wait_ready()
        results.append("woken")

    waits: dict[str, Callable[[], object]] = {
        "wait_ready": wait_ready,
        "wait": lambda: results.append(client.wait()),
        "events": lambda: results.append(list(subscription.events())),
        "wait_live": lambda: results.append(book.wait_live()),
    }
    client.start()
    thread = in_thread(waits[what])
    wait_until(lambda: len(still.requests) == 2)
    assert not results
    client.close()
    thread.join(PATIENCE)
    assert results == [{"wait_ready": "woken", "wait": True, "events": [], "wait_live": False}[what]]


def test_wait_with_a_timeout_returns_false(still: LocalExchange) -> None:
    with running(spot(still.spot_url)) as client:
        assert client.wait(0.01) is False


@pytest.mark.parametrize("how", ["wait_ready", "run_forever", "wait", "poll"])
def test_a_final_refusal_comes_out_of_every_wait(still: LocalExchange, how: str) -> None:
    still.refuse_handshakes(403, body="Access Denied")
    client = spot(still.spot_url, dispatch="caller" if how == "poll" else "worker")
    client.on_depth(BTC, Log())
    if how != "run_forever":
        client.start()
    call: dict[str, Callable[[], object]] = {
        "wait_ready": lambda: client.wait_ready(PATIENCE),
        "run_forever": client.run_forever,
        "wait": lambda: client.wait(PATIENCE),
        "poll": lambda: client.poll(PATIENCE),
    }
    with pytest.raises(ConnectError) as caught:
        call[how]()
    assert caught.value.status_code == 403
    assert b"Access Denied" in caught.value.body
    client.close()


def test_attempts_that_are_used_up_are_final(still: LocalExchange) -> None:
    still.refuse_handshakes(503)
    client = spot(still.spot_url, backoff=Backoff(initial=0.02, cap=0.05, max_attempts=3))
    watched = Watched(client)
    subscription = client.subscribe(Channel.DEPTH, BTC)
    with client:
        with pytest.raises(ReconnectExhausted) as caught:
            client.wait_ready(PATIENCE)
        with pytest.raises(ReconnectExhausted):
            list(subscription.events(PATIENCE))
    assert caught.value.attempts == still.handshakes == 3
    assert watched.errors[-1] is caught.value
    assert caught.value.__cause__ is not None
