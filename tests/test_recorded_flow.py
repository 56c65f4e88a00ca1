"""Recorded order flow through the whole client: every kept book equals a naive rebuild, often and at the end.

The recording is not part of the project; the test is skipped where it is absent.
"""

from __future__ import annotations

import gzip
import json
import os
import threading
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bigone_sync import DepthSnapshot, DepthUpdate, Limits, OrderBook, SpotClient, Trade
from bigone_sync.testing import LocalExchange, wait_until
from bigone_sync.testing.leaks import leak_check

_FOLDER = Path(os.environ.get("BIGONE_SYNC_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
_FILE = _FOLDER / "spot_depth_trades.jsonl.gz"
_EVERY = 100

Sides = tuple[dict[Decimal, Decimal], dict[Decimal, Decimal]]


class NaiveBooks:
    """The rules of a book, as plainly as they can be written."""

    def __init__(self) -> None:
        self.sides: dict[str, Sides] = {}
        self.last: dict[str, int] = {}
        self.checkpoints: dict[tuple[str, int], Sides] = {}
        self._updates: dict[str, int] = {}

    def take(self, frame: dict[str, Any]) -> None:
        if "depthSnapshot" in frame:
            message = frame["depthSnapshot"]
            market = message["depth"]["market"]
            self.sides[market] = ({}, {})
        elif "depthUpdate" in frame:
            message = frame["depthUpdate"]
            market = message["depth"]["market"]
            assert int(message["prevId"]) == self.last[market]
        else:
            return
        for side, name in zip(self.sides[market], ("bids", "asks"), strict=True):
            for level in message["depth"].get(name) or []:
                price, amount = Decimal(level["price"]), Decimal(level["amount"])
                side.pop(price, None)
                if amount:
                    side[price] = amount
        self.last[market] = int(message["changeId"])
        self._updates[market] = self._updates.get(market, -1) + 1
        if self._updates[market] % _EVERY == 0:
            self._keep(market)

    def _keep(self, market: str) -> None:
        bids, asks = self.sides[market]
        self.checkpoints[market, self.last[market]] = dict(bids), dict(asks)

    def finish(self) -> None:
        for market in self.sides:
            self._keep(market)


def _sides(book: OrderBook) -> Sides:
    view = book.snapshot()
    assert [level.price for level in view.bids] == sorted((level.price for level in view.bids), reverse=True)
    assert [level.price for level in view.asks] == sorted(level.price for level in view.asks)
    return {level.price: level.amount for level in view.bids}, {level.price: level.amount for level in view.asks}


class Watch:
    """Compares a kept book at each checkpoint, on the thread that keeps it, before the next event is applied."""

    def __init__(self, book: OrderBook, checkpoints: dict[tuple[str, int], Sides]) -> None:
        self.passed: set[int] = set()
        self.wrong: list[int] = []
        self._book, self._checkpoints = book, checkpoints
        book.load = self._after(book.load)  # type: ignore[method-assign]
        book.apply = self._after(book.apply)  # type: ignore[method-assign]

    def _after(self, keep: Callable[[Any], bool]) -> Callable[[Any], bool]:
        def call(event: DepthSnapshot | DepthUpdate) -> bool:
            sound = keep(event)
            expected = self._checkpoints.get((event.market, event.change_id or 0))
            if expected is not None:
                self.passed.add(event.change_id or 0)
                if not self._book.is_live or _sides(self._book) != expected:
                    self.wrong.append(event.change_id or 0)
            return sound

        return call


@pytest.mark.skipif(not _FILE.exists(), reason=f"no recorded order flow: {_FILE.name} is not there")
@pytest.mark.parametrize("connections", ["per_channel", "shared"])
@pytest.mark.parametrize("protocol", ["json", "proto"])
def test_kept_books_equal_a_naive_rebuild_of_the_recorded_flow(protocol: str, connections: str) -> None:
    with gzip.open(_FILE, "rt") as file:
        lines = [json.loads(line) for line in file]
    naive = NaiveBooks()
    trades: dict[str, list[str]] = {}
    for line in lines:
        naive.take(line["frame"])
        trade = line["frame"].get("tradeUpdate", {}).get("trade")
        if trade:
            trades.setdefault(trade["market"], []).append(str(trade["id"]))
    naive.finish()
    markets = tuple(naive.sides)
    seen: dict[str, list[str]] = {market: [] for market in markets}
    lock = threading.Lock()

    def on_trade(trade: Trade) -> None:
        with lock:
            seen[trade.market].append(trade.id)

    with leak_check(), LocalExchange(markets=markets, rate=0) as exchange:
        exchange.replay(lines, speed=None, autostart=False)
        client = SpotClient(
            url=exchange.spot_url, protocol=protocol, connections=connections, limits=Limits(dial_interval=0)
        )
        errors: list[object] = []
        client.on_error(errors.append)
        for market in markets:
            client.on_trade(market, on_trade)
        # Watched before anything is connected: no checkpoint can be missed.
        watches = {market: Watch(client.order_book(market), naive.checkpoints) for market in markets}
        with client:
            client.wait_ready(20)
            exchange.start_replay()
            assert exchange.wait_replay(60)
            for market in markets:
                book = client.order_book(market)
                wait_until(lambda book=book, market=market: book.change_id == naive.last[market], 20)  # type: ignore[misc]
                assert _sides(book) == naive.sides[market]
            wait_until(lambda: all(set(trades.get(m, ())) <= set(seen[m]) for m in markets), 20)
            assert not errors
    for market, watch in watches.items():
        due = {change for name, change in naive.checkpoints if name == market}
        assert not watch.wrong
        assert watch.passed == due
        assert naive.last[market] in watch.passed
    for market in markets:
        assert [trade for trade in seen[market] if trade in set(trades.get(market, ()))] == trades.get(market, [])
