"""The loss of one of several connections alike, while another one goes on."""

from __future__ import annotations

from ..enums import BookState, ConnectionState

__all__ = ["Failover"]


class Failover:
    """Follows the connection that was cut through WAITING to READY, and whether anything was missing meanwhile.

    Args:
        connections: how many there are, all in step.
        began: when, in seconds of the caller's clock.
    """

    def __init__(self, connections: int, began: float) -> None:
        self.began = began
        self.seconds: float | None = None
        """How long it took until all connections were in step again; None: not yet."""
        self.failovers = 0
        """What the client counts."""
        self._connections = connections
        self._lost: set[str] = set()
        self._back: set[str] = set()
        self._in_step = 0
        self._gaps = 0
        self._was_doubted = False

    @property
    def is_over(self) -> bool:
        """Whether everything is as before."""
        return self.seconds is not None

    @property
    def lost(self) -> str:
        """Who was lost, by name."""
        return " and ".join(sorted(self._lost)) or "nobody"

    def state(self, connection: str, state: ConnectionState) -> None:
        """A connection changed its state."""
        if self.is_over:
            return
        if state == ConnectionState.WAITING:
            self._lost.add(connection)
            self._back.discard(connection)
        elif state == ConnectionState.READY and connection in self._lost:
            self._back.add(connection)

    def gap(self) -> None:
        """The client said that something may be missing."""
        self._gaps += not self.is_over

    def look(self, book: BookState, failovers: int, in_step: int, now: float) -> bool:
        """Judge anew; True when this was the moment in which all was as before.

        Args:
            book: state of the kept book.
            failovers: what the client counts.
            in_step: how many connections could go on alone.
            now: by the caller's clock.
        """
        if self.is_over:
            return False
        self.failovers, self._in_step = failovers, in_step
        self._was_doubted = self._was_doubted or book != BookState.LIVE
        if not self._lost or self._back != self._lost or not failovers or in_step < self._connections:
            return False
        self.seconds = now - self.began
        return True

    def problem(self) -> str:
        """What was not as it should be, in words; empty: nothing."""
        if not self._lost:
            return "no connection noticed that it was cut"
        if not self.failovers:
            return "no other connection took over"
        if self._gaps:
            return f"{self._gaps} {'gap was' if self._gaps == 1 else 'gaps were'} announced"
        if self._was_doubted:
            return "the kept book was in doubt meanwhile"
        waiting = sorted(self._lost - self._back)
        if waiting:
            return f"not READY again: {', '.join(waiting)}"
        if not self.is_over:
            return f"only {self._in_step} of {self._connections} connections in step again"
        return ""
