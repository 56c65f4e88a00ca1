"""abort() and close() from other threads, whatever a call is waiting for."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

import pytest
from rest_rig import ORDER, PING, Task, make_http
from rest_server import Peer, RestServer, answer

from bigone_sync.errors import ConnectionClosed, OutcomeUnknown
from bigone_sync.rest._http import Http
from bigone_sync.testing.leaks import wait_until

Make = Callable[..., Http]


def part(peer: Peer) -> None:
    peer.send(b"HTTP/1.0 200 OK\r\n\r\nuntil the end")
    peer.wait_for_end()


@pytest.mark.parametrize("ending", [Http.abort, Http.close])
@pytest.mark.parametrize("step", [Peer.wait_for_end, part], ids=["silence", "part"])
@pytest.mark.parametrize("kind", ["server", "tls_server"])
def test_a_call_that_waits_for_an_answer_ends(
    kind: str, step: Callable[[Peer], None], ending: Callable[[Http], None], request: pytest.FixtureRequest, make: Make
) -> None:
    server: RestServer = request.getfixturevalue(kind)
    http = make(server.url, ssl_context=request.getfixturevalue("certificates").client)
    server.script(step)
    task = Task(lambda: http.send(PING))
    server.wait_for(1)
    ending(http)
    assert isinstance(task.join().error, ConnectionClosed)
    with pytest.raises(ConnectionClosed, match="closed"):
        http.send(PING)
    assert len(server.asked) == 1


def test_an_order_under_way_is_open(server: RestServer, make: Make) -> None:
    http = make(server.url)
    server.script(Peer.wait_for_end)
    task = Task(lambda: http.send(ORDER))
    server.wait_for(1)
    http.abort()
    error = task.join().error
    assert isinstance(error, OutcomeUnknown)
    assert isinstance(error.__cause__, ConnectionClosed)


def test_a_pause_between_attempts_ends(server: RestServer, make: Make) -> None:
    http = make(server.url)
    pausing = threading.Event()
    wait = http._ended.wait

    def watched(timeout: float | None = None) -> bool:
        pausing.set()
        return wait(timeout)

    http._ended.wait = watched  # type: ignore[method-assign]
    server.script(answer(503, b"{}", "Retry-After: 500"))
    task = Task(lambda: http.send(PING, timeout=1000))
    assert pausing.wait(10)
    http.abort()
    assert isinstance(task.join().error, ConnectionClosed)


def test_the_handshake_of_tls_ends(server: RestServer, make: Make) -> None:
    """The server speaks no TLS: it waits for a request, and the client for the handshake."""
    http = make(server.url.replace("http", "https"))
    task = Task(lambda: http.send(ORDER))
    wait_until(lambda: server.connections == 1)
    http.abort()
    assert isinstance(task.join().error, ConnectionClosed)


def test_closing_is_idempotent_and_takes_the_connections(server: RestServer, make: Make) -> None:
    http = make(server.url)
    http.send(PING)
    http.close()
    http.close()
    http.abort()
    with pytest.raises(ConnectionClosed):
        http.send(ORDER)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_child_cannot_use_it(monkeypatch: pytest.MonkeyPatch) -> None:
    http = make_http("http://127.0.0.1:9")
    monkeypatch.setattr(os, "getpid", lambda: -1)
    with pytest.raises(ConnectionClosed, match="parent"):
        http.send(PING)
    monkeypatch.undo()
    http.close()
