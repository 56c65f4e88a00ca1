"""The inside of the Rails half: markets with their crowd, the account, and what becomes public."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from itertools import count

from bigone_sync.testing._book import ASK, BID, SIDES, Batch, Trade
from bigone_sync.testing._checks import Refused, rounded
from bigone_sync.testing._contract_json import number
from bigone_sync.testing._flow import Flow
from bigone_sync.testing._ledger import Ledger
from bigone_sync.testing._rails_account import SIDES as ENGINE_SIDES
from bigone_sync.testing._rails_account import WORDS, Draft, OwnOrder, RailsAccount, milliseconds
from bigone_sync.testing._rails_hub import RailsHub
from bigone_sync.testing._rails_views import RailsDelta, RailsTrade
from bigone_sync.testing._rails_wire import Message, RailsIds, RailsWire
from bigone_sync.testing.market import FIRST_ID, TICK, Market

__all__ = ["POST_ONLY", "RailsMarket", "RailsVenue"]

POST_ONLY = "Post-only order rejected as it would have matched immediately"

# The margin of perpetual futures is not modelled: nothing an order costs is ever missing.
_PLENTY = Decimal(10**15)
_BAND = Decimal("0.5")
_KEPT_TRADES = 1_000_000
_KEPT_DELTAS = 1_000_000
_SNAPSHOT_TRADES = 50


@dataclass(slots=True)
class RailsMarket:
    """One market with everything that belongs to it."""

    engine: Market
    flow: Flow
    trades: deque[RailsTrade] = field(default_factory=lambda: deque(maxlen=_KEPT_TRADES))
    deltas: deque[RailsDelta] = field(default_factory=lambda: deque(maxlen=_KEPT_DELTAS))


class RailsVenue:
    """Runs the markets and publishes what happens; used on the exchange's loop only.

    The markets come into being when the first of them is asked for, so that an exchange of which only other halves are
    used pays nothing for them.
    """

    def __init__(
        self, names: Iterable[str], *, seed: int, wire: RailsWire, hub: RailsHub, now_ns: Callable[[], int]
    ) -> None:
        self.names = tuple(names)
        self.now_ns = now_ns
        self._seed = seed
        self._wire = wire
        self._hub = hub
        self._rng = random.Random(f"rails:{seed}")
        self._ids = RailsIds(seed)
        self.account = RailsAccount(self._ids, seed=seed)
        self._markets: dict[str, RailsMarket] = {}

    @property
    def awake(self) -> bool:
        """Whether anybody has asked for a market yet."""
        return bool(self._markets)

    def wake(self) -> None:
        """Let the markets come into being, unless they are there."""
        if self._markets:
            return
        ledger = Ledger(dict.fromkeys({asset for name in self.names for asset in name.split("-")}, _PLENTY))
        numbers = count(FIRST_ID)
        for name in self.names:
            engine = Market(name, ledger, seed=self._seed, ids=numbers)
            market = RailsMarket(engine, Flow(engine, seed=self._seed))
            market.flow.seed_history(self.now_ns())
            # The book that all begins with is no change that anybody could have been told.
            market.trades.extend(self._told(trade) for trade in engine.commit().trades)
            self._markets[name] = market

    def market(self, name: str) -> RailsMarket:
        """The market of that name.

        Raises:
            Refused: there is none.
        """
        if name not in self.names:
            raise Refused(f"no Rails market {name!r}: one of {', '.join(self.names)}")
        self.wake()
        return self._markets[name]

    def at(self, name: str) -> RailsMarket:
        """The market, its time set to now: for what is about to be done in it.

        Raises:
            Refused: there is none.
        """
        market = self.market(name)
        market.engine.set_time(self.now_ns())
        return market

    # -- the crowd ----------------------------------------------------------------------------------------------

    def step(self, name: str) -> None:
        """Let one thing happen in a market."""
        market = self.at(name)
        market.flow.step()
        self.commit(market)

    def trade(self, name: str) -> RailsTrade:
        """Let the crowd trade once in a market; returns the trade."""
        market = self.at(name)
        taker = self._rng.choice(SIDES)
        best = market.engine.sides[ASK if taker == BID else BID].best()
        assert best is not None  # the crowd keeps both sides filled
        first = next(iter(best.orders.values()))
        amount = min(first.remaining, Decimal(self._rng.randint(1, 1_000)).scaleb(-5))
        market.engine.place(taker, amount, type="MARKET")
        market.flow.replenish()
        self.commit(market)
        return market.trades[-1]

    # -- the account --------------------------------------------------------------------------------------------

    def check(self, draft: Draft) -> None:
        """Check that an order makes sense (Rails protocol, section 3.7).

        Raises:
            Refused: it does not.
        """
        engine = self.at(draft.market).engine
        if draft.side not in ENGINE_SIDES:
            raise Refused(f"orderType must be buy or sell: {draft.side!r}")
        engine.validate(ENGINE_SIDES[draft.side], draft.quantity, draft.price, "LIMIT", None, None)
        last = engine.last_price
        assert last is not None  # there is a history
        if abs(draft.price - last) > last * _BAND:
            raise Refused(f"price must be within {_BAND:.0%} of the index price")

    def place(self, draft: Draft, client_request_id: str | None) -> OwnOrder:
        """Let the engine carry out an order that was checked; nobody hears of it before `commit`.

        Raises:
            Refused: the account could not pay for it.
        """
        market = self.at(draft.market)
        taken = market.engine.place(
            ENGINE_SIDES[draft.side],
            draft.quantity,
            price=_limit(draft),
            ioc=draft.type == "market",
            post_only=draft.post_only,
            own=True,
            must_be_payable=True,
        )
        return self.account.add(taken, draft, client_request_id, market.engine.now_ns)

    def withdraw(self, order: OwnOrder) -> None:
        """Take an open order out of the book; nobody hears of it before `commit`."""
        self.at(order.draft.market).engine.cancel(order.number)

    def fill(self, order: OwnOrder, amount: Decimal | None) -> Decimal:
        """Let the crowd trade against an open order, and fill up again what it traded away; returns how much it was.

        Raises:
            ValueError: it does not rest in the book, or the amount is not positive.
        """
        market = self.at(order.draft.market)
        filled = market.engine.fill(order.number, amount)
        market.flow.replenish()
        self.commit(market)
        return filled

    def commit(self, market: RailsMarket) -> None:
        """Close what was done in a market and publish it: to the account first, then to all."""
        batch = market.engine.commit()
        trades = [self._told(trade) for trade in batch.trades]
        market.trades.extend(trades)
        self._publish_account(batch)
        if trades:
            self._hub.publish("publicTrades", batch.market, lambda: self._wire.trades_delta(trades))
        if batch.change_id != batch.prev_id:
            changes = [("sell", level) for level in batch.asks] + [("buy", level) for level in batch.bids]
            levels = tuple((side, number(level.price), number(level.amount)) for side, level in changes)
            delta = RailsDelta(batch.market, milliseconds(market.engine.now_ns), levels)
            market.deltas.append(delta)
            self._hub.publish("publicOrderBook", batch.market, lambda: self._wire.book_delta(delta))

    # -- snapshots ----------------------------------------------------------------------------------------------

    def levels(self, name: str) -> list[tuple[str, str, str]]:
        """Every level of a book as (``buy`` or ``sell``, price, quantity), bids first, best first."""
        sides = self.market(name).engine.sides
        levels = [(WORDS[side], level) for side in SIDES for level in sides[side].snapshot()]
        return [(word, number(level.price), number(level.amount)) for word, level in levels]

    def latest_trades(self, name: str) -> list[RailsTrade]:
        """What a snapshot of the public trades tells, oldest first; how many that are is not documented."""
        return list(self.market(name).trades)[-_SNAPSHOT_TRADES:]

    # -- inside -------------------------------------------------------------------------------------------------

    def _told(self, trade: Trade) -> RailsTrade:
        return RailsTrade(
            market=trade.market,
            match_id=self._ids.match_id(trade.id),
            price=number(trade.price),
            quantity=number(trade.amount),
            taker_side=WORDS[trade.taker_side],
            time=milliseconds(trade.time_ns),
        )

    def _publish_account(self, batch: Batch) -> None:
        for view in batch.orders:
            order = self.account.follow(view)
            if order is not None:
                self._hub.notify(self._news(order))
        fills = self.account.book(batch)
        if fills:
            self._hub.publish_fills(self._wire.fills(fills))

    def _news(self, order: OwnOrder) -> Message:
        """What is told of an order that nobody has just asked to be changed (Rails protocol, sections 3.7 and 5)."""
        view, name = order.view(), order.client_request_id
        if order.status == "cancelled":
            return self._wire.order("cancelOrder", 200, "order cancelled", view, name)
        if order.status == "rejected":
            # The sample still says active.
            return self._wire.order("rejectOrder", 400, POST_ONLY, view, name, order_status="active")
        return self._wire.fill(view)


def _limit(draft: Draft) -> Decimal:
    """The worst price that an order takes: its own, and of a market order with the slippage (section 3.7)."""
    if draft.type != "market":
        return draft.price
    if draft.side == "buy":
        return rounded(draft.price * (1 + draft.slippage), TICK, ROUND_FLOOR)
    return max(TICK, rounded(draft.price * (1 - draft.slippage), TICK, ROUND_CEILING))
