"""The crowd of a contract, and the prices that do not come from its book: index, mark and funding."""

from __future__ import annotations

import random
from decimal import Decimal

from bigone_sync.testing._contract_engine import ContractEngine
from bigone_sync.testing._flow import Flow

_HALF = Decimal("0.5")
_STEPS_OF_AN_INDEX = 20
_RATE = Decimal("0.000001")
_FUNDING_INTERVAL = 8 * 3_600 * 1_000_000_000


class ContractFlow(Flow):
    """A crowd that keeps a thin book of some 10 to 40 levels a side, in whole and half contracts."""

    min_levels = 10
    max_levels = 40
    mean_distance = 14

    def __init__(self, engine: ContractEngine, *, seed: int) -> None:
        super().__init__(engine, seed=seed)
        # Where a whole contract is a large thing, halves are dealt in as well.
        self._halves = not engine.terms.inverse

    def _amount(self) -> Decimal:
        whole = Decimal(1 + int(self._rng.expovariate(1 / 400)))
        return whole + _HALF if self._halves and self._rng.random() < 0.1 else whole


class Quotes:
    """Index, mark and funding of one contract; they move only now and then."""

    def __init__(self, engine: ContractEngine, *, seed: int) -> None:
        self._engine = engine
        self._rng = random.Random(f"quotes:{seed}:{engine.name}")
        self._steps = 0
        self.index = self.mark = engine.tick
        self.open_interest = Decimal(self._rng.randint(1_000, 9_000_000))
        self.funding_rate = self._rate()
        self.next_funding_rate = self._rate()
        self.move()

    def step(self) -> bool:
        """Count one step of the crowd; True when the prices have moved."""
        self._steps += 1
        if self._steps % _STEPS_OF_AN_INDEX:
            return False
        self.move()
        return True

    def move(self) -> None:
        """Let the index follow the last trade."""
        tick, last = self._engine.tick, self._engine.last_price
        if last is None:
            return
        self.index = max(tick, last + self._rng.randint(-5, 5) * tick / 10)
        self.mark = max(tick, self.index + self._rng.randint(-2, 2) * tick / 10)
        self.open_interest = max(Decimal(1), self.open_interest + self._rng.randint(-50, 50))
        self.next_funding_rate = self._rate()

    def next_funding_ns(self, now_ns: int) -> int:
        """When funding is settled next."""
        return (now_ns // _FUNDING_INTERVAL + 1) * _FUNDING_INTERVAL

    def _rate(self) -> Decimal:
        return self._rng.randint(-300, 300) * _RATE
