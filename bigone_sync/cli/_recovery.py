"""The way back after the reset, step by step."""

from __future__ import annotations

from ..enums import BookState, ConnectionState

__all__ = ["Recovery"]


class Recovery:
    """Follows the connections through WAITING and CONNECTING to READY, and the book through STALE to LIVE.

    Args:
        channels: how many connections are reset.
        began: when, in seconds of the caller's clock.
    """

    def __init__(self, channels: int, began: float) -> None:
        self.began = began
        self.seconds: float | None = None
        """How long it took; None: not yet over."""
        self._channels = channels
        self._lost: set[str] = set()
        self._back: set[str] = set()
        self._went_stale = False
        self._lag = ""

    @property
    def is_noticed(self) -> bool:
        """Whether every connection knows that it was lost, and the book that it may be wrong."""
        return len(self._lost) >= self._channels and self._went_stale

    @property
    def is_over(self) -> bool:
        """Whether everything is as before."""
        return self.seconds is not None

    def state(self, connection: str, state: ConnectionState) -> None:
        """A connection changed its state."""
        if state == ConnectionState.WAITING:
            self._lost.add(connection)
            self._back.discard(connection)
        elif state == ConnectionState.READY and connection in self._lost:
            self._back.add(connection)

    def look(self, book: BookState, now: float, lag: str = "") -> bool:
        """Judge anew; True when this was the moment in which the recovery was complete.

        Args:
            book: state of the kept book.
            now: by the caller's clock.
            lag: what else is not yet up to date, in words.
        """
        self._lag = lag
        if book == BookState.STALE:
            self._went_stale = True
        if self.is_over or not self.is_noticed or self._back != self._lost or book != BookState.LIVE or lag:
            return False
        self.seconds = now - self.began
        return True

    def missing(self) -> str:
        """What is not yet as before, in words."""
        if len(self._lost) < self._channels:
            return f"{self._channels - len(self._lost)} of {self._channels} connections did not notice the reset"
        if not self._went_stale:
            return "the kept book did not become STALE"
        waiting = sorted(self._lost - self._back)
        if waiting:
            return f"not READY again: {', '.join(waiting)}"
        return f"{self._lag} not up to date again" if self._lag else "the kept book is not LIVE again"
