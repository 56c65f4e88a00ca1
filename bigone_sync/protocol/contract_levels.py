"""A frame of the contract depth channel: levels as the exchange's exact text (contract protocol, section 3)."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from ..events import LevelText
from .base import CodecError
from .contract_values import Members, count, members_of, name, number, pong_of, text_of
from .spot_levels import checked

__all__ = ["DepthFrame", "decode_depth"]


class DepthFrame(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A snapshot or a delta, as sent; the chain is not checked here."""

    from_id: int
    """0 marks a snapshot."""
    to_id: int
    symbol: str | None = None
    """The live wire leaves it out of snapshots."""
    bids: tuple[LevelText, ...] = ()
    """In the order of the frame, which is none."""
    asks: tuple[LevelText, ...] = ()
    best_bid: Decimal | None = None
    """None where the exchange names none, or 0."""
    best_ask: Decimal | None = None
    has_best: bool = False
    """Whether the exchange named at least one best price."""
    last_price: Decimal | None = None

    @property
    def is_snapshot(self) -> bool:
        """Whether it is a whole book."""
        return self.from_id == 0


def _id(members: Members, field: str) -> int:
    found = count(members, field)
    if found is None:
        raise CodecError(f"{field} is missing")
    if found < 0:
        raise CodecError(f"{field} is below 0: {found}")
    return found


def _side(members: Members, field: str) -> tuple[LevelText, ...]:
    """The levels of a side; price is the key, size the value."""
    raw = members.get(field)
    if raw is None or bytes(raw) == b"null":
        return ()
    try:
        sizes = members_of(raw)
        levels = checked([LevelText(price, text_of(size, price) or "", None) for price, size in sizes.items()])
    except CodecError as error:
        raise CodecError(f"{field}: {error}") from error
    for level in levels:
        # As a float, for so books sort; a price too small for one would be 0 there.
        if float(level.price) == 0:
            raise CodecError(f"{field}: {level.price[:40]!r} is not a price")
    return levels


def _best(members: Members) -> tuple[Decimal | None, Decimal | None]:
    """Best bid and ask; a side without orders may have none, or null, or 0: nobody has seen one."""
    raw = members.get("bestPrices")
    if raw is None or bytes(raw) == b"null":
        return None, None
    try:
        best = members_of(raw)
        bid, ask = number(best, "bid"), number(best, "ask")
    except CodecError as error:
        raise CodecError(f"bestPrices: {error}") from error
    for price in (bid, ask):
        if price is not None and price < 0:
            raise CodecError(f"bestPrices: {price} is not a price")
    return bid or None, ask or None


def decode_depth(data: bytes) -> DepthFrame | None:
    """A frame of the depth channel; None for the answer to a ping.

    Sides and best prices may be missing, null or empty.  Prices are greater than 0, sizes from 0, both well within a
    float's range, for books sort by float.

    Raises:
        CodecError: it is no JSON or not of this shape, an id is missing, or a number is none; the text names it.
    """
    if pong_of(data):
        return None
    members = members_of(data)
    bid, ask = _best(members)
    return DepthFrame(
        from_id=_id(members, "from"),
        to_id=_id(members, "to"),
        symbol=name(members, "symbol"),
        bids=_side(members, "bids"),
        asks=_side(members, "asks"),
        best_bid=bid,
        best_ask=ask,
        has_best=bid is not None or ask is not None,
        last_price=number(members, "lastPrice"),
    )
