"""The soak for contracts: twenty sockets, a bad network and a careless exchange; see :mod:`benchmarks.soak`."""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

from benchmarks.soaking import covered, same_book, settled, settled_census, torment, wait_not_grown
from bigone_sync import (
    Backoff,
    BigOneError,
    Candle,
    Cash,
    Channel,
    ContractClient,
    ContractOrder,
    Credentials,
    DepthSnapshot,
    DepthUpdate,
    Fill,
    Gap,
    Instrument,
    Limits,
    OrderBook,
    Position,
    Timeouts,
    Trade,
)
from bigone_sync.testing import FaultProxy, LocalExchange

__all__ = ["run"]

_COINS = ("BTC", "ETH", "SOL", "XRP", "LTC", "BCH", "EOS", "DOT", "ADA", "TRX")
SYMBOLS = ("BTCUSD", *(f"{coin}USDT" for coin in _COINS))
TRADED = SYMBOLS[:6]
"""Contracts whose trades are followed, too: 11 books, 6 trades, a candle, the instruments and the private stream."""
_RATE = 20.0
_PAUSE = (0.5, 2.5)
_CONNECTIONS = 20


@dataclass
class Record:
    """What the callbacks saw."""

    trades: dict[str, list[str]] = field(default_factory=lambda: {symbol: [] for symbol in TRADED})
    gaps: list[Gap] = field(default_factory=list)
    orders: dict[str, ContractOrder] = field(default_factory=dict)
    after_the_end: int = 0
    """Orders that were heard of after their final state."""
    fills: Counter[str] = field(default_factory=Counter)
    depth: dict[str, list[DepthSnapshot | DepthUpdate]] = field(default_factory=dict)
    errors: Counter[str] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)

    def on_trade(self, trade: Trade) -> None:
        """Keep its id, in the order of arrival."""
        self.trades[trade.market].append(trade.id)

    def on_depth(self, event: DepthSnapshot | DepthUpdate) -> None:
        """Keep it, to look at the chain as a user without a book would."""
        self.depth.setdefault(event.market, []).append(event)

    def on_order(self, order: ContractOrder) -> None:
        """Keep the last word on it."""
        before = self.orders.get(order.id)
        self.after_the_end += before is not None and before.is_final
        self.orders[order.id] = order

    def on_fill(self, fill: Fill) -> None:
        """Count it by id."""
        self.fills[fill.id] += 1

    def on_other(self, event: Candle | Instrument | Position | Cash | OrderBook) -> None:
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
            "garbage": lambda: exchange.send_contract_raw('{"from":'),
            "pong": lambda: exchange.send_contract_raw('{"pong":null}'),
            "skip": lambda: exchange.skip_change(self._symbol()),
            "repeat": lambda: exchange.repeat_change(self._symbol()),
            "reorder": lambda: exchange.reorder_changes(self._symbol()),
            "wrong symbol": lambda: exchange.wrong_symbol(self._symbol()),
            "wrong best prices": lambda: exchange.wrong_best_prices(self._symbol(), 2),
            "server fault": lambda: exchange.refuse_contract_handshakes(500, n=3),
            "order": self._order,
        }

    def _symbol(self) -> str:
        return self._random.choice(SYMBOLS)

    def _blackhole(self) -> None:
        self._proxy.blackhole()
        time.sleep(self._random.choice((0.2, 2.5)))
        self._proxy.heal()

    def _order(self) -> None:
        symbol, buys = self._symbol(), self._random.random() < 0.5
        book = self._exchange.contract_book(symbol)
        prices = list(book.bids if buys else book.asks)
        if not prices:
            return
        order = self._exchange.place_contract_order(
            symbol, "BUY" if buys else "SELL", self._random.randint(2, 9), price=prices[0]
        )
        if self._random.random() < 0.5:
            self._exchange.cancel_contract_order(order)

    def act(self) -> str:
        """Do one thing; returns its name."""
        name = self._random.choice([*self._acts, "order", "order"])
        self._acts[name]()
        self.done[name] += 1
        return name

    def pause(self) -> float:
        """Seconds until the next."""
        return self._random.uniform(*_PAUSE)


def _watch(client: ContractClient, record: Record) -> dict[str, OrderBook]:
    client.on_error(record.on_error)
    client.on_gap(record.gaps.append)
    for symbol in SYMBOLS:
        client.on_depth(symbol, record.on_depth)
    for symbol in TRADED:
        client.on_trade(symbol, record.on_trade)
    client.on_candle(SYMBOLS[0], "1MIN", record.on_other)
    client.on_instrument(record.on_other)
    client.on_position(record.on_other)
    client.on_cash(record.on_other)
    client.on_order(record.on_order)
    client.on_fill(record.on_fill)
    return {symbol: client.order_book(symbol) for symbol in SYMBOLS}


