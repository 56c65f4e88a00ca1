"""So many requests in so many seconds, counted for the whole process."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from ..process_wide import ProcessWide

__all__ = ["REQUESTS", "WINDOW", "Limiter"]

REQUESTS = 500
"""Requests that the exchange takes from one address (REST protocol, section 1) ..."""
WINDOW = 10.0
"""... in so many seconds."""


class Limiter:
    """A sliding window of the requests made, and a queue of those that wait. Thread-safe; first come, first served.

    What was sent is counted for all; how many are too many is said by each caller, so that a bot may keep to less.

    Args:
        window: Seconds.
        clock: Seconds, monotonic.
    """

    def __init__(self, *, window: float = WINDOW, clock: Callable[[], float] = time.monotonic) -> None:
        self._window, self._clock = window, clock
        self._condition = threading.Condition()
        self._sent: deque[float] = deque()
        self._queue: deque[object] = deque()

    @classmethod
    def of(cls, host: str) -> Limiter:
        """The one of a host (with its port), for the whole process."""
        return _shared.of(host, cls)

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        with self._condition:
            return len(self._queue)

    def acquire(self, limit: int, *, left: Callable[[], float], ended: threading.Event) -> bool:
        """Wait until fewer than ``limit`` requests lie in the window, and count one more.

        Args:
            limit: Requests in the window, at most.
            left: Tells the seconds that the caller has left.
            ended: The caller gives up when it is set; :meth:`wake` makes it look.

        Returns:
            Whether the request may be made. False: it could not in time, which is told as soon as it is certain, or
            ``ended`` was set.
        """
        ticket = object()
        with self._condition:
            self._queue.append(ticket)
            try:
                while not ended.is_set():
                    pause = self._pause(limit) if self._queue[0] is ticket else None
                    if pause is not None and pause <= 0:
                        self._sent.append(self._clock())
                        return True
                    most = left()
                    if most <= 0 or (pause is not None and pause > most):
                        return False
                    self._condition.wait(most if pause is None else pause)
                return False
            finally:
                self._queue.remove(ticket)
                self._condition.notify_all()

    def wake(self) -> None:
        """Make all that wait look again: something that they wait for may have changed."""
        with self._condition:
            self._condition.notify_all()

    def _pause(self, limit: int) -> float:
        now = self._clock()
        while self._sent and self._sent[0] <= now - self._window:
            self._sent.popleft()
        return self._sent[-limit] + self._window - now if len(self._sent) >= limit else 0.0


_shared: ProcessWide[Limiter] = ProcessWide()
