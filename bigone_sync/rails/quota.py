"""The exchange's limit of order operations, kept on this side (Rails protocol, section 10)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from ..process_wide import ProcessWide

__all__ = ["OrderQuota"]

_MINUTE = 60.0


class OrderQuota:
    """So many operations in a minute that starts with the first of them. Thread-safe.

    Args:
        clock: seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        # A signal handler may give a command on the very thread that is giving one.
        self._lock = threading.RLock()
        self._began = float("-inf")
        self._used = 0
        self._is_over = False

    @classmethod
    def of(cls, account: str) -> OrderQuota:
        """The one of an account, for the whole process."""
        return _shared.of(account, cls)

    def take(self, limit: int) -> float:
        """Count an operation; 0, or the seconds until there is room again, and then it is not counted."""
        with self._lock:
            now = self._clock()
            if now - self._began >= _MINUTE:
                self._began, self._used, self._is_over = now, 0, False
            if self._is_over or self._used >= limit:
                return self._began + _MINUTE - now
            self._used += 1
            return 0.0

    def give_back(self) -> None:
        """An operation that was counted was not sent."""
        with self._lock:
            self._used = max(0, self._used - 1)

    def exceeded(self) -> None:
        """The exchange says that it is too much: nothing more in this minute, for who goes on may be banned."""
        with self._lock:
            now = self._clock()
            if now - self._began >= _MINUTE:
                self._began, self._used = now, 0
            self._is_over = True

    @property
    def used(self) -> int:
        """Operations counted in the running minute."""
        with self._lock:
            return self._used if self._clock() - self._began < _MINUTE else 0


_shared: ProcessWide[OrderQuota] = ProcessWide()
