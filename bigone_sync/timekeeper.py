"""When a client measures the exchange's clock: before its first login, and again when one is refused."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from .clock import ServerClock
from .errors import BigOneError, ConnectionClosed

__all__ = ["Timekeeper"]

_log = logging.getLogger("bigone_sync.clock")

_PAUSE = 10.0
"""Seconds after a measurement that failed in which a connection does not wait for another one."""


class Timekeeper:
    """Has the clock measured that a client's tokens are signed by. Called on readers, not under a lock; waits.

    A measurement that fails is logged and costs nothing but the correction: the machine's clock may well be right.

    Args:
        name: of the client.
        clock: what tokens are signed by.
        measure: measures and corrects it, within a deadline of its own.
    """

    def __init__(self, name: str, clock: ServerClock, measure: Callable[[], object]) -> None:
        self._name, self._clock, self._measure = name, clock, measure
        self._lock = threading.Lock()
        self._failed_at = float("-inf")
        self._failure = ""

    def first(self) -> None:
        """Measure, unless that has been done, or has just failed."""
        with self._lock:
            if self._clock.offset is None and time.monotonic() - self._failed_at >= _PAUSE:
                self._try()

    def again(self) -> None:
        """Measure anew: the exchange refused a token, and the clock may be why."""
        with self._lock:
            self._try()

    def _try(self) -> None:
        try:
            self._measure()
        except ConnectionClosed:
            _log.debug("%s: closed while the exchange's clock was measured", self._name)
        except BigOneError as error:
            self._failed_at, self._failure = time.monotonic(), str(error)
            _log.warning("%s: the exchange's clock could not be measured: %s", self._name, error)
        else:
            self._failure = ""
            _log.info("%s: %s", self._name, self._clock.skew)

    @property
    def skew(self) -> str:
        """What is known of this machine's clock, for messages."""
        known = self._clock.skew
        return f"{known} (measuring it failed: {self._failure})" if self._failure else known
