"""Contracts, and own data of them. What the exchange leaves out is None."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from ..enums import OrderState, OrderType, Side
from ._base import Event

__all__ = ["Cash", "ContractOrder", "Fill", "Instrument", "Position"]


class Instrument(Event, frozen=True, gc=False):
    """Prices, funding and rolling 24 hours of one contract, absolute (contract protocol, section 6)."""

    market: str
    mark_price: Decimal | None = None
    index_price: Decimal | None = None
    latest_price: Decimal | None = None
    funding_rate: Decimal | None = None
    """Fixed for the running interval; a fraction: 0.0001 is 0.01 %."""
    next_funding_rate: Decimal | None = None
    """The exchange's running estimate; a fraction."""
    next_funding_time: datetime | None = None
    open_interest: Decimal | None = None
    """Contracts."""
    open_value: Decimal | None = None
    volume_24h: Decimal | None = None
    """Contracts."""
    volume_24h_usd: Decimal | None = None
    turnover_24h: Decimal | None = None
    """In the settlement currency."""
    high_24h: Decimal | None = None
    low_24h: Decimal | None = None
    price_change_24h: Decimal | None = None
    """A fraction: 0.0041 is 0.41 %."""
    btc_price: Decimal | None = None
    """Index price of BTC, the same for all contracts; so are the two that follow."""
    eth_price: Decimal | None = None
    usdt_price: Decimal | None = None


class Cash(Event, frozen=True, gc=False, kw_only=True):
    """Own funds in one currency, absolute (contract protocol, section 7)."""

    id: str | None = None
    currency: str
    balances: Decimal | None = None
    """The total."""
    available: Decimal | None = None
    margin: Decimal | None = None
    """``position_margin`` and ``order_margin`` together."""
    position_margin: Decimal | None = None
    order_margin: Decimal | None = None
    position_value: Decimal | None = None
    unrealized_pnl: Decimal | None = None
    margin_balances: Decimal | None = None
    """``balances`` and ``unrealized_pnl`` together."""
    margin_rate: Decimal | None = None
    leverage: Decimal | None = None


class Position(Event, frozen=True, gc=False, kw_only=True):
    """An own position in one contract, absolute (contract protocol, section 7)."""

    id: str | None = None
    market: str
    currency: str | None = None
    is_cross: bool | None = None
    """True: all funds of the currency are its margin; False: only its own are."""
    size: Decimal | None = None
    """Contracts; negative: short."""
    notional: Decimal | None = None
    entry_price: Decimal | None = None
    mark_price: Decimal | None = None
    liquidate_price: Decimal | None = None
    margin: Decimal | None = None
    init_margin: Decimal | None = None
    order_margin: Decimal | None = None
    margin_rate: Decimal | None = None
    fee_rate_taker: Decimal | None = None
    """A fraction, like ``fee_rate_maker``."""
    fee_rate_maker: Decimal | None = None
    realised_pnl: Decimal | None = None
    total_pnl: Decimal | None = None
    unrealized_pnl: Decimal | None = None
    leverage: Decimal | None = None
    risk_limit: Decimal | None = None
    equity: Decimal | None = None
    value: Decimal | None = None
    risk: Decimal | None = None
    """Not explained by the documents; neither are ``rom`` and ``seq_no``."""
    rom: Decimal | None = None
    buying_notional: Decimal | None = None
    """Of open orders, like the three that follow; what sells is negative."""
    selling_notional: Decimal | None = None
    buying_size: Decimal | None = None
    selling_size: Decimal | None = None
    seq_no: int | None = None


class ContractOrder(Event, frozen=True, gc=False):
    """An own order for a contract (contract protocol, section 7)."""

    id: str
    market: str
    currency: str | None = None
    type: OrderType = OrderType.UNKNOWN
    side: Side = Side.UNKNOWN
    status: OrderState = OrderState.UNKNOWN
    price: Decimal | None = None
    avg_price: Decimal | None = None
    """Average price of what is filled."""
    size: Decimal | None = None
    """Contracts."""
    notional: Decimal | None = None
    filled: Decimal | None = None
    """Contracts."""
    filled_notional: Decimal | None = None
    time: datetime | None = None
    """``ts`` on the wire; what it is the time of is not documented."""

    @property
    def is_final(self) -> bool:
        """True when nothing more can happen to it: FILLED, CANCELLED, PARTIALLY_CANCELED or REJECTED."""
        return self.status in _FINAL


_FINAL = frozenset({OrderState.FILLED, OrderState.CANCELLED, OrderState.PARTIALLY_CANCELED, OrderState.REJECTED})


class Fill(Event, frozen=True, gc=False, kw_only=True):
    """An own trade (contract protocol, section 7)."""

    id: str
    order_id: str | None = None
    market: str
    side: Side = Side.UNKNOWN
    """UNKNOWN with its word, FUNDING or ADL_BUY for instance, where it is neither."""
    price: Decimal | None = None
    size: Decimal | None = None
    notional: Decimal | None = None
    fee: Decimal | None = None
    fee_rate: Decimal | None = None
    """A fraction."""
    pnl: Decimal | None = None
    role: str | None = None
    """MAKER or TAKER."""
    time: datetime | None = None
