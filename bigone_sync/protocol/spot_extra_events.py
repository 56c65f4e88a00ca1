"""Neutral messages of what the documents leave out to events (spot schema, section 6).

From the official schema; not described in the documents.
"""

from __future__ import annotations

from ..enums import FlashOrderStatus, MarginState
from ..events import CostPrice, ExchangeRate, FlashOrder, MarginAccount, MarginBalance
from .base import CodecError
from .messages import (
    WireCostPrice,
    WireExchangeRate,
    WireExchangeRates,
    WireFlashOrder,
    WireMarginAccount,
    WireMarginBalance,
)
from .spot_values import decimal, integer, optional, or_zero, time_of, word

__all__ = ["cost_event", "flash_event", "margin_event", "rate_event"]


def _margin_balance(wire: WireMarginBalance | None, side: str) -> MarginBalance | None:
    if wire is None:
        return None
    return MarginBalance(
        wire.asset or "",
        or_zero(wire.balance, f"{side}.balance"),
        or_zero(wire.locked_balance, f"{side}.lockedBalance"),
        or_zero(wire.loan_balance, f"{side}.loanBalance"),
        word(MarginState, wire.state, MarginState.NORMAL),
    )


def margin_event(wire: WireMarginAccount, connection: str, at: float, *, snapshot: bool) -> MarginAccount:
    """Spot schema, section 6."""
    if not wire.name:
        raise CodecError("a margin account without a market")
    return MarginAccount(
        wire.name,
        risk_rate=optional(wire.risk_rate, "riskRate"),
        liquidation_price=optional(wire.liquidation_price, "liquidationPrice"),
        base=_margin_balance(wire.base, "base"),
        quote=_margin_balance(wire.quota, "quota"),
        is_snapshot=snapshot,
        connection=connection,
        received_at=at,
    )


def rate_event(
    rates: WireExchangeRates, wire: WireExchangeRate, connection: str, at: float, *, snapshot: bool
) -> ExchangeRate:
    """One of a list; quote and time may stand in the list only (spot schema, section 6)."""
    base, quote = wire.base_asset, wire.quote_asset or rates.quote_asset
    if not base or not quote:
        raise CodecError("an exchange rate without its assets")
    return ExchangeRate(
        base,
        quote,
        decimal(wire.price, "price"),
        time_of(wire.updated_at or rates.updated_at, "updatedAt"),
        snapshot,
        connection=connection,
        received_at=at,
    )


def flash_event(wire: WireFlashOrder, connection: str, at: float, *, snapshot: bool) -> FlashOrder:
    """Spot schema, section 6."""
    number = integer(wire.id, "id")
    if number <= 0:
        raise CodecError("a flash exchange order without an id")
    return FlashOrder(
        str(number),
        wire.exchange_asset_symbol or "",
        wire.pay_asset_symbol or "",
        exchange_amount=optional(wire.exchange_amount, "exchangeAmount"),
        estimated_pay_amount=optional(wire.estimated_pay_amount, "estimatedPayAmount"),
        pay_amount=optional(wire.pay_amount, "payAmount"),
        price=optional(wire.price, "price"),
        status=word(FlashOrderStatus, wire.status, FlashOrderStatus.UNSPECIFIED),
        customer_id=integer(wire.customer_id, "customerId"),
        dealer_id=integer(wire.dealer_cid, "dealerCid"),
        created_at=time_of(wire.created_at, "createdAt"),
        updated_at=time_of(wire.updated_at, "updatedAt"),
        is_snapshot=snapshot,
        connection=connection,
        received_at=at,
    )


def cost_event(wire: WireCostPrice, connection: str, at: float, *, snapshot: bool) -> CostPrice:
    """Spot schema, section 6."""
    if not wire.asset_uuid:
        raise CodecError("a cost price without its asset")
    return CostPrice(
        wire.asset_uuid,
        optional(wire.average_cost_price, "averageCostPrice"),
        optional(wire.average_inflow, "averageInflow"),
        snapshot,
        connection=connection,
        received_at=at,
    )
