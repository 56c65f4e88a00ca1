"""Clients and the process they live in: its end, its children, its Ctrl-C."""

from __future__ import annotations

import atexit
import os
import signal
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Protocol

__all__ = ["forget", "noting_interrupts", "remember"]


class Living(Protocol):
    """A client."""

    def close(self, *, drain: bool = True, timeout: float | None = None) -> None:
        """End it."""

    def abandon(self) -> None:
        """In a forked child: let go of what belongs to the parent."""


_clients: weakref.WeakSet[Living] = weakref.WeakSet()


def remember(client: Living) -> None:
    """``client`` exists."""
    _clients.add(client)


def forget(client: Living) -> None:
    """``client`` is closed."""
    _clients.discard(client)


@contextmanager
def noting_interrupts(note: Callable[[], None]) -> Iterator[None]:
    """Call ``note`` at Ctrl-C, before its KeyboardInterrupt.

    That tells a Ctrl-C which comes while a handler runs from a KeyboardInterrupt of the handler's own.  Does nothing
    outside of the main thread, or where Ctrl-C means something else than usual.
    """
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        note()
        signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _close_leftovers() -> None:
    for client in list(_clients):
        client.close(drain=False)


def _abandon_in_child() -> None:
    for client in list(_clients):
        client.abandon()
    _clients.clear()


atexit.register(_close_leftovers)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_abandon_in_child)
