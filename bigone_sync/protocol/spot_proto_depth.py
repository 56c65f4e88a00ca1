"""Depth updates of the spot channel's protobuf in their usual form, read without a protobuf parser.

A parser makes an object for each message that Python looks into, and the checks of every level come on top: together
many times what msgspec needs for the same update in JSON.  Here a frame is cut into pieces by its length.  What stands
before the levels is one of the heads that were read before, the levels are of one of the shapes that were read before,
and so are the ids but for their first byte.  Only what is new is looked at closely.

Nothing is taken on trust.  What is remembered are the answers of exact functions, and nothing that they depend on is
left out of the keys.  A frame that gets through is a ``Response`` with a ``DepthUpdate`` in the one way that protobuf
writers write it, each field once and in order, each price and amount a plain decimal; it means what a parser says.
Everything else is left to the parser: unknown fields, another order, a number written longer than needed, ids of one
byte or beyond 63 bits, what is no number, no market, no update at all.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import Any

import msgspec

from .spot_proto_levels import NotHot, Shape, ShapeOfParts, Shapes

__all__ = ["HotUpdate", "NotHot", "hot_reader"]

# First bytes of fields (spot schema, sections 1, 3 and 5).
_REQUEST_ID, _DEPTH, _MARKET = 0x0A, 0x0A, 0x0A
_DEPTH_UPDATE, _CHANGE_ID, _PREV_ID = b"\xd2\x06", 0x10, b"\x18"
# Bytes of an id.
_SHORTEST_ID, _LONGEST_ID = 2, 9

# Bounds of what is remembered. What gets too large is emptied, and learnt anew.
_LONGEST_FRAME = 1024
_MOST_HEADS = 16_384
_MOST_ENDS = 1024


class _Depth(msgspec.Struct, frozen=True, gc=False):
    market: str


class HotUpdate(msgspec.Struct, frozen=True, gc=False):
    """A depth update; ``shape.asks(levels)`` and ``shape.bids(levels)`` make its levels, which are checked."""

    depth: _Depth
    change_id: int
    prev_id: int
    levels: bytes
    shape: Shape | ShapeOfParts


_Pieces = tuple[bytes, bytes, int, bytes, int, bytes]
"""Of a frame: what stands before the levels; the levels and the tag of ``change_id``; its first byte; its other bytes
and the tag of ``prev_id``; the first byte of that one; its other bytes."""
_Layout = tuple[Callable[[bytes], tuple[Any, ...]], str, dict[bytes, _Depth]]
"""How to cut frames into pieces, the same for ``struct``, and the heads of those that can be cut so."""


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
        digits = end[:size]
        if end[size:] != self._tag or not 0 < digits[-1] < 128 or any(digit < 128 for digit in digits[:-1]):
            raise NotHot
        if len(self) >= _MOST_ENDS:
            self.clear()
        added = self[end] = sum((digit & 127) << 7 * place for place, digit in enumerate(digits, 1)) - 128
        return added


class _Heads:
    """Heads that were read before. Threads may share it: each entry is right on its own."""

    def __init__(self) -> None:
        self.layouts: dict[int, tuple[_Layout, ...]] = {}
        """By the length of the frame; the one met last comes first."""
        self._count = 0

    def meet(self, data: bytes) -> tuple[_Depth, _Pieces]:
        """Read the head of a frame that is not like the last one of its length, and remember it.

        Raises:
            NotHot: the frame is not of the usual form.
        """
        layouts = self.layouts.get(len(data), ())
        for layout in layouts[1:]:
            known: _Pieces = layout[0](data)
            depth = layout[2].get(known[0])
            if depth is not None:
                self.layouts[len(data)] = (layout, *(other for other in layouts if other is not layout))
                return depth, known
        form, depth = _form(data)
        cut = Struct(form).unpack
        pieces: _Pieces = cut(data)
        if len(data) <= _LONGEST_FRAME:
            self._remember(len(data), (cut, form, {pieces[0]: depth}))
        return depth, pieces

    def _remember(self, size: int, fresh: _Layout) -> None:
        self._count += 1
        if self._count > _MOST_HEADS:
            self.layouts.clear()
            self._count = 1
        layouts = self.layouts.get(size, ())
        for _, form, depths in layouts:
            if form == fresh[1]:
                depths.update(fresh[2])
                return
        self.layouts[size] = (fresh, *layouts)


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
    return f"{start}s{end + 1 - start}sB{change}sB{prev - 1}s", _Depth(market)


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


def hot_reader() -> Callable[[bytes], HotUpdate]:
    """A function that reads frames, with a memory of its own; it raises NotHot for what is left to a parser.

    Threads may share it.
    """
    heads, shapes = _Heads(), Shapes()
    layouts, known = heads.layouts, shapes.known
    changes, prevs = _Ends(_PREV_ID), _Ends(b"")

    def hot(data: bytes) -> HotUpdate:
        try:
            cut, _, depths = layouts[len(data)][0]
            head, levels, low, end, prev_low, prev_end = cut(data)
            depth = depths[head]
        except KeyError:
            depth, (_, levels, low, end, prev_low, prev_end) = heads.meet(data)
        if low < 128 or prev_low < 128:
            raise NotHot
        shape = known.get(levels.translate(shapes.mask)) or _look(shapes, levels)
        return HotUpdate(depth, changes[end] + low, prevs[prev_end] + prev_low, levels, shape)

    return hot


def _look(shapes: Shapes, levels: bytes) -> Shape | ShapeOfParts:
    # Behind the levels stands the tag of the change id; among those known there are none with another byte.
    if levels[-1] != _CHANGE_ID:
        raise NotHot
    try:
        return shapes.look(levels)
    except IndexError:  # a level without a length
        raise NotHot from None
