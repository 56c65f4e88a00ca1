"""How a side of a book is stored.

Rows lie in a dict under the venue's own price text, because that is the cheapest way to find a level that is already
there (most changes touch one), and because the exact text is what comes out again.  Beside it two parallel lists,
ascending by number, hold the sort keys and the texts.  The key is the price as a float: several times cheaper than
``Decimal`` and right as long as two prices do not share a float.  When they do, the side turns its keys into
``Decimal``, once, and stays so until the next snapshot.  No number that comes out was ever a float.
"""

from __future__ import annotations

import math
import operator
from bisect import bisect_left
from collections.abc import Callable, Sequence
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from typing import Any

from .events import Levels, LevelText, PriceLevels

__all__ = ["EXACT", "BookSide", "checked", "crossed", "texts_of"]

_INF = math.inf
EXACT = Context(prec=1000, Emin=MIN_EMIN, Emax=MAX_EMAX, traps=[])
"""Exact for any price an exchange could print, whatever the reading thread did to its own decimal context."""


def _number(text: str) -> Decimal:
    number = Decimal(text, EXACT)  # NaN for what is no number, for this context traps nothing
    if not number.is_finite():
        raise ValueError(f"a price level holds no finite number but {text[:40]!r}")
    return number


def _normal(row: LevelText) -> LevelText:
    """``row`` with any zero amount written ``0``; ValueError when it is no level at all."""
    if not 0.0 < float(row.price) < _INF:
        _number(row.price)
    if 0.0 < float(row.amount) < _INF or row.amount == "0":
        return row
    amount = _number(row.amount)
    if amount < 0:
        raise ValueError(f"a price level holds a negative amount, {row.amount[:40]!r}")
    return row if amount else LevelText(row.price, "0", row.order_count)


def checked(rows: Sequence[LevelText], held: dict[str, LevelText]) -> Sequence[LevelText]:
    """``rows`` after the check that all are levels, zero amounts written ``0``; nearly always ``rows`` itself.

    What floats cannot judge (other zeros, what under- or overflows, what is no number) is left to ``Decimal``.  The
    price of a level that is held was checked when it came.
    """
    for row in rows:
        if not 0.0 < float(row.amount) < _INF and row.amount != "0":
            return [_normal(row) for row in rows]
        if row.price not in held and not 0.0 < float(row.price) < _INF:
            return [_normal(row) for row in rows]
    return rows


def texts_of(levels: PriceLevels) -> Sequence[LevelText]:
    """The levels as the venue's text."""
    if isinstance(levels, Levels):
        return levels.text()
    return [LevelText(str(price), str(amount), count) for price, amount, count in levels]


class BookSide:
    """One side of a book. ``put`` takes checked rows only."""

    __slots__ = ("key", "keys", "rows", "texts")

    def __init__(self) -> None:
        self.rows: dict[str, LevelText] = {}
        self.texts: list[str] = []
        self.keys: list[Any] = []
        self.key: Callable[[str], Any] = float

    @classmethod
    def load(cls, levels: PriceLevels) -> BookSide:
        """A side of a snapshot. Of levels that are given twice the last one counts."""
        self = cls()
        rows = checked(texts_of(levels), self.rows)
        order = sorted([(float(row.price), row.price) for row in rows])
        keys = [key for key, _ in order]
        if any(map(operator.eq, keys, keys[1:])) or any(row.amount == "0" for row in rows):
            self.put(rows)  # not a plain list of different levels: one by one settles every case
        else:
            self.keys = keys
            self.texts = [text for _, text in order]
            self.rows = {row.price: row for row in rows}
        return self

    def put(self, rows: Sequence[LevelText]) -> None:
        """Set and delete levels, in order."""
        held = self.rows
        for row in rows:
            text = row.price
            if text in held:
                if row.amount != "0":
                    held[text] = row
                else:
                    index = bisect_left(self.keys, self.key(text))
                    del held[text], self.keys[index], self.texts[index]
            else:
                key = self.key(text)
                keys = self.keys
                index = bisect_left(keys, key)
                if index < len(keys) and keys[index] == key:
                    self._meet(index, row)
                elif row.amount != "0":
                    keys.insert(index, key)
                    self.texts.insert(index, text)
                    held[text] = row

    def _meet(self, index: int, row: LevelText) -> None:
        """Put ``row`` where a level with the same key and another text is held."""
        text = self.texts[index]
        if Decimal(text) == Decimal(row.price):
            del self.rows[text]
            if row.amount == "0":
                del self.keys[index], self.texts[index]
            else:
                self.texts[index] = row.price
                self.rows[row.price] = row
        else:
            # Different floats are in the order of their numbers, so the texts are sorted already.
            self.key = Decimal
            self.keys = [Decimal(text) for text in self.texts]
            self.put((row,))

    def highest(self, n: int | None) -> list[LevelText]:
        """The ``n`` highest prices, or all, from the top."""
        texts = self.texts[::-1] if n is None else self.texts[: -n - 1 : -1]
        return [self.rows[text] for text in texts]

    def lowest(self, n: int | None) -> list[LevelText]:
        """The ``n`` lowest prices, or all, from the bottom."""
        return [self.rows[text] for text in self.texts[:n]]


def crossed(bids: BookSide, asks: BookSide) -> bool:
    """Whether the best bid is not below the best ask."""
    return bool(bids.texts and asks.texts) and Decimal(bids.texts[-1]) >= Decimal(asks.texts[0])
