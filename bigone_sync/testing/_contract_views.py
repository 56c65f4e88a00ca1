"""Immutable states of what the contract exchange knows, as tests compare them with what a client has received.

The fields are named as those of the client's events. Sizes are contracts, money is in the settlement currency, rates
are fractions; times are nanoseconds since the epoch, with a property that is an aware UTC datetime.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from bigone_sync.testing._book import LevelChange, utc


@dataclass(frozen=True, slots=True)
class ContractTrade:
    """One execution; ``taker_side`` is BUY or SELL, ``turnover`` its value."""

    id: str
    market: str
    price: Decimal
    amount: Decimal
    taker_side: str
    turnover: Decimal
    time_ns: int

    @property
    def time(self) -> datetime:
        """Aware UTC time of the execution."""
        return utc(self.time_ns)


@dataclass(frozen=True, slots=True)
class ContractCandle:
    """One period from ``time_ns`` to ``close_time_ns``; ``version`` is the change id of its last trade."""

    market: str
    period: str
    time_ns: int
    close_time_ns: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    trade_count: int
    volume: Decimal
    turnover: Decimal
    version: int


@dataclass(frozen=True, slots=True)
class InstrumentView:
    """One row of the instruments channel (contract protocol, section 6)."""

    market: str
    index_price: Decimal
    mark_price: Decimal
    latest_price: Decimal
    funding_rate: Decimal
    next_funding_rate: Decimal
    next_funding_ns: int
    open_interest: Decimal
    open_value: Decimal
    volume_24h: Decimal
    volume_24h_usd: Decimal
    turnover_24h: Decimal
    high_24h: Decimal
    low_24h: Decimal
    price_change_24h: Decimal
    btc_price: Decimal
    eth_price: Decimal
    usdt_price: Decimal

    @property
    def next_funding_time(self) -> datetime:
        """Aware UTC time of the next settlement."""
        return utc(self.next_funding_ns)


@dataclass(frozen=True, slots=True)
class ContractOrderView:
    """One state of one own order. ``price`` is None for market orders, ``avg_price`` 0 before the first fill."""

    id: str
    market: str
    currency: str
    type: str
    side: str
    status: str
    price: Decimal | None
    avg_price: Decimal
    size: Decimal
    notional: Decimal
    filled: Decimal
    filled_notional: Decimal
    time_ns: int
    reduce_only: bool = False

    @property
    def time(self) -> datetime:
        """Aware UTC time of this state."""
        return utc(self.time_ns)

    @property
    def is_final(self) -> bool:
        """Whether it will not change any more."""
        return self.status in ("FILLED", "CANCELED", "PARTIALLY_CANCELED", "REJECTED")


@dataclass(frozen=True, slots=True)
class FillView:
    """One execution of an own order; ``pnl`` is what it realised, before the fee. ``role`` is MAKER or TAKER."""

    id: str
    order_id: str
    market: str
    side: str
    price: Decimal
    size: Decimal
    notional: Decimal
    fee: Decimal
    fee_rate: Decimal
    pnl: Decimal
    role: str
    time_ns: int

    @property
    def time(self) -> datetime:
        """Aware UTC time of the execution."""
        return utc(self.time_ns)


@dataclass(frozen=True, slots=True)
class PositionView:
    """One position, ``size`` negative when short. ``seq_no`` counts its fills; None before the first."""

    id: str
    market: str
    currency: str
    is_cross: bool
    size: Decimal
    notional: Decimal
    entry_price: Decimal
    mark_price: Decimal
    liquidate_price: Decimal
    margin: Decimal
    init_margin: Decimal
    order_margin: Decimal
    margin_rate: Decimal
    fee_rate_taker: Decimal
    fee_rate_maker: Decimal
    realised_pnl: Decimal
    total_pnl: Decimal
    unrealized_pnl: Decimal
    leverage: Decimal
    risk_limit: Decimal
    equity: Decimal
    value: Decimal
    risk: Decimal
    rom: Decimal
    buying_notional: Decimal
    selling_notional: Decimal
    buying_size: Decimal
    selling_size: Decimal
    seq_no: int | None


@dataclass(frozen=True, slots=True)
class CashView:
    """One settlement currency of the account; ``margin_balances`` is ``balances`` and ``unrealized_pnl``."""

    id: str
    currency: str
    balances: Decimal
    available: Decimal
    margin: Decimal
    position_margin: Decimal
    order_margin: Decimal
    position_value: Decimal
    unrealized_pnl: Decimal
    margin_balances: Decimal
    margin_rate: Decimal
    leverage: Decimal


@dataclass(frozen=True, slots=True)
class ContractBatch:
    """Everything one commit changed in a contract. ``change_id == prev_id`` when no price level did."""

    market: str
    change_id: int
    prev_id: int
    bids: tuple[LevelChange, ...]
    asks: tuple[LevelChange, ...]
    trades: tuple[ContractTrade, ...]
    orders: tuple[ContractOrderView, ...]
    fills: tuple[FillView, ...]
