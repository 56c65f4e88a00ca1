"""What a bot heard of its orders and balances, compared with the exchange's own word."""

from __future__ import annotations

import time
from collections import Counter
from decimal import Decimal

from bigone_sync import Account, Gap, Order, SpotClient, SpotRest
from bigone_sync.testing import LocalExchange
from examples.order_watch_bot import OrderWatch

__all__ = ["View", "Watch", "differences"]

_NOTHING = Decimal(0)


class View:
    """The bots of one client share it: one account has one view. Filled by the client's worker only."""

    def __init__(self, nap: float = 0.0) -> None:
        self.orders: dict[str, Order] = {}
        self.balances: dict[str, Account] = {}
        self.gaps: list[Gap] = []
        self.wrong: list[str] = []
        """Events that took a word back."""
        self.counts: Counter[str] = Counter()
        self._nap = nap

    def on_order(self, order: Order) -> None:
        """Take it over, and look whether it is older than what it replaces."""
        if self._nap:
            time.sleep(self._nap)
        before = self.orders.get(order.id)
        if before is not None:
            self._compare(before, order)
        self.orders[order.id] = order
        self.counts["events"] += 1
        self.counts["snapshots"] += order.is_snapshot
        self.counts["by REST"] += order.connection == "spot/rest"

    def _compare(self, before: Order, after: Order) -> None:
        earlier, later = _told(before), _told(after)
        if before.is_final and earlier != later:
            self.wrong.append(f"order {after.id}: {earlier} was final, then came {later}")
        elif (after.filled_amount or _NOTHING) < (before.filled_amount or _NOTHING):
            self.wrong.append(f"order {after.id}: {later} came after {earlier}")
        elif before.updated_at and after.updated_at and after.updated_at < before.updated_at:
            self.wrong.append(f"order {after.id}: {later} of {after.updated_at} came after {before.updated_at}")
        elif before.updated_at == after.updated_at and earlier == later:
            self.counts["repeated"] += 1

    def on_account(self, account: Account) -> None:
        """Keep the last word."""
        self.balances[account.asset] = account


class Watch(OrderWatch):
    """The example's bot in one market, quiet, on a common view."""

    def __init__(self, client: SpotClient, rest: SpotRest, market: str, view: View) -> None:
        super().__init__(client, rest, market)
        self.orders, self.balances = view.orders, view.balances


def _told(order: Order) -> tuple[str, Decimal]:
    return order.state.value, order.filled_amount or _NOTHING


def differences(view: View, exchange: LocalExchange, *, unheard: set[str], unknown_until: float) -> list[str]:
    """How the view differs from the exchange.

    Args:
        view: of the bot.
        exchange: the truth.
        unheard: orders of which nobody need have heard.
        unknown_until: Unix time, by the exchange's clock, up to which a gap has been announced: what changed last
            before it may be missing, or known in an older state.
    """
    found, truth = [], {order.id: order for order in exchange.orders()}
    for number, order in truth.items():
        known = view.orders.get(number)
        excused = order.updated_ns <= unknown_until * 1e9
        if known is None:
            if number not in unheard and not excused:
                found.append(f"order {number} is not known: {order.state} {order.filled_amount} in {order.market}")
            continue
        told = (*_told(known), known.amount, known.price or None)
        if told != (order.state, order.filled_amount, order.amount, order.price) and not excused:
            found.append(f"order {number}: heard {_told(known)}, is {order.state} {order.filled_amount} ({order.type})")
    found += [f"order {number} does not exist" for number in view.orders.keys() - truth.keys()]
    for asset, balance in exchange.balances().items():
        account = view.balances.get(asset)
        heard = None if account is None else (account.balance, account.locked_balance)
        if heard != (balance.balance, balance.locked):
            found.append(f"{asset}: heard {heard}, is {balance.balance}, {balance.locked} locked")
    return found
