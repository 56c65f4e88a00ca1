"""One measurement of one process: from the first message that was handled to the last."""

from __future__ import annotations

import time

__all__ = ["Stopwatch", "stopwatch"]


class Stopwatch:
    """Wall time and processor time (all threads, user and system) between two moments."""

    def __init__(self) -> None:
        self._started: tuple[float, float] | None = None
        self._stopped: tuple[float, float] | None = None

    def start(self) -> None:
        """Note the first message."""
        self._started = (time.perf_counter(), time.process_time())

    def stop(self) -> None:
        """Note the last message."""
        self._stopped = (time.perf_counter(), time.process_time())

    def read(self) -> tuple[float, float]:
        """Give wall and processor seconds.

        Raises:
            RuntimeError: Not both moments were noted.
        """
        if self._started is None or self._stopped is None:
            raise RuntimeError("the case did not note its first and its last message")
        return self._stopped[0] - self._started[0], self._stopped[1] - self._started[1]


stopwatch = Stopwatch()
"""The measurement of this process; a case runs in a process of its own."""
