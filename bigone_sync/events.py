"""Everything that a callback can receive: immutable, typed, equal by value.

Prices and amounts are exact :class:`~decimal.Decimal`; times are aware UTC datetimes or None and always the
exchange's own; ``received_at`` is this machine's clock in Unix seconds, stamped when the frame was read.  Two events
are equal when the exchange said the same: ``connection`` and ``received_at`` do not count.
"""

from __future__ import annotations

from datetime import datetime
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from typing import Any

import msgspec

from .enums import (
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
from .levels import Levels, LevelText, PriceLevel, PriceLevels

__all__ = [
    "Account",
    "Candle",
    "CostPrice",
    "DepthSnapshot",
    "DepthUpdate",
    "Event",
    "ExchangeRate",
    "FlashOrder",
    "Gap",
    "LevelText",
    "Levels",
    "MarginAccount",
    "MarginBalance",
    "Order",
    "PriceLevel",
    "PriceLevels",
    "RawFrame",
    "StateChange",
    "SubscriptionKey",
    "Ticker",
    "Trade",
]


class SubscriptionKey(msgspec.Struct, frozen=True, gc=False):
    """Identity of a stream: two requests for the same key share one subscription on the wire."""

    channel: Channel
    market: str | None = None
    """None: all markets, or none at all where the channel has none; of an exchange rate ``BASE-QUOTE``."""
    period: CandlePeriod | None = None
    """Candles only."""
    unit: BusinessUnit | None = None
    """Orders only; None: the exchange's default, SPOT."""
    asset: str | None = None
    """Cost prices only: the asset's UUID."""

    def __str__(self) -> str:
        options = [str(option) for option in (self.period, self.unit, self.asset) if option is not None]
        parts = [str(self.channel.value), self.market, *options]
        return "/".join(part for part in parts if part)


# The thread's own context rounds to 28 digits, or to what the user set.
_EXACT = Context(prec=1000, Emin=MIN_EMIN, Emax=MAX_EMAX, traps=[])


class Event(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Base of all events."""

    connection: str = ""
    """Name of the channel it came on, for instance ``spot/depth``."""
    received_at: float = 0.0
    """Unix seconds of this machine's clock when the frame was read."""

    def _value(self) -> tuple[Any, ...]:
        return tuple(
            getattr(self, name) for name in self.__struct_fields__ if name not in ("connection", "received_at")
        )

    def __eq__(self, other: object) -> bool:
        if self.__class__ is not other.__class__:
            return NotImplemented
        return self._value() == other._value()

    def __ne__(self, other: object) -> bool:
        # msgspec's own would compare by identity.
        equal = self.__eq__(other)
        return equal if equal is NotImplemented else not equal

    def __hash__(self) -> int:
        return hash((type(self).__name__, self._value()))


class DepthSnapshot(Event, frozen=True, gc=False):
    """A whole book. It replaces all that was known of the market (spot protocol, section 6.1)."""

    market: str
    bids: PriceLevels = ()
    """In the order of the frame, which no venue promises."""
    asks: PriceLevels = ()
    change_id: int | None = None
    last_price: Decimal | None = None
    """None on spot."""


class DepthUpdate(Event, frozen=True, gc=False):
    """Changed levels, absolute amounts; zero removes (spot protocol, section 6.1). The chain is already checked."""

    market: str
    bids: PriceLevels = ()
    asks: PriceLevels = ()
    change_id: int | None = None
    prev_id: int | None = None
    """The ``change_id`` that this update continues."""
    last_price: Decimal | None = None
    """None on spot."""


class Trade(Event, frozen=True, gc=False):
    """One public trade (spot protocol, section 6.3)."""

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
    """One candle (spot protocol, section 6.4). The same ``time`` again replaces it; a newer one closes it."""

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


class Account(Event, frozen=True, gc=False):
    """Balance of one asset, absolute (spot protocol, section 7.1)."""

    asset: str
    balance: Decimal
    """As sent. Field evidence says total, the locked part included; the documents contradict each other."""
    locked_balance: Decimal
    is_snapshot: bool = False

    @property
    def available(self) -> Decimal:
        """``balance - locked_balance``: what can be spent if ``balance`` is the total, as working clients find."""
        return _EXACT.subtract(self.balance, self.locked_balance)


class Order(Event, frozen=True, gc=False):
    """An own order (spot protocol, section 7.2). Decimal fields that the exchange leaves empty are None."""

    id: str
    market: str
    side: Side
    type: OrderType
    state: OrderState
    price: Decimal | None
    """None for a market order."""
    amount: Decimal | None
    filled_amount: Decimal | None = None
    filled_fees: Decimal | None = None
    """Seen in the base asset for buys, in the quote asset for sells."""
    avg_deal_price: Decimal | None = None
    stop_price: Decimal | None = None
    operator: OrderOperator = OrderOperator.LTE
    """Direction of the trigger; LTE is printed on orders without one, too."""
    ioc: bool = False
    business_unit: BusinessUnit = BusinessUnit.SPOT
    client_order_id: str = ""
    created_at: datetime | None = None
    updated_at: datetime | None = None
    is_snapshot: bool = False

    @property
    def is_final(self) -> bool:
        """True when nothing more can happen to it: FILLED, CANCELLED or REJECTED."""
        return self.state in _FINAL


_FINAL = frozenset({OrderState.FILLED, OrderState.CANCELLED, OrderState.REJECTED})


class MarginBalance(msgspec.Struct, frozen=True, gc=False):
    """One asset of a margin market (spot schema, section 6). Part of a :class:`MarginAccount`."""

    asset: str
    balance: Decimal
    """As sent; whether it includes the locked part is not documented."""
    locked_balance: Decimal
    loan_balance: Decimal
    state: MarginState = MarginState.NORMAL


class MarginAccount(Event, frozen=True, gc=False):
    """Own margin account of one market, absolute (spot schema, section 6).

    From the official schema; not described in the documents.
    """

    market: str
    risk_rate: Decimal | None = None
    """None where the exchange sends none, like the fields that follow."""
    liquidation_price: Decimal | None = None
    base: MarginBalance | None = None
    quote: MarginBalance | None = None
    is_snapshot: bool = False


class ExchangeRate(Event, frozen=True, gc=False):
    """What one unit of an asset is worth in another (spot schema, section 6).

    From the official schema; not described in the documents.
    """

    base_asset: str
    quote_asset: str
    price: Decimal
    updated_at: datetime | None = None
    is_snapshot: bool = False


class FlashOrder(Event, frozen=True, gc=False):
    """An own flash exchange order (spot schema, section 6). Decimal fields that the exchange leaves empty are None.

    From the official schema; not described in the documents.
    """

    id: str
    exchange_asset: str
    """Symbol of the asset that is exchanged."""
    pay_asset: str
    """Symbol of the asset that it is paid in."""
    exchange_amount: Decimal | None = None
    estimated_pay_amount: Decimal | None = None
    pay_amount: Decimal | None = None
    price: Decimal | None = None
    status: FlashOrderStatus = FlashOrderStatus.UNSPECIFIED
    customer_id: int = 0
    """0 where the exchange sends none."""
    dealer_id: int = 0
    """``dealerCid`` on the wire; 0 where the exchange sends none."""
    created_at: datetime | None = None
    updated_at: datetime | None = None
    is_snapshot: bool = False


class CostPrice(Event, frozen=True, gc=False):
    """What an own asset cost on average (spot schema, section 6).

    From the official schema; not described in the documents.
    """

    asset: str
    """The asset's UUID as sent."""
    average_cost_price: Decimal | None = None
    """None where the exchange sends none, like the field that follows."""
    average_inflow: Decimal | None = None
    """Net quantity received, by a comment of the schema."""
    is_snapshot: bool = False


class StateChange(Event, frozen=True):
    """A connection changed its state."""

    old: ConnectionState
    new: ConnectionState
    cause: BaseException | None = None
    """Why, where something went wrong."""
    attempt: int = 0
    """Number of this attempt since the connection was last stable, from 1."""
    retry_in: float | None = None
    """Seconds until the next attempt, with WAITING."""


class Gap(Event, frozen=True, gc=False):
    """Data that is or may be missing."""

    channel: Channel
    market: str | None
    since: datetime | None = None
    """The exchange's time of the last item before the hole, where it sends times."""
    until: datetime | None = None
    """The exchange's time of the first item after the hole, where it sends times."""
    reason: str = ""


class RawFrame(Event, frozen=True, gc=False):
    """A frame as it went over the wire, credentials redacted."""

    direction: str
    """``in`` or ``out``."""
    data: bytes
