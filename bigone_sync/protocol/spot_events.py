"""Neutral messages to events: defaults, decimals, times and words (spot protocol, section 5)."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import Any

from ..enums import BusinessUnit, CandlePeriod, OrderOperator, OrderState, OrderType, Side, WordEnum
from ..events import Account, Candle, Order, PriceLevel, Ticker, Trade
from ..times import parse_time
from .base import CodecError
from .messages import Integer, WireAccount, WireCandle, WireLevel, WireOrder, WireTicker, WireTrade, Word

__all__ = ["account_event", "candle_event", "integer", "order_event", "period_of", "ticker_event", "trade_event"]

_DECIMAL = re.compile(r"[+-]?\d{1,400}(?:\.\d{0,400})?\Z", re.ASCII)
_SCIENTIFIC = re.compile(r"[+-]?\d{1,400}(?:\.\d{0,400})?[eE][+-]?\d{1,3}\Z", re.ASCII)
_LARGEST_EXPONENT = 300
# "NaN" and "Infinity" are words, too, but they pretend to be numbers.
_WORD = re.compile(r"(?!(?i:nan|inf|infinity)\Z)[A-Za-z_]+\Z", re.ASCII)
_INTEGER = re.compile(r"-?\d{1,40}\Z", re.ASCII)
_SMALLEST_INTEGER, _LARGEST_INTEGER = -(2**63), 2**64 - 1

_words: dict[tuple[type[WordEnum], object], Any] = {}


def _word(kind: type[WordEnum], value: Word, default: WordEnum) -> Any:
    """The member for a name or number; a missing one is the schema's first value."""
    if value is None or value == "":
        return default
    known = _words.get((kind, value))
    if known is None:
        known = kind.parse(value)
        if known.is_known:  # words of the peer's invention are not collected
            _words[kind, value] = known
    return known


def decimal(text: str | None, field: str) -> Decimal:
    """An exact number.

    Raises:
        CodecError: it is missing, a word, not finite, or of an exponent that no price or amount has.
    """
    if text:
        if _DECIMAL.match(text):
            return Decimal(text)
        if _SCIENTIFIC.match(text):
            number = Decimal(text)
            if abs(number.adjusted()) <= _LARGEST_EXPONENT or not number:
                return number
    raise CodecError(f"{field} is not a number: {(text or '')[:40]!r}")


def _optional(text: str | None, field: str) -> Decimal | None:
    return decimal(text, field) if text else None


def _number_or_word(text: str | None, field: str) -> Decimal | None:
    """``price`` may be the word MARKET (spot protocol, section 5)."""
    return None if not text or _WORD.match(text) else decimal(text, field)


def integer(value: Integer, field: str) -> int:
    """A 64-bit integer; missing is 0.

    Raises:
        CodecError: it is something else.
    """
    if not value:
        return 0
    if isinstance(value, str):
        if not _INTEGER.match(value):
            raise CodecError(f"{field} is not an integer: {value[:40]!r}")
        value = int(value)
    if not _SMALLEST_INTEGER <= value <= _LARGEST_INTEGER:
        raise CodecError(f"{field} does not fit into 64 bits")
    return value


def _time(value: Any, field: str) -> datetime | None:
    if value is None or isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        raise CodecError(f"{field} is not a time but of type {type(value).__name__}")
    try:
        return parse_time(value)
    except ValueError as error:
        raise CodecError(f"{field}: {error}") from error


def _level(level: WireLevel | None, field: str) -> PriceLevel | None:
    """The touch in a ticker; None where the side is empty."""
    if level is None or not level.price:
        return None
    count = None if level.order_count is None else integer(level.order_count, f"{field}.orderCount")
    amount = decimal(level.amount, f"{field}.amount") if level.amount else Decimal(0)
    return PriceLevel(decimal(level.price, f"{field}.price"), amount, count)


def period_of(value: Word) -> CandlePeriod:
    """The period; missing is MIN1 (spot protocol, section 6.4)."""
    period: CandlePeriod = _word(CandlePeriod, value, CandlePeriod.MIN1)
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
        _word(Side, wire.taker_side, Side.BUY),
        _time(wire.created_at, "createdAt"),
        snapshot,
        connection=connection,
        received_at=at,
    )


def ticker_event(wire: WireTicker, connection: str, at: float, *, snapshot: bool) -> Ticker:
    """Spot protocol, section 6.2."""
    return Ticker(
        wire.market or "",
        open=_optional(wire.open, "open"),
        high=_optional(wire.high, "high"),
        low=_optional(wire.low, "low"),
        close=_optional(wire.close, "close"),
        volume=_optional(wire.volume, "volume"),
        bid=_level(wire.bid, "bid"),
        ask=_level(wire.ask, "ask"),
        daily_change=_optional(wire.daily_change, "dailyChange"),
        daily_change_percent=_optional(wire.daily_change_perc, "dailyChangePerc"),
        is_snapshot=snapshot,
        connection=connection,
        received_at=at,
    )


def candle_event(wire: WireCandle, connection: str, at: float, *, snapshot: bool) -> Candle:
    """Spot protocol, section 6.4."""
    return Candle(
        wire.market or "",
        period_of(wire.period),
        _time(wire.time, "time"),
        open=_optional(wire.open, "open"),
        high=_optional(wire.high, "high"),
        low=_optional(wire.low, "low"),
        close=_optional(wire.close, "close"),
        volume=_optional(wire.volume, "volume"),
        is_snapshot=snapshot,
        connection=connection,
        received_at=at,
    )


def account_event(wire: WireAccount, connection: str, at: float, *, snapshot: bool) -> Account:
    """Spot protocol, section 7.1."""
    return Account(
        wire.asset or "",
        decimal(wire.balance, "balance") if wire.balance else Decimal(0),
        decimal(wire.locked_balance, "lockedBalance") if wire.locked_balance else Decimal(0),
        snapshot,
        connection=connection,
        received_at=at,
    )


def order_event(wire: WireOrder, connection: str, at: float, *, snapshot: bool) -> Order:
    """Spot protocol, section 7.2."""
    if wire.id is None or wire.id == "":
        raise CodecError("an order without an id")
    kind: OrderType = _word(OrderType, wire.type, OrderType.LIMIT)
    price = _number_or_word(wire.price, "price")
    return Order(
        str(wire.id),
        wire.market or "",
        _word(Side, wire.side, Side.BUY),
        kind,
        _word(OrderState, wire.state, OrderState.PENDING),
        None if kind in (OrderType.MARKET, OrderType.STOP_MARKET) else price,
        _optional(wire.amount, "amount"),
        filled_amount=_optional(wire.filled_amount, "filledAmount"),
        filled_fees=_optional(wire.filled_fees, "filledFees"),
        avg_deal_price=_optional(wire.avg_deal_price, "avgDealPrice"),
        stop_price=_number_or_word(wire.stop_price, "stopPrice"),
        operator=_word(OrderOperator, wire.operator, OrderOperator.LTE),
        ioc=bool(wire.ioc),
        business_unit=_word(BusinessUnit, wire.business_unit, BusinessUnit.SPOT),
        client_order_id=wire.client_order_id or "",
        created_at=_time(wire.created_at, "createdAt"),
        updated_at=_time(wire.updated_at, "updatedAt"),
        is_snapshot=snapshot,
        connection=connection,
        received_at=at,
    )
