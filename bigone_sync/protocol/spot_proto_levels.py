"""Levels of the spot channel's protobuf, checked by what they look like.

Of levels that are written in the usual way only their form has to be checked: which byte is a tag, a length, a digit.
So levels are masked, which makes one digit as good as another, and looked up among those that were checked before.
Only what is new is taken to pieces.

Nothing is taken on trust.  What is remembered are the answers of an exact function, and nothing that it depends on is
lost by the mask.  Levels that get through consist of price, amount and perhaps a number of orders, in that order, each
length as short as it can be written and true, and both numbers plain decimals; all asks come before all bids.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from operator import itemgetter

import msgspec

from ..events import LevelText

__all__ = ["NotHot", "Shape", "Shapes"]

# First bytes of fields (spot schema, section 3): asks and bids of Depth, then price, amount and order_count of a level.
_ASK, _BID_TAG, _ORDERS = 0x12, b"\x1a", 0x18
_LEVEL = re.compile(
    rb"[\x12\x1a](.)\x0a(.)([0-9]+(?:\.[0-9]*)?)\x12(.)([0-9]+(?:\.[0-9]*)?)(?:\x18[\x01-\x7f])?", re.DOTALL
)
# The same once it is masked, as far as a form without lengths can say it.
_split = re.compile(rb"[\x12\x1a].\x0a.[0.]+\x12.[0.]+(?:\x18.)?", re.DOTALL).findall
_DIGITS = b"0123456789"
_TAGS = b"\x0a\x10\x12\x18\x1a"
# Lengths of levels and of their parts stay below the first byte that decimals are written with.
_LONGEST = ord(".") - 1
_ANY_COUNT = 127

# Bounds of what is remembered. What gets too large is emptied, and learnt anew.
_MOST_SHAPES = 4096
# Longer ones are hardly ever met again.
_LONGEST_SHAPE = 256

_BLANK, _NO_ORDERS = ord(" "), b"\0"
_blanks = bytes([byte if byte in _DIGITS + b"." else _BLANK for byte in range(256)])


class NotHot(Exception):
    """Not a depth update in its usual form. Nothing need be wrong, but a parser must look."""


class Shape(msgspec.Struct, gc=False):
    """What checked levels look like. Threads may share it: two may both look closer; they write equal values."""

    _text: _Text | None = None

    def rows(self, levels: bytes) -> tuple[tuple[LevelText, ...], tuple[LevelText, ...]]:
        """Make the asks and the bids from the bytes of such levels."""
        text = self._text
        if text is None:
            text = self._text = _text_of(levels)
        words = levels.translate(_blanks).decode().split()
        if len(words) != text.words:  # some number of orders is a byte that looks like a digit or a point
            words = text.other_words(levels)
        word = iter(words)
        rows = tuple(map(LevelText, word, word, text.orders(levels + _NO_ORDERS)))
        return rows[: text.asks], rows[text.asks :]


class _Text(msgspec.Struct, frozen=True, gc=False):
    """How to read the text of levels."""

    asks: int
    """How many of them are asks; all others are bids."""
    words: int
    """How many prices and amounts there are."""
    places: tuple[int, ...]
    """Where the number of orders of each level is, if it has one; else -1, the last byte of ``_NO_ORDERS``."""
    orders: Callable[[bytes], tuple[int, ...]]
    """Takes the numbers of orders from the levels with ``_NO_ORDERS`` behind them, and zeros."""

    def other_words(self, levels: bytes) -> list[str]:
        """Prices and amounts, whatever the numbers of orders look like."""
        blanked = bytearray(levels + _NO_ORDERS)
        for place in self.places:
            blanked[place] = _BLANK
        return blanked.translate(_blanks).decode().split()


def _text_of(levels: bytes) -> _Text:
    places = []
    asks, at, end = 0, 0, len(levels) - 1
    while at < end:
        asks += levels[at] == _ASK
        at += 2 + levels[at + 1]
        # Here a level without it has a digit, a point, or the length 1 of its amount.
        places.append(at - 1 if levels[at - 2] == _ORDERS else -1)
    # One place more than levels: of a single place it would make no tuple.
    return _Text(asks, 2 * len(places), tuple(places), itemgetter(*places, -1, -1))


class Shapes:
    """Shapes of levels that were checked before.

    Threads may share it: each entry is right on its own, whoever wrote it, and whatever the mask was.
    """

    def __init__(self) -> None:
        self.known: dict[bytes, Shape] = {}
        """By the masked levels and the byte behind them."""
        self.mask = _mask(())
        """For ``bytes.translate``."""
        self._sides: set[bytes] = set()
        """Asks or bids of ``known``; they come together in more ways than each in its own."""
        self._levels: set[bytes] = set()
        self._lengths: frozenset[int] = frozenset()

    def sizes(self) -> dict[str, int]:
        """How many entries each memory has, by what it is of."""
        return {"shapes": len(self.known), "sides": len(self._sides), "levels": len(self._levels)}

    def look(self, levels: bytes) -> Shape:
        """Check levels, and remember their shape.

        Args:
            levels: with one byte behind them, which is not looked at but belongs to the key of ``known``.

        Raises:
            NotHot: they are not of the usual form.
        """
        mask, sides = self.mask, self._sides
        masked = levels.translate(mask)
        # A bid's tag may be a length or a number of orders as well; then what is left and right of it is no side.
        split = masked.find(_BID_TAG)
        if split < 0:
            split = len(masked) - 1
        asks, bids = masked[:split], masked[split:-1]
        if not (asks in sides and bids in sides):
            asks, bids = self._check(levels, masked)
        # A mask that was replaced lost some of these lengths; the levels come again.
        shape = Shape()
        if mask is self.mask and len(masked) <= _LONGEST_SHAPE:
            if len(self.known) >= _MOST_SHAPES:
                self.known.clear()
            if len(sides) >= _MOST_SHAPES:
                sides.clear()
            self.known[masked] = shape
            sides.add(asks)
            sides.add(bids)
        return shape

    def _check(self, levels: bytes, masked: bytes) -> tuple[bytes, bytes]:
        """Check levels of which a side is new, and cut ``masked`` between the sides."""
        parts = _split(masked)
        if b"".join(parts) != masked[:-1]:
            raise NotHot
        at = split = 0
        for part in parts:
            start, at = at, at + len(part)
            if part[0] == _ASK:
                if split != start:  # a bid came before
                    raise NotHot
                split = at
            if part not in self._levels:
                self._level(levels[start:at])
        return masked[:split], masked[split:-1]

    def _level(self, level: bytes) -> None:
        match = _LEVEL.fullmatch(level)
        if match is None:
            raise NotHot
        size, price, amount = match[1][0], match[2][0], match[4][0]
        if size != len(level) - 2 or price != len(match[3]) or amount != len(match[5]) or size > _LONGEST:
            raise NotHot
        lengths = bytes((size, price, amount))
        if lengths.translate(self.mask) != lengths:
            self._lengths = self._lengths.union(lengths)
            self.mask = _mask(self._lengths)
        mask = self.mask
        if lengths.translate(mask) == lengths:  # another thread may have replaced the mask by one that loses some
            if len(self._levels) >= _MOST_SHAPES:
                self._levels.clear()
            self._levels.add(level.translate(mask))


def _mask(lengths: Iterable[int]) -> bytes:
    """The table that makes levels alike as far as that says nothing about their form.

    All digits become one.  Numbers of orders, each a byte from 1 to 127, become one as well, as far as the byte is
    neither a tag nor a length that was met in a level; no other byte of a level becomes that one.  So masked levels
    can be mixed whatever their masks were: what becomes a level that was checked is a level, with the same lengths.
    """
    kept = {0, *_TAGS, *b".", *lengths, *range(128, 256)}
    return bytes([ord("0") if byte in _DIGITS else byte if byte in kept else _ANY_COUNT for byte in range(256)])
