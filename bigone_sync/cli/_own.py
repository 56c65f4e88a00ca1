"""Own orders and holdings, as screen and story show them, of whichever venue."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from ..enums import OrderState, Side

__all__ = ["Holding", "OwnOrder"]


@dataclass(frozen=True)
class OwnOrder:
    """What one update says of an own order."""

    id: str
    side: Side
    amount: Decimal | None
    price: Decimal | None
    state: OrderState
    filled: Decimal | None
    average: Decimal | None
    """Average price of what is filled."""
    is_final: bool
    origin: str = ""
    """Where it comes from, other than from its having happened just now: ``snapshot``, with the first data of a
    connection, or ``REST answer``."""
    received_at: float = 0.0


@dataclass(frozen=True)
class Holding:
    """One row about what the account has."""

    name: str
    value: str
    detail: str
    is_busy: bool
    """Whether the detail deserves a look."""
