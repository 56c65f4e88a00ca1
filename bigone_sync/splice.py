"""The tail of a sequence, and where a copy of the sequence fits into it. Pure: no I/O, no clock, no logging."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import islice
from typing import Any, NamedTuple

__all__ = ["SURE", "Entry", "KeyedRing", "Place", "PlaceByKey", "PlaceByOrder", "Ring"]

SURE = 32
"""So much evidence is enough to know where a copy stands.

A key that comes once gets all of it; a digest with a time of milliseconds, which may come again within one, a quarter;
a digest alone, which comes again, 1.  Where keys are one of ``k`` by chance and the others lag ``g`` entries behind the
start of a copy, it is misplaced about ``g * k ** -32`` times.
"""

# Evidence for a place must be so many times that for any other: a sequence that repeats itself fits at several.
_LEAD = 4


class Entry(NamedTuple):
    """One element of a copy."""

    key: Hashable
    """Equal for equal elements."""
    item: Any
    """What is delivered, of the copy that brings it first."""
    weight: int = SURE
    """How much it says about the place that two copies have this key there; SURE: it can be no coincidence."""


class Ring:
    """The tail of a sequence whose entries are counted; positions never go back.

    It holds at least the last ``window`` entries since it was cleared, and a quarter more before it is trimmed.
    """

    __slots__ = ("_limit", "_window", "end", "entries", "start")

    def __init__(self, window: int) -> None:
        self._window = window
        self._limit = window + window // 4
        self.entries: list[Entry] = []
        self.start = 0
        self.end = 0

    def extend(self, entries: Sequence[Entry]) -> None:
        """Add what comes at the end."""
        self.entries.extend(entries)
        self.end += len(entries)
        if len(self.entries) > self._limit:
            self._trim(len(self.entries) - self._window)

    def since(self, position: int) -> list[Any] | None:
        """Items from ``position`` to the end; None if it is not, or no longer, in the ring."""
        if not self.start <= position <= self.end:
            return None
        return [entry.item for entry in islice(self.entries, position - self.start, None)]

    def clear(self) -> None:
        """Begin anew at the same position."""
        self.entries.clear()
        self.start = self.end

    def _trim(self, count: int) -> None:
        del self.entries[:count]
        self.start += count


class KeyedRing(Ring):
    """A ring whose keys are unique, and known for another window after it was cleared."""

    __slots__ = ("_past", "late", "positions")

    def __init__(self, window: int) -> None:
        super().__init__(window)
        self.positions: dict[Hashable, int] = {}
        self.late: set[int] = set()
        """Positions of entries that came too late for their place: only some copies have them, and elsewhere."""
        self._past: dict[Hashable, None] = {}

    def extend(self, entries: Sequence[Entry]) -> None:
        self.positions.update({entry[0]: position for position, entry in enumerate(entries, self.end)})
        super().extend(entries)

    def without_past(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        """Those that were not already there before the ring was cleared."""
        past = self._past
        return [entry for entry in entries if entry.key not in past] if past else entries

    def are_new(self, entries: Sequence[Entry]) -> bool:
        """Whether none of their keys has been there."""
        keys = {entry[0] for entry in entries}
        return (
            len(keys) == len(entries) and self.positions.keys().isdisjoint(keys) and self._past.keys().isdisjoint(keys)
        )

    def clear(self) -> None:
        self._past.update(dict.fromkeys(self.positions))
        for key in list(islice(self._past, max(0, len(self._past) - self._limit))):
            del self._past[key]
        self.positions.clear()
        self.late.clear()
        super().clear()

    def forget(self) -> None:
        """Begin anew and know nothing of what has been."""
        self.clear()
        self._past.clear()

    def _trim(self, count: int) -> None:
        for entry in islice(self.entries, count):
            del self.positions[entry.key]
        super()._trim(count)
        self.late = {position for position in self.late if position >= self.start}
        self._past.clear()  # a window has been delivered since


class Place:
    """Entries of a copy that wait until their place in a ring is known."""

    __slots__ = ("pending", "since")

    def __init__(self, end: int) -> None:
        self.pending: list[Entry] = []
        self.since = end
        """End of the ring when the wait began."""

    def add(self, entries: Sequence[Entry]) -> None:
        """The copy brought more."""
        raise NotImplementedError

    def ring_grew(self, since: int) -> None:
        """The ring was extended from position ``since`` on."""
        raise NotImplementedError

    def ring_cleared(self) -> None:
        """The ring begins anew."""
        raise NotImplementedError

    def offset(self) -> int | None:
        """The position that the first entry has, or would have if the ring reached back so far; None: not known yet."""
        raise NotImplementedError

    def is_within(self) -> bool:
        """Whether the ring may have all of it: then nothing is missing, wherever its place is."""
        raise NotImplementedError

    def slide(self, count: int) -> None:
        """Drop the oldest ``count`` entries."""
        raise NotImplementedError


class PlaceByOrder(Place):
    """The place where keys may come again: order decides.

    Those offsets are kept at which all that lies over the ring is equal to it.  One is believed if what speaks for it
    is enough, and far more than what speaks for any other.
    """

    __slots__ = ("_evidence", "_offsets", "_ring")

    def __init__(self, ring: Ring) -> None:
        super().__init__(ring.end)
        self._ring = ring
        self._offsets: list[int] = []
        self._evidence = [0]  # up to each of our entries: of all before it

    def add(self, entries: Sequence[Entry]) -> None:
        known = len(self.pending)
        self.pending.extend(entries)
        self._weigh(entries)
        self._offsets = [offset for offset in self._offsets if self._fits(offset, offset + known)]
        if not known:
            self._begin_within(self._ring.start)
        self._begin_before(max(known, 1))

    def ring_grew(self, since: int) -> None:
        start = self._ring.start
        if since <= start:  # nothing that was compared is there any more
            self.ring_cleared()
            self._begin_within(start)
            self._begin_before(1)
            return
        length = len(self.pending)
        self._offsets = [offset for offset in self._offsets if offset + length > start and self._fits(offset, since)]
        self._begin_within(since)

    def ring_cleared(self) -> None:
        self._offsets = []

    def offset(self) -> int | None:
        if not self._offsets:
            return None
        ranked = sorted((self._weight(offset), offset) for offset in self._offsets)
        weight, best = ranked[-1]
        second = ranked[-2][0] if len(ranked) > 1 else 0
        return best if weight >= max(SURE, _LEAD * second) else None

    def is_within(self) -> bool:
        last = self._ring.end - len(self.pending)
        return not self.pending or any(offset <= last for offset in self._offsets)

    def slide(self, count: int) -> None:
        del self.pending[:count]
        self.since = end = self._ring.end
        self._offsets = [offset + count for offset in self._offsets if offset + count < end]
        self._evidence = [0]
        self._weigh(self.pending)

    def _weigh(self, entries: Sequence[Entry]) -> None:
        total = self._evidence[-1]
        for entry in entries:
            total += entry.weight
            self._evidence.append(total)

    def _weight(self, offset: int) -> int:
        """What speaks for this offset: the evidence of all that lies over the ring."""
        low, high = max(0, self._ring.start - offset), min(len(self.pending), self._ring.end - offset)
        return self._evidence[high] - self._evidence[low]

    def _fits(self, offset: int, since: int) -> bool:
        """Whether at this offset all is equal from position ``since`` on."""
        start, ours, theirs = self._ring.start, self.pending, self._ring.entries
        low = max(since, offset, start)
        high = min(self._ring.end, offset + len(ours))
        return all(ours[position - offset][0] == theirs[position - start][0] for position in range(low, high))

    def _begin_within(self, since: int) -> None:
        """Try the offsets at which our first entry lies in the ring, at ``since`` or later."""
        if self.pending:
            first = self.pending[0][0]
            for position, entry in enumerate(self._ring.entries[since - self._ring.start :], since):
                if entry[0] == first and self._fits(position, position):
                    self._offsets.append(position)

    def _begin_before(self, index: int) -> None:
        """Try the offsets at which the ring begins with our entry number ``index``, or with a later one."""
        start = self._ring.start
        if self._ring.entries:
            first = self._ring.entries[0][0]
            for number, entry in enumerate(self.pending[index:], index):
                if entry[0] == first and self._fits(start - number, start):
                    self._offsets.append(start - number)


class PlaceByKey(Place):
    """The place where keys are unique: the first that both have tells it."""

    __slots__ = ("_numbers", "_offset", "_ring")

    def __init__(self, ring: KeyedRing) -> None:
        super().__init__(ring.end)
        self._ring = ring
        self._numbers: dict[Hashable, int] = {}
        self._offset: int | None = None

    def add(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            position = self._ring.positions.get(entry.key)
            if self._offset is None and position is not None and position not in self._ring.late:
                self._offset = position - len(self.pending)
            self._numbers.setdefault(entry.key, len(self.pending))
            self.pending.append(entry)

    def ring_grew(self, since: int) -> None:
        ring = self._ring
        if self._offset is not None:
            return
        low = max(since, ring.start)
        for position, entry in enumerate(ring.entries[low - ring.start :], low):
            number = self._numbers.get(entry.key)
            if number is not None and position not in ring.late:
                self._offset = position - number
                return

    def ring_cleared(self) -> None:
        self._offset = None

    def offset(self) -> int | None:
        return self._offset

    def is_within(self) -> bool:
        return self._ring.positions.keys() >= self._numbers.keys()

    def slide(self, count: int) -> None:
        del self.pending[:count]
        self.since = self._ring.end
        self._numbers = {entry.key: number for number, entry in enumerate(self.pending)}
