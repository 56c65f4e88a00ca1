"""How far each connection is with what several of them bring."""

from __future__ import annotations

from ..redundancy import Merge

__all__ = ["Copies"]


class Copies:
    """Copies of one sequence, each named by the connection that brings it. Not thread-safe: its group serialises calls.

    Args:
        merge: of them.
    """

    def __init__(self, merge: Merge) -> None:
        self._merge = merge

    def join(self, copy: str) -> None:
        """A connection brings it from here on, unless it does already."""
        if copy not in self._merge.copies:
            self._merge.join(copy)

    def may_ask(self, copy: str) -> bool:
        """Whether the place of what comes on this connection is known, that of a snapshot as well."""
        return self._merge.position(copy) is not None

    def waiting(self) -> list[str]:
        """Connections that brought what no other has, and whose place is not known."""
        return self._merge.ahead()

    @property
    def end(self) -> int:
        """Position after the last of all that any connection brought."""
        return self._merge.end

    def is_behind(self, copy: str) -> bool:
        """Whether others have brought more than this one."""
        position = self._merge.position(copy)
        return position is not None and position < self._merge.end

    def has_reached(self, copy: str, position: int) -> bool:
        """Whether this one has brought all before ``position``, which was the end once."""
        reached = self._merge.position(copy)
        return reached is not None and reached >= position
