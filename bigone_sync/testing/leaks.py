"""Wait for conditions, and find threads and sockets that a test left behind.

A client that forgets a thread or a socket at every reconnect works for a day and then stops. :func:`census` takes
stock of the process, :func:`assert_no_leaks` waits until the process is back to an earlier stock or names what is
left. :func:`wait_until` replaces sleeping for luck. Standard library only.

    before = census()
    with SpotClient(...) as client:
        ...
    assert_no_leaks(before)
"""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

__all__ = ["Census", "LiveThread", "OpenDescriptor", "assert_no_leaks", "census", "leak_check", "wait_until"]

T = TypeVar("T")

_FD_DIRECTORY = "/proc/self/fd"
_FIRST_PAUSE, _LONGEST_PAUSE = 0.0005, 0.02


def wait_until(predicate: Callable[[], T], timeout: float = 20.0, *, message: str = "") -> T:
    """Poll a condition until it holds.

    Args:
        predicate: Called without arguments, again and again on the caller's thread; what it raises comes out.
        timeout: Seconds. The predicate is always asked at least once, and once more when the time is over.
        message: What was being waited for; the text of the error.

    Returns:
        The first truthy value that the predicate returned.

    Raises:
        AssertionError: The condition did not hold within ``timeout``.
    """
    deadline = time.monotonic() + timeout
    pause = _FIRST_PAUSE
    while True:
        late = time.monotonic() >= deadline  # looked at before asking: a slow predicate still gets its last chance
        value = predicate()
        if value:
            return value
        if late:
            what = message or f"condition {getattr(predicate, '__qualname__', predicate)!s} did not hold"
            raise AssertionError(f"{what} (waited {timeout:g} s, last value {value!r})")
        time.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)


@dataclass(frozen=True)
class LiveThread:
    """One running thread; two entries are equal when they are the same thread, whatever its name is by now."""

    name: str = field(compare=False)
    ident: int
    native_id: int | None
    """Kernel id where known: ``ident`` alone is soon given to the next thread."""

    def __str__(self) -> str:
        return f"thread {self.name!r} (ident {self.ident})"


@dataclass(frozen=True)
class OpenDescriptor:
    """One open file descriptor and what it points to, for example ``socket:[4711]`` or a path."""

    fd: int
    target: str

    def __str__(self) -> str:
        address = _socket_address(self.fd) if self.target.startswith("socket:") else ""
        return f"descriptor {self.fd} {self.target}{address}"


@dataclass(frozen=True)
class Census:
    """What the process holds at one moment.

    ``descriptors`` is None where the system does not list them (no ``/proc``); then only threads are compared.
    """

    threads: frozenset[LiveThread]
    descriptors: frozenset[OpenDescriptor] | None

    def beyond(self, before: Census) -> list[LiveThread | OpenDescriptor]:
        """Tell what this census holds more than an earlier one: threads first, then descriptors, each by number."""
        more: list[LiveThread | OpenDescriptor] = [*sorted(self.threads - before.threads, key=lambda t: t.ident)]
        if self.descriptors is None or before.descriptors is None:
            return more
        # By target, not by number: a file closed and opened again, or a number used anew, is told apart that way.
        known = Counter(d.target for d in before.descriptors)
        for descriptor in sorted(self.descriptors, key=lambda d: d.fd):
            if known[descriptor.target] > 0:
                known[descriptor.target] -= 1
            else:
                more.append(descriptor)
        return more


def census() -> Census:
    """Take stock of this process: every thread that runs Python code, and every open file descriptor."""
    known = {t.ident: t for t in threading.enumerate() if t.ident is not None}
    threads = set()
    # The interpreter's own list also has threads started below ``threading``, and none that has already ended.
    for ident in sys._current_frames():
        thread = known.get(ident)
        name, native_id = ("<unnamed>", None) if thread is None else (thread.name, thread.native_id)
        threads.add(LiveThread(name, ident, native_id))
    return Census(frozenset(threads), _open_descriptors())


def assert_no_leaks(before: Census, timeout: float = 20.0) -> None:
    """Wait until every thread and descriptor that came after ``before`` is gone.

    Garbage is not collected first: a socket that only the cyclic collector would close counts as left behind.

    Args:
        before: The census to come back to.
        timeout: Seconds to wait; threads that are just ending need a moment.

    Raises:
        AssertionError: Names each thread and socket (with its addresses) that is left.
    """
    deadline = time.monotonic() + timeout
    pause = _FIRST_PAUSE
    while left := census().beyond(before):
        if time.monotonic() >= deadline:
            raise AssertionError(f"left behind after {timeout:g} s: " + "; ".join(map(str, left)))
        time.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)


@contextmanager
def leak_check(timeout: float = 20.0) -> Iterator[Census]:
    """Run a block and require that it leaves no thread and no descriptor behind.

    The check is left out when the block itself raises: the first failure is the one to read.

    Args:
        timeout: Seconds, see :func:`assert_no_leaks`.

    Yields:
        The census taken at the start.
    """
    before = census()
    yield before
    assert_no_leaks(before, timeout)


def _open_descriptors() -> frozenset[OpenDescriptor] | None:
    try:
        numbers = os.listdir(_FD_DIRECTORY)
    except OSError:
        return None
    own_listing = f"/proc/{os.getpid()}/fd"
    found = set()
    for number in numbers:
        try:
            target = os.readlink(f"{_FD_DIRECTORY}/{number}")
        except FileNotFoundError:  # closed since the listing, as the listing's own descriptor is
            continue
        if target != own_listing:
            found.add(OpenDescriptor(int(number), target))
    return frozenset(found)


def _socket_address(fd: int) -> str:
    """Name the two ends of a socket, for an error text; empty when it is gone or has no address."""
    try:
        with socket.socket(fileno=os.dup(fd)) as twin:
            local, peer = twin.getsockname(), ""
            try:
                peer = f" -> {_address(twin.getpeername())}"
            except OSError:
                peer = " (no peer)"
            return f" {_address(local)}{peer}"
    except OSError:
        return ""


def _address(address: object) -> str:
    if isinstance(address, tuple) and len(address) >= 2:
        return f"{address[0]}:{address[1]}"
    return str(address) or "unnamed"
