"""Clients and the process they live in: its end, its children, its Ctrl-C."""

from __future__ import annotations

import atexit
import dis
import os
import weakref
from typing import Protocol

__all__ = ["forget", "is_ctrl_c", "remember"]


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


def is_ctrl_c(error: BaseException) -> bool:
    """Whether a KeyboardInterrupt came from the keyboard, and was not raised by the code that it came out of.

    Python raises the keyboard's wherever the main thread happens to be; code raises its own at a raise statement.
    (A signal handler could tell, too, but signals belong to the program, not to a library.)
    """
    trace = error.__traceback__
    if not isinstance(error, KeyboardInterrupt) or trace is None:
        return False
    while trace.tb_next is not None:
        trace = trace.tb_next
    instruction = trace.tb_frame.f_code.co_code[trace.tb_lasti]
    return dis.opname[instruction] not in ("RAISE_VARARGS", "RERAISE")


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
