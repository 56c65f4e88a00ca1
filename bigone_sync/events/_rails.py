"""Own orders on Rails. What the exchange leaves out is None."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from ..enums import OrderState, OrderType, Side
from ._base import Event

__all__ = ["RailsOrder"]


class RailsOrder(Event, frozen=True, gc=False):
    """An own order after one message about it (Rails protocol, sections 3.7 to 3.9, 5 and 6).

    ``remaining`` and ``filled`` together are the original size.
    """

    order_id: str
    client_request_id: str | None = None
    """Of the request that the message is about, else of the one that created the order. May have been sent by somebody
    else, or not at all, and may carry a suffix like ``#0`` (section 3.8)."""
    market: str = ""
    side: Side = Side.UNKNOWN
    type: OrderType = OrderType.UNKNOWN
    status: OrderState = OrderState.UNKNOWN
    """What the message says has become of it; a ``rejectOrder`` is REJECTED, whatever its ``orderStatus`` says."""
    price: Decimal | None = None
    remaining: Decimal | None = None
    filled: Decimal | None = None
    avg_fill_price: Decimal | None = None
    leverage: Decimal | None = None
    post_only: bool | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    result_type: str = ""
    """Kind of the message: ``createOrder``, ``cancelOrder``, ``completeFillOrder``, …; empty if REST told it."""
    status_code: int | None = None
    """202: accepted, the outcome is pending; 200: it is so; 400 and more: refused."""
    reason: str = ""
    """The exchange's own words."""
    api_quota_used: int | None = None
    """In the first answer to a command; whether it counts the command or the minute is not documented (section 10)."""

    @property
    def id(self) -> str:
        """``order_id``, by the name that it has with orders of other venues."""
        return self.order_id

    @property
    def is_final(self) -> bool:
        """True when nothing more can happen to it: FILLED, CANCELLED, REJECTED, or MODIFIED, that is replaced."""
        return self.status in _FINAL


_FINAL = frozenset({OrderState.FILLED, OrderState.CANCELLED, OrderState.REJECTED, OrderState.MODIFIED})
