"""Depth updates of the spot channel's protobuf in their usual form, read without a protobuf parser.

A parser makes an object for each message that Python looks into, and the checks of every level come on top: together
many times what msgspec needs for the same update in JSON.  Here a frame is cut into pieces like the last one that began
alike.  What stands before the levels is one of the heads that were read before, the levels are of one of the shapes
that were read before, and so are the ids but for their first byte.  Only what is new is looked at closely.

Nothing is taken on trust.  What is remembered are the answers of exact functions, and nothing that they depend on is
left out of the keys.  A frame that gets through is a ``Response`` with a ``DepthUpdate`` in the one way that protobuf
writers write it, each field once and in order, each price and amount a plain decimal; it means what a parser says.
Everything else is left to the parser: unknown fields, another order, a number written longer than needed, ids of one
byte or beyond 63 bits, what is no number, no market, no update at all.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from struct import error as StructError
from typing import Any

import msgspec

from ..events import LevelText
from .spot_proto_levels import NotHot, Shape, Shapes

__all__ = ["HotReader", "HotUpdate", "NotHot"]

# First bytes of fields (spot schema, sections 1, 3 and 5).
_REQUEST_ID, _DEPTH, _MARKET = 0x0A, 0x0A, 0x0A
_DEPTH_UPDATE, _CHANGE_ID, _PREV_ID = b"\xd2\x06", 0x10, b"\x18"
# Bytes of an id.
_SHORTEST_ID, _LONGEST_ID = 2, 9

# As many first bytes as hold most of what stands before the levels, and hardly ever a digit of a price, of which there
# are too many.
_PREFIX = 18

# Bounds of what is remembered. What gets too large is emptied, and learnt anew.
_LONGEST_FRAME = 1024
_MOST_HEADS = 16_384
_MOST_ENDS = 1024


class _Depth(msgspec.Struct, frozen=True, gc=False):
    market: str


class HotUpdate(msgspec.Struct, gc=False):
    """A depth update, whose levels are checked.

    Both sides are made at once, since most who want one want the other next.  That one is kept until then and no
    longer: what waits in a queue should be small.  Threads may share it; at worst a side is made twice.
    """

    depth: _Depth
    change_id: int
    prev_id: int
    levels: bytes
    shape: Shape
    _asks: tuple[LevelText, ...] | None = None
    _bids: tuple[LevelText, ...] | None = None

    def asks(self) -> tuple[LevelText, ...]:
        """Its asks."""
        asks = self._asks
        if asks is None:
            asks, self._bids = self.shape.rows(self.levels)
        else:
            self._asks = None
        return asks

    def bids(self) -> tuple[LevelText, ...]:
        """Its bids."""
        bids = self._bids
        if bids is None:
            self._asks, bids = self.shape.rows(self.levels)
        else:
            self._bids = None
        return bids


_Pieces = tuple[bytes, bytes, int, bytes, int, bytes]
"""Of a frame: what stands between its first bytes and the levels; the levels and the tag of ``change_id``; its first
byte; its other bytes and the tag of ``prev_id``; the first byte of that one; its other bytes."""
_Layout = tuple[Callable[[bytes], tuple[Any, ...]], Struct, dict[bytes, _Depth]]
"""How to cut frames into pieces, twice, and the markets of those that can be cut so, by the first piece."""


class _Ends(dict[bytes, int]):
    """What the bytes of an id behind its first one add to it, less the 128 by which the first one says "more follow".

    Args:
        tag: what stands behind the id in the keys.
    """

    def __init__(self, tag: bytes) -> None:
        super().__init__()
        self._tag = tag

    def __missing__(self, end: bytes) -> int:
        size = len(end) - len(self._tag)
        added = end[size - 1]
        if end[size:] != self._tag or not 0 < added < 128:
            raise NotHot
        for digit in end[size - 2 :: -1] if size > 1 else b"":
            if digit < 128:
                raise NotHot
            added = (added << 7) + digit - 128
        added = (added << 7) - 128
        if len(self) >= _MOST_ENDS:
            self.clear()
        self[end] = added
        return added


class _Heads:
    """Heads that were read before. Threads may share it: each entry is right on its own."""

    def __init__(self) -> None:
        self.layouts: dict[bytes, tuple[_Layout, ...]] = {}
        """By the first bytes of the frame; the one met last comes first."""
        self._count = 0

    def meet(self, data: bytes) -> tuple[_Depth, _Pieces]:
        """Read the head of a frame that is not like the last one with its first bytes, and remember it.

        Raises:
            NotHot: the frame is not of the usual form.
        """
        begin = data[:_PREFIX]
        layouts = self.layouts.get(begin, ())
        for layout in layouts:
            if layout[1].size == len(data):
                known: _Pieces = layout[0](data)
                depth = layout[2].get(known[0])
                if depth is not None:
                    self.layouts[begin] = (layout, *(other for other in layouts if other is not layout))
                    return depth, known
        form, depth = _form(data)
        fresh = Struct(form)
        pieces: _Pieces = fresh.unpack(data)
        if len(data) <= _LONGEST_FRAME:
            self._remember(begin, fresh, pieces[0], depth)
        return depth, pieces

    def _remember(self, begin: bytes, fresh: Struct, rest: bytes, depth: _Depth) -> None:
        self._count += 1
        if self._count > _MOST_HEADS:
            self.layouts.clear()
            self._count = 1
        layouts = self.layouts.get(begin, ())
        for _, known, depths in layouts:
            if known.format == fresh.format:
                depths[rest] = depth
                return
        self.layouts[begin] = ((fresh.unpack, fresh, {rest: depth}), *layouts)


def _form(data: bytes) -> tuple[str, _Depth]:
    """How to cut a frame into pieces, for ``struct``, and the market that its head names.

    Raises:
        NotHot: its head is not of the usual form. The levels are not looked at, nor are the bytes of the ids.
    """
    try:
        start, end, market = _head(data)
        at = end + 1
        while data[at] > 127:
            at += 1
    except IndexError:
        raise NotHot from None
    change, prev = at - end, len(data) - at - 2
    if not _SHORTEST_ID <= min(change, prev) <= max(change, prev) <= _LONGEST_ID:
        raise NotHot
    begin = min(start, _PREFIX)
    return f"{begin}x{start - begin}s{end + 1 - start}sB{change}sB{prev - 1}s", _Depth(market)


def _head(data: bytes) -> tuple[int, int, str]:
    """Where the levels begin and end in a frame, and its market."""
    at = 0
    if data[0] == _REQUEST_ID:
        at = 2 + data[1]
        if not 0 < data[1] < 128 or not data[2:at].isascii():
            raise NotHot
    if data[at : at + 2] != _DEPTH_UPDATE:
        raise NotHot
    size, at = _length(data, at + 2)
    if size != len(data) - at or data[at] != _DEPTH:
        raise NotHot
    size, at = _length(data, at + 1)
    end = at + size
    start = at + 2 + data[at + 1]
    market = data[at + 2 : start]
    if data[at] != _MARKET or not 0 < data[at + 1] < 128 or not market.isascii() or start > end:
        raise NotHot
    return start, end, market.decode()


def _length(data: bytes, at: int) -> tuple[int, int]:
    """A length of one byte or two, written as short as it can be, and the place behind it."""
    low = data[at]
    if low < 128:
        return low, at + 1
    high = data[at + 1]
    if not 0 < high < 128:
        raise NotHot
    return low - 128 + (high << 7), at + 2


class HotReader:
    """Reads frames, and remembers. Threads may share it.

    Attributes:
        read: makes an update of a frame; raises NotHot for what is left to a parser.
    """

    def __init__(self) -> None:
        self._heads, self._shapes = _Heads(), Shapes()
        self._changes, self._prevs = _Ends(_PREV_ID), _Ends(b"")
        # A function, and not a method: it finds what it needs without looking into an object.
        self.read = _reader(self._heads, self._shapes, self._changes, self._prevs)

    def sizes(self) -> dict[str, int]:
        """How many entries each memory has, by what it is of; all are bounded."""
        layouts = self._heads.layouts
        return {
            "heads": sum(len(depths) for found in list(layouts.values()) for _, _, depths in found),
            "first bytes": len(layouts),
            "change ids": len(self._changes),
            "prev ids": len(self._prevs),
            **self._shapes.sizes(),
        }


def _reader(heads: _Heads, shapes: Shapes, changes: _Ends, prevs: _Ends) -> Callable[[bytes], HotUpdate]:
    layouts, known = heads.layouts, shapes.known

    def hot(data: bytes) -> HotUpdate:
        try:
            cut, _, depths = layouts[data[:_PREFIX]][0]
            rest, levels, low, end, prev_low, prev_end = cut(data)
            depth = depths[rest]
        except (KeyError, StructError):  # met for the first time, or of another length than the one met last
            depth, (_, levels, low, end, prev_low, prev_end) = heads.meet(data)
        if low & prev_low < 128:  # an id of one byte, behind which stands something else
            raise NotHot
        shape = known.get(levels.translate(shapes.mask)) or _look(shapes, levels)
        return HotUpdate(depth, changes[end] + low, prevs[prev_end] + prev_low, levels, shape)

    return hot


def _look(shapes: Shapes, levels: bytes) -> Shape:
    # Behind the levels stands the tag of the change id; among those known there are none with another byte.
    if levels[-1] != _CHANGE_ID:
        raise NotHot
    return shapes.look(levels)
