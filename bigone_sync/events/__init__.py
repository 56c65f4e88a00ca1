"""Everything that a callback can receive: immutable, typed, equal by value.

Prices and amounts are exact :class:`~decimal.Decimal`; times are aware UTC datetimes or None and always the
exchange's own; ``received_at`` is this machine's clock in Unix seconds, stamped when the frame was read.  Two events
are equal when the exchange said the same: ``connection`` and ``received_at`` do not count.
"""

from __future__ import annotations

# Unused names are those of the classes' annotations, which are looked up here: see the end.
from datetime import datetime  # noqa: F401
from decimal import Decimal  # noqa: F401

from ..enums import (  # noqa: F401
    BusinessUnit,
    CandlePeriod,
    Channel,
    ConnectionState,
    FlashOrderStatus,
    MarginState,
    OrderOperator,
    OrderState,
    OrderType,
    Side,
)
from ..levels import Levels, LevelText, PriceLevel, PriceLevels
from ._base import Event, SubscriptionKey
from ._client import Gap, RawFrame, StateChange
from ._contract import Cash, ContractOrder, Fill, Instrument, Position
from ._market import Candle, DepthSnapshot, DepthUpdate, Ticker, Trade
from ._rails import RailsOrder
from ._spot import Account, CostPrice, ExchangeRate, FlashOrder, MarginAccount, MarginBalance, Order

__all__ = [
    "Account",
    "Candle",
    "Cash",
    "ContractOrder",
    "CostPrice",
    "DepthSnapshot",
    "DepthUpdate",
    "Event",
    "ExchangeRate",
    "Fill",
    "FlashOrder",
    "Gap",
    "Instrument",
    "LevelText",
    "Levels",
    "MarginAccount",
    "MarginBalance",
    "Order",
    "Position",
    "PriceLevel",
    "PriceLevels",
    "RailsOrder",
    "RawFrame",
    "StateChange",
    "SubscriptionKey",
    "Ticker",
    "Trade",
]

# One public home, in pickles, help() and messages, wherever a class is written.
for _kind in [value for value in globals().values() if isinstance(value, type)]:
    if _kind.__module__.startswith(f"{__name__}."):
        _kind.__module__ = __name__
del _kind
