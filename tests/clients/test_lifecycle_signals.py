"""A signal handler may close the client wherever the main thread happens to be, inside of a lock of ours, too."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from client_rig import BTC, PATIENCE, in_thread, spot

from bigone_sync import ConnectionState, SpotClient
from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import wait_until

# What a client does with its threads has nothing to do with the codec.
pytestmark = pytest.mark.one_codec

Lock = Callable[[SpotClient], AbstractContextManager[Any]]
LOCKS: dict[str, Lock] = {
    "dispatcher": lambda client: client._dispatcher._lock,
    "hub": lambda client: client._hub._lock,
    "changes": lambda client: client._hub._changes,
    "registry": lambda client: client._registry._lock,
    "client": lambda client: client._lock,
    "session": lambda client: client._sessions["depth"]._lock,
    "connection": lambda client: client._sessions["depth"].connection._lock,
    "book": lambda client: client.order_book(BTC)._lock,
}


@pytest.mark.parametrize("name", LOCKS)
def test_closing_inside_of_a_lock_on_the_delivering_thread(still: LocalExchange, name: str) -> None:
    client = spot(still.spot_url)
    client.order_book(BTC)
    done = threading.Event()

    def interrupted(_: object) -> None:
        with LOCKS[name](client):
            client.close()
        done.set()

    client.on_depth(BTC, interrupted)
    client.start()
    assert done.wait(PATIENCE)
    wait_until(lambda: client.state == ConnectionState.CLOSED, PATIENCE)
    client.close()


@pytest.mark.parametrize("name", LOCKS)
def test_closing_inside_of_a_lock_on_another_thread(still: LocalExchange, name: str) -> None:
    client = spot(still.spot_url)
    client.order_book(BTC)
    client.start()
    client.wait_ready(PATIENCE)

    def interrupted() -> None:
        with LOCKS[name](client):
            client.close()

    thread = in_thread(interrupted)
    thread.join(PATIENCE)
    assert not thread.is_alive()
    wait_until(lambda: client.state == ConnectionState.CLOSED, PATIENCE)
    client.close()
