"""The end of a client, and of single sessions of it: who is asked, who is waited for, and for how long."""

from __future__ import annotations

import logging
import os
import threading
import time
from typing import Any, Generic, TypeVar

from ..config import Timeouts
from ..dispatch import Dispatcher
from ..keeper import Keeper
from ..session_base import BaseSession
from ._beside import RestBeside
from ._hub import ClientHub
from ._process import forget

__all__ = ["Closing", "S"]

_log = logging.getLogger("bigone_sync.client")

S = TypeVar("S", bound=BaseSession)

# How much of a close's time the connections may take, half of it politely.
_POLITE = 0.4


class Closing(Generic[S]):
    """How a client closes. Not for direct use."""

    def __init__(self, name: str, *, timeouts: Timeouts, dispatch: str, hub: ClientHub) -> None:
        self._name = name
        self._timeouts = timeouts
        self._dispatch = dispatch
        self._hub = hub
        self._dispatcher: Dispatcher = hub.dispatcher
        self._keeper: Keeper
        """Set by the client, which knows what it has to check."""
        self._beside: RestBeside[Any] | None = None
        """The REST side; set by the client. None where its constructor failed."""
        self._sessions: dict[str, S] = {}
        self._leaving: list[tuple[S, float]] = []
        """Sessions that are being closed while the client goes on, and when that began (monotonic)."""
        self._lock = threading.RLock()
        self._started = False
        self._worker: threading.Thread | None = None
        self._closing = False
        self._close_asked: tuple[bool, float | None] | None = None
        self._ended = threading.Event()
        """Set when the connections are closed: nothing more is queued."""
        self._runner: threading.Thread | None = None
        self._through = threading.Event()
        """Set when ``run_forever()`` has delivered everything."""
        self._drain_end: float | None = None
        self._closed = threading.Event()
        self._pid = os.getpid()

    def close(self, *, drain: bool = True, timeout: float | None = None) -> None:
        """End everything: idempotent, from any thread, in any state.

        Returns within ``timeout`` seconds (``timeouts.close`` if None).  Called inside a callback it asks and returns,
        and the keeper does the rest.

        Args:
            drain: deliver what is queued; False discards it. With ``dispatch="caller"`` what is queued stays for
                ``poll()``.
            timeout: seconds.
        """
        if self._pid != os.getpid():
            return
        if self._started and self._dispatcher.is_delivering_here():
            # No lock here: this may be a signal handler that interrupted the very code that holds one.
            if self._close_asked is None and not self._closing:
                self._close_asked = drain, timeout
            self._closing = True
            self._keeper.wake()
            return
        limit = self._timeouts.close if timeout is None else timeout
        self._shut_down(drain, limit)

    def _begin_close(self) -> None:
        """What can be done without waiting."""
        with self._lock:
            self._closing = True
            sessions = list(self._sessions.values())
        self._dispatcher.unblock()
        for session in sessions:
            session.close(self._hub.fatal_error)
            session.connection.begin_close()
        if self._beside is not None:
            self._beside.begin_close()

    def _shut_down(self, drain: bool, limit: float) -> None:
        end = time.monotonic() + limit
        with self._lock:
            asked = self._close_asked
            first = not self._closing or asked is not None
            drain = drain and (asked is None or asked[0])
            self._closing, self._close_asked = True, None
        if not first:
            if self._runner is threading.current_thread():
                # Whoever closes waits until everything is delivered here.
                self._ended.wait(limit)
                self._drain_here()
                self._through.set()
            self._closed.wait(limit)
            return
        self._begin_close()
        abandoned = self._end_connections(limit * _POLITE)
        if self._beside is not None and not self._beside.finish_close(end - time.monotonic()):
            abandoned.append("recovery")
        keep = drain and self._dispatch == "caller"
        if keep:
            self._dispatcher.retire()
        else:
            self._dispatcher.close(discard=not drain)
        self._ended.set()
        abandoned += self._deliver_rest(end)
        self._keeper.stop()
        if not self._keeper.join(max(0.05, end - time.monotonic())):
            abandoned.append("keeper")
        if abandoned:
            _log.error("%s: left behind by close(): %s", self._name, ", ".join(abandoned))
        self._closed.set()
        self._dispatcher.wake()
        self._hub.changed()
        forget(self)

    def _end_connections(self, seconds: float) -> list[str]:
        """Wait for all connections together, the second half of the time without politeness; names who stays."""
        waiting = [*self._sessions.values(), *(session for session, _ in self._leaving)]
        began = time.monotonic()
        waiting = [s for s in waiting if not s.connection.join(began + seconds / 2 - time.monotonic())]
        for session in waiting:
            session.connection.cut()
        waiting = [s for s in waiting if not s.connection.join(began + seconds - time.monotonic())]
        return [session.name for session in waiting]

    def _deliver_rest(self, end: float) -> list[str]:
        """Let what is queued be delivered by whoever delivers, until ``end``; names who is not through by then."""
        here = threading.current_thread()
        if self._runner is here:
            self._drain_end = end  # the keeper, which lives until this is done, cuts it short
            self._drain_here()
            return []
        left = max(0.05, end - time.monotonic())
        if self._runner is not None:
            name, through = "run_forever()", self._through.wait(left)
        elif self._worker is not None and self._worker is not here:
            self._worker.join(left)
            name, through = "worker", not self._worker.is_alive()
        else:
            return []
        if not through:
            self._dispatcher.close(discard=True)
        return [] if through else [name]

    def _drain_here(self) -> None:
        while self._dispatcher.poll(0.0):
            pass

    def abandon(self) -> None:
        """In a forked child: forget the threads and let go of the descriptors. No lock is safe to take here."""
        self._closing = True
        for session in [*self._sessions.values(), *(session for session, _ in self._leaving)]:
            session.connection.abandon()

    # -- single sessions

    def _drop(self, session: S) -> None:
        """End one session, while the client goes on. Does not wait: the keeper, or ``close()``, sees to its end."""
        with self._lock:
            names = [name for name, other in self._sessions.items() if other is session]
            if not names:
                return
            for name in names:
                del self._sessions[name]
            self._leaving.append((session, time.monotonic()))
        session.close()
        session.connection.begin_close()
        self._dispatcher.leave(session.lane)
        self._hub.changed()

    def _check_leaving(self, now: float) -> None:
        """Be less polite to sessions whose peer takes its time."""
        if not self._leaving:
            return
        patience = self._timeouts.close * _POLITE
        through = [
            session for session, since in self._leaving if now - since > patience and session.connection.finish_close(0)
        ]
        with self._lock:
            self._leaving = [entry for entry in self._leaving if entry[0] not in through]

    # -- the keeper's thread

    def _check_close(self, now: float) -> None:
        """Finish what a callback asked for, and end a delivery that takes too long."""
        if self._drain_end is not None and now > self._drain_end:
            self._dispatcher.close(discard=True)
        asked = self._close_asked
        if asked is not None:
            drain, timeout = asked
            self._shut_down(drain, self._timeouts.close if timeout is None else timeout)
