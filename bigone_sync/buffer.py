"""Events of a subscription without a handler, on their way to whoever iterates."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from .errors import BigOneError

__all__ = ["EventBuffer"]


class EventBuffer:
    """Events of a subscription without a handler, until they are iterated."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lifted = 0
        self._events: deque[Any] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._failure: BigOneError | None = None

    def put(self, events: Sequence[Any], *, wait: bool = True) -> float:
        """Append, waiting for room; returns the seconds waited. What comes after the close is dropped.

        Without ``wait`` the bound does not apply.
        """
        began: float | None = None
        with self._changed:
            for event in events:
                while wait and len(self._events) >= self._limit and not self._lifted and not self._closed:
                    began = began or time.monotonic()
                    self._changed.notify_all()  # who waits for an event may be the one to make room
                    self._changed.wait()
                if self._closed:
                    break
                self._events.append(event)
            self._changed.notify_all()
        return time.monotonic() - began if began is not None else 0.0

    def get(self, timeout: float | None) -> Any:
        """The next event; raises StopIteration at the end or when nothing came within ``timeout`` seconds."""
        end = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            while not self._events:
                if self._closed:
                    if self._failure is not None:
                        raise self._failure
                    raise StopIteration
                left = None if end is None else end - time.monotonic()
                if left is not None and left <= 0:
                    raise StopIteration
                self._changed.wait(left)
            event = self._events.popleft()
            self._changed.notify_all()
            return event

    def __len__(self) -> int:
        return len(self._events)

    @contextmanager
    def lifted(self) -> Iterator[None]:
        """No bound while somebody waits for what a reader must bring: he may be the one who iterates."""
        with self._changed:
            self._lifted += 1
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._lifted -= 1

    def clear(self) -> int:
        """Drop what waits; returns how many events."""
        with self._changed:
            dropped = len(self._events)
            self._events.clear()
            self._changed.notify_all()
            return dropped

    def has_room(self, count: int) -> bool:
        """Whether ``count`` more events would not have to wait."""
        with self._changed:
            return len(self._events) + count <= self._limit

    def close(self, failure: BigOneError | None = None) -> None:
        """No more events; what waits can still be taken. ``failure`` is then raised to who iterates."""
        with self._changed:
            self._closed, self._failure = True, self._failure or failure
            self._changed.notify_all()
