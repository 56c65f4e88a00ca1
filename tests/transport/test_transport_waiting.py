"""Waits end by what they wait for, by the deadline or by the cancellation."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from bigone_sync.transport.waiting import READ, WRITE, Cancelled, Deadline, wait_event, wait_for, wait_socket

NEVER = Deadline(3600)
PAST = Deadline(0)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    here, there = socket.socketpair()
    with here, there:
        yield here, there


def test_a_deadline_runs_down_to_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    deadline = Deadline(2.0)
    assert deadline.remaining() == 2.0
    now = 101.5
    assert deadline.remaining() == 0.5
    now = 500.0
    assert deadline.remaining() == 0.0


def test_a_socket_is_ready_for_what_was_asked(pair: tuple[socket.socket, socket.socket]) -> None:
    here, there = pair
    assert not wait_socket(here, READ, 0.0)
    assert wait_socket(here, WRITE, 0.0)
    there.send(b"x")
    assert wait_socket(here, READ, None)
    assert wait_socket(here, READ | WRITE, 1e12)  # more milliseconds than the system call can take


def test_a_broken_socket_ends_the_wait(pair: tuple[socket.socket, socket.socket]) -> None:
    here, _ = pair
    here.shutdown(socket.SHUT_RDWR)
    assert wait_socket(here, READ, None)


def test_a_wait_for_a_socket_ends_with_it_or_the_deadline(pair: tuple[socket.socket, socket.socket]) -> None:
    here, there = pair
    cancel = threading.Event()
    assert not wait_for(here, READ, PAST, cancel)
    assert not wait_for(here, READ, Deadline(0.12), cancel)  # more than one slice
    threading.Timer(0.12, there.send, [b"x"]).start()
    assert wait_for(here, READ, NEVER, cancel)


def test_a_wait_for_a_socket_can_be_cancelled(pair: tuple[socket.socket, socket.socket]) -> None:
    cancel = threading.Event()
    threading.Timer(0.02, cancel.set).start()
    with pytest.raises(Cancelled):
        wait_for(pair[0], READ, NEVER, cancel)


def test_a_wait_for_an_event_ends_with_it_the_deadline_or_the_cancellation() -> None:
    event, cancel = threading.Event(), threading.Event()
    assert not wait_event(event, PAST, cancel)
    assert not wait_event(event, Deadline(0.12), cancel)
    timer = threading.Timer(0.02, cancel.set)
    timer.start()
    with pytest.raises(Cancelled):
        wait_event(event, NEVER, cancel)
    timer.join()
    event.set()
    assert wait_event(event, NEVER, cancel)
