"""Orders and price levels: the data the matching engine works on, and the views it hands out."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from types import MappingProxyType

from bigone_sync.testing._checks import rounded
from bigone_sync.testing._ledger import ZERO, Balance

BID = "BID"
ASK = "ASK"
SIDES = (BID, ASK)
UNITS = ("SPOT", "MARGIN")
LOT = Decimal("0.00000001")
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def utc(time_ns: int) -> datetime:
    """Nanoseconds since the epoch as an aware datetime, cut (not rounded) to microseconds."""
    return _EPOCH + timedelta(microseconds=time_ns // 1000)


@dataclass(slots=True)
class Order:
    """A living order; the engine changes it in place and hands out `OrderView` copies."""

    id: int
    side: str
    amount: Decimal
    price: Decimal | None = None
    type: str = "LIMIT"
    ioc: bool = False
    own: bool = False
    unit: str = "SPOT"
    client_order_id: str = ""
    stop_price: Decimal | None = None
    operator: str = "LTE"
    state: str = "PENDING"
    filled: Decimal = ZERO
    fees: Decimal = ZERO
    turnover: Decimal = ZERO
    locked: Decimal = ZERO
    created_ns: int = 0
    updated_ns: int = 0
    post_only: bool = False
    reduce_only: bool = False

    @property
    def remaining(self) -> Decimal:
        return self.amount - self.filled


@dataclass(frozen=True, slots=True)
class OrderView:
    """One state of one own order. ``price`` is None for market orders; fees: base for buys, quote for sells."""

    id: str
    client_order_id: str
    market: str
    side: str
    type: str
    state: str
    price: Decimal | None
    stop_price: Decimal | None
    amount: Decimal
    filled_amount: Decimal
    filled_fees: Decimal
    avg_deal_price: Decimal
    operator: str
    ioc: bool
    business_unit: str
    created_ns: int
    updated_ns: int
    post_only: bool = False

    @classmethod
    def of(cls, market: str, order: Order) -> OrderView:
        """Copy the present state of an order."""
        return cls(
            id=str(order.id),
            client_order_id=order.client_order_id,
            market=market,
            side=order.side,
            type=order.type,
            state=order.state,
            price=order.price,
            stop_price=order.stop_price,
            amount=order.amount,
            filled_amount=order.filled,
            filled_fees=order.fees,
            avg_deal_price=rounded(order.turnover / order.filled, LOT) if order.filled else ZERO,
            operator=order.operator,
            ioc=order.ioc,
            business_unit=order.unit,
            created_ns=order.created_ns,
            updated_ns=order.updated_ns,
            post_only=order.post_only,
        )

    @property
    def created_at(self) -> datetime:
        """Aware UTC time of acceptance."""
        return utc(self.created_ns)

    @property
    def updated_at(self) -> datetime:
        """Aware UTC time of this state."""
        return utc(self.updated_ns)


@dataclass(frozen=True, slots=True)
class Trade:
    """One execution. ``taker_side`` BID means that the taker bought."""

    id: int
    market: str
    price: Decimal
    amount: Decimal
    taker_side: str
    maker_order_id: int
    taker_order_id: int
    time_ns: int

    @property
    def time(self) -> datetime:
        """Aware UTC time of the execution."""
        return utc(self.time_ns)


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution of an own order; the fee is in the base asset for buys, in the quote asset for sells."""

    order_id: str
    business_unit: str
    side: str
    price: Decimal
    amount: Decimal
    fee: Decimal
    trade_id: int


@dataclass(frozen=True, slots=True)
class LevelChange:
    """The new absolute state of one price level; amount 0 means that the level is gone."""

    price: Decimal
    amount: Decimal
    order_count: int


@dataclass(frozen=True, slots=True)
class BookView:
    """A book at one ``change_id``: price to amount, best first, never changing."""

    change_id: int
    bids: Mapping[Decimal, Decimal]
    asks: Mapping[Decimal, Decimal]

    @classmethod
    def freeze(cls, change_id: int, bids: dict[Decimal, Decimal], asks: dict[Decimal, Decimal]) -> BookView:
        """Wrap two sides, given best first, that nobody will change any more."""
        return cls(change_id, MappingProxyType(bids), MappingProxyType(asks))


@dataclass(frozen=True, slots=True)
class Batch:
    """Everything one commit changed; balances are the spot ones. ``change_id == prev_id`` when no price level did."""

    market: str
    change_id: int
    prev_id: int
    bids: tuple[LevelChange, ...]
    asks: tuple[LevelChange, ...]
    trades: tuple[Trade, ...]
    orders: tuple[OrderView, ...]
    fills: tuple[Fill, ...]
    balances: tuple[Balance, ...]


@dataclass(slots=True)
class Level:
    """All orders resting at one price, oldest first."""

    price: Decimal
    amount: Decimal = ZERO
    orders: dict[int, Order] = field(default_factory=dict)


class BookSide:
    """One side of a book: levels by price, and the prices in order."""

    def __init__(self, side: str) -> None:
        self.side = side
        self.levels: dict[Decimal, Level] = {}
        self._prices: list[Decimal] = []
        self.changed: dict[Decimal, None] = {}

    def __len__(self) -> int:
        return len(self._prices)

    def __iter__(self) -> Iterator[Level]:
        """The levels, best first."""
        prices = reversed(self._prices) if self.side == BID else iter(self._prices)
        return (self.levels[price] for price in prices)

    def best(self) -> Level | None:
        """The level a taker meets first."""
        if not self._prices:
            return None
        return self.levels[self._prices[-1 if self.side == BID else 0]]

    def add(self, order: Order, price: Decimal) -> None:
        """Queue an order behind those already at its price."""
        level = self.levels.get(price)
        if level is None:
            level = self.levels[price] = Level(price)
            insort(self._prices, price)
        level.orders[order.id] = order
        level.amount += order.remaining
        self.changed[price] = None

    def reduce(self, level: Level, order: Order, quantity: Decimal) -> None:
        """Take ``quantity`` of an order out of its level; the order leaves when nothing of it is left there."""
        level.amount -= quantity
        if quantity >= order.remaining:
            del level.orders[order.id]
        self.changed[level.price] = None
        if not level.orders:
            del self.levels[level.price]
            del self._prices[bisect_left(self._prices, level.price)]

    def amounts(self) -> dict[Decimal, Decimal]:
        """Price to amount, best first."""
        return {level.price: level.amount for level in self}

    def take_changes(self) -> tuple[LevelChange, ...]:
        """The new state of every level touched since the last call."""
        changed, self.changed = self.changed, {}
        return tuple(self._change(price) for price in changed)

    def _change(self, price: Decimal) -> LevelChange:
        level = self.levels.get(price)
        if level is None:
            return LevelChange(price, ZERO, 0)
        return LevelChange(price, level.amount, len(level.orders))

    def snapshot(self) -> tuple[LevelChange, ...]:
        """Every level, best first."""
        return tuple(LevelChange(level.price, level.amount, len(level.orders)) for level in self)
