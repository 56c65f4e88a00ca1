"""Continuity of a stream of changes: accept, duplicate or gap. Pure: no I/O, no clock, no logging."""

from __future__ import annotations

from enum import Enum

__all__ = ["ChangeIdSequence", "RangeSequence", "Verdict"]

# So many duplicates in a row that continue each other are no late copies.
_LONGEST_RERUN = 64


class Verdict(Enum):
    """What to do with an update."""

    ACCEPT = "accept"
    """It continues the chain: apply it and hand it on."""
    DUPLICATE = "duplicate"
    """What it says is already known: drop it."""
    GAP = "gap"
    """It does not continue the chain: drop it, report it and ask for a snapshot. Said once per gap."""
    HELD = "held"
    """No snapshot yet, or none since the gap: drop it and wait."""


class ChangeIdSequence:
    """The ``prevId``/``changeId`` chain of one market on one connection (spot protocol, section 6.1).

    Only the chain counts; the step between two ids is not 1 by rule.  Safety goes before optimism: what cannot be
    verified is a gap, never an accept, for a resync costs a round trip and a hole in a book costs money.

    ``last`` is a plain attribute so that the hot path can test for the usual case without a call::

        if prev_id == sequence.last and change_id > prev_id:
            sequence.last = change_id           # the same as check() saying ACCEPT
        else:
            verdict = sequence.check(prev_id, change_id)

    Both ids must be integers there (a missing one is 0); while updates are held back ``last`` is None, which no
    integer equals.  Not thread-safe: it belongs to the reader of its connection.
    """

    __slots__ = ("_rerun", "_rerun_id", "_rerun_last", "expected", "last")

    def __init__(self) -> None:
        self.last: int | None = None
        """``changeId`` of the snapshot or update accepted last; None while updates are held back."""
        self.expected: int | None = None
        """After a GAP the ``prevId`` that would have continued the chain; None at any other time."""
        self._rerun = 0
        self._rerun_id: int | None = None
        self._rerun_last: int | None = None

    def __repr__(self) -> str:
        return f"ChangeIdSequence(last={self.last}, expected={self.expected})"

    def reset(self) -> None:
        """Forget everything: a new connection, or a fresh subscription. Updates are held until a snapshot."""
        self.last = None
        self.expected = None
        self._rerun = 0

    def snapshot(self, change_id: int | None) -> None:
        """Begin the chain anew at a snapshot, wherever it stood before; the exchange may start counting again.

        Args:
            change_id: The snapshot's id; a missing one (None) counts as 0, its default on the wire.
        """
        self.last = change_id or 0
        self.expected = None
        self._rerun = 0

    def check(self, prev_id: int | None, change_id: int | None) -> Verdict:
        """Judge one update; on ACCEPT and GAP the state moves on.

        An update without a ``changeId`` (None or 0) is a gap: taken for a duplicate it would leave a book standing
        still that looks alive.  So is one without a ``prevId``, unless the chain stands at 0.  For the same reason a
        long run of duplicates that continue each other is a gap: the exchange counts anew, without a snapshot.

        Args:
            prev_id: ``prevId``; None and 0 mean that it is missing.
            change_id: ``changeId``; None and 0 mean that it is missing.
        """
        last = self.last
        if last is None:
            return Verdict.HELD
        if change_id and change_id <= last:
            if not self._reruns(last, prev_id or 0, change_id):
                return Verdict.DUPLICATE
        elif change_id and (prev_id or 0) == last:
            self.last = change_id
            return Verdict.ACCEPT
        self.expected = last
        self.last = None
        return Verdict.GAP

    def _reruns(self, last: int, prev_id: int, change_id: int) -> bool:
        """Whether this duplicate makes the run of those that continue each other too long."""
        # The hot path accepts without a call, so an accepted update shows only in ``last``.
        continues = self._rerun and self._rerun_last == last and self._rerun_id == prev_id < change_id
        self._rerun = self._rerun + 1 if continues else 1
        self._rerun_id, self._rerun_last = change_id, last
        return self._rerun >= _LONGEST_RERUN


class RangeSequence:
    """The ``from``/``to`` chain of one contract on one socket (contract protocol, section 3).

    A delta continues at ``from`` equal to the last ``to``, as the live wire does, or to it plus one, as the documents
    print.  The ids are one counter over all contracts, so how far a delta reaches says nothing.  Repeats are gaps, too:
    what cannot be verified costs a new socket, never a wrong book.

    One hole the ids cannot show: where the live form is spoken, a lost delta of one id looks like the documented form.
    No frame has been seen to get lost on a socket; kept books notice by their best prices, if it shows there.
    """

    __slots__ = ("_is_doubtful", "_is_fresh", "expected", "last")

    def __init__(self) -> None:
        self.last: int | None = None
        """``to`` of the frame accepted last; None while deltas are held back."""
        self.expected: int | None = None
        """After a GAP the ``from`` that would have continued the chain; None where there was no snapshot yet."""
        self._is_fresh = True
        self._is_doubtful = False

    def __repr__(self) -> str:
        return f"RangeSequence(last={self.last}, expected={self.expected})"

    def opened(self) -> None:
        """A new socket: its first frame has to be a snapshot."""
        self.last = self.expected = None
        self._is_fresh, self._is_doubtful = True, False

    def unread(self) -> None:
        """A frame could not be read: if it was a delta, the next one must not pass for the documented form."""
        self._is_doubtful = True

    def reset(self) -> None:
        """This socket is given up: what still comes on it is held back."""
        self.last = None
        self._is_fresh = False

    def snapshot(self, to_id: int) -> None:
        """A frame with ``from`` 0 came: the chain begins anew."""
        self.last, self.expected = to_id, None
        self._is_fresh = self._is_doubtful = False

    def check(self, from_id: int, to_id: int) -> Verdict:
        """Judge one delta; on ACCEPT and GAP the state moves on. HELD: the gap has been said."""
        last = self.last
        if last is None:
            if not self._is_fresh:
                return Verdict.HELD
            self._is_fresh = False
            return Verdict.GAP
        if to_id > last and (from_id == last or (from_id == last + 1 and not self._is_doubtful)):
            self.last, self._is_doubtful = to_id, False
            return Verdict.ACCEPT
        self.expected, self.last = last, None
        return Verdict.GAP
