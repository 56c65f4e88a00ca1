"""The spot schema's messages as neutral structs: what every codec decodes into (spot protocol, sections 5 to 8).

Absent and null mean the same; 64-bit integers come as numbers or text; enumerations as names or numbers; decimals as
text that may be empty or a word.  Members not named here are skipped.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ..events import LevelText

__all__ = [
    "Integer",
    "Message",
    "WireAccount",
    "WireCandle",
    "WireCostPrice",
    "WireDepth",
    "WireDepthMessage",
    "WireError",
    "WireExchangeRate",
    "WireExchangeRates",
    "WireFlashOrder",
    "WireLevel",
    "WireMarginAccount",
    "WireMarginBalance",
    "WireMarket",
    "WireOrder",
    "WireSuccess",
    "WireTicker",
    "WireTrade",
    "Word",
]

Integer = int | str | None
"""A 64-bit integer of the wire."""
Word = str | int | None
"""An enumeration's value of the wire."""
Text = str | None


class _Wire(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """Base of the messages."""


class WireLevel(_Wire, frozen=True, gc=False, rename="camel"):
    """A level outside of a book: any part may be missing."""

    price: Text = None
    amount: Text = None
    order_count: Integer = None


class WireDepth(_Wire, frozen=True, gc=False, rename="camel"):
    """``Depth``; the levels are checked by the codec."""

    market: Text = None
    asks: tuple[LevelText, ...] | None = None
    bids: tuple[LevelText, ...] | None = None


class WireDepthMessage(_Wire, frozen=True, gc=False, rename="camel"):
    """``DepthSnapshot`` and ``DepthUpdate``."""

    depth: WireDepth | None = None
    change_id: Integer = None
    prev_id: Integer = None


class WireTrade(_Wire, frozen=True, gc=False, rename="camel"):
    """``Trade``. Maker and taker order are not read: null, or hollow, on public streams."""

    id: Integer = None
    price: Text = None
    amount: Text = None
    market: Text = None
    created_at: Any = None
    taker_side: Word = None


class WireTicker(_Wire, frozen=True, gc=False, rename="camel"):
    """``Ticker``."""

    market: Text = None
    open: Text = None
    high: Text = None
    low: Text = None
    close: Text = None
    volume: Text = None
    bid: WireLevel | None = None
    ask: WireLevel | None = None
    daily_change: Text = None
    daily_change_perc: Text = None


class WireCandle(_Wire, frozen=True, gc=False, rename="camel"):
    """``Candle``."""

    market: Text = None
    time: Any = None
    open: Text = None
    high: Text = None
    low: Text = None
    close: Text = None
    volume: Text = None
    period: Word = None


class WireAccount(_Wire, frozen=True, gc=False, rename="camel"):
    """``Account``."""

    asset: Text = None
    balance: Text = None
    locked_balance: Text = None


class WireOrder(_Wire, frozen=True, gc=False, rename="camel"):
    """``Order``."""

    id: Integer = None
    price: Text = None
    stop_price: Text = None
    amount: Text = None
    market: Text = None
    side: Word = None
    state: Word = None
    filled_amount: Text = None
    filled_fees: Text = None
    avg_deal_price: Text = None
    created_at: Any = None
    updated_at: Any = None
    business_unit: Word = None
    type: Word = None
    operator: Word = None
    ioc: bool | None = None
    client_order_id: Text = None


class WireMarginBalance(_Wire, frozen=True, gc=False, rename="camel"):
    """``MarginAccount``: one asset of a margin market."""

    asset: Text = None
    balance: Text = None
    locked_balance: Text = None
    loan_balance: Text = None
    state: Word = None


class WireMarginAccount(_Wire, frozen=True, gc=False, rename="camel"):
    """``MarginMarketAccount``; ``quota`` is the quote side."""

    name: Text = None
    risk_rate: Text = None
    liquidation_price: Text = None
    base: WireMarginBalance | None = None
    quota: WireMarginBalance | None = None


class WireExchangeRate(_Wire, frozen=True, gc=False, rename="camel"):
    """``ExchangeRate``."""

    quote_asset: Text = None
    base_asset: Text = None
    price: Text = None
    updated_at: Any = None


class WireExchangeRates(_Wire, frozen=True, gc=False, rename="camel"):
    """``ExchangeRatesListSnapshot`` and ``ExchangeRatesListUpdate``."""

    quote_asset: Text = None
    base_assets: tuple[Any, ...] = ()
    """A WireExchangeRate for each rate that could be read, a CodecError for each that could not."""
    updated_at: Any = None


class WireFlashOrder(_Wire, frozen=True, gc=False, rename="camel"):
    """``FlashExchangeOrder``."""

    id: Integer = None
    exchange_asset_symbol: Text = None
    pay_asset_symbol: Text = None
    customer_id: Integer = None
    dealer_cid: Integer = None
    exchange_amount: Text = None
    estimated_pay_amount: Text = None
    pay_amount: Text = None
    status: Word = None
    created_at: Any = None
    updated_at: Any = None
    price: Text = None


class WireCostPrice(_Wire, frozen=True, gc=False, rename="camel"):
    """``SpotCostPrice``."""

    asset_uuid: Text = None
    average_cost_price: Text = None
    average_inflow: Text = None


class WireMarket(_Wire, frozen=True, gc=False, rename="camel"):
    """``Market``: a row of ``ListMarketsResponse``."""

    name: Text = None
    base_asset: Text = None
    quote_asset: Text = None
    base_scale: Integer = None
    quote_scale: Integer = None
    min_quote_value: Text = None


class WireSuccess(_Wire, frozen=True, gc=False, rename="camel"):
    """``Success``; a missing ``ok`` is false by the mapping's rule for defaults."""

    ok: bool | None = None


class WireError(_Wire, frozen=True, gc=False, rename="camel"):
    """``Error``."""

    code: Integer = None
    message: Text = None


class Message(msgspec.Struct, frozen=True, gc=False):
    """One decoded response."""

    request_id: str
    kind: str
    """Name of the payload's member, for instance ``depthSnapshot``."""
    body: Any
    """The payload; for a list, the items that could be read, and a CodecError for each that could not; None for a
    kind that this version does not know."""
