"""Who is behind the other connections, or waits for them, and for how long."""

from __future__ import annotations

__all__ = ["Lags"]


class Lags:
    """Since when something has been so of a connection. Under the group's lock."""

    def __init__(self) -> None:
        self._since: dict[tuple[str, object], float] = {}

    def note(self, name: str, what: object, is_so: bool, now: float) -> float:
        """Seconds for which it has been so, as far as that was noted; 0 if it is not."""
        if not is_so:
            self._since.pop((name, what), None)
            return 0.0
        return now - self._since.setdefault((name, what), now)

    def forget(self, name: str) -> None:
        """A connection is gone."""
        self._since = {key: since for key, since in self._since.items() if key[0] != name}
