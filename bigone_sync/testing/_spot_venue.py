"""The exchange's inside: markets with their crowd and tape, the account, the clock, and what becomes public."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from itertools import count

from bigone_sync.testing._book import ASK, BID, Batch, LevelChange, OrderView
from bigone_sync.testing._checks import Refused, total
from bigone_sync.testing._flow import Flow
from bigone_sync.testing._ledger import Ledger
from bigone_sync.testing._margin import MarginAccount
from bigone_sync.testing._spot_hub import Hub, Key
from bigone_sync.testing._spot_wire import SpotWire
from bigone_sync.testing._tape import Tape, Ticker
from bigone_sync.testing.market import FIRST_ID, Market

_BASE_BALANCE = Decimal(1_000)
_QUOTE_BALANCE = Decimal(100_000_000)
# Another account, with other amounts: a client that mixes the two up shows.
_MARGIN_BASE = Decimal(100)
_MARGIN_QUOTE = Decimal(20_000_000)
_NANOSECONDS = 1_000_000_000


def default_balances(markets: Iterable[str]) -> dict[str, Decimal]:
    """More of every asset than a test will spend."""
    balances: dict[str, Decimal] = {}
    for market in markets:
        base, quote = market.split("-")
        balances.setdefault(base, _BASE_BALANCE)
        balances[quote] = _QUOTE_BALANCE
    return balances


@dataclass(slots=True)
class Listing:
    """One market with everything that belongs to it."""

    engine: Market
    flow: Flow
    tape: Tape
    margin: MarginAccount
    best: tuple[LevelChange | None, LevelChange | None] = (None, None)


class Venue:
    """Runs the markets and publishes what happens; used on the exchange's loop only."""

    def __init__(
        self, markets: Iterable[str], *, seed: int, balances: Mapping[str, Decimal], wire: SpotWire, hub: Hub
    ) -> None:
        self.clock_offset = 0.0
        self.ledger = Ledger({asset: total(asset, balance) for asset, balance in balances.items()})
        self.recorded: frozenset[str] = frozenset()  # markets whose public streams come from a recording
        self.followers: list[Callable[[Listing, Batch], None]] = []  # told of each commit, after it is published
        self.ids = count(FIRST_ID)
        self._wire = wire
        self._hub = hub
        self.listings: dict[str, Listing] = {}
        for name in markets:
            margin = MarginAccount(name, _MARGIN_BASE, _MARGIN_QUOTE)
            engine = Market(name, self.ledger, margin=margin.ledger, seed=seed, ids=self.ids)
            listing = self.listings[name] = Listing(engine, Flow(engine, seed=seed), Tape(name), margin)
            listing.flow.seed_history(self.now_ns())
            self.commit(listing)

    def now_ns(self) -> int:
        """The server's clock, nanoseconds since the epoch."""
        return time.time_ns() + int(self.clock_offset * _NANOSECONDS)

    def listing(self, market: str) -> Listing:
        """The market of that name.

        Raises:
            ValueError: there is none.
        """
        try:
            return self.listings[market]
        except KeyError:
            raise ValueError(f"no market {market!r}: one of {', '.join(self.listings)}") from None

    def markets(self) -> list[str]:
        """The markets a client may ask for, recorded ones included."""
        return list(dict.fromkeys([*self.listings, *sorted(self.recorded)]))

    def step(self, market: str) -> None:
        """Let one thing happen in a market."""
        listing = self.at(market)
        listing.flow.step()
        self.commit(listing)

    def at(self, market: str) -> Listing:
        """The market, its time set to now: for what is about to be done in it."""
        listing = self.listing(market)
        listing.engine.set_time(self.now_ns())
        return listing

    def listing_of_order(self, order_id: str) -> Listing:
        """The market an own order was placed in, ready for what is about to be done.

        Raises:
            Refused: the account has no such order.
        """
        for order in self.orders():
            if order.id == order_id:
                return self.at(order.market)
        raise Refused(f"no own order {order_id!r}")

    def find_order(self, order_id: int) -> tuple[Listing, OrderView] | None:
        """An own order and its market."""
        for listing in self.listings.values():
            if listing.engine.has_own(order_id):
                return listing, listing.engine.own_order(order_id)
        return None

    def order_named(self, client_order_id: str) -> OrderView | None:
        """The newest own order of that name, in whatever market."""
        named = (listing.engine.own_order_named(client_order_id) for listing in self.listings.values())
        return max((order for order in named if order is not None), key=lambda order: int(order.id), default=None)

    def orders(self, market: str | None = None) -> list[OrderView]:
        """Every order the account ever placed, oldest first per market."""
        listings = self.listings.values() if market is None else [self.listings[market]]
        return [order for listing in listings for order in listing.engine.own_orders()]

    def ticker(self, market: str) -> tuple[Ticker, LevelChange | None, LevelChange | None]:
        """The ticker with best bid and ask."""
        listing = self.listings[market]
        return listing.tape.ticker(self.now_ns()), *listing.best

    def commit(self, listing: Listing) -> None:
        """Close what was done in a market and publish it."""
        batch = listing.engine.commit()
        for trade in batch.trades:
            listing.tape.add(trade)
        best = self._best(listing.engine, BID), self._best(listing.engine, ASK)
        moved = best != listing.best or bool(batch.trades)
        listing.best = best
        if batch.market not in self.recorded:
            self._publish_public(listing, batch, moved)
        self._publish_private(batch)
        for follow in self.followers:
            follow(listing, batch)

    def publish_balances(self) -> None:
        """Publish balances that changed without an order."""
        for balance in self.ledger.take_changes():
            self._hub.publish(Key("accounts"), "accountUpdate", partial(self._wire.account, balance))

    @staticmethod
    def _best(engine: Market, side: str) -> LevelChange | None:
        level = engine.sides[side].best()
        return None if level is None else LevelChange(level.price, level.amount, len(level.orders))

    def _publish_public(self, listing: Listing, batch: Batch, moved: bool) -> None:
        market, wire, publish = batch.market, self._wire, self._hub.publish
        if batch.change_id != batch.prev_id:
            publish(
                Key("depth", market),
                "depthUpdate",
                lambda: wire.depth_change(market, batch.bids, batch.asks, batch.change_id, batch.prev_id),
            )
        for trade in batch.trades:
            publish(Key("trades", market), "tradeUpdate", partial(wire.trade, trade))
        if batch.trades:
            for key in self._hub.keys("candles", market):
                candle = listing.tape.candles(key.detail)[0]
                publish(key, "candleUpdate", partial(wire.candle, candle))
        if moved:
            publish(Key("ticker", market), "tickerUpdate", lambda: wire.ticker(*self.ticker(market)))

    def _publish_private(self, batch: Batch) -> None:
        wire, publish = self._wire, self._hub.publish
        for order in batch.orders:
            for market in (batch.market, ""):
                key = Key("orders", market, order.business_unit)
                publish(key, "orderUpdate", partial(wire.order, order))
        for balance in batch.balances:
            publish(Key("accounts"), "accountUpdate", partial(wire.account, balance))
