"""Ten minutes of a bad network and a careless exchange; at the end nothing may be wrong.

    python -m benchmarks.soak [--seconds 600] [--seed 1] [--venue spot|contract] [--protocol json|proto]

A SpotClient with all five channels watches a local exchange through a proxy.  Every few seconds a connection is reset,
cut, stalled or closed with a code, the exchange restarts, or a change of a book is skipped, repeated or reordered.  At
the end every kept book must be LIVE and equal to the exchange's own, no trade may have come twice, each missing one
must lie inside an announced gap, own orders and balances must be the exchange's, and threads and descriptors must be
as many as at the start.  Exit status 0 if all of that holds.  ``--venue contract`` does so with a ContractClient of
twenty sockets, and with the misfortunes that contracts have.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks import contract_soak
from benchmarks.soaking import covered, same_book, settled, settled_census, torment, wait_not_grown
from bigone_sync import (
    Account,
    Backoff,
    BigOneError,
    Candle,
    Channel,
    Credentials,
    DepthSnapshot,
    DepthUpdate,
    Gap,
    Order,
    OrderBook,
    SpotClient,
    Ticker,
    Timeouts,
    Trade,
)
from bigone_sync.testing import FaultProxy, LocalExchange

__all__ = ["main"]

MARKETS = ("BTC-USDT", "ETH-USDT", "EOS-USDT")
_RATE = 60.0
_PAUSE = (1.0, 4.0)


@dataclass
class Record:
    """What the callbacks saw."""

    trades: dict[str, Counter[int]] = field(default_factory=lambda: {market: Counter() for market in MARKETS})
    gaps: list[Gap] = field(default_factory=list)
    orders: dict[str, Order] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    errors: Counter[str] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)
    regressions: int = 0
    """Depth events that did not continue what was delivered before them."""
    last_change: dict[str, int] = field(default_factory=dict)

    def on_trade(self, trade: Trade) -> None:
        """Count it by id."""
        self.trades[trade.market][int(trade.id)] += 1

    def on_depth(self, event: DepthSnapshot | DepthUpdate) -> None:
        """Check the chain as a user without a book would."""
        if isinstance(event, DepthUpdate) and event.prev_id != self.last_change.get(event.market):
            self.regressions += 1
        self.last_change[event.market] = event.change_id or 0

    def on_order(self, order: Order) -> None:
        """Keep the last word on it."""
        self.orders[order.id] = order

    def on_account(self, account: Account) -> None:
        """Keep the last balance."""
        self.accounts[account.asset] = account

    def on_other(self, event: Ticker | Candle | OrderBook) -> None:
        """Count it by kind."""
        self.seen[type(event).__name__] += 1

    def on_error(self, error: BigOneError) -> None:
        """Count it by kind."""
        self.errors[type(error).__name__] += 1


class Chaos:
    """One misfortune at a time, chosen by a seed."""

    def __init__(self, exchange: LocalExchange, proxy: FaultProxy, seed: int) -> None:
        self._exchange, self._proxy, self._random = exchange, proxy, random.Random(seed)
        self.done: Counter[str] = Counter()
        self._acts: dict[str, Callable[[], object]] = {
            "reset": proxy.reset,
            "cut": proxy.cut,
            "blackhole": self._blackhole,
            "close code": lambda: exchange.close_connections(1012, "restart"),
            "restart": exchange.restart,
            "login expired": exchange.expire_auth,
            "garbage": lambda: exchange.send_raw('{"requestId":'),
            "skip": lambda: exchange.skip_change(self._market()),
            "repeat": lambda: exchange.repeat_change(self._market()),
            "reorder": lambda: exchange.reorder_changes(self._market()),
            "order": self._order,
        }

    def _market(self) -> str:
        return self._random.choice(MARKETS)

    def _blackhole(self) -> None:
        self._proxy.blackhole()
        time.sleep(self._random.choice((0.2, 2.5)))
        self._proxy.heal()

    def _order(self) -> None:
        side = self._random.choice(("BID", "ASK"))
        best = self._exchange.book("BTC-USDT")
        price = max(best.bids) if side == "BID" else min(best.asks)
        order_id = self._exchange.place_order("BTC-USDT", side, price=price, amount="0.05")
        if self._random.random() < 0.5:
            self._exchange.cancel_order(order_id)

    def act(self) -> str:
        """Do one thing; returns its name."""
        name = self._random.choice(list(self._acts))
        self._acts[name]()
        self.done[name] += 1
        return name

    def pause(self) -> float:
        """Seconds until the next."""
        return self._random.uniform(*_PAUSE)


def _watch(client: SpotClient, record: Record) -> dict[str, OrderBook]:
    client.on_error(record.on_error)
    client.on_gap(record.gaps.append)
    for market in MARKETS:
        client.on_depth(market, record.on_depth)
        client.on_book(market, record.on_other)
        client.on_trade(market, record.on_trade, limit=20)
        client.on_candle(market, "MIN1", record.on_other)
    client.on_ticker(MARKETS, record.on_other)
    client.on_account(record.on_account)
    client.on_order("BTC-USDT", record.on_order)
    return {market: client.order_book(market) for market in MARKETS}


def _trade_faults(record: Record, exchange: LocalExchange) -> list[str]:
    faults = []
    for market in MARKETS:
        seen = record.trades[market]
        twice = [trade_id for trade_id, count in seen.items() if count > 1]
        if twice:
            faults.append(f"{market}: {len(twice)} trades came twice")
        gaps = [gap for gap in record.gaps if gap.channel == Channel.TRADES and gap.market == market]
        first = min(seen, default=0)
        missing = [trade for trade in exchange.trades(market) if trade.id > first and trade.id not in seen]
        silent = [trade for trade in missing if not covered(trade.time, gaps)]
        if silent:
            faults.append(f"{market}: {len(silent)} of {len(missing)} missing trades were not announced")
    return faults


def _private_faults(record: Record, exchange: LocalExchange) -> list[str]:
    faults = []
    for order in exchange.orders():
        seen = record.orders.get(str(order.id))
        if seen is not None and (seen.state.value != order.state or seen.filled_amount != order.filled_amount):
            faults.append(
                f"order {order.id}: {seen.state} {seen.filled_amount}, is {order.state} {order.filled_amount}"
            )
    for asset, balance in exchange.balances().items():
        account = record.accounts.get(asset)
        if account is not None and (account.balance, account.locked_balance) != (balance.balance, balance.locked):
            faults.append(f"{asset}: {account.balance}/{account.locked_balance}, is {balance.balance}/{balance.locked}")
    return faults


def run(seconds: float, seed: int, protocol: str = "json") -> list[str]:
    """The whole soak; returns what was wrong."""
    record = Record()
    timeouts = Timeouts(connect=5, ping=0.5, pong=3, reply=2, close=2)
    with (
        LocalExchange(seed=seed, markets=MARKETS, rate=_RATE) as exchange,
        FaultProxy(exchange.spot_url) as proxy,
        SpotClient(
            Credentials("key", "secret"),
            protocol=protocol,
            url=proxy.url,
            timeouts=timeouts,
            backoff=Backoff(initial=0.1, cap=1.0, stable_after=0.5),
        ) as client,
    ):
        books = _watch(client, record)
        client.wait_ready(60)
        chaos, before = Chaos(exchange, proxy, seed), settled_census(client, "NO-MARKET")
        torment(client, chaos, books, seconds)
        proxy.heal()
        exchange.pause()
        # What was muted by a fault stays owed: one quiet step a market brings the next update, and with it any gap.
        exchange.step(5)
        faults = settled(client, lambda: _faults(books, exchange, record))
        if record.regressions:
            faults.append(f"{record.regressions} depth events broke the chain that was delivered")
        wait_not_grown(before)
        _report(client, chaos, record)
    return faults


def _faults(books: dict[str, OrderBook], exchange: LocalExchange, record: Record) -> list[str]:
    faults = [
        f"{market}: the book differs, it is {book.state}"
        for market, book in books.items()
        if not same_book(book, exchange.book(market))
    ]
    return [*faults, *_trade_faults(record, exchange), *_private_faults(record, exchange)]


def _report(client: SpotClient, chaos: Chaos, record: Record) -> None:
    stats = client.stats()
    print(file=sys.stderr)
    print("misfortunes:", ", ".join(f"{name} {count}" for name, count in sorted(chaos.done.items())))
    print("errors:", ", ".join(f"{name} {count}" for name, count in sorted(record.errors.items())))
    in_trades = sum(gap.channel == Channel.TRADES for gap in record.gaps)
    print(
        f"{stats.frames} frames, {stats.events} events, {stats.delivered} delivered, {stats.reconnects} reconnects, "
        f"{stats.gaps} gaps ({in_trades} in trades), {sum(map(len, record.trades.values()))} trades, "
        f"{len(record.orders)} orders"
    )


def main(arguments: list[str] | None = None) -> int:
    """Run and judge."""
    parser = argparse.ArgumentParser(prog="benchmarks.soak", description="Bad network, careless exchange, sound data.")
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--venue", choices=("spot", "contract"), default="spot")
    parser.add_argument("--protocol", choices=("json", "proto"), default="json", help="of spot")
    options = parser.parse_args(arguments)
    if options.venue == "contract":
        faults = contract_soak.run(options.seconds, options.seed)
    else:
        faults = run(options.seconds, options.seed, options.protocol)
    for fault in faults:
        print("WRONG:", fault)
    print("soak failed" if faults else "soak passed")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
