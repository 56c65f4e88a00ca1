"""What the Rails half hands out: what was published, and the account's orders and fills, with exact text."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["RailsDelta", "RailsFill", "RailsOrderView", "RailsTrade"]


@dataclass(frozen=True, slots=True)
class RailsDelta:
    """One published change of a book; ``levels`` are (``buy`` or ``sell``, price, new total), ``ts`` milliseconds."""

    market: str
    ts: int
    levels: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class RailsTrade:
    """One match. ``taker_side`` is ``buy`` or ``sell``, ``time`` in milliseconds since the epoch."""

    market: str
    match_id: str
    price: str
    quantity: str
    taker_side: str
    time: int


@dataclass(frozen=True, slots=True)
class RailsFill:
    """The account's part in a match; ``side`` is its own, ``role`` is ``taker`` or ``maker``, times in milliseconds."""

    market: str
    order_id: str
    match_id: str
    side: str
    type: str
    role: str
    is_complete: bool
    price: str
    quantity: str
    leverage: str
    fees: str
    order_created: int
    time: int


@dataclass(frozen=True, slots=True)
class RailsOrderView:
    """One state of an own order (Rails protocol, section 6); ``quantity`` is what remains, times in milliseconds.

    ``status`` is ``pending``, ``active``, ``cancelling``, ``cancelled``, ``modifying``, ``modified``, ``filled``, or,
    which the wire never says, ``rejected``.
    """

    order_id: str
    client_request_id: str | None
    market: str
    side: str
    type: str
    status: str
    price: str
    quantity: str
    filled_quantity: str
    avg_fill_price: str | None
    leverage: str
    post_only: bool
    created: int
    updated: int
