"""The levels of a book as the exchange's text: what every codec lets through (spot protocol, sections 5 and 6.1)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..events import LevelText
from .base import CodecError

__all__ = ["LARGEST", "checked"]

LARGEST = 1e300
"""Books sort by float, so a level's numbers must be finite, and well within a float's range."""

# float() alone would take "1_000" and other scripts' digits.
_DECIMAL = re.compile(r"[+-]?\d{1,400}(?:\.\d{0,400})?(?:[eE][+-]?\d{1,3})?\Z", re.ASCII)


def checked(rows: Iterable[LevelText]) -> tuple[LevelText, ...]:
    """The levels, if each price and amount is a number from 0.

    Raises:
        CodecError: one is not; the text names it.
    """
    levels = tuple(rows)
    for row in levels:
        for text in (row.price, row.amount):
            if not (_DECIMAL.match(text) and 0 <= float(text) < LARGEST):
                raise CodecError(f"{text[:40]!r} is not a price or an amount")
    return levels