def _trade_faults(record: Record, exchange: LocalExchange) -> list[str]:
    faults = []
    for symbol in TRADED:
        seen = record.trades[symbol]
        if len(seen) != len(set(seen)):
            faults.append(f"{symbol}: trades came twice")
        gaps = [gap for gap in record.gaps if gap.channel == Channel.TRADES and gap.market == symbol]
        truth = exchange.contract_trades(symbol)
        known = set(seen)
        first = next((number for number, trade in enumerate(truth) if trade.id in known), len(truth))
        missing = [trade for trade in truth[first:] if trade.id not in known]
        silent = [trade for trade in missing if not covered(trade.time, gaps)]
        if silent:
            faults.append(f"{symbol}: {len(silent)} of {len(missing)} missing trades were not announced")
    return faults


def _private_faults(client: ContractClient, record: Record, exchange: LocalExchange) -> list[str]:
    faults = []
    positions = client.positions()
    for symbol, truth in exchange.positions().items():
        known = positions.get(symbol)
        if known is None or (known.size, known.realised_pnl) != (truth.size, truth.realised_pnl):
            faults.append(f"position {symbol}: {known and known.size}, is {truth.size}")
    for currency, owned in exchange.cash().items():
        cash = client.cash(currency)
        if cash is None or cash.balances != owned.balances:
            faults.append(f"cash {currency}: {cash and cash.balances}, is {owned.balances}")
    if not positions.is_live:
        faults.append("the positions are not live")
    if record.after_the_end:
        faults.append(f"{record.after_the_end} orders were heard of after their final state")
    twice = [fill for fill, count in record.fills.items() if count > 1]
    if twice:
        faults.append(f"{len(twice)} fills came twice")
    return faults


def _chain_faults(record: Record) -> list[str]:
    return [
        f"{symbol}: a delivered update does not continue what came before"
        for symbol, events in record.depth.items()
        if any(type(after) is DepthUpdate and after.prev_id != before.change_id for before, after in pairwise(events))
    ]


def run(seconds: float, seed: int) -> list[str]:
    """The whole soak; returns what was wrong."""
    record = Record()
    with (
        LocalExchange(seed=seed, markets=(), contracts=SYMBOLS, rate=_RATE) as exchange,
        FaultProxy(exchange.contract_url) as proxy,
        ContractClient(
            Credentials("key", "secret"),
            url=proxy.url,
            timeouts=Timeouts(connect=5, ping=0.5, pong=3, reply=2, close=2),
            backoff=Backoff(initial=0.1, cap=1.0, stable_after=0.5),
            limits=Limits(max_connections=_CONNECTIONS, dial_interval=0.005),
        ) as client,
    ):
        books = _watch(client, record)
        if len(client.connections) != _CONNECTIONS:
            raise ValueError(f"{len(client.connections)} connections, not {_CONNECTIONS}")
        client.wait_ready(60)
        chaos, before = Chaos(exchange, proxy, seed), settled_census(client, "NOUSDT")
        torment(client, chaos, books, seconds)
        proxy.heal()
        exchange.pause()
        # What was muted by a fault stays owed: some quiet steps bring the next update, and with it any gap.
        exchange.step(20)
        faults = settled(client, lambda: _faults(client, books, exchange, record)) + _chain_faults(record)
        wait_not_grown(before)
        _report(client, chaos, record)
    return faults


def _faults(client: ContractClient, books: dict[str, OrderBook], exchange: LocalExchange, record: Record) -> list[str]:
    faults = [
        f"{symbol}: the book differs, it is {book.state}"
        for symbol, book in books.items()
        if not same_book(book, exchange.contract_book(symbol))
    ]
    return [*faults, *_trade_faults(record, exchange), *_private_faults(client, record, exchange)]


def _report(client: ContractClient, chaos: Chaos, record: Record) -> None:
    stats = client.stats()
    print(file=sys.stderr)
    print("misfortunes:", ", ".join(f"{name} {count}" for name, count in sorted(chaos.done.items())))
    print("errors:", ", ".join(f"{name} {count}" for name, count in sorted(record.errors.items())))
    print(
        f"{len(client.connections)} connections, {stats.frames} frames, {stats.events} events, "
        f"{stats.reconnects} reconnects, {stats.gaps} gaps, {stats.touch_mismatches} strange best prices, "
        f"{sum(map(len, record.trades.values()))} trades, {len(record.orders)} orders, {len(record.fills)} fills"
    )
