"""When to dial: connections of one client are kept apart, and new ones of a process within the exchange's limit."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from ..process_wide import ProcessWide

__all__ = ["DialWindow", "Pacer"]

MINUTE = 60.0


class DialWindow:
    """So many new connections within a minute, counted for the whole process. Thread-safe.

    Args:
        clock: seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._slots: deque[float] = deque()

    @classmethod
    def of(cls, name: str) -> DialWindow:
        """The one of whatever the exchange counts by."""
        return _shared.of(name, cls)

    def reserve(self, most: int, earliest: float) -> float:
        """Takes a slot, so that no minute has more than ``most``; the time when it comes, from ``earliest`` on."""
        with self._lock:
            slots, now = self._slots, self._clock()
            while slots and slots[0] <= now - MINUTE:
                slots.popleft()
            slot = max(earliest, slots[-1] if slots else earliest)
            if len(slots) >= most:
                slot = max(slot, slots[-most] + MINUTE)
            slots.append(slot)
            return slot


class Pacer:
    """Keeps dials of one client apart.

    Args:
        interval: least seconds between two of them.
        window: counts those of the whole process; None: nobody does.
        most: dials within a minute that ``window`` may have.
    """

    def __init__(self, interval: float, window: DialWindow | None = None, most: int = 1) -> None:
        self._interval, self._window, self._most = interval, window, most
        self._lock = threading.Lock()
        self._next = 0.0

    def delay(self) -> float:
        """Takes the next slot; seconds until it comes."""
        with self._lock:
            now = time.monotonic()
            slot = max(now, self._next)
            if self._window is not None:
                slot = self._window.reserve(self._most, slot)
            self._next = slot + self._interval
            return slot - now


_shared: ProcessWide[DialWindow] = ProcessWide()
