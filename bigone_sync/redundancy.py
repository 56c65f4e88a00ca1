"""Several copies of one sequence, merged into that sequence. Pure: no I/O, no clock, no logging.

Connections with identical parameters get the same sequence of events (Rails protocol, section 8), but without numbers,
each with a lag of its own, from a point of its own on, and without what was under way when it was lost.

The merge is one of positions.  The entries of the merged sequence are counted, and a ring holds its tail.  A copy that
is *aligned* has a position.  What it brings at the end extends the sequence, whichever copy comes first; what it brings
before the end must be what the ring has there; what is older than the ring is counted unseen.  A copy that joined later
*waits* until the only place is found where it fits; what it has beyond the end then extends the sequence, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from .splice import SURE, Entry, KeyedRing, Place, PlaceByKey, PlaceByOrder, Ring

__all__ = ["SURE", "Entry", "Merge", "Merged"]

# A copy that differed is not reported again before the sequence grew by so many entries without its differing.
_CALM = 256
# So often may a copy contradict the sequence before it is left out; forgotten after a window of entries without one.
_STRIKES = 3
# Position of a copy that waits.
_NOWHERE = -1


class Merged(NamedTuple):
    """What a call did to the merged sequence."""

    items: list[Any]
    """What extends it, in order."""
    broken: bool = False
    """Before these items something may be missing, and they may begin with some that were there before."""
    diverged: str = ""
    """The copies do not match: which copy, and where. Empty: they do."""


class _Copy:
    """Where one copy stands."""

    __slots__ = ("calm_from", "name", "place", "position", "strikes", "struck_at")

    def __init__(self, name: str, place: Place) -> None:
        self.name = name
        self.place = place
        self.position = _NOWHERE
        self.calm_from = 0
        self.strikes = 0
        self.struck_at = 0


class _Outcome:
    """A ``Merged`` in the making."""

    __slots__ = ("broken", "diverged", "items")

    def __init__(self) -> None:
        self.items: list[Any] = []
        self.broken = False
        self.diverged: list[str] = []

    def merged(self) -> Merged:
        return Merged(self.items, self.broken, "; ".join(self.diverged))


class Merge:
    """Merges copies, named by whoever feeds them, into one sequence. Not thread-safe.

    Args:
        unique: Each key comes once in the sequence (trades). Where copies differ nothing is lost or repeated then, if
            need be out of order. Without it (changes of a book) order decides, and a contradiction is a break.
        window: So many entries the ring holds at least, and a waiting copy at most.
    """

    def __init__(self, *, unique: bool, window: int = 4096) -> None:
        self._window = window
        self._keyed = KeyedRing(window) if unique else None
        self._ring: Ring = self._keyed or Ring(window)
        self._copies: dict[str, _Copy] = {}
        self._waiters: list[_Copy] = []
        self._is_open = True

    @property
    def end(self) -> int:
        """Position after the last entry; it never goes back, and counts on over breaks."""
        return self._ring.end

    @property
    def copies(self) -> tuple[str, ...]:
        """Who is joined, in the order of joining."""
        return tuple(self._copies)

    @property
    def aligned(self) -> tuple[str, ...]:
        """Who has a position, in the order of joining."""
        return tuple(copy.name for copy in self._copies.values() if copy.position != _NOWHERE)

    def position(self, copy: str) -> int | None:
        """Position of the next entry of ``copy``; None while it waits for one, and if it is not joined."""
        state = self._copies.get(copy)
        return None if state is None or state.position == _NOWHERE else state.position

    def since(self, position: int) -> list[Any] | None:
        """Items from ``position`` to the end; None if they are no longer in the ring, or came before a break."""
        return self._ring.since(position)

    def waiting(self) -> dict[str, int]:
        """The copies that wait for a position, with the number of their entries; without those that are left out."""
        return {copy.name: len(copy.place.pending) for copy in self._waiters}

    def ahead(self) -> list[str]:
        """The copies that wait with something that the sequence lacks, as far as can be told without their place."""
        return [copy.name for copy in self._waiters if not copy.place.is_within()]

    def join(self, copy: str) -> None:
        """A copy begins, at an unknown place. The first is the base of the sequence; others wait.

        Raises:
            ValueError: it has joined already.
        """
        if copy in self._copies:
            raise ValueError(f"copy {copy!r} has joined already: call leave() first")
        self._copies[copy] = _Copy(copy, self._new_place())
        self._base_on_the_only_one()
        self._count()

    def leave(self, copy: str) -> Merged:
        """A copy ends. If none is aligned any more, the sequence breaks, and begins anew with who has waited longest.

        A break is told even if nothing is missing: that cannot be known.
        """
        state = self._copies.pop(copy, None)
        outcome = _Outcome()
        if state is not None:
            self._count()
            if state.position != _NOWHERE and not self.aligned:
                self._break(self._successor(), outcome)
            self._base_on_the_only_one()
        return outcome.merged()

    def take(self, copy: str, entries: Sequence[Entry]) -> Merged:
        """What ``copy`` brought; that of a copy that is not joined counts for nothing."""
        state = self._copies.get(copy)
        if state is not None and state.position == self._ring.end and not self._waiters and self._is_news(entries):
            self._ring.extend(entries)
            state.position = self._ring.end
            return Merged([entry[1] for entry in entries])
        outcome = _Outcome()
        if state is not None and entries:
            self._take(state, entries, outcome)
        return outcome.merged()

    def overtake(self, copy: str) -> Merged:
        """The others are waited for no longer: the sequence begins anew with what ``copy``, which waited, has.

        Those that were aligned wait from here on. Nothing happens if ``copy`` is aligned, or not joined.
        """
        state = self._copies.get(copy)
        outcome = _Outcome()
        if state is not None and state.position == _NOWHERE:
            state.strikes = 0
            self._break(state, outcome)
        return outcome.merged()

    def restart(self) -> None:
        """Forget the sequence, and what waits; who is joined stays. Whoever brings something first is the new base."""
        if self._keyed is not None:
            self._keyed.forget()
        for state in self._copies.values():
            state.place, state.strikes = self._new_place(), 0
        self._begin(None, _Outcome())
        self._base_on_the_only_one()

    # Taking

    def _take(self, state: _Copy, entries: Sequence[Entry], outcome: _Outcome) -> None:
        if self._keyed is not None:
            entries = self._keyed.without_past(entries)
        if state.strikes >= _STRIKES:
            return
        if self._is_open and entries:
            self._begin(state, outcome)
        if state.position != _NOWHERE:
            self._advance(state, entries, outcome)
            return
        state.place.add(entries)
        self._align(outcome)
        if state.position == _NOWHERE and len(state.place.pending) > self._window:
            self._overflow(state, outcome)

    def _is_news(self, entries: Sequence[Entry]) -> bool:
        """Whether they can be put at the end as they are."""
        return self._keyed is None or self._keyed.are_new(entries)

    def _advance(self, state: _Copy, entries: Sequence[Entry], outcome: _Outcome) -> None:
        """An aligned copy brings more."""
        if self._keyed is not None:
            self._advance_by_key(self._keyed, state, entries, outcome)
            return
        ring = self._ring
        position = state.position
        for number, entry in enumerate(entries):
            if position == ring.end:
                state.position = position
                self._extend(state, entries[number:], outcome)
                return
            if position >= ring.start and ring.entries[position - ring.start][0] != entry[0]:
                state.position = position
                self._contradict(state, entries[number:], outcome)
                return
            position += 1
        state.position = position

    def _extend(self, state: _Copy, entries: Sequence[Entry], outcome: _Outcome) -> None:
        """The copy stands at the end and brings what comes next; those that wait may find their place by that."""
        since = self._ring.end
        self._ring.extend(entries)
        state.position = self._ring.end
        outcome.items += [entry[1] for entry in entries]
        for other in self._waiters:
            other.place.ring_grew(since)
        self._align(outcome)

    def _align(self, outcome: _Outcome) -> None:
        """Whoever waits and knows its place by now takes it."""
        for state in list(self._waiters):
            offset = state.place.offset()
            if state.position == _NOWHERE and offset is not None:
                pending = state.place.pending
                state.position = max(offset, self._ring.start)
                state.place = self._new_place()
                self._count()
                self._advance(state, pending[state.position - offset :], outcome)

    def _overflow(self, state: _Copy, outcome: _Outcome) -> None:
        """A waiting copy has a window of entries, and no place.

        Have the others brought nothing to speak of in the meantime, they are overtaken.  Otherwise nothing is missing,
        and there is only no telling where this copy stands: the sequence repeats itself, or the lag is too great.
        """
        half = max(1, self._window // 2)
        if self._ring.end - state.place.since < half:
            self._break(state, outcome)
        else:
            state.place.slide(len(state.place.pending) - half)

    # Copies that differ

    def _advance_by_key(self, ring: KeyedRing, state: _Copy, entries: Sequence[Entry], outcome: _Outcome) -> None:
        """An aligned copy brings more, and keys tell what is known. It then stands after the last that it brought."""
        for entry in entries:
            position = state.position
            known = ring.positions.get(entry.key)
            if known is None:
                if position < ring.start:
                    state.position += 1
                elif position == ring.end:
                    self._extend(state, [entry], outcome)
                else:
                    self._differ(state, outcome)
                    self._extend_late(ring, state, entry, outcome)
                continue
            while position in ring.late and position != known:
                position += 1
            if position != known:
                if known in ring.late:
                    continue
                if position >= ring.start:
                    self._differ(state, outcome)
            state.position = known + 1

    def _extend_late(self, ring: KeyedRing, state: _Copy, entry: Entry, outcome: _Outcome) -> None:
        """The copy brought, before the end, what no other had; those that stand at the end will not bring it."""
        for other in self._copies.values():
            if other.position == ring.end:
                other.position += 1
        ring.late.add(ring.end)
        self._extend(state, [entry], outcome)

    def _contradict(self, state: _Copy, entries: Sequence[Entry], outcome: _Outcome) -> None:
        """An aligned copy brings something else than was there, where order decides: begin anew.

        The base is the copy that got furthest of the others, and the contradicting one only if it is alone.
        """
        self._differ(state, outcome)
        others = [other for other in self._copies.values() if other is not state and other.position != _NOWHERE]
        if others:
            if self._ring.end - state.struck_at > self._window:
                state.strikes = 0
            state.strikes += 1
            state.struck_at = self._ring.end
            self._break(max(others, key=lambda other: other.position), outcome)
            self._take(state, entries, outcome)
        else:
            self._break(state, outcome)
            self._advance(state, entries, outcome)

    def _differ(self, state: _Copy, outcome: _Outcome) -> None:
        """Report a copy that differs, once per episode."""
        if self._ring.end >= state.calm_from:
            outcome.diverged.append(f"copy {state.name} differs from the others at entry {state.position}")
        if self._keyed is not None:
            state.calm_from = self._ring.end + _CALM

    # Beginning anew

    def _break(self, base: _Copy | None, outcome: _Outcome) -> None:
        outcome.broken = True
        self._begin(base, outcome)

    def _begin(self, base: _Copy | None, outcome: _Outcome) -> None:
        """Begin anew with what ``base`` has and brings, or with whoever brings something first."""
        self._ring.clear()
        self._is_open = base is None
        for state in self._copies.values():
            state.place.ring_cleared()
            if state.position != _NOWHERE:
                state.position, state.place = _NOWHERE, self._new_place()
        if base is not None:
            pending = base.place.pending
            base.place, base.position = self._new_place(), self._ring.end
            self._count()
            self._advance(base, pending, outcome)
        self._count()

    def _successor(self) -> _Copy | None:
        """Who waits with the most entries; None: nobody has any. Those left out come in again if only they remain."""
        if not self._waiters:
            for state in self._copies.values():
                state.strikes = 0
        longest = max(self._waiters, key=lambda state: len(state.place.pending), default=None)
        return longest if longest is not None and longest.place.pending else None

    def _base_on_the_only_one(self) -> None:
        if self._is_open and len(self._copies) == 1:
            self._begin(next(iter(self._copies.values())), _Outcome())

    def _count(self) -> None:
        """Bring the list of those who wait up to date."""
        self._waiters = [
            state for state in self._copies.values() if state.position == _NOWHERE and state.strikes < _STRIKES
        ]

    def _new_place(self) -> Place:
        return PlaceByOrder(self._ring) if self._keyed is None else PlaceByKey(self._keyed)
