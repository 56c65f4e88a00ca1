"""The newest values of a channel, kept for whoever asks: positions, cash, instruments."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Generic, TypeVar

from .enums import BookState

__all__ = ["Kept", "KeptView"]

_V = TypeVar("_V")


class KeptView(Mapping[str, _V], Generic[_V]):
    """The newest known values at one moment, by name. Immutable.

    They may be out of date unless ``state`` is LIVE: that is for you to look at.
    """

    __slots__ = ("_state", "_updated_at", "_values")

    def __init__(self, values: dict[str, _V], state: BookState, updated_at: float | None) -> None:
        self._values, self._state, self._updated_at = values, state, updated_at

    @property
    def state(self) -> BookState:
        """SYNCING until values came; STALE while the connection is away, and until each value was told again."""
        return self._state

    @property
    def updated_at(self) -> float | None:
        """When the last of them came, in Unix seconds of this machine's clock; None: none yet."""
        return self._updated_at

    @property
    def is_live(self) -> bool:
        """True while the values are as new as the stream."""
        return self.state == BookState.LIVE

    def __getitem__(self, name: str) -> _V:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"<KeptView {self.state} {self._values!r}>"


class Kept(Generic[_V]):
    """Values by name. Thread-safe.

    Args:
        name_of: what a value is kept by.
    """

    def __init__(self, name_of: Callable[[_V], str]) -> None:
        self._name_of = name_of
        self._values: dict[str, _V] = {}
        self._state = BookState.SYNCING
        self._updated_at: float | None = None
        self._unconfirmed: set[str] = set()
        # Re-entrant: a signal handler that asks may interrupt whoever holds it.
        self._lock = threading.RLock()

    def put(self, values: Sequence[_V], at: float, *, whole: bool) -> None:
        """Values came at ``at``; ``whole``: they are all there are. Reader thread."""
        fresh = {self._name_of(value): value for value in values}
        with self._lock:
            if whole:
                self._values = fresh
                self._unconfirmed.clear()
            else:
                self._values = {**self._values, **fresh}
                self._unconfirmed -= fresh.keys()
            self._updated_at = at
            self._state = BookState.STALE if self._unconfirmed else BookState.LIVE

    def mark_stale(self) -> None:
        """What is kept may be out of date, until it is told again."""
        with self._lock:
            if self._state != BookState.SYNCING:
                self._state = BookState.STALE
                self._unconfirmed = set(self._values)

    def get(self, name: str) -> _V | None:
        """The newest known value; None: none is known."""
        return self._values.get(name)

    def view(self) -> KeptView[_V]:
        """All of them, at this moment."""
        with self._lock:
            return KeptView(self._values, self._state, self._updated_at)
