"""The part of `LocalExchange` that lets its markets run by themselves."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from bigone_sync.testing._spot_base import Base
from bigone_sync.testing._spot_venue import Venue

logger = logging.getLogger("bigone_sync.testing")

_SHORTEST_TICK = 0.005
_MOST_STEPS_A_TICK = 100


class Pumping(Base):
    """Works on the exchange's loop."""

    _venue: Venue
    _rate: float
    _paused: bool

    async def _pump(self) -> None:
        """Make ``rate`` steps a second; after a hold-up only so many at once that nobody else is held up."""
        loop = asyncio.get_running_loop()
        interval = max(1 / self._rate, _SHORTEST_TICK)
        last, due = loop.time(), 0.0
        while True:
            await asyncio.sleep(interval)
            now = loop.time()
            due += (now - last) * self._rate
            last, steps = now, int(due)
            due -= steps
            if not self._paused:
                self._step_all(min(steps, _MOST_STEPS_A_TICK))

    def _step_all(self, steps: int) -> None:
        """Step every market, those of contracts and Rails once somebody has asked for one of them."""
        for _ in range(steps):
            for name in self._venue.listings:
                self._venue.step(name)
            if self._contracts.awake:
                for name in self._contracts.terms:
                    self._contracts.step(name)
            if self._rails.venue.awake:
                for name in self._rails.venue.names:
                    self._rails.venue.step(name)

    @staticmethod
    def _spawn(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(_report)
        return task


def _report(task: asyncio.Task[None]) -> None:
    """A background task that fails must not do so in silence."""
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.error("the local exchange has failed", exc_info=error)
