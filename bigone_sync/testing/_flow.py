"""Random order flow: a seeded crowd that keeps a market's book deep, uncrossed and moving."""

from __future__ import annotations

import random
from collections.abc import Mapping
from decimal import Decimal
from typing import Protocol

from bigone_sync.testing._book import BookSide

MIN_LEVELS = 50
MAX_LEVELS = 190
_START_PRICES = {"BTC": 65_000, "ETH": 3_500}
_MEAN_DISTANCE = 120  # ticks between the fair price and a new order
_DRIFT = (-4, -2, -1, -1, 0, 0, 0, 1, 1, 2, 4)
_SECOND = 1_000_000_000
_HISTORY_GAP = 3_000  # longest time between two trades of the history, seconds
# Exchanges print 0, 3, 6 or 9 fraction digits; the history holds all of them.
_HISTORY_GRAINS = (_SECOND, _SECOND // 1_000, _SECOND // 1_000_000, 1)


class Engine(Protocol):
    """What the crowd needs of a market: `Market`, or the engine of a contract."""

    name: str
    base: str
    tick: Decimal

    @property
    def sides(self) -> Mapping[str, BookSide]:
        """The book, by BID and ASK."""

    def set_time(self, now_ns: int) -> None:
        """Set the time of what is about to be done."""

    def best_price(self, side: str) -> Decimal | None:
        """The best price of a side."""

    def place(self, side: str, amount: Decimal, *, price: Decimal | None = None, type: str = "LIMIT") -> int:
        """Place an order of the crowd."""

    def cancel(self, order_id: int) -> bool:
        """Cancel an order."""


class Flow:
    """The crowd of one market. Its choices depend on the seed only, never on the time.

    Args:
        market: the engine the orders go to.
        seed: decides everything that happens.
    """

    min_levels = MIN_LEVELS
    max_levels = MAX_LEVELS
    mean_distance = _MEAN_DISTANCE

    def __init__(self, market: Engine, *, seed: int = 1) -> None:
        self._market = market
        self._rng = random.Random(f"flow:{seed}:{market.name}")
        start = _START_PRICES.get(market.base) or self._rng.randint(60, 2_000)
        self._fair = int(start / market.tick) + self._rng.randint(0, 99)
        self._open: list[int] = []

    def seed_history(self, now_ns: int, trades: int = 30) -> None:
        """Fill the book and make some trades that lie in the last hours before ``now_ns``."""
        gaps = [self._rng.randint(1, _HISTORY_GAP) for _ in range(trades)]
        time_ns = now_ns // _SECOND * _SECOND - (sum(gaps) + 1) * _SECOND
        self._market.set_time(time_ns)
        self.replenish()
        for gap in gaps:
            time_ns += gap * _SECOND
            grain = self._rng.choice(_HISTORY_GRAINS)
            self._market.set_time(time_ns + self._rng.randrange(_SECOND) // grain * grain)
            self._drift()
            # Less than the best level holds: one trade each, so that the history has exactly this many.
            side = self._rng.choice(("BID", "ASK"))
            best = self._market.sides["ASK" if side == "BID" else "BID"].best()
            assert best is not None
            first = next(iter(best.orders.values()))
            self._market.place(side, min(first.remaining, self._amount()), type="MARKET")
            self.replenish()

    def step(self) -> None:
        """One thing happens in the market: usually an order comes or goes, now and then a trade."""
        self._drift()
        roll = self._rng.random()
        if roll < 0.12:
            self._place(self._rng.choice(("BID", "ASK")), None)
        elif roll < 0.60:
            side = self._rng.choice(("BID", "ASK"))
            self._place(side, self._price(side, self._fair))
        else:
            self._cancel_any()
        self.replenish()

    def replenish(self) -> None:
        """Bring the number of levels of both sides back into bounds without crossing."""
        for side, other in (("BID", "ASK"), ("ASK", "BID")):
            book = self._market.sides[side]
            best_other = self._market.best_price(other)
            anchor = self._fair
            if best_other is not None:
                beyond = int(best_other / self._market.tick)
                anchor = min(anchor, beyond) if side == "BID" else max(anchor, beyond)
            # Beside a price of a few ticks there is no room for that many levels: give up rather than try for ever.
            for _ in range(8 * self.min_levels):
                if len(book) >= self.min_levels:
                    break
                self._place(side, self._price(side, anchor))
            if len(book) > self.max_levels:
                self._cancel_worst(side)

    def _drift(self) -> None:
        self._fair = max(1_000, self._fair + self._rng.choice(_DRIFT))

    def _price(self, side: str, anchor: int) -> Decimal | None:
        distance = 1 + int(self._rng.expovariate(1 / self.mean_distance))
        ticks = anchor - distance if side == "BID" else anchor + distance
        return max(1, ticks) * self._market.tick

    def _amount(self) -> Decimal:
        return Decimal(1 + int(self._rng.expovariate(1 / 40_000))).scaleb(-5)

    def _place(self, side: str, price: Decimal | None) -> None:
        if price is None:
            self._market.place(side, self._amount(), type="MARKET")
        else:
            self._open.append(self._market.place(side, self._amount(), price=price))

    def _cancel_any(self) -> None:
        while self._open:
            index = self._rng.randrange(len(self._open))
            self._open[index], self._open[-1] = self._open[-1], self._open[index]
            if self._market.cancel(self._open.pop()):
                return

    def _cancel_worst(self, side: str) -> None:
        surplus = len(self._market.sides[side]) - self.max_levels
        for level in list(self._market.sides[side])[-surplus:]:
            for order in list(level.orders.values()):
                if not order.own:
                    self._market.cancel(order.id)
