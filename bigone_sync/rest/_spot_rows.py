"""Rows of spot answers to events, by way of the streams' messages (REST protocol, sections 2 and 3). Pure.

Names differ from the socket's: snake_case, ``quantity`` for a level's amount, ``asset_pair_name`` for the market, and
``inserted_at``.  Unlike there, what is missing has no default: a row without a side is of Side.UNKNOWN, not of BUY.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal

import msgspec
from msgspec import Raw

from ..enums import CandlePeriod, Side
from ..events import Account, Candle, DepthSnapshot, Fill, LevelText, Order, PriceLevel, Ticker, Trade
from ..markets import Market
from ..protocol.base import CodecError
from ..protocol.contract_values import (
    Members,
    count,
    flag,
    identity,
    members_of,
    name,
    named,
    number,
    rows_of,
    text_of,
)
from ..protocol.messages import WireAccount, WireCandle, WireLevel, WireMarket, WireOrder, WireTicker, WireTrade
from ..protocol.spot_events import account_event, candle_event, market_of, order_event, ticker_event, trade_event
from ..protocol.spot_levels import checked
from ..protocol.spot_values import time_of, word
from ..times import NanoDatetime
from .values import CancelResult, TradingFee

__all__ = [
    "CONNECTION",
    "account_row",
    "cancel_result",
    "candle_row",
    "depth_row",
    "fee_row",
    "fill_row",
    "market_row",
    "order_row",
    "server_time_of",
    "ticker_row",
    "trade_row",
]

CONNECTION = "spot/rest"
"""Of all events that are made here."""

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_LARGEST_SCALE = 100
_UNKNOWN = "UNKNOWN"


def _text(members: Members, field: str) -> str | None:
    return text_of(members.get(field), field)


def _word(members: Members, field: str) -> str:
    """A word; UNKNOWN where it is missing. A number is none: those of the socket's schema mean nothing here."""
    text = name(members, field)
    if text is not None and text.strip().isdigit():
        raise CodecError(f"{field} is not a word: {text[:40]!r}")
    return text or _UNKNOWN


def _required(members: Members, field: str) -> Decimal:
    found = number(members, field)
    if found is None:
        raise CodecError(f"{field} is missing")
    return found


def _same(members: Members, market: str) -> None:
    """Nothing, if the row is of the market that was asked for."""
    found = named(members, "asset_pair_name")
    if found != market:
        raise CodecError(f"it is of {found[:40]!r}, not of {market!r}")


def server_time_of(members: Members) -> datetime:
    """``/ping``: nanoseconds since 1970, kept to the last (REST protocol, section 2)."""
    field = "timestamp" if "timestamp" in members else "Timestamp"
    nanoseconds = count(members, field)
    if nanoseconds is None or nanoseconds <= 0:
        raise CodecError(f"{field} is missing, or no time")
    micros, rest = divmod(nanoseconds, 1000)
    moment = _EPOCH + timedelta(microseconds=micros)
    return NanoDatetime.build(moment, rest) if rest else moment


def _asset(members: Members, field: str) -> str:
    """Symbol of an asset, which comes as ``{id,symbol,name}``."""
    raw = members.get(field)
    if raw is not None and bytes(raw)[:1] == b'"':
        return named(members, field)
    try:
        return named(members_of(raw or Raw(b"null")), "symbol")
    except CodecError as error:
        raise CodecError(f"{field}: {error}") from error


def _scale(members: Members, field: str) -> int:
    """Digits behind the point; never guessed, for orders are checked by them."""
    found = count(members, field)
    if found is None or not 0 <= found <= _LARGEST_SCALE:
        raise CodecError(f"{field} is missing, or no number of digits: {found}")
    return found


def market_row(members: Members) -> Market:
    """A row of ``/asset_pairs`` (REST protocol, section 2)."""
    wire = WireMarket(
        name(members, "name"),
        _asset(members, "base_asset"),
        _asset(members, "quote_asset"),
        _scale(members, "base_scale"),
        _scale(members, "quote_scale"),
        _text(members, "min_quote_value"),
    )
    return msgspec.structs.replace(
        market_of(wire), max_quote_value=number(members, "max_quote_value"), id=identity(members, "id")
    )


def _touch(members: Members, field: str) -> WireLevel | None:
    raw = members.get(field)
    if raw is None or bytes(raw) == b"null":
        return None
    try:
        level = members_of(raw)
        return WireLevel(_text(level, "price"), _text(level, "quantity"), _text(level, "order_count"))
    except CodecError as error:
        raise CodecError(f"{field}: {error}") from error


def ticker_row(members: Members, at: float, market: str | None = None) -> Ticker:
    """A ticker (REST protocol, section 2); of this market, where there is one."""
    if market is not None:
        _same(members, market)
    wire = WireTicker(
        named(members, "asset_pair_name"),
        open=_text(members, "open"),
        high=_text(members, "high"),
        low=_text(members, "low"),
        close=_text(members, "close"),
        volume=_text(members, "volume"),
        bid=_touch(members, "bid"),
        ask=_touch(members, "ask"),
        daily_change=_text(members, "daily_change"),
    )
    return ticker_event(wire, CONNECTION, at, snapshot=True)


def _level(row: Raw) -> LevelText:
    members = members_of(row)
    orders = count(members, "order_count")
    return LevelText(_text(members, "price") or "", _text(members, "quantity") or "", orders)


