"""The sliding window, on a clock that the tests turn."""

from __future__ import annotations

import threading

import pytest
from rest_rig import PING, Task, make_http
from rest_server import RestServer

from bigone_sync.errors import ConnectionClosed, RestError
from bigone_sync.rest._limiter import Limiter
from bigone_sync.testing.leaks import wait_until


class Turned:
    """A clock that stands until it is turned."""

    def __init__(self) -> None:
        self.now = 100.0
        self.limiter = Limiter(window=10.0, clock=lambda: self.now)
        self.ended = threading.Event()

    def turn(self, seconds: float) -> None:
        self.now += seconds
        self.limiter.wake()

    def acquire(self, limit: int = 2, left: float = 1000.0) -> bool:
        return self.limiter.acquire(limit, left=lambda: left, ended=self.ended)


def test_no_more_than_the_limit_lie_in_any_window() -> None:
    clock = Turned()
    assert clock.acquire()
    clock.turn(4)
    assert clock.acquire()
    third = Task(clock.acquire)
    wait_until(lambda: clock.limiter.waiting == 1)
    clock.turn(5.9)
    assert clock.limiter.waiting == 1
    clock.turn(0.2)
    assert third.join().result is True
    fourth = Task(clock.acquire)
    wait_until(lambda: clock.limiter.waiting == 1)
    clock.turn(4)
    assert fourth.join().result is True


def test_who_comes_first_goes_first() -> None:
    clock = Turned()
    order: list[int] = []
    assert clock.acquire(1)

    def go(number: int) -> None:
        assert clock.acquire(1)
        order.append(number)

    tasks = []
    for number in range(4):
        tasks.append(Task(lambda number=number: go(number)))  # type: ignore[misc]
        wait_until(lambda number=number: clock.limiter.waiting == number + 1)  # type: ignore[misc]
    for number in range(4):
        clock.turn(10)
        wait_until(lambda number=number: len(order) == number + 1)  # type: ignore[misc]
    for task in tasks:
        assert task.join().error is None
    assert order == [0, 1, 2, 3]


def test_who_cannot_go_in_time_is_told_at_once_and_delays_nobody() -> None:
    clock = Turned()
    assert clock.acquire(1)
    assert not clock.acquire(1, left=9.9)
    assert clock.limiter.waiting == 0
    assert clock.acquire(2, left=9.9)


def test_the_end_wakes_who_waits() -> None:
    clock = Turned()
    assert clock.acquire(1)
    waiting = Task(lambda: clock.acquire(1))
    wait_until(lambda: clock.limiter.waiting == 1)
    clock.ended.set()
    clock.limiter.wake()
    assert waiting.join().result is False


@pytest.fixture
def full(server: RestServer, monkeypatch: pytest.MonkeyPatch) -> Limiter:
    """The limiter of the server, whose time stands still."""
    limiter = Limiter(clock=lambda: 100.0)
    monkeypatch.setattr(Limiter, "of", lambda host: limiter)
    return limiter


def test_all_objects_share_the_window_of_a_host(server: RestServer) -> None:
    host = f"127.0.0.1:{server.port}"
    assert Limiter.of(host) is Limiter.of(host)
    assert Limiter.of(host) is not Limiter.of("other")


def test_a_call_whose_turn_does_not_come_fails(server: RestServer, full: Limiter) -> None:
    one, two = make_http(server.url, limit=1), make_http(server.url, limit=1)
    one.send(PING)
    with pytest.raises(RestError, match="no time left to send it") as caught:
        two.send(PING, timeout=5)
    assert caught.value.reason == "timeout"
    assert len(server.asked) == 1
    one.close()
    two.close()


def test_abort_ends_the_wait(server: RestServer, full: Limiter) -> None:
    http = make_http(server.url, limit=1)
    http.send(PING)
    task = Task(lambda: http.send(PING, timeout=1000))
    wait_until(lambda: full.waiting == 1)
    http.abort()
    assert isinstance(task.join().error, ConnectionClosed)
    http.close()
