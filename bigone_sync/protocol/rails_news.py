"""What one Rails connection says, told apart and decoded, but neither merged with other connections nor routed."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

from ..enums import Channel
from ..events import DepthSnapshot, DepthUpdate, Fill, RailsOrder, Trade
from .base import Problem

__all__ = ["Active", "Answer", "BookDelta", "BookLost", "BookSnapshot", "Fills", "News", "Pong", "Trades"]


class BookDelta(NamedTuple):
    """Changed levels of one market (Rails protocol, section 4.1)."""

    market: str
    update: DepthUpdate
    digest: bytes
    """Equal for equal content, ``ts`` included, whatever the order of keys and whichever the connection."""
    ts: int | None
    """Milliseconds; None where the frame has none."""


class BookLost(NamedTuple):
    """A change of a book came and could not be read or placed; why, says the Problem before it.

    What is kept of the book is wrong until the next snapshot: nothing later would show it (section 7).
    """

    market: str | None
    """None: it may be any market's."""


class BookSnapshot(NamedTuple):
    """A whole book (section 3.5)."""

    market: str
    snapshot: DepthSnapshot
    ts: int | None
    request_id: str | None
    """As echoed; None where the frame has none."""


class Trades(NamedTuple):
    """Public trades of one market (sections 3.6 and 4.2), oldest first; where one has no time, as they came."""

    market: str
    rows: Sequence[tuple[Hashable, Trade]]
    """Each with what tells it from all other rows: (matchId, executionType, orderType) (section 8)."""
    is_snapshot: bool
    request_id: str | None


class Fills(NamedTuple):
    """Own trades, of any market (section 4.3)."""

    rows: Sequence[tuple[Hashable, Fill]]
    """Each with what tells it from all other rows: (market, orderId, matchId) (section 8)."""


class Answer(NamedTuple):
    """What may answer a command, or notify of an order, or both (sections 3.7 to 3.10 and 5)."""

    result_type: str
    request_id: str | None
    """``data.clientRequestId``; may have been sent by anybody."""
    status_code: int | None
    body: str
    quota: int | None
    order: RailsOrder | None
    key: Hashable
    """What tells it from all other messages about orders (section 8); without order its kind, id, code and words."""


class Active(NamedTuple):
    """What is subscribed to on this connection, the only truth about that (sections 3.1 to 3.3)."""

    request_id: str | None
    channels: frozenset[Channel]
    others: tuple[str, ...]
    """Names that this version does not know."""


class Pong(NamedTuple):
    """The answer to a ping request (section 3.4)."""

    request_id: str | None


News = BookDelta | BookLost | BookSnapshot | Trades | Fills | Answer | Active | Pong | Problem
