"""The life of a client: its threads, and who may wait for what. How it ends is in ``_closing``."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeVar

from ..config import Limits, Timeouts
from ..errors import BigOneError, ConfigurationError, ConnectionClosed, ConnectTimeout
from ..keeper import Keeper, SlowHandlerWatch, tick
from ..subscription import Subscription
from ._closing import Closing, S
from ._hub import ClientHub
from ._process import is_ctrl_c, remember

__all__ = ["Lifecycle"]

_log = logging.getLogger("bigone_sync.client")


class Lifecycle(Closing[S]):
    """Threads and states of a client. Not for direct use."""

    def __init__(
        self,
        name: str,
        *,
        timeouts: Timeouts,
        limits: Limits,
        dispatch: str,
    ) -> None:
        super().__init__(name, timeouts=timeouts, dispatch=dispatch, hub=ClientHub(limits, self._exit_asked))
        self._limits = limits
        self._dispatcher.unmanned = dispatch == "caller"
        self._keeper = Keeper(f"bigone-{name}/keeper", tick(timeouts, limits), self._checks)
        self._slow = SlowHandlerWatch(self._dispatcher, limits.slow_callback, self._report_slow)
        self._exit: BaseException | None = None
        remember(self)

    def _open_subscriptions(self) -> tuple[Subscription, ...]:
        """In order of registration."""
        raise NotImplementedError

    # -- starting

    def start(self) -> None:
        """Connect in the background; returns at once. Further calls do nothing.

        Raises:
            ConnectionClosed: the client was closed; make a new one.
        """
        self._start(worker=self._dispatch == "worker")

    def _start(self, *, worker: bool) -> None:
        self._check_open()
        with self._lock:
            if self._started:
                return
            self._started = True
            self._keeper.start()
            if worker:
                self._start_worker()
            for session in self._sessions.values():
                session.connection.start()

    def _start_worker(self) -> None:
        self._dispatcher.resume()
        self._worker = threading.Thread(target=self._dispatcher.run, name=f"bigone-{self._name}/worker", daemon=True)
        self._worker.start()

    def _check_process(self) -> None:
        if self._pid != os.getpid():
            raise ConnectionClosed("this client belongs to the parent process; make a new one after the fork")

    def _check_open(self) -> None:
        self._check_process()
        if self._closing or self._closed.is_set():
            raise ConnectionClosed("the client is closed; make a new one")

    def wait_ready(self, timeout: float | None = None) -> None:
        """Wait until every wanted channel is READY and its subscriptions LIVE.

        Raises:
            ConnectTimeout: not within ``timeout`` seconds.
            SubscriptionRejected: the exchange refused one of the subscriptions.
            ConnectError: it refused the connection of one of them.
            BigOneError: the error that ended a connection for good.
            ConnectionClosed: the client was closed, or not started.
        """
        self._check_process()
        if not self._started:
            self._check_open()
            raise ConnectionClosed("the client was not started: call start() first, or use it in a with block")
        with self._dispatcher.lifted():
            ready = self._hub.wait_until(self._is_ready_or_over, timeout)
        self._raise_end()
        if self._closing:
            raise ConnectionClosed("the client was closed meanwhile")
        rejection = self._rejection()
        if rejection is not None:
            raise rejection
        if not ready:
            states = ", ".join(f"{name} {session.connection.state}" for name, session in self._sessions.items())
            raise ConnectTimeout(f"{self._name}: not ready within {timeout} s ({states})")

    def _is_ready_or_over(self) -> bool:
        over = self._closing or self._hub.fatal_error is not None or self._rejection() is not None
        return over or all(session.is_ready for session in self._wanted_sessions())

    def _wanted_sessions(self) -> list[S]:
        with self._lock:
            return [session for session in self._sessions.values() if session.streams]

    def _rejection(self) -> BigOneError | None:
        for subscription in self._open_subscriptions():
            for stream in subscription.streams:
                if stream.rejection is not None:
                    return stream.rejection
        return None

    def _raise_end(self) -> None:
        """Raise what a handler wanted out with, or the error that ended a connection for good."""
        if self._exit is not None:
            raise self._exit
        if self._hub.fatal_error is not None:
            raise self._hub.fatal_error

    def run_forever(self) -> None:
        """Start, and deliver callbacks on this thread until the client is closed.

        Ctrl-C closes the client and returns, also while a handler runs.  SystemExit and KeyboardInterrupt that a
        handler raises close the client and come out of here.

        Raises:
            BigOneError: the error that ended a connection for good; the client is then closed.
            ConfigurationError: called inside a callback.
            ConnectionClosed: the client was closed before.
        """
        if self._dispatcher.is_delivering_here():
            raise ConfigurationError("run_forever() cannot be called inside a callback")
        self._check_open()
        self._runner = threading.current_thread()
        try:
            self._start(worker=False)
            self._take_over()
            while not self._over():
                self._dispatcher.poll(_LONG)
        except KeyboardInterrupt:
            _log.info("%s: interrupted; closing", self._name)
        finally:
            try:
                self._shut_down(True, self._timeouts.close)
            finally:
                self._through.set()
        self._raise_end()

    def _take_over(self) -> None:
        """Deliver here from now on; a worker that runs is retired first."""
        worker = self._worker
        if worker is not None and worker is not threading.current_thread():
            self._dispatcher.retire()
            worker.join()
            self._dispatcher.resume()
        self._worker = None

    def _over(self) -> bool:
        return self._closing or self._close_asked is not None or self._hub.fatal_error is not None

    def wait(self, timeout: float | None = None) -> bool:
        """Block while the worker delivers; True when the client is closed, False after ``timeout`` seconds.

        Raises:
            BigOneError: the error that ended a connection for good.
        """
        self._check_process()
        with self._dispatcher.lifted():
            self._hub.wait_until(lambda: self._closed.is_set() or self._hub.fatal_error is not None, timeout)
        self._raise_end()
        return self._closed.is_set()

    def poll(self, timeout: float = 0.0) -> int:
        """Deliver what is queued on this thread, waiting up to ``timeout`` seconds for the first.

        For ``dispatch="caller"``.  Returns the number of events; 0 inside a callback.  SystemExit and KeyboardInterrupt
        raised in a handler, Ctrl-C included, close the client and come out of here.

        Raises:
            ConfigurationError: the client has a worker that delivers.
            BigOneError: the error that ended a connection for good, once everything queued has been delivered.
        """
        if self._dispatch != "caller":
            raise ConfigurationError("poll() needs a client made with dispatch='caller'", argument="dispatch")
        if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or timeout < 0:
            raise ConfigurationError(f"timeout must be a number of seconds from 0, not {timeout!r}", argument="timeout")
        self._check_process()
        count = self._dispatcher.poll(timeout)
        if not self._dispatcher.is_delivering_here() and (not count or self._exit is not None):
            self._raise_end()
        return count

    def _exit_asked(self, error: BaseException) -> None:
        """A handler raised SystemExit or KeyboardInterrupt: close, and let it out of whoever waits."""
        if self._runner is threading.current_thread() and is_ctrl_c(error):
            _log.info("%s: interrupted in a handler; closing", self._name)
        else:
            self._exit = self._exit or error
            _log.warning("%s: a handler raised %s; closing", self._name, type(error).__name__)
        self.close()

    def __enter__(self: _C) -> _C:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- the keeper

    def _checks(self) -> list[Callable[[float], None]]:
        checks = [session.check for session in list(self._sessions.values())]
        return [*checks, self._check_leaving, self._slow.check, self._check_close]

    def _report_slow(self, name: str, seconds: float) -> None:
        _log.warning(
            "handler %s has not returned for %.1f s; all callbacks of this client wait for it (reported once)",
            name,
            seconds,
        )


_C = TypeVar("_C", bound=Lifecycle[Any])
# Long enough to cost nothing, short enough that a platform whose waits cannot be interrupted hears Ctrl-C.
_LONG = 1.0
