"""Levels of the spot channel's protobuf, checked by what they look like.

Of levels that are written in the usual way only their form has to be checked: which byte is a tag, a length, a digit.
So levels are masked, which makes one digit as good as another, and looked up among those that were checked before.
Only what is new is taken to pieces.

Nothing is taken on trust.  What is remembered are the answers of an exact function, and nothing that it depends on is
lost by the mask.  Levels that get through consist of price, amount and perhaps a number of orders, in that order, each
length as short as it can be written and true, and both numbers plain decimals.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

import msgspec

from ..events import LevelText

__all__ = ["NotHot", "Shape", "ShapeOfParts", "Shapes"]

# First bytes of fields (spot schema, section 3): asks and bids of Depth, then price, amount and order_count of a level.
_ASK, _BID = 0x12, 0x1A
_LEVEL = re.compile(
    rb"[\x12\x1a](.)\x0a(.)([0-9]+(?:\.[0-9]*)?)\x12(.)([0-9]+(?:\.[0-9]*)?)(\x18[\x01-\x7f])?", re.DOTALL
)
_DIGITS = b"0123456789"
_TAGS = b"\x0a\x10\x12\x18\x1a"
# Lengths of levels and of their parts stay below the first byte that decimals are written with.
_LONGEST = ord(".") - 1
_ANY_COUNT = 127

# Bounds of what is remembered. What gets too large is emptied, and learnt anew.
_MOST_SHAPES = 4096
# Levels of more parts than these are hardly ever alike as a whole; their parts are.
_MOST_PARTS = 2

_Text = Callable[[bytes], tuple[LevelText, ...]]
_Span = tuple[slice, slice, int]


class NotHot(Exception):
    """Not a depth update in its usual form. Nothing need be wrong, but a parser must look."""


class _Level(msgspec.Struct, frozen=True, gc=False):
    """Where price and amount of a level begin and end in it, and where its number of orders is: 0 if it has none."""

    tag: int
    price: tuple[int, int]
    amount: tuple[int, int]
    count: int
    lengths: bytes
    """All that it contains."""

    def span(self, at: int) -> _Span:
        """The same in the bytes that have the level at ``at``."""
        price, amount, count = self.price, self.amount, self.count
        return slice(at + price[0], at + price[1]), slice(at + amount[0], at + amount[1]), at + count if count else 0


_Found = list[tuple[int, _Level]]
"""Levels of both sides, and where each begins."""


class _Side(msgspec.Struct, gc=False):
    """One side of levels that were found."""

    tag: int
    found: _Found
    spans: tuple[_Span, ...] | None = None

    def text(self, levels: bytes) -> tuple[LevelText, ...]:
        """What this side of ``levels`` says."""
        spans = self.spans
        if spans is None:  # two threads may both do this; they write equal values
            spans = self.spans = tuple([level.span(at) for at, level in self.found if level.tag == self.tag])
        if not spans:
            return ()
        text = levels.decode()
        if len(spans) == 1:  # the most frequent, and cheaper so
            price, amount, count = spans[0]
            return (LevelText(text[price], text[amount], levels[count] if count else 0),)
        return tuple(
            [LevelText(text[price], text[amount], levels[count] if count else 0) for price, amount, count in spans]
        )


class Shape(msgspec.Struct, frozen=True, gc=False):
    """What checked levels look like."""

    found: _Found
    asks: _Text
    """Makes the asks from the bytes of such levels."""
    bids: _Text
    """Makes the bids."""


class ShapeOfParts(msgspec.Struct, frozen=True, gc=False):
    """What many checked levels look like, part by part."""

    parts: list[tuple[int, int, Shape]]

    def asks(self, levels: bytes) -> tuple[LevelText, ...]:
        """Make the asks from the bytes of such levels."""
        return tuple([row for start, stop, shape in self.parts for row in shape.asks(levels[start:stop])])

    def bids(self, levels: bytes) -> tuple[LevelText, ...]:
        """Make the bids."""
        return tuple([row for start, stop, shape in self.parts for row in shape.bids(levels[start:stop])])


class Shapes:
    """Shapes of levels that were checked before.

    Threads may share it: each entry is right on its own, whoever wrote it, and whatever the mask was.
    """

    def __init__(self) -> None:
        self.known: dict[bytes, Shape] = {}
        """By the masked levels and the byte behind them."""
        self.mask = _mask(())
        """For ``bytes.translate``."""
        self._parts: dict[bytes, Shape] = {}
        self._levels: dict[bytes, _Level] = {}
        self._lengths: frozenset[int] = frozenset()

    def look(self, levels: bytes) -> Shape | ShapeOfParts:
        """Check levels, and remember their shape.

        Args:
            levels: with one byte behind them, which is not looked at but belongs to the key of ``known``.

        Raises:
            NotHot: they are not of the usual form.
        """
        at, end = 0, len(levels) - 1
        parts = []
        while at < end:
            start = at
            at += 2 + levels[at + 1]
            if at < end:
                at += 2 + levels[at + 1]
                if at < end:
                    at += 2 + levels[at + 1]
            part = levels[start:at]
            parts.append((start, at, self._parts.get(part.translate(self.mask)) or self._part(part)))
        if at != end:
            raise NotHot
        if len(parts) > _MOST_PARTS:
            return ShapeOfParts(parts)
        found = [(start + at, level) for start, _, part in parts for at, level in part.found]
        return self._remember(self.known, levels, found)

    def _part(self, levels: bytes) -> Shape:
        found = []
        at = 0
        while at < len(levels):
            level = levels[at : at + 2 + levels[at + 1]]
            found.append((at, self._levels.get(level.translate(self.mask)) or self._level(level)))
            at += len(level)
        return self._remember(self._parts, levels, found)

    def _remember(self, known: dict[bytes, Shape], levels: bytes, found: _Found) -> Shape:
        shape = Shape(found, _Side(_ASK, found).text, _Side(_BID, found).text)
        mask = self.mask
        lengths = b"".join([level.lengths for _, level in found])
        if lengths.translate(mask) == lengths:  # another thread may have replaced the mask by one that loses some
            if len(known) >= _MOST_SHAPES:
                known.clear()
            known[levels.translate(mask)] = shape
        return shape

    def _level(self, level: bytes) -> _Level:
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
        found = _Level(level[0], match.span(3), match.span(5), match.start(6) + 1 if match[6] else 0, lengths)
        mask = self.mask
        if lengths.translate(mask) == lengths:
            if len(self._levels) >= _MOST_SHAPES:
                self._levels.clear()
            self._levels[level.translate(mask)] = found
        return found


def _mask(lengths: Iterable[int]) -> bytes:
    """The table that makes levels alike as far as that says nothing about their form.

    All digits become one.  Numbers of orders, each a byte from 1 to 127, become one as well, as far as the byte is
    neither a tag nor a length that was met in a level; no other byte of a level becomes that one.  So masked levels
    can be mixed whatever their masks were: what becomes a level that was checked is a level, with the same lengths.
    """
    kept = {0, *_TAGS, *b".", *lengths, *range(128, 256)}
    return bytes([ord("0") if byte in _DIGITS else byte if byte in kept else _ANY_COUNT for byte in range(256)])
