"""What REST calls take and give beside events: plain values that need no HTTP library to import."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from datetime import datetime
from decimal import Decimal

import msgspec

from ..enums import OrderOperator, OrderType, Side
from ..events import Cash, DepthSnapshot, Position

__all__ = ["CancelResult", "ContractAccount", "NewOrder", "RailsDepth", "RiskLimit", "TradingFee"]


@dataclass(frozen=True)
class NewOrder:
    """A spot order to be placed with ``SpotRest.create_orders``. It is checked there, not when it is made.

    The fields mean what the arguments of ``SpotRest.create_order`` mean (REST protocol, section 3).
    """

    market: str
    """``BTC-USDT``."""
    side: Side | str
    """``"buy"``, ``"sell"``, ``"BID"``, ``"ASK"`` are understood, too."""
    _: KW_ONLY
    amount: Decimal | int | str
    price: Decimal | int | str | None = None
    type: OrderType | str | None = None
    """None: by what else is given."""
    stop_price: Decimal | int | str | None = None
    operator: OrderOperator | str | None = None
    ioc: bool = False
    post_only: bool = False
    client_order_id: str | None = None
    """None: a fresh one is made."""


class CancelResult(msgspec.Struct, frozen=True):
    """What became of the orders of a market that were to be cancelled (REST protocol, section 3)."""

    cancelled: tuple[str, ...] = ()
    """Ids of orders."""
    failed: tuple[str, ...] = ()
    """Ids of orders that may still be open."""


class TradingFee(msgspec.Struct, frozen=True, gc=False):
    """Own fees in one spot market (REST protocol, section 3)."""

    market: str
    maker_fee_rate: Decimal
    """A fraction: 0.001 is 0.1 %."""
    taker_fee_rate: Decimal


class ContractAccount(msgspec.Struct, frozen=True):
    """Own funds in one currency, and the positions that they back (REST protocol, section 5)."""

    cash: Cash
    positions: tuple[Position, ...] = ()


class RiskLimit(msgspec.Struct, frozen=True, gc=False):
    """The risk limit of a position (REST protocol, section 5)."""

    notional: Decimal
    initial_margin_rate: Decimal | None = None
    """``IMR`` on the wire, a fraction; None where the exchange sends none."""


class RailsDepth(msgspec.Struct, frozen=True):
    """A whole book of Rails, and of when it is (Rails protocol, section 1.6)."""

    snapshot: DepthSnapshot
    time: datetime | None = None
    """When the exchange made it; how it relates to the times of the stream is not documented (section 12)."""
