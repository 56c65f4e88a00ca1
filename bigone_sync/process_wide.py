"""Objects that are shared by the whole process, because an exchange counts by account or address, and not by client."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

__all__ = ["ProcessWide"]

_T = TypeVar("_T")


class ProcessWide(Generic[_T]):
    """One object for each name; of a module, for as long as the process lives. Thread-safe.

    A forked child begins with none.
    """

    def __init__(self) -> None:
        self._objects: dict[Hashable, _T] = {}
        self._lock = threading.Lock()
        _all.append(self)

    def of(self, name: Hashable, make: Callable[[], _T]) -> _T:
        """The object of that name; made if there is none."""
        with self._lock:
            found = self._objects.get(name)
            if found is None:
                found = self._objects[name] = make()
            return found

    def forget(self) -> None:
        """Begin anew: a lock that a thread of the parent held stays locked in the child, in the objects as well."""
        self._lock = threading.Lock()
        self._objects.clear()


_all: list[ProcessWide[Any]] = []


def _begin_anew() -> None:
    for one in _all:
        one.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
