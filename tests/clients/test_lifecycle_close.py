"""``close()``: from every state and place, in time, and nothing after it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from client_rig import BTC, KEYS, PATIENCE, Gate, Log, Watched, is_state, running, spot

from bigone_sync import Backoff, ConnectionState, Limits, SpotClient, Timeouts, TransportError
from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import leak_check, wait_until
from bigone_sync.testing.proxy import FaultProxy

# What a client does with its threads has nothing to do with the codec.
pytestmark = pytest.mark.one_codec

SHORT = Timeouts(connect=5, ping=5, pong=5, reply=5, send=5, close=1)


@pytest.fixture
def deaf() -> Iterator[str]:
    """A URL at which connections are taken and nothing is ever said."""
    with leak_check(), socket.create_server(("127.0.0.1", 0)) as server:
        yield f"ws://127.0.0.1:{server.getsockname()[1]}/ws/v2"


def closed(client: SpotClient) -> None:
    client.close()
    assert client.state == ConnectionState.CLOSED
    assert set(client.connections.values()) <= {ConnectionState.CLOSED}
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("bigone-spot")]


def test_before_start(still: LocalExchange) -> None:
    client = spot(still.spot_url, private=True)
    client.on_depth(BTC, Log())
    client.on_account(Log())
    closed(client)
    closed(client)


def test_with_nothing_registered(still: LocalExchange) -> None:
    client = spot(still.spot_url)
    client.start()
    closed(client)


def test_while_the_handshake_is_not_answered(deaf: str) -> None:
    client = spot(deaf, timeouts=SHORT)
    client.on_depth(BTC, Log())
    client.on_trade(BTC, Log())
    client.start()
    wait_until(lambda: client.stats().channels["depth"].state == ConnectionState.CONNECTING)
    closed(client)


def test_while_waiting_for_the_next_attempt(still: LocalExchange) -> None:
    still.refuse_handshakes(503)
    client = spot(still.spot_url, backoff=Backoff(initial=60, cap=60))
    watched = Watched(client)
    client.on_depth(BTC, Log())
    client.start()
    wait_until(lambda: client.connections["depth"] == ConnectionState.WAITING)
    closed(client)
    assert watched.states[-1].new == ConnectionState.CLOSED


def test_while_logging_in(still: LocalExchange) -> None:
    still.mute_auth(None)
    client = spot(still.spot_url, private=True)
    client.on_account(Log())
    client.start()
    wait_until(lambda: is_state(client, ConnectionState.AUTHENTICATING))
    closed(client)


def test_while_the_path_is_dead(still: LocalExchange) -> None:
    with FaultProxy(still.spot_url) as proxy:
        client = spot(proxy.url, private=True, timeouts=SHORT)
        client.on_depth(BTC, Log())
        client.on_trade(BTC, Log())
        client.on_account(Log())
        with running(client):
            proxy.blackhole()
            closed(client)


def test_while_the_peer_reads_nothing_and_a_send_is_stuck(still: LocalExchange) -> None:
    with FaultProxy(still.spot_url, receive_buffer=4096) as proxy:
        client = spot(proxy.url, timeouts=SHORT, connections="shared")
        client.on_depth(BTC, Log())
        failed = threading.Event()

        def send_more_than_any_buffer_holds() -> None:
            with pytest.raises(TransportError):
                client._sessions["shared"].connection.send(b"x" * 16_000_000)
            failed.set()

        def is_stuck() -> bool:
            attempt = client._sessions["shared"].connection._attempt
            since = attempt.socket.send_since if attempt and attempt.socket else None
            return since is not None and time.monotonic() - since > 0.2

        with running(client):
            proxy.stall("up")
            thread = threading.Thread(target=send_more_than_any_buffer_holds, daemon=True)
            thread.start()
            wait_until(is_stuck)
            closed(client)
            assert failed.wait(PATIENCE)
            thread.join(PATIENCE)


def test_while_the_queue_is_full_and_the_handler_slow(still: LocalExchange) -> None:
    client = spot(still.spot_url, limits=Limits(queue=5), timeouts=SHORT)
    gate, seen = Gate(), Log[Any]()
    client.on_depth(BTC, lambda event: (gate(event), seen(event)))
    with running(client):
        still.step(100, BTC)
        wait_until(lambda: client.stats().queue_high_water >= 5)
        gate.go.set()
        closed(client)
        count = len(seen)
    assert len(seen) == count > 5


def test_in_a_callback_of_every_kind(still: LocalExchange) -> None:
    registrations: list[Callable[[SpotClient, Any], object]] = [
        lambda client, handler: client.on_depth(BTC, handler),
        lambda client, handler: client.on_book(BTC, handler),
        lambda client, handler: client.on_account(handler),
        lambda client, handler: client.on_state(handler),
        lambda client, handler: client.on_raw(handler),
        lambda client, handler: client.on_error(handler),
    ]
    for register in registrations:
        client = spot(still.spot_url, private=True)
        calls: list[object] = []

        def handler(event: object, client: SpotClient = client, calls: list[object] = calls) -> None:
            client.close()
            calls.append(event)

        client.on_depth(BTC, lambda _: 1 / 0)
        register(client, handler)
        client.start()
        assert client.wait(PATIENCE)
        assert calls
        closed(client)


@pytest.mark.parametrize("drain", [True, False])
def test_draining_delivers_what_is_queued_and_discarding_does_not(still: LocalExchange, drain: bool) -> None:
    client = spot(still.spot_url)
    gate, seen = Gate(), Log[Any]()
    client.on_depth(BTC, lambda event: (gate(event), seen(event)))
    with running(client):
        assert gate.entered.wait(PATIENCE)
        still.step(60, BTC)
        wait_until(lambda: client.stats().queue_depth > 20)
        waiting = client.stats().queue_depth
        closer = threading.Thread(target=lambda: client.close(drain=drain))
        closer.start()
        wait_until(lambda: set(client.connections.values()) == {ConnectionState.CLOSED})
        wait_until(lambda: client._dispatcher._closed)
        gate.go.set()
        closer.join(PATIENCE)
    stats = client.stats()
    assert stats.queue_depth == 0
    assert stats.events == stats.delivered + stats.dropped
    if drain:
        assert (len(seen), stats.dropped) == (stats.events, 0)
    else:
        assert len(seen) == 1
        assert stats.dropped >= waiting - 1


def test_no_callback_after_close_returned_although_the_handler_is_slow(still: LocalExchange) -> None:
    client = spot(still.spot_url)
    gate, seen = Gate(), Log[Any]()
    client.on_depth(BTC, lambda event: (gate(event), seen(event)))
    with leak_check():
        with running(client):
            assert gate.entered.wait(PATIENCE)
            still.step(60, BTC)
            wait_until(lambda: client.stats().queue_depth > 20)
            client.close(timeout=0.2)
            assert client.state == ConnectionState.CLOSED
        gate.go.set()
        wait_until(lambda: len(seen) == 1)
    # The handler that was under way could not be stopped; no other was called.
    assert len(seen) == 1


def test_eight_threads_at_once(still: LocalExchange) -> None:
    client = spot(still.spot_url, private=True)
    seen: Log[Any] = Log()
    client.on_depth(BTC, seen)
    client.on_account(seen)
    with running(client):
        still.step(30, BTC)
        barrier = threading.Barrier(8)
        states: list[ConnectionState] = []

        def close() -> None:
            barrier.wait()
            client.close()
            states.append(client.state)

        threads = [threading.Thread(target=close) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        assert states == [ConnectionState.CLOSED] * 8
        count = len(seen)
    closed(client)
    assert len(seen) == count


def test_close_while_start_is_under_way(still: LocalExchange) -> None:
    for _ in range(20):
        client = spot(still.spot_url)
        client.on_depth(BTC, Log())
        thread = threading.Thread(target=client.start)
        thread.start()
        try:
            client.close()
        finally:
            thread.join(PATIENCE)
        wait_until(lambda: not [t for t in threading.enumerate() if t.name.startswith("bigone-spot")])


def test_no_ready_after_close(still: LocalExchange) -> None:
    for _ in range(10):
        client = spot(still.spot_url, private=True)
        watched = Watched(client)
        client.on_depth(BTC, Log())
        client.on_account(Log())
        client.start()
        client.close()
        last = {change.connection: change.new for change in watched.states}
        assert set(last.values()) <= {ConnectionState.CLOSED}


def test_the_exchange_sees_a_polite_end(still: LocalExchange, protocol: str) -> None:
    client = SpotClient(KEYS, url=still.spot_url, protocol=protocol)
    client.on_depth(BTC, Log())
    with running(client):
        assert still.connection_count == 1
    wait_until(lambda: still.connection_count == 0)
    assert still.slow_clients_dropped == 0
