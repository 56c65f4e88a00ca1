"""Who is connected to one half of the exchange."""

from __future__ import annotations

from typing import Generic, TypeVar

from bigone_sync.testing._connection import Link

L = TypeVar("L", bound=Link)


class Roster(Generic[L]):
    """The open connections by number; used on the exchange's loop only."""

    def __init__(self) -> None:
        self.connections: dict[int, L] = {}
        self.dropped_slow = 0

    def add(self, connection: L) -> None:
        """Take a connection in."""
        self.connections[connection.number] = connection

    def remove(self, connection: L) -> None:
        """Forget a connection; harmless when it is forgotten already."""
        if self.connections.pop(connection.number, None) is not None:
            self.dropped_slow += connection.dropped_as_slow

    def all(self) -> list[L]:
        """The connections, oldest first; a copy that may be walked while they come and go."""
        return list(self.connections.values())

    def close(self, code: int, reason: str) -> None:
        """Begin the closing handshake with everybody."""
        for connection in self.all():
            connection.close(code, reason)
            self.remove(connection)

    def drop(self, code: int | None) -> None:
        """End every TCP connection now, with a last close frame if a code is given."""
        for connection in self.all():
            connection.drop(code)
            self.remove(connection)

    def backlog(self) -> int:
        """The longest backlog of any connection, after dropping those that have stalled."""
        longest = 0
        for connection in self.all():
            connection.check_backlog()
            longest = max(longest, connection.backlog)
        return longest
