"""Who is behind the other connections, or waits for them, and for how long."""

from __future__ import annotations

from typing import NamedTuple
from weakref import WeakKeyDictionary

from .copies import Copies

__all__ = ["Lag", "Lags"]


class Lag(NamedTuple):
    """How far a connection is behind."""

    seconds: float
    """For so long at least it has not brought what others had brought before; 0: it is not behind, or since now."""
    mark: int
    """The position that it has not reached for so long."""


class Lags:
    """Since when something has been so of a connection, as far as it was noted. Under the group's lock.

    What is not merged any more is forgotten by itself.
    """

    def __init__(self) -> None:
        self._waits: WeakKeyDictionary[Copies, dict[str, float]] = WeakKeyDictionary()
        self._marks: WeakKeyDictionary[Copies, dict[str, tuple[int, float]]] = WeakKeyDictionary()

    def waits(self, name: str, copies: Copies, is_so: bool, now: float) -> float:
        """Seconds for which a connection has been waiting for its place; 0 if it does not."""
        waits = self._waits.setdefault(copies, {})
        if not is_so:
            waits.pop(name, None)
            return 0.0
        return now - waits.setdefault(name, now)

    def behind(self, name: str, copies: Copies, now: float) -> Lag:
        """How far a connection is behind.

        That the others have brought more whenever one looks says nothing: where much happens, they have by moments. So
        the end is marked, and what counts is how long the connection takes to get there.
        """
        marks = self._marks.setdefault(copies, {})
        mark = marks.get(name)
        if mark is not None and copies.is_behind(name) and not copies.has_reached(name, mark[0]):
            return Lag(now - mark[1], mark[0])
        marks[name] = copies.end, now
        return Lag(0.0, copies.end)

    def forget(self, name: str) -> None:
        """A connection is gone."""
        for waits in self._waits.values():
            waits.pop(name, None)
        for marks in self._marks.values():
            marks.pop(name, None)
