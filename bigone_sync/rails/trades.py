"""One market's public trades, made of several copies of them and of lists asked for (Rails protocol, 4.2 and 8)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from ..events import Trade
from ..redundancy import Entry, Merge, Merged
from .copies import Copies

__all__ = ["Hole", "TradeStep", "TradeSync"]

_REMEMBERED = 10_000

Row = tuple[Hashable, Trade]


class Hole(NamedTuple):
    """Where trades are or may be missing."""

    since: datetime | None
    until: datetime | None
    reason: str


class TradeStep(NamedTuple):
    """What something brought."""

    trades: Sequence[Trade] = ()
    hole: Hole | None = None
    diverged: str = ""


class TradeSync(Copies):
    """Not thread-safe: its group serialises the calls.

    Whether a match is one row or one for each side is not documented (section 12): the second row of a match of the
    same price and size is its other side, and is dropped.
    """

    def __init__(self) -> None:
        super().__init__(Merge(unique=True))
        self._held: list[Row] | None = []
        """Trades that wait until what comes before them is known; None: they need not."""
        self._seen: OrderedDict[str, tuple[Decimal, Decimal, set[Hashable]]] = OrderedDict()
        self._last: Trade | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether the recent trades are wanted: at first, and where some may be missing."""
        return self._held is not None

    def doubt(self) -> None:
        """Some may be missing: what comes waits for the recent trades."""
        self._held = [] if self._held is None else self._held

    def leave(self, copy: str) -> TradeStep:
        """It does no longer."""
        return self._taken(self._merge.leave(copy))

    def overtake(self, copy: str) -> TradeStep:
        """Go on from what this one brought, without waiting for the others."""
        return self._taken(self._merge.overtake(copy))

    def rows(self, copy: str, rows: Sequence[Row]) -> TradeStep:
        """Trades came on a connection."""
        return self._taken(self._merge.take(copy, [Entry(row[0], row) for row in rows]))

    def _taken(self, merged: Merged) -> TradeStep:
        if merged.broken:
            self.doubt()
        if self._held is not None:
            self._held.extend(merged.items)
            return TradeStep(diverged=merged.diverged)
        return TradeStep([row[1] for row in merged.items if self._is_news(row)], diverged=merged.diverged)

    def _is_news(self, row: Row) -> bool:
        key, trade = row
        known = self._seen.get(trade.id)
        if known is None:
            self._seen[trade.id] = trade.price, trade.amount, {key}
            if len(self._seen) > _REMEMBERED:
                self._seen.popitem(last=False)
        elif key in known[2] or (trade.price, trade.amount) == known[:2]:
            known[2].add(key)
            return False
        else:
            known[2].add(key)
        self._last = trade
        return True

    # -- the list of recent trades

    def snapshot(self, rows: Sequence[Row]) -> TradeStep:
        """The recent trades came, oldest first: they stand before, or among, those that wait."""
        before = self._last
        joins = before is None or any(trade.id in self._seen for _, trade in rows)
        ordered = _joined(rows, self._held or [])
        self._held = None
        trades = [row[1] for row in ordered if self._is_news(row)]
        hole = None
        if before is not None and not joins:
            until = trades[0].time if trades else None
            hole = Hole(before.time, until, "the recent trades do not reach back to the last one before")
        return TradeStep(trades, hole)

    def give_up(self) -> TradeStep:
        """They do not come: those that wait go on."""
        before, held = self._last, self._held or []
        self._held = None
        trades = [row[1] for row in held if self._is_news(row)]
        if before is None:
            return TradeStep(trades)
        until = trades[0].time if trades else None
        return TradeStep(trades, Hole(before.time, until, "the recent trades could not be asked for"))


def _joined(rows: Sequence[Row], held: Sequence[Row]) -> list[Row]:
    """Two runs of one sequence, of which either may begin first, and either may end last, as one."""
    places = {key: place for place, (key, _) in enumerate(held)}
    joined: list[Row] = []
    done = 0
    for row in rows:
        place = places.get(row[0])
        if place is None:
            joined.append(row)
        elif place >= done:
            joined += held[done : place + 1]
            done = place + 1
    return [*joined, *held[done:]]
