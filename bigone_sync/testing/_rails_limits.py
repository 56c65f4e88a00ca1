"""Limits per minute (Rails protocol, section 10)."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["MinuteLimit"]

_MINUTE_NS = 60 * 1_000_000_000


class MinuteLimit:
    """So many of something in a minute that begins with the first of them; those refused do not count.

    Args:
        most: None: there is no limit.
        now_ns: the server's clock.
    """

    def __init__(self, most: int | None, now_ns: Callable[[], int]) -> None:
        self.used = 0
        self._most = most
        self._now_ns = now_ns
        self._began_ns: int | None = None

    def take(self) -> bool:
        """Count one, unless it is one too many."""
        now_ns = self._now_ns()
        # A clock that was put back begins a new minute, too.
        if self._began_ns is None or not 0 <= now_ns - self._began_ns < _MINUTE_NS:
            self._began_ns, self.used = now_ns, 0
        if self._most is not None and self.used >= self._most:
            return False
        self.used += 1
        return True
