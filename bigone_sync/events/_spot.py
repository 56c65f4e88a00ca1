"""Own data of spot, and what else its schema has."""

from __future__ import annotations

from datetime import datetime
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal

import msgspec

from ..enums import BusinessUnit, FlashOrderStatus, MarginState, OrderOperator, OrderState, OrderType, Side
from ._base import Event

__all__ = ["Account", "CostPrice", "ExchangeRate", "FlashOrder", "MarginAccount", "MarginBalance", "Order"]

# The thread's own context rounds to 28 digits, or to what the user set.
_EXACT = Context(prec=1000, Emin=MIN_EMIN, Emax=MAX_EMAX, traps=[])


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
