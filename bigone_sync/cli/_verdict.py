"""What the demo proves: the client's view and the exchange's own, side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

from ..book import BookView
from ._recording import Recording

if TYPE_CHECKING:
    from ..testing import LocalExchange
    from ._stage import Stage

__all__ = ["Check", "EngineBook", "check_book", "check_orders", "check_trades", "judge"]


@dataclass(frozen=True)
class Check:
    """One claim, and whether it held."""

    ok: bool
    text: str


class EngineBook(Protocol):
    """A book as the exchange tells it: price to amount, best first."""

    @property
    def change_id(self) -> int:
        """Of the last change; Rails tells nobody."""

    @property
    def bids(self) -> Mapping[Decimal, Decimal]:
        """Who buys."""

    @property
    def asks(self) -> Mapping[Decimal, Decimal]:
        """Who sells."""


def judge(exchange: LocalExchange, stage: Stage) -> list[Check]:
    """Compare; the exchange is paused, and the last events may still be on their way."""
    recording = stage.recording
    checks = [] if recording.recovery is None else [_recovery(recording)]
    checks += stage.checks(exchange)
    if recording.unexpected:
        unexpected = recording.unexpected
        checks.append(Check(False, f"{len(unexpected)} unexpected errors, first: {unexpected[0]}"))
    return checks


def _recovery(recording: Recording) -> Check:
    recovery = recording.recovery
    assert recovery is not None
    if recovery.seconds is None:
        return Check(False, f"no recovery from the reset: {recovery.missing()}")
    return Check(True, f"recovered {recovery.seconds:.2f} s after the reset: connections READY, book LIVE")


# -- what stages share


def check_book(engine: EngineBook, kept: BookView) -> Check:
    """The kept book against the engine's."""
    if not kept.bids or not kept.asks:
        return Check(False, f"the kept book is {kept.state} and holds no prices")
    same = kept.change_id in (None, engine.change_id)
    for levels, amounts in ((kept.bids, engine.bids), (kept.asks, engine.asks)):
        same = same and [(level.price, level.amount) for level in levels] == list(amounts.items())
    if not same:
        kept_at, engine_at = (
            "" if kept.change_id is None else f" (change {id})" for id in (kept.change_id, engine.change_id)
        )
        return Check(False, f"the kept book{kept_at} differs from the engine's{engine_at}")
    return Check(True, f"kept book equals the engine's: {len(kept.bids)} bids, {len(kept.asks)} asks, every amount")


def check_trades(
    ids: Sequence[str], truth: Sequence[str], is_announced: Callable[[str], bool] = lambda trade_id: False
) -> Check:
    """The trades that came against all that there were.

    Args:
        ids: as they came.
        truth: of all trades of the exchange, oldest first.
        is_announced: whether a gap was told that a trade may lie in.
    """
    if not ids:
        return Check(False, "no trade came")
    wanted = list(truth[truth.index(ids[0]) :]) if ids[0] in truth else []
    lost = set(wanted) - set(ids)
    announced = {trade_id for trade_id in lost if is_announced(trade_id)}
    if list(ids) != [trade_id for trade_id in wanted if trade_id not in announced]:
        twice = len(ids) - len(set(ids))
        missed = len(lost - announced)
        return Check(False, f"{len(ids)} trades came: {twice} of them twice, {missed} missed, or out of order")
    if announced:
        text = f"none twice, all in order; {len(announced)} missed in the outage, as a gap said"
        return Check(True, f"{len(ids)} trades: {text}")
    return Check(True, f"{len(ids)} trades: none missed, none twice, all in order")


def check_orders(
    known: Mapping[str, object],
    truth: Mapping[str, object],
    what: str,
    is_untold: Callable[[str], bool] = lambda order_id: False,
) -> Check:
    """The own orders as they were told against all that there were.

    Args:
        known: by id, the last that was told.
        truth: by id, the same of the exchange.
        what: what is compared, in words.
        is_untold: whether a gap was told that the end of an order may lie in.
    """
    wrong = sorted(order_id for order_id in known.keys() | truth.keys() if known.get(order_id) != truth.get(order_id))
    untold = [order_id for order_id in wrong if is_untold(order_id)]
    if len(untold) < len(wrong):
        names = ", ".join(order_id for order_id in wrong if order_id not in untold)
        return Check(False, f"own orders whose state is not known: {names}")
    text = f"{len(known)} own orders: {what} as the exchange has them"
    return Check(True, text + (f"; {len(untold)} ended in the outage, as a gap said" if untold else ""))
