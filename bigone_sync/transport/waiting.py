"""Waiting for a socket, a deadline or a cancellation, whichever comes first."""

from __future__ import annotations

import select
import socket
import threading
import time

__all__ = ["READ", "WRITE", "Cancelled", "Deadline", "wait_event", "wait_for", "wait_socket"]

READ, WRITE = 1, 2

# A socket that is still connecting cannot be woken portably, so waits that close() must cut short run in slices.
_SLICE = 0.05
# Milliseconds; poll takes no more.
_LONGEST = 2**31 - 1


class Cancelled(Exception):
    """The wait was cut short by ``close()``; never leaves the transport."""


class Deadline:
    """A point in time on the monotonic clock, shared by several steps."""

    __slots__ = ("_end",)

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def remaining(self) -> float:
        """Seconds left; 0.0 when it has passed."""
        return max(0.0, self._end - time.monotonic())


if hasattr(select, "poll"):

    def wait_socket(sock: socket.socket, events: int, timeout: float | None) -> bool:
        """Wait until ``sock`` can be read or written, or has failed; None waits without limit."""
        poller = select.poll()
        mask = (select.POLLIN if events & READ else 0) | (select.POLLOUT if events & WRITE else 0)
        poller.register(sock.fileno(), mask)
        return bool(poller.poll(None if timeout is None else min(_LONGEST, max(0, int(timeout * 1000 + 0.999)))))

else:  # pragma: no cover - Windows

    def wait_socket(sock: socket.socket, events: int, timeout: float | None) -> bool:
        """Wait until ``sock`` can be read or written, or has failed; None waits without limit."""
        readers = [sock] if events & READ else []
        writers = [sock] if events & WRITE else []
        return any(select.select(readers, writers, [sock], timeout))


def wait_for(sock: socket.socket, events: int, deadline: Deadline, cancel: threading.Event) -> bool:
    """Wait like :func:`wait_socket`, until the deadline; False when it passed.

    Raises:
        Cancelled: ``cancel`` was set meanwhile.
    """
    while True:
        if cancel.is_set():
            raise Cancelled
        left = deadline.remaining()
        if wait_socket(sock, events, min(left, _SLICE)):
            return True
        if left <= 0:
            return False


def wait_event(event: threading.Event, deadline: Deadline, cancel: threading.Event) -> bool:
    """Wait for ``event``, until the deadline; False when it passed.

    Raises:
        Cancelled: ``cancel`` was set meanwhile.
    """
    while not event.wait(min(deadline.remaining(), _SLICE)):
        if cancel.is_set():
            raise Cancelled
        if deadline.remaining() <= 0:
            return False
    return True
