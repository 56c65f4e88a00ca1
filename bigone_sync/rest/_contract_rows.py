"""Rows of contract answers to events, by the functions of the streams (REST protocol, sections 4 and 5). Pure."""

from __future__ import annotations

from msgspec import Raw

from ..events import DepthSnapshot
from ..markets import Contract
from ..protocol.base import CodecError
from ..protocol.contract_levels import decode_depth
from ..protocol.contract_values import Members, count, flag, members_of, name, named, number, numbers, rows_of
from ..protocol.contract_wire import cash_of, position_of
from .values import ContractAccount, RiskLimit

__all__ = ["CONNECTION", "account_row", "contract_row", "count_of", "depth_of", "risk_limit_of"]

CONNECTION = "contract/rest"
"""Of all events that are made here."""

_NUMBERS = {
    "multiplier": "multiplier",
    "price_step": "priceStep",
    "initial_margin": "initialMargin",
    "maintenance_margin": "maintenanceMargin",
    "price_min": "priceMin",
    "price_max": "priceMax",
    "risk_limit": "riskLimit",
    "min_risk_limit": "minRiskLimit",
    "max_risk_limit": "maxRiskLimit",
    "risk_step": "riskStep",
}


def contract_row(members: Members) -> Contract:
    """A row of ``/symbols`` (REST protocol, section 4)."""
    return Contract(
        named(members, "symbol"),
        base_currency=name(members, "baseCurrency"),
        quote_currency=name(members, "quoteCurrency"),
        settle_currency=name(members, "settleCurrency"),
        is_inverse=flag(members, "isInverse"),
        is_enabled=flag(members, "enable"),
        type=name(members, "type"),
        price_precision=count(members, "pricePrecision"),
        value_precision=count(members, "valuePrecision"),
        fee_precision=count(members, "feePrecision"),
        base_name=name(members, "baseName"),
        **numbers(members, _NUMBERS),
    )


def depth_of(data: Raw, at: float, market: str) -> DepthSnapshot:
    """A whole book, the same as a socket begins with (REST protocol, section 4)."""
    frame = decode_depth(bytes(data))
    if frame is None or not frame.is_snapshot:
        raise CodecError("it is no whole book: from is not 0")
    if frame.symbol is not None and frame.symbol != market:
        raise CodecError(f"it is of {frame.symbol[:40]!r}, not of {market!r}")
    return DepthSnapshot(
        market,
        tuple(level.level() for level in frame.bids),
        tuple(level.level() for level in frame.asks),
        frame.to_id,
        frame.last_price,
        connection=CONNECTION,
        received_at=at,
    )


def account_row(members: Members, at: float) -> ContractAccount:
    """Funds and positions in one currency (REST protocol, section 5)."""
    if "cash" not in members:
        raise CodecError("cash is missing")
    positions = members.get("positions")
    rows = [] if positions is None or bytes(positions) == b"null" else rows_of(positions)
    return ContractAccount(
        cash_of(members_of(members["cash"]), CONNECTION, at),
        tuple(position_of(members_of(row), CONNECTION, at) for row in rows),
    )


def count_of(members: Members) -> int:
    """``{"count":1}`` (REST protocol, section 5)."""
    found = count(members, "count")
    if found is None or found < 0:
        raise CodecError(f"count is missing, or none: {found}")
    return found


def risk_limit_of(members: Members) -> RiskLimit:
    """``{"notional":200,"IMR":0.015}`` (REST protocol, section 5)."""
    notional = number(members, "notional")
    if notional is None:
        raise CodecError("notional is missing")
    return RiskLimit(notional, number(members, "IMR"))
