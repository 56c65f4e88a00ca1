"""What the demo proves: the client's view and the exchange's own, side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..book import BookView
from ..clients.spot import SpotClient
from ._recorder import Recorder

if TYPE_CHECKING:
    from ..testing import LocalExchange

__all__ = ["Check", "judge"]


@dataclass(frozen=True)
class Check:
    """One claim, and whether it held."""

    ok: bool
    text: str


def judge(exchange: LocalExchange, client: SpotClient, recorder: Recorder) -> list[Check]:
    """Compare; the exchange is paused, and the last events may still be on their way."""
    checks = [] if recorder.recovery is None else [_recovery(recorder)]
    checks += [
        _book(exchange, client.order_book(recorder.market).snapshot()),
        _trades(exchange, recorder),
        _orders(exchange, recorder),
        _balances(exchange, recorder),
    ]
    if recorder.unexpected:
        checks.append(Check(False, f"{len(recorder.unexpected)} unexpected errors, first: {recorder.unexpected[0]}"))
    return checks


def _recovery(recorder: Recorder) -> Check:
    recovery = recorder.recovery
    assert recovery is not None
    if recovery.seconds is None:
        return Check(False, f"no recovery from the reset: {recovery.missing()}")
    return Check(True, f"recovered {recovery.seconds:.2f} s after the reset: connections READY, book LIVE")


def _book(exchange: LocalExchange, kept: BookView) -> Check:
    engine = exchange.book(kept.market)
    if not kept.bids or not kept.asks:
        return Check(False, f"the kept book is {kept.state} and holds no prices")
    same = kept.change_id == engine.change_id
    for levels, amounts in ((kept.bids, engine.bids), (kept.asks, engine.asks)):
        same = same and [(level.price, level.amount) for level in levels] == list(amounts.items())
    if not same:
        return Check(
            False, f"the kept book (change {kept.change_id}) differs from the engine's (change {engine.change_id})"
        )
    return Check(True, f"kept book equals the engine's: {len(kept.bids)} bids, {len(kept.asks)} asks, every amount")


def _trades(exchange: LocalExchange, recorder: Recorder) -> Check:
    ids = recorder.trade_ids()
    if not ids:
        return Check(False, "no trade came")
    wanted = [trade.id for trade in exchange.trades(recorder.market) if trade.id >= ids[0]]
    twice, missed = len(ids) - len(set(ids)), len(set(wanted) - set(ids))
    if ids != wanted:
        return Check(False, f"{len(ids)} trades came: {twice} of them twice, {missed} missed, or out of order")
    return Check(True, f"{len(ids)} trades: none missed, none twice, all in order")


def _orders(exchange: LocalExchange, recorder: Recorder) -> Check:
    known = {
        order_id: (states[-1].state.value, states[-1].filled_amount) for order_id, states in recorder.orders().items()
    }
    truth = {order.id: (order.state, order.filled_amount) for order in exchange.orders()}
    if known != truth:
        wrong = [order_id for order_id in truth if known.get(order_id) != truth[order_id]]
        return Check(False, f"own orders whose state is not known: {', '.join(wrong) or 'too many'}")
    return Check(True, f"{len(known)} own orders: state and filled amount as the exchange has them")


def _balances(exchange: LocalExchange, recorder: Recorder) -> Check:
    known = {asset: (account.balance, account.locked_balance) for asset, account in recorder.balances().items()}
    truth = {asset: (balance.balance, balance.locked) for asset, balance in exchange.balances().items()}
    wrong = sorted(asset for asset in known.keys() | truth.keys() if known.get(asset) != truth.get(asset))
    if wrong:
        return Check(False, f"balances that differ from the exchange's: {', '.join(wrong)}")
    return Check(True, f"{len(known)} balances, total and locked, as the exchange has them")