def _side(members: Members, field: str) -> tuple[PriceLevel, ...]:
    if field not in members:
        raise CodecError(f"{field} is missing")
    if bytes(members[field]) == b"null":
        return ()
    try:
        return tuple(level.level() for level in checked(_level(row) for row in rows_of(members[field])))
    except CodecError as error:
        raise CodecError(f"{field}: {error}") from error


def depth_row(members: Members, at: float, market: str) -> DepthSnapshot:
    """A book (REST protocol, section 2). It has no id of a change, so no stream can continue it."""
    _same(members, market)
    return DepthSnapshot(market, _side(members, "bids"), _side(members, "asks"), connection=CONNECTION, received_at=at)


def _created(members: Members) -> str | None:
    """``inserted_at`` and ``created_at`` say the same."""
    return _text(members, "inserted_at") or _text(members, "created_at")


def trade_row(members: Members, at: float, market: str) -> Trade:
    """A public trade (REST protocol, section 2)."""
    wire = WireTrade(
        identity(members, "id"),
        _text(members, "price"),
        _text(members, "amount"),
        market,
        _created(members),
        _word(members, "taker_side"),
    )
    return trade_event(wire, CONNECTION, at, snapshot=True)


def candle_row(members: Members, at: float, market: str, period: CandlePeriod) -> Candle:
    """A candle (REST protocol, section 2)."""
    time = _text(members, "time")
    if time is None:
        raise CodecError("time is missing")
    wire = WireCandle(
        market,
        time,
        open=_text(members, "open"),
        high=_text(members, "high"),
        low=_text(members, "low"),
        close=_text(members, "close"),
        volume=_text(members, "volume"),
        period=period.name,
    )
    return candle_event(wire, CONNECTION, at, snapshot=True)


def account_row(members: Members, at: float) -> Account:
    """A balance (REST protocol, section 3). Both numbers must be there: what is available is made from them."""
    wire = WireAccount(named(members, "asset_symbol"), _text(members, "balance"), _text(members, "locked_balance"))
    for field in ("balance", "locked_balance"):
        _required(members, field)
    return account_event(wire, CONNECTION, at, snapshot=True)


def order_row(members: Members, at: float) -> Order:
    """An own order (REST protocol, section 3)."""
    wire = WireOrder(
        identity(members, "id"),
        price=_text(members, "price"),
        stop_price=_text(members, "stop_price"),
        amount=_text(members, "amount"),
        market=named(members, "asset_pair_name"),
        side=_word(members, "side"),
        state=_word(members, "state"),
        filled_amount=_text(members, "filled_amount"),
        avg_deal_price=_text(members, "avg_deal_price"),
        created_at=_text(members, "created_at"),
        updated_at=_text(members, "updated_at"),
        type=_word(members, "type"),
        # Orders without a trigger may leave it out; the default is what the socket prints on them.
        operator=name(members, "operator"),
        ioc=flag(members, "immediate_or_cancel"),
        client_order_id=name(members, "client_order_id"),
    )
    return order_event(wire, CONNECTION, at, snapshot=True)


def _role(members: Members, side: Side) -> str | None:
    """MAKER or TAKER; None for a trade with oneself, which is both, and where nothing tells."""
    orders = [role for role in ("MAKER", "TAKER") if identity(members, f"{role.lower()}_order_id") is not None]
    if len(orders) == 1:
        return orders[0]
    taker: Side = word(Side, _word(members, "taker_side"), Side.UNKNOWN)
    if side.is_known and taker.is_known:
        return "TAKER" if side == taker else "MAKER"
    return None


def fill_row(members: Members, at: float) -> Fill:
    """An own trade (REST protocol, section 3).

    The order that is not null is ours.  A trade with oneself (SELF_TRADING) has both: it has no role and no fee, for
    there are two of each, and its order is the taker.
    """
    found, market = identity(members, "id"), named(members, "asset_pair_name")
    if found is None:
        raise CodecError("id is missing")
    side: Side = word(Side, _word(members, "side"), Side.UNKNOWN)
    role = _role(members, side)
    maker, taker = identity(members, "maker_order_id"), identity(members, "taker_order_id")
    maker_fee, taker_fee = number(members, "maker_fee"), number(members, "taker_fee")
    return Fill(
        id=found,
        order_id={"MAKER": maker, "TAKER": taker}.get(role or "", taker or maker),
        market=market,
        side=side,
        price=_required(members, "price"),
        size=_required(members, "amount"),
        fee={"MAKER": maker_fee, "TAKER": taker_fee}.get(role or ""),
        role=role,
        time=time_of(_created(members), "inserted_at"),
        connection=CONNECTION,
        received_at=at,
    )


def fee_row(members: Members) -> TradingFee:
    """Fees in a market (REST protocol, section 3)."""
    return TradingFee(
        named(members, "asset_pair_name"), _required(members, "maker_fee_rate"), _required(members, "taker_fee_rate")
    )


def _ids(members: Members, field: str) -> tuple[str, ...]:
    raw = members.get(field)
    if raw is None or bytes(raw) == b"null":
        return ()
    found = [identity({field: row}, field) for row in rows_of(raw)]
    if None in found:
        raise CodecError(f"{field} has an id that is none")
    return tuple(filter(None, found))


def cancel_result(members: Members) -> CancelResult:
    """Which orders of a market were cancelled (REST protocol, section 3)."""
    if not members.keys() & {"cancelled", "failed"}:
        raise CodecError("cancelled and failed are missing")
    return CancelResult(_ids(members, "cancelled"), _ids(members, "failed"))
