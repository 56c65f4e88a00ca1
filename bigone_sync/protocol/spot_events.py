"""Neutral messages to events, with the schema's defaults (spot protocol, sections 5 to 7)."""

from __future__ import annotations

from ..enums import BusinessUnit, CandlePeriod, OrderOperator, OrderState, OrderType, Side
from ..events import Account, Candle, Order, PriceLevel, Ticker, Trade
from ..markets import Market
from .base import CodecError
from .messages import WireAccount, WireCandle, WireLevel, WireMarket, WireOrder, WireTicker, WireTrade, Word
from .spot_values import decimal, integer, number_or_word, optional, or_zero, time_of, word

__all__ = [
    "account_event",
    "candle_event",
    "integer",
    "market_of",
    "order_event",
    "period_of",
    "ticker_event",
    "trade_event",
]


def _level(level: WireLevel | None, field: str) -> PriceLevel | None:
    """The touch in a ticker; None where the side is empty."""
    if level is None or not level.price:
        return None
    count = integer(level.order_count, f"{field}.orderCount")
    amount = or_zero(level.amount, f"{field}.amount")
    return PriceLevel(decimal(level.price, f"{field}.price"), amount, count)


def period_of(value: Word) -> CandlePeriod:
    """The period; missing is MIN1 (spot protocol, section 6.4)."""
    period: CandlePeriod = word(CandlePeriod, value, CandlePeriod.MIN1)
    return period


def trade_event(wire: WireTrade, connection: str, at: float, *, snapshot: bool) -> Trade:
    """Spot protocol, section 6.3."""
    number = integer(wire.id, "id")
    if number <= 0:
        # Trades are told apart by their ids: the second one without would be dropped as a duplicate of the first.
        raise CodecError("a trade without an id")
    return Trade(
        str(number),
        wire.market or "",
        decimal(wire.price, "price"),
        decimal(wire.amount, "amount"),
        word(Side, wire.taker_side, Side.BUY),
        time_of(wire.created_at, "createdAt"),
        snapshot,
        connection=connection,
        received_at=at,
    )


def ticker_event(wire: WireTicker, connection: str, at: float, *, snapshot: bool) -> Ticker:
    """Spot protocol, section 6.2."""
    return Ticker(
        wire.market or "",
        open=optional(wire.open, "open"),
        high=optional(wire.high, "high"),
        low=optional(wire.low, "low"),
        close=optional(wire.close, "close"),
        volume=optional(wire.volume, "volume"),
        bid=_level(wire.bid, "bid"),
        ask=_level(wire.ask, "ask"),
        daily_change=optional(wire.daily_change, "dailyChange"),
        daily_change_percent=optional(wire.daily_change_perc, "dailyChangePerc"),
        is_snapshot=snapshot,
        connection=connection,
        received_at=at,
    )


def candle_event(wire: WireCandle, connection: str, at: float, *, snapshot: bool) -> Candle:
    """Spot protocol, section 6.4."""
    return Candle(
        wire.market or "",
        period_of(wire.period),
        time_of(wire.time, "time"),
        open=optional(wire.open, "open"),
        high=optional(wire.high, "high"),
        low=optional(wire.low, "low"),
        close=optional(wire.close, "close"),
        volume=optional(wire.volume, "volume"),
        is_snapshot=snapshot,
        connection=connection,
        received_at=at,
    )


def account_event(wire: WireAccount, connection: str, at: float, *, snapshot: bool) -> Account:
    """Spot protocol, section 7.1."""
    return Account(
        wire.asset or "",
        or_zero(wire.balance, "balance"),
        or_zero(wire.locked_balance, "lockedBalance"),
        snapshot,
        connection=connection,
        received_at=at,
    )


def order_event(wire: WireOrder, connection: str, at: float, *, snapshot: bool) -> Order:
    """Spot protocol, section 7.2."""
    if wire.id is None or wire.id == "":
        raise CodecError("an order without an id")
    kind: OrderType = word(OrderType, wire.type, OrderType.LIMIT)
    price = number_or_word(wire.price, "price")
    return Order(
        str(wire.id),
        wire.market or "",
        word(Side, wire.side, Side.BUY),
        kind,
        word(OrderState, wire.state, OrderState.PENDING),
        None if kind in (OrderType.MARKET, OrderType.STOP_MARKET) else price,
        optional(wire.amount, "amount"),
        filled_amount=optional(wire.filled_amount, "filledAmount"),
        filled_fees=optional(wire.filled_fees, "filledFees"),
        avg_deal_price=optional(wire.avg_deal_price, "avgDealPrice"),
        stop_price=number_or_word(wire.stop_price, "stopPrice"),
        operator=word(OrderOperator, wire.operator, OrderOperator.LTE),
        ioc=bool(wire.ioc),
        business_unit=word(BusinessUnit, wire.business_unit, BusinessUnit.SPOT),
        client_order_id=wire.client_order_id or "",
        created_at=time_of(wire.created_at, "createdAt"),
        updated_at=time_of(wire.updated_at, "updatedAt"),
        is_snapshot=snapshot,
        connection=connection,
        received_at=at,
    )


def market_of(wire: WireMarket) -> Market:
    """A row of the list of markets (spot schema, section 3).

    Raises:
        CodecError: it has no name, or a field of it cannot be read.
    """
    if not wire.name:
        raise CodecError("a market without a name")
    return Market(
        wire.name,
        wire.base_asset or "",
        wire.quote_asset or "",
        integer(wire.base_scale, "baseScale"),
        integer(wire.quote_scale, "quoteScale"),
        optional(wire.min_quote_value, "minQuoteValue"),
    )
