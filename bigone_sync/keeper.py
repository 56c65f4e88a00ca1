"""The client's housekeeping thread: pings, watchdogs, deadlines. It never waits for anything but the clock."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue

from .config import Limits, Timeouts
from .dispatch import Dispatcher

__all__ = ["Keeper", "SlowHandlerWatch"]

_log = logging.getLogger("bigone_sync.keeper")

_LONGEST_TICK = 0.5
_SHORTEST_TICK = 0.01
# A wall clock that moved this much against the monotonic one was set, or the machine slept.
_CLOCK_JUMP = 5.0


def tick(timeouts: Timeouts, limits: Limits) -> float:
    """Seconds between two rounds: fine enough for the shortest of the timeouts."""
    shortest = min(timeouts.ping, timeouts.pong, timeouts.reply, timeouts.stale or timeouts.reply, limits.slow_callback)
    return min(_LONGEST_TICK, max(_SHORTEST_TICK, shortest / 5))


class SlowHandlerWatch:
    """Names a handler that does not return (W7).

    The delivering thread only notes which event it is at; that costs nothing, and a handler that hangs is seen while
    it hangs.
    """

    def __init__(self, dispatcher: Dispatcher, limit: float, report: Callable[[str, float], None]) -> None:
        self._dispatcher, self._limit, self._report = dispatcher, limit, report
        self._event: object = None
        self._visit = 0
        self._since = 0.0
        self._reported: set[str] = set()

    def check(self, now: float) -> None:
        """Look once."""
        event, sink, visit = self._dispatcher.current, self._dispatcher.current_sink, self._dispatcher.visits
        if event is None or sink is None:
            self._event = None
        elif event is not self._event or visit != self._visit:
            self._event, self._visit, self._since = event, visit, now
        elif now - self._since >= self._limit:
            name = ", ".join(getattr(handler, "__qualname__", repr(handler)) for handler in sink.handlers)
            if name not in self._reported:
                self._reported.add(name)
                self._report(name, now - self._since)


class Keeper:
    """Calls checks at a steady pace on a daemon thread.

    Args:
        name: of the thread.
        interval: seconds between two rounds.
        checks: asked for at each round; each takes the monotonic time and does not wait.
    """

    def __init__(self, name: str, interval: float, checks: Callable[[], list[Callable[[float], None]]]) -> None:
        self._interval, self._checks = interval, checks
        self._stop = False
        # Unlike an Event it may be set by a signal handler that interrupts another setter.
        self._wakes: SimpleQueue[None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._skew = time.time() - time.monotonic()

    def start(self) -> None:
        """Begin; once."""
        self._thread.start()

    def stop(self) -> None:
        """Ask it to end."""
        self._stop = True
        self.wake()

    def wake(self) -> None:
        """Let it make its round now. Takes no lock."""
        self._wakes.put(None)

    def join(self, timeout: float) -> bool:
        """Wait for it; True if it is over."""
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout)
        return not self._thread.is_alive() or self._thread is threading.current_thread()

    def _run(self) -> None:
        while True:
            try:
                self._wakes.get(timeout=self._interval)
            except Empty:
                pass  # the usual case: it is time
            if self._stop:
                return
            now = time.monotonic()
            for check in self._checks():
                try:
                    check(now)
                except Exception:  # noqa: BLE001 - a check that fails must not silence the others
                    _log.exception("a check failed")
            self._check_clock(now)

    def _check_clock(self, now: float) -> None:
        """Say so when the wall clock was set (W10): tokens are signed by it."""
        skew = time.time() - now
        if abs(skew - self._skew) > _CLOCK_JUMP:
            _log.warning("the wall clock moved by %.1f s against the monotonic one", skew - self._skew)
            self._skew = skew
