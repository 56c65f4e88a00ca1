"""From a name to a connection, when names and addresses misbehave."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from rest_rig import ORDER, PING, Task
from rest_server import RestServer

from bigone_sync.errors import ConnectionClosed, RestError
from bigone_sync.rest._http import Http

Make = Callable[..., Http]
_real = socket.getaddrinfo


class Resolver:
    """Stands in for the system's: names ending in .test are answered by the test."""

    def __init__(self) -> None:
        self.asked, self.go = threading.Event(), threading.Event()
        self.found: list[Any] = []

    def __call__(self, host: str, port: int, *rest: int) -> list[Any]:
        if not host.endswith(".test") or rest[-1] == socket.AI_NUMERICHOST:
            return _real(host, port, *rest)
        self.asked.set()
        assert self.go.wait(20)
        return self.found


@pytest.fixture
def resolver(nothing_left: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Resolver]:
    resolver = Resolver()
    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    yield resolver
    resolver.go.set()


def test_a_resolver_that_hangs_is_left_at_the_deadline(resolver: Resolver, make: Make) -> None:
    with pytest.raises(RestError, match=r"connecting took too long; it was not sent") as caught:
        make("http://exchange.test").send(ORDER, timeout=0.1)
    assert caught.value.reason == "timeout"
    assert isinstance(caught.value.__cause__, TimeoutError)


def test_a_resolver_that_hangs_is_left_at_the_end(resolver: Resolver, make: Make) -> None:
    http = make("http://exchange.test")
    task = Task(lambda: http.send(ORDER))
    assert resolver.asked.wait(10)
    http.abort()
    assert isinstance(task.join().error, ConnectionClosed)


def test_the_next_address_is_tried(resolver: Resolver, make: Make, server: RestServer) -> None:
    with socket.socket() as taken:  # bound, and nobody listens
        taken.bind(("127.0.0.1", 0))
        addresses = [taken.getsockname(), ("127.0.0.1", server.port)]
        resolver.found = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", address) for address in addresses]
        resolver.go.set()
        assert make("http://exchange.test").send(PING).status == 200
    assert server.asked[0].headers["host"] == "exchange.test"


def test_a_name_without_a_host_is_told(make: Make) -> None:
    with pytest.raises(RestError, match=r"cannot be resolved|could not be made|cannot be used"):
        make("http://a..b").send(PING)
