"""Frames of the contract channels: bytes to events (contract protocol, sections 3 to 8). Pure: no I/O, no state.

Each ``decode_*`` takes the payload of one frame and returns None for the answer to a ping, which any channel may
bring.  An item of an array that cannot be read stands there as its CodecError, so that it can be reported and does not
take the others along.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType

import msgspec

from ..enums import CandlePeriod, OrderState, OrderType, Side
from ..events import Candle, Cash, ContractOrder, Fill, Instrument, Position, Trade
from .base import CodecError
from .contract_levels import DepthFrame, decode_depth
from .contract_values import (
    Members,
    count,
    each_of,
    flag,
    identity,
    members_of,
    moment,
    name,
    named,
    numbers,
    pong_of,
    rows_of,
    text_of,
    word_of,
)
from .spot_values import decimal

__all__ = [
    "PERIODS",
    "DepthFrame",
    "PrivateFrame",
    "cash_of",
    "decode_candles",
    "decode_depth",
    "decode_instruments",
    "decode_private",
    "decode_trades",
    "fill_of",
    "instrument_of",
    "order_of",
    "pong_of",
    "position_of",
]

PERIODS: Mapping[CandlePeriod, str] = MappingProxyType(
    {
        CandlePeriod.MIN1: "1MIN",
        CandlePeriod.MIN5: "5MIN",
        CandlePeriod.MIN15: "15MIN",
        CandlePeriod.MIN30: "30MIN",
        CandlePeriod.HOUR1: "1H",
        CandlePeriod.HOUR4: "4H",
        CandlePeriod.HOUR6: "6H",
        CandlePeriod.HOUR12: "12H",
        CandlePeriod.DAY1: "1D",
    }
)
"""Periods of candles that contracts have, as the URL spells them (contract protocol, section 1)."""

# The numbers of each event, by its own names for them, and the wire's names.
_CANDLE = {field: field for field in ("open", "high", "low", "close", "volume", "turnover")}
_INSTRUMENT = {
    "mark_price": "markPrice",
    "index_price": "indexPrice",
    "latest_price": "latestPrice",
    "funding_rate": "fundingRate",
    "next_funding_rate": "nextFundingRate",
    "open_interest": "openInterest",
    "open_value": "openValue",
    "volume_24h": "volume24h",
    "volume_24h_usd": "volume24hInUsd",
    "turnover_24h": "turnover24h",
    "high_24h": "last24hMaxPrice",
    "low_24h": "last24hMinPrice",
    "price_change_24h": "last24hPriceChange",
    "btc_price": "btcPrice",
    "eth_price": "ethPrice",
    "usdt_price": "usdtPrice",
}
_CASH = {
    "balances": "balances",
    "available": "available",
    "margin": "margin",
    "position_margin": "positionMargin",
    "order_margin": "orderMargin",
    "position_value": "positionValue",
    "unrealized_pnl": "unrealizedPnl",
    "margin_balances": "marginBalances",
    "margin_rate": "marginRate",
    "leverage": "leverage",
}
_POSITION = {
    "size": "size",
    "notional": "notional",
    "entry_price": "entryPrice",
    "mark_price": "markPrice",
    "liquidate_price": "liquidatePrice",
    "margin": "margin",
    "init_margin": "initMargin",
    "order_margin": "orderMargin",
    "margin_rate": "marginRate",
    "fee_rate_taker": "feeRateTaker",
    "fee_rate_maker": "feeRateMaker",
    "realised_pnl": "realisedPnl",
    "total_pnl": "totalPnl",
    "unrealized_pnl": "unrealizedPnl",
    "leverage": "leverage",
    "risk_limit": "riskLimit",
    "equity": "equity",
    "value": "value",
    "risk": "risk",
    "rom": "rom",
    "buying_notional": "buyingNotional",
    "selling_notional": "sellingNotional",
    "buying_size": "buyingSize",
    "selling_size": "sellingSize",
}
_ORDER = {
    "price": "price",
    "avg_price": "avgPrice",
    "size": "size",
    "notional": "notional",
    "filled": "filled",
    "filled_notional": "filledNotional",
}
_FILL = {
    "price": "price",
    "size": "size",
    "notional": "notional",
    "fee": "fee",
    "fee_rate": "feeRate",
    "pnl": "pnl",
}


class PrivateFrame(msgspec.Struct, frozen=True, kw_only=True):
    """A frame of the private stream: what it holds of each kind, and which kinds it names."""

    keys: frozenset[str]
    """Those of ``cash``, ``positions``, ``orders`` and ``trades`` that it has; null counts as absent."""
    cash: list[Cash | CodecError]
    positions: list[Position | CodecError]
    orders: list[ContractOrder | CodecError]
    fills: list[Fill | CodecError]
    """``trades`` on the wire."""


_KEYS = ("cash", "positions", "orders", "trades")


def _identified(members: Members) -> str:
    found = identity(members, "id")
    if found is None:
        raise CodecError("id is missing")
    return found


def _trade(members: Members, connection: str, at: float, snapshot: bool) -> Trade:
    return Trade(
        _identified(members),
        named(members, "symbol"),
        decimal(text_of(members.get("price"), "price"), "price"),
        decimal(text_of(members.get("size"), "size"), "size"),
        word_of(members, "side", Side),
        moment(members, "matchedAt"),
        snapshot,
        connection=connection,
        received_at=at,
    )


def decode_trades(
    data: bytes, connection: str, at: float, *, snapshot: bool = False
) -> list[Trade | CodecError] | None:
    """A frame of the trades channel (contract protocol, section 4), in the order of the frame.

    Args:
        data: the frame's payload.
        connection: name of the channel, for the events.
        at: Unix seconds when it was received.
        snapshot: whether it is the socket's first; nothing but its position tells.

    Raises:
        CodecError: it is no JSON, or no array.
    """
    if pong_of(data):
        return None
    return each_of(rows_of(data), partial(_trade, connection=connection, at=at, snapshot=snapshot))


def _candle(members: Members, connection: str, at: float, snapshot: bool) -> Candle:
    time = moment(members, "time")
    if time is None:
        raise CodecError("time is missing")
    return Candle(
        named(members, "symbol"),
        word_of(members, "type", CandlePeriod),
        time,
        is_snapshot=snapshot,
        close_time=moment(members, "nextTs"),
        trade_count=count(members, "nTrades"),
        version=count(members, "version"),
        **numbers(members, _CANDLE),
        connection=connection,
        received_at=at,
    )


def decode_candles(
    data: bytes, connection: str, at: float, *, snapshot: bool = False
) -> list[Candle | CodecError] | None:
    """A frame of the candles channel (contract protocol, section 5). Otherwise like :func:`decode_trades`."""
    if pong_of(data):
        return None
    return each_of(rows_of(data), partial(_candle, connection=connection, at=at, snapshot=snapshot))


def instrument_of(members: Members, connection: str, at: float) -> Instrument:
    """One row of instruments (contract protocol, section 6)."""
    return Instrument(
        named(members, "symbol"),
        next_funding_time=moment(members, "nextFundingTime"),
        **numbers(members, _INSTRUMENT),
        connection=connection,
        received_at=at,
    )


def decode_instruments(data: bytes, connection: str, at: float) -> list[Instrument | CodecError] | None:
    """A frame of an instruments channel (contract protocol, section 6): all rows, or those that changed.

    Raises:
        CodecError: it is no JSON, or no array.
    """
    if pong_of(data):
        return None
    return each_of(rows_of(data), partial(instrument_of, connection=connection, at=at))


def cash_of(members: Members, connection: str, at: float) -> Cash:
    """Funds in one currency (contract protocol, section 7)."""
    return Cash(
        id=identity(members, "id"),
        currency=named(members, "currency"),
        **numbers(members, _CASH),
        connection=connection,
        received_at=at,
    )


def position_of(members: Members, connection: str, at: float) -> Position:
    """A position (contract protocol, section 7)."""
    return Position(
        id=identity(members, "id"),
        market=named(members, "symbol"),
        currency=name(members, "currency"),
        is_cross=flag(members, "isCross"),
        seq_no=count(members, "seqNo"),
        **numbers(members, _POSITION),
        connection=connection,
        received_at=at,
    )


def order_of(members: Members, connection: str, at: float) -> ContractOrder:
    """An order (contract protocol, section 7)."""
    return ContractOrder(
        id=_identified(members),
        market=named(members, "symbol"),
        currency=name(members, "currency"),
        type=word_of(members, "type", OrderType),
        side=word_of(members, "side", Side),
        status=word_of(members, "status", OrderState),
        time=moment(members, "ts"),
        **numbers(members, _ORDER),
        connection=connection,
        received_at=at,
    )


def fill_of(members: Members, connection: str, at: float) -> Fill:
    """An own trade (contract protocol, section 7)."""
    return Fill(
        id=_identified(members),
        order_id=identity(members, "orderId"),
        market=named(members, "symbol"),
        side=word_of(members, "side", Side),
        role=name(members, "role"),
        time=moment(members, "ts"),
        **numbers(members, _FILL),
        connection=connection,
        received_at=at,
    )


def _has(members: Members, field: str) -> bool:
    return field in members and bytes(members[field]) != b"null"


def _several(members: Members, field: str) -> list[msgspec.Raw]:
    """What an array holds, or the one object in its place; nothing where it is missing or null."""
    if not _has(members, field):
        return []
    raw = members[field]
    if bytes(raw)[:1] == b"{":
        return [raw]
    try:
        return rows_of(raw)
    except CodecError as error:
        raise CodecError(f"{field}: {error}") from error


def decode_private(data: bytes, connection: str, at: float) -> PrivateFrame | None:
    """A frame of the private stream (contract protocol, section 7).

    Args:
        data: the frame's payload.
        connection: name of the channel, for the events.
        at: Unix seconds when it was received.

    Raises:
        CodecError: it is no JSON, no object, or a kind of it is no array (``cash`` may be one object).
    """
    if pong_of(data):
        return None
    members = members_of(data)
    cash, positions, orders, fills = (_several(members, key) for key in _KEYS)
    return PrivateFrame(
        keys=frozenset(key for key in _KEYS if _has(members, key)),
        cash=each_of(cash, partial(cash_of, connection=connection, at=at)),
        positions=each_of(positions, partial(position_of, connection=connection, at=at)),
        orders=each_of(orders, partial(order_of, connection=connection, at=at)),
        fills=each_of(fills, partial(fill_of, connection=connection, at=at)),
    )
