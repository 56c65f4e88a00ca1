"""What a Rails client brought, when, and over which connections, for :mod:`benchmarks.redundancy`."""

from __future__ import annotations

import json
import time
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from itertools import pairwise

from bigone_sync import BigOneError, DepthSnapshot, DepthUpdate, Gap, PriceLevel, RailsClient, RawFrame, Trade
from bigone_sync.testing import LocalExchange

__all__ = ["Watch", "differences"]

_DELTA = b"publicOrderBookDelta"
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass
class Watch:
    """Filled by one client's worker."""

    depth: list[DepthSnapshot | DepthUpdate] = field(default_factory=list)
    trades: list[Trade] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    arrivals: list[float] = field(default_factory=list)
    """When data came, monotonic."""
    asked: dict[str, str] = field(default_factory=dict)
    """The last request of each connection, by which the exchange knows which one it is."""
    reached: dict[str, int] = field(default_factory=dict)
    """Time of the last change of the book that each connection brought, in milliseconds."""

    def listen(self, client: RailsClient) -> None:
        """Watch a client."""
        client.on_raw(self._on_raw)
        client.on_error(self._on_error)
        client.on_gap(self.gaps.append)
        client.on_depth(self._on_depth)
        client.on_trade(self._on_trade)

    def _on_depth(self, event: DepthSnapshot | DepthUpdate) -> None:
        self.arrivals.append(time.monotonic())
        self.depth.append(event)

    def _on_trade(self, trade: Trade) -> None:
        self.arrivals.append(time.monotonic())
        self.trades.append(trade)

    def _on_error(self, error: BigOneError) -> None:
        self.errors[type(error).__name__] += 1

    def _on_raw(self, frame: RawFrame) -> None:
        if frame.direction == "out":
            content = json.loads(frame.data).get("content", {})
            self.asked[frame.connection] = content.get("clientRequestId", "")
        elif _DELTA in frame.data:
            self.reached[frame.connection] = json.loads(frame.data)["data"]["ts"]

    @property
    def snapshots(self) -> int:
        """How often the book began anew."""
        return sum(isinstance(event, DepthSnapshot) for event in self.depth)

    def silence(self, since: float, until: float) -> float:
        """The longest time without data, of those that ended after ``since`` and began before ``until``, in seconds."""
        first, last = bisect_left(self.arrivals, since), bisect_right(self.arrivals, until)
        times = self.arrivals[max(0, first - 1) : last + 1]
        return max((after - before for before, after in pairwise(times)), default=0.0)


def differences(watch: Watch, client: RailsClient, exchange: LocalExchange, market: str) -> list[str]:
    """How what was delivered differs from what the exchange did, from the first delivered on."""
    found, engine = [], exchange.rails_trades(market)
    truth = [
        (one.match_id, Decimal(one.price), Decimal(one.quantity), one.taker_side, _moment(one.time)) for one in engine
    ]
    heard = [(one.id, one.price, one.amount, one.taker_side.value.lower(), one.time) for one in watch.trades]
    if not heard or heard != truth[-len(heard) :]:
        found.append(f"trades differ: {len(heard)} came, {len(set(heard) & set(truth))} of them are true")
    if len({one.id for one in watch.trades}) < len(heard):
        found.append(f"{len(heard) - len({one.id for one in watch.trades})} trades came twice")
    changes = [
        tuple(sorted((side, Decimal(price), Decimal(amount)) for side, price, amount in one.levels))
        for one in exchange.rails_deltas(market)
    ]
    updates = [_levels(event) for event in watch.depth if isinstance(event, DepthUpdate)]
    if watch.snapshots != 1 or not isinstance(watch.depth[0], DepthSnapshot):
        found.append(f"{watch.snapshots} snapshots of the book came instead of one, at the beginning")
    if not updates or updates != changes[-len(updates) :]:
        found.append(f"changes of the book differ: {len(updates)} came")
    if not _is_same_book(client, exchange, market):
        found.append("the kept book differs")
    return found


def _is_same_book(client: RailsClient, exchange: LocalExchange, market: str) -> bool:
    book, truth = client.order_book(), exchange.rails_book(market)
    kept = book.snapshot()
    return (
        book.is_live
        and {level.price: level.amount for level in kept.bids} == dict(truth.bids)
        and {level.price: level.amount for level in kept.asks} == dict(truth.asks)
    )


def _levels(event: DepthUpdate) -> tuple[tuple[str, Decimal, Decimal], ...]:
    return tuple(sorted([*_side("buy", event.bids), *_side("sell", event.asks)]))


def _side(name: str, levels: Iterable[PriceLevel]) -> list[tuple[str, Decimal, Decimal]]:
    return [(name, level.price, level.amount) for level in levels]


def _moment(milliseconds: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=milliseconds)
