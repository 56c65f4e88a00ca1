"""Who is behind the other connections, or waits for them, and for how long."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from .copies import Copies

__all__ = ["Lag", "Lags"]


class Lag(NamedTuple):
    """How far a connection is behind."""

    seconds: float
    """For so long at least it has not brought what others had brought before; 0: it is not behind, or since now."""
    mark: int
    """The position that it has not reached for so long."""


class Lags:
    """Since when something has been so of a connection, as far as it was noted. Under the group's lock."""

    def __init__(self) -> None:
        self._waits: dict[tuple[str, Copies], float] = {}
        self._marks: dict[tuple[str, Copies], tuple[int, float]] = {}

    def waits(self, name: str, copies: Copies, is_so: bool, now: float) -> float:
        """Seconds for which a connection has been waiting for its place; 0 if it does not."""
        if not is_so:
            self._waits.pop((name, copies), None)
            return 0.0
        return now - self._waits.setdefault((name, copies), now)

    def behind(self, name: str, copies: Copies, now: float) -> Lag:
        """How far a connection is behind.

        That the others have brought more whenever one looks says nothing: where much happens, they have by moments. So
        the end is marked, and what counts is how long the connection takes to get there.
        """
        mark = self._marks.get((name, copies))
        if mark is not None and copies.is_behind(name) and not copies.has_reached(name, mark[0]):
            return Lag(now - mark[1], mark[0])
        self._marks[name, copies] = copies.end, now
        return Lag(0.0, copies.end)

    def forget(self, name: str) -> None:
        """A connection is gone."""
        self._waits = {key: since for key, since in self._waits.items() if key[0] != name}
        self._marks = {key: mark for key, mark in self._marks.items() if key[0] != name}

    def keep(self, kept: Iterable[Copies]) -> None:
        """Only these are still merged."""
        kept = set(kept)
        self._waits = {key: since for key, since in self._waits.items() if key[1] in kept}
        self._marks = {key: mark for key, mark in self._marks.items() if key[1] in kept}
