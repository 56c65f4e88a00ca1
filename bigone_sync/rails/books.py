"""One market's book, made of several copies of its deltas and of snapshots asked for (Rails protocol, 7 and 8).

There are no sequence numbers: what a snapshot is followed by is known from its place among the deltas of the connection
that it came on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..events import DepthSnapshot, DepthUpdate
from ..protocol.rails_news import BookDelta, BookSnapshot
from ..redundancy import SURE, Entry, Merge, Merged
from .copies import Copies

__all__ = ["BookSync", "Step"]

# How much it says that two deltas are equal: with a time of milliseconds it is rarely chance, without it often.
_WITH_TIME, _WITHOUT_TIME = SURE // 4, 1


class Step(NamedTuple):
    """What something brought."""

    events: Sequence[DepthSnapshot | DepthUpdate] = ()
    broken: bool = False
    """Whether the book is not known any more."""
    diverged: str = ""
    """How the copies differ; empty: they do not."""


_NOTHING = Step()


class BookSync(Copies):
    """Not thread-safe: its group serialises the calls."""

    def __init__(self) -> None:
        super().__init__(Merge(unique=False))
        self.is_live = False
        """Whether deltas continue a snapshot."""
        self._ts: int | None = None

    def leave(self, copy: str) -> Step:
        """It does no longer."""
        merge = self._merge
        step = self._taken(merge.leave(copy))
        if step.broken and merge.copies and not merge.aligned:
            # Nothing waits with those that are left; one of them must have a place, or no snapshot could be asked for.
            merge.overtake(merge.copies[0])
        return step

    def doubt(self) -> None:
        """What is kept of it may be wrong: deltas are held back until a snapshot."""
        self.is_live = False

    def overtake(self, copy: str) -> Step:
        """Go on from what this one brought, without waiting for the others."""
        return self._taken(self._merge.overtake(copy))

    def deltas(self, copy: str, deltas: Sequence[BookDelta]) -> Step:
        """Deltas came on a connection."""
        entries = [Entry(delta.digest, delta, _WITHOUT_TIME if delta.ts is None else _WITH_TIME) for delta in deltas]
        return self._taken(self._merge.take(copy, entries))

    def _taken(self, merged: Merged) -> Step:
        items, broken, diverged = merged
        if broken:
            self.is_live = False
        events = self._following(items) if self.is_live and items else ()
        return Step(events, broken, diverged) if events or broken or diverged else _NOTHING

    def _following(self, deltas: Sequence[BookDelta]) -> list[DepthUpdate]:
        """Those that are not older than the snapshot, as far as both say when they were (section 7)."""
        ts = self._ts
        if ts is None:
            return [delta.update for delta in deltas]
        return [delta.update for delta in deltas if delta.ts is None or delta.ts >= ts]

    def snapshot(self, copy: str, snapshot: BookSnapshot) -> Step:
        """A snapshot came on a connection.

        It begins the book anew where one is waited for.  Else it is a further part of one, or one that nobody asked
        for; neither is documented: its levels are absolute, so they are no harm where nothing newer is known.
        """
        position = self._merge.position(copy)
        if position is None:
            return _NOTHING
        if self.is_live:
            return _NOTHING if position < self._merge.end else Step((_as_update(snapshot.snapshot),))
        held = self._merge.since(position)
        if held is None:  # it is further behind than is remembered
            return _NOTHING
        self.is_live, self._ts = True, snapshot.ts
        return Step((snapshot.snapshot, *self._following(held)))


def _as_update(snapshot: DepthSnapshot) -> DepthUpdate:
    return DepthUpdate(
        snapshot.market,
        snapshot.bids,
        snapshot.asks,
        connection=snapshot.connection,
        received_at=snapshot.received_at,
    )
