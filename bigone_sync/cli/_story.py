"""What happens during the demo: the lives of own orders, and the reset around the middle.

Everything is done to the exchange and to the path, and never to the client but for orders, where it has commands: what
the screen shows of it, the client has found out by itself.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

from ..enums import Side
from ._stage import Stage

if TYPE_CHECKING:
    from ..testing import FaultProxy, LocalExchange

__all__ = ["Story"]

_BEGIN, _SPAN = 0.03, 0.90
"""The orders live in this part of the show."""
_PLACED, _PARTLY_FILLED, _INTERLUDE, _ENDED = 0.05, 0.35, 0.55, 0.80
"""Moments in the life of an order, as parts of the time it has."""
_SECONDS_A_LIFE = 10.0
_LONGEST_OUTAGE = 0.8
_OUTAGE = 0.08
"""Of the show's length."""
_NEAR, _FARTHER = 2, 5
"""Levels in front of an order when it is placed: farther out the crowd leaves something to cancel."""
# Buys and sells in turn, filled and cancelled in turn, so that the account does not run dry.
_LIVES = ((Side.BUY, True), (Side.SELL, False), (Side.SELL, True), (Side.BUY, False))


@dataclass(frozen=True)
class _Step:
    at: float
    act: Callable[[], None]


class Story:
    """Plays a schedule; every step is done on the caller's thread, in :meth:`play`.

    Args:
        exchange: where the orders are placed.
        proxy: the path that is broken.
        stage: knows how orders are placed; its recording is told what was done.
        seconds: length of the show.
        seed: decides the amounts.
        channels: how many connections the client has.
    """

    def __init__(
        self,
        exchange: LocalExchange,
        proxy: FaultProxy,
        stage: Stage,
        *,
        seconds: float,
        seed: int,
        channels: int,
    ) -> None:
        self._exchange, self._proxy = exchange, proxy
        self._stage, self._recorder = stage, stage.recording
        self._channels = channels
        self._rng = random.Random(f"demo:{seed}")
        self._open: str | None = None
        self._amount = Decimal(0)
        self._now = 0.0
        self._heal_at: float | None = None
        self._outage = min(_LONGEST_OUTAGE, seconds * _OUTAGE)
        # An odd number, so that one of the orders lives through the reset in the middle.
        self._steps = deque(self._schedule(seconds, 2 * max(1, round(seconds / _SECONDS_A_LIFE / 2)) + 1))

    def _schedule(self, seconds: float, lives: int) -> list[_Step]:
        steps = []
        length = seconds * _SPAN / lives
        for life in range(lives):
            start = seconds * _BEGIN + life * length
            side, to_the_end = _LIVES[life % len(_LIVES)]
            middle = self._reset if life == lives // 2 else self._fill_a_part
            steps.append(_Step(start + _PLACED * length, partial(self._place, side, _NEAR if to_the_end else _FARTHER)))
            steps.append(_Step(start + _PARTLY_FILLED * length, middle))
            if self._stage.has_interlude and life == lives // 2 - 1:
                steps.append(_Step(start + _INTERLUDE * length, partial(self._stage.interlude, self._exchange)))
            steps.append(_Step(start + _ENDED * length, self._fill_the_rest if to_the_end else self._cancel))
        return steps

    def play(self, now: float) -> bool:
        """Do what is due ``now`` seconds after the beginning; False if some of it has to wait."""
        self._now = now
        while self._is_due(now) and self._stage.may_go_on(self._open):
            self._steps.popleft().act()
        self.tend(now)
        return not self._is_due(now)

    def tend(self, now: float) -> None:
        """End the outage when it has lasted long enough, but not before everybody has noticed it."""
        recovery = self._recorder.recovery
        if self._heal_at is not None and now >= self._heal_at and recovery is not None and recovery.is_noticed:
            self._heal_at = None
            self._recorder.note("demo", "the path works again")
            self._proxy.heal()

    def _is_due(self, now: float) -> bool:
        return bool(self._steps) and self._steps[0].at <= now

    # -- the life of an order

    def _place(self, side: Side, level: int) -> None:
        book = self._stage.book(self._exchange)
        prices = list(book.bids if side == Side.BUY else book.asks)
        self._amount = self._stage.choose_amount(self._exchange, self._rng, side)
        self._recorder.caption = "An order of our own: all that is known of it here came through on_order."
        self._recorder.note("demo", f"own order placed: {side} {self._amount}{self._stage.unit}")
        price = prices[min(level, len(prices) - 1)]
        self._open = self._stage.place(self._exchange, side, price, self._amount)

    def _fill_a_part(self) -> None:
        self._fill(self._stage.part(self._amount, self._rng.randint(25, 45)))

    def _fill_the_rest(self) -> None:
        self._fill(None)

    def _fill(self, amount: Decimal | None) -> None:
        if self._open is None:
            return
        try:
            self._stage.fill(self._exchange, self._open, amount)
        except ValueError:
            # The crowd may have been faster; anything else is a mistake of this story.
            if self._stage.is_open(self._exchange, self._open):
                raise

    def _cancel(self) -> None:
        if self._open is not None:
            self._stage.cancel(self._exchange, self._open)

    # -- the reset

    def _reset(self) -> None:
        recorder = self._recorder
        recorder.caption = "All connections were reset; the book shows no prices rather than wrong ones."
        recorder.expect_reset(self._channels)
        them = "both" if self._channels == 2 else f"all {self._channels}"
        recorder.note(
            "demo",
            f"{them} connections are reset, and the path stays dead for a moment",
            f"{them} connections reset",
        )
        self._proxy.blackhole()
        self._proxy.reset()
        self._heal_at = self._now + self._outage
        # While nobody can see it: the client learns of this from the snapshot after the reconnect.
        self._fill_a_part()
