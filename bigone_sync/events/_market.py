"""Public market data, of spot and of contracts alike."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from ..enums import CandlePeriod, Side
from ..levels import PriceLevel, PriceLevels
from ._base import Event

__all__ = ["Candle", "DepthSnapshot", "DepthUpdate", "Ticker", "Trade"]


class DepthSnapshot(Event, frozen=True, gc=False):
    """A whole book. It replaces all that was known of the market.

    Spot protocol, section 6.1; contract protocol, section 3.
    """

    market: str
    bids: PriceLevels = ()
    """In the order of the frame, which no venue promises."""
    asks: PriceLevels = ()
    change_id: int | None = None
    last_price: Decimal | None = None
    """None on spot."""


class DepthUpdate(Event, frozen=True, gc=False):
    """Changed levels, absolute amounts; zero removes. The chain is already checked.

    Spot protocol, section 6.1; contract protocol, section 3.
    """

    market: str
    bids: PriceLevels = ()
    asks: PriceLevels = ()
    change_id: int | None = None
    prev_id: int | None = None
    """The ``change_id`` that this update continues."""
    last_price: Decimal | None = None
    """None on spot."""


class Trade(Event, frozen=True, gc=False):
    """One public trade (spot protocol, section 6.3; contract protocol, section 4)."""

    id: str
    market: str
    price: Decimal
    amount: Decimal
    taker_side: Side
    """BUY: the taker bought."""
    time: datetime | None = None
    is_snapshot: bool = False


class Ticker(Event, frozen=True, gc=False):
    """Rolling 24 hours of a market (spot protocol, section 6.2). What the frame leaves out is None."""

    market: str
    open: Decimal | None = None
    high: Decimal | None = None
    low: Decimal | None = None
    close: Decimal | None = None
    volume: Decimal | None = None
    bid: PriceLevel | None = None
    ask: PriceLevel | None = None
    daily_change: Decimal | None = None
    daily_change_percent: Decimal | None = None
    is_snapshot: bool = False


class Candle(Event, frozen=True, gc=False):
    """One candle. The same ``time`` again replaces it; a newer one closes it.

    Spot protocol, section 6.4; contract protocol, section 5.
    """

    market: str
    period: CandlePeriod
    time: datetime | None
    """When the candle opens."""
    open: Decimal | None = None
    high: Decimal | None = None
    low: Decimal | None = None
    close: Decimal | None = None
    volume: Decimal | None = None
    is_snapshot: bool = False
    close_time: datetime | None = None
    """Contract only, like the fields that follow."""
    trade_count: int | None = None
    turnover: Decimal | None = None
    version: int | None = None
