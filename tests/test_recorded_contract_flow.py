"""Recorded contract books through the whole client: each equals a naive rebuild, and what every frame says of itself.

The recording is not part of the project; the test is skipped where it is absent.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bigone_sync import ContractClient, DepthSnapshot, DepthUpdate, Limits, OrderBook
from bigone_sync.testing import LocalExchange, wait_until
from bigone_sync.testing.leaks import leak_check

_FOLDER = Path(os.environ.get("BIGONE_SYNC_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
_FILE = _FOLDER / "contract_depth.jsonl.gz"

Touch = tuple[Decimal | None, Decimal | None]
Sides = tuple[dict[Decimal, Decimal], dict[Decimal, Decimal]]


class NaiveBooks:
    """The rules of a contract book, as plainly as they can be written; numbers are exact."""

    def __init__(self) -> None:
        self.states: dict[str, dict[int, tuple[Sides, Touch]]] = {}
        self._sides: dict[str, Sides] = {}

    def take(self, symbol: str, frame: dict[str, Any]) -> None:
        if frame["from"] == 0:
            self._sides[symbol] = ({}, {})
        for side, name in zip(self._sides[symbol], ("bids", "asks"), strict=True):
            for price, size in frame[name].items():
                side.pop(Decimal(price), None)
                if size:
                    side[Decimal(price)] = size
        bids, asks = self._sides[symbol]
        best = frame["bestPrices"]
        self.states.setdefault(symbol, {})[frame["to"]] = (dict(bids), dict(asks)), (best.get("bid"), best.get("ask"))


def read() -> tuple[list[dict[str, Any]], NaiveBooks]:
    """The recording, and what it comes to. A snapshot does not name its contract: the next deltas continue it."""
    with gzip.open(_FILE, "rt") as file:
        exact = [json.loads(line, parse_float=Decimal, parse_int=int)["frame"] for line in file]
    with gzip.open(_FILE, "rt") as file:
        lines = [json.loads(line) for line in file]
    symbols = {frame["from"]: frame["symbol"] for frame in exact if frame["from"]}
    naive = NaiveBooks()
    for frame in exact:
        naive.take(frame.get("symbol") or symbols[frame["to"]], frame)
    return lines, naive


class Watch:
    """Looks at a kept book after each frame, on the thread that keeps it, before the next one is applied."""

    def __init__(self, book: OrderBook, states: dict[int, tuple[Sides, Touch]]) -> None:
        self.seen: list[int] = []
        self.wrong: list[int] = []
        self._book, self._states = book, states
        book.load = self._after(book.load)  # type: ignore[method-assign]
        book.apply = self._after(book.apply)  # type: ignore[method-assign]

    def _after(self, keep: Callable[[Any], bool]) -> Callable[[Any], bool]:
        def call(event: DepthSnapshot | DepthUpdate) -> bool:
            sound = keep(event)
            change = event.change_id or 0
            self.seen.append(change)
            view = self._book.snapshot()
            sides = {lv.price: lv.amount for lv in view.bids}, {lv.price: lv.amount for lv in view.asks}
            best = view.best_bid and view.best_bid.price, view.best_ask and view.best_ask.price
            if not view.bids or (sides, best) != self._states[change]:
                self.wrong.append(change)
            return sound

        return call


@pytest.mark.skipif(not _FILE.exists(), reason=f"no recorded order flow: {_FILE.name} is not there")
def test_kept_books_equal_a_naive_rebuild_and_what_each_frame_says() -> None:
    lines, naive = read()
    symbols = list(naive.states)
    assert len(symbols) == 4
    with leak_check(), LocalExchange(markets=(), contracts=symbols, rate=0) as exchange:
        exchange.replay_contracts(lines)
        client = ContractClient(url=exchange.contract_url, limits=Limits(dial_interval=0))
        errors: list[object] = []
        client.on_error(errors.append)
        client.on_gap(errors.append)
        watches = {symbol: Watch(client.order_book(symbol), naive.states[symbol]) for symbol in symbols}
        with client:
            client.wait_ready(20)
            assert exchange.wait_contract_replay(60)
            for symbol, watch in watches.items():
                last = list(naive.states[symbol])[-1]
                wait_until(lambda watch=watch, last=last: watch.seen[-1] == last, 20)  # type: ignore[misc]
            assert client.stats().touch_mismatches == 0
        assert not errors
    for symbol, watch in watches.items():
        assert watch.seen == list(naive.states[symbol])
        assert not watch.wrong
