"""Seeded spot messages for the benchmarks, as the exchange's JSON channel prints them.

All of a feed is made before anything is measured. A depth feed is consistent: its updates chain from the snapshot by
``changeId`` and ``prevId``, and a book that applies them never crosses (spot protocol, sections 6.1 to 6.3).
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

__all__ = ["FEEDS", "MARKET", "Feed", "depth_feed", "ticker_feed", "trade_feed"]

MARKET = "BTC-USDT"

_BEST_BID = 6_780_650  # in ticks of 0.01
_TYPICAL_DISTANCE = 40.0  # ticks from the touch
_LEVELS = 200  # a side, in the snapshot
_FEWEST = 60  # a side: below it nothing is removed
_REMOVED = 0.3  # share of the touched levels
# One to five levels a side, mostly few: about 300 bytes a message.
_TOUCHED, _WEIGHTS = (1, 2, 3, 4, 5), (12, 4, 2, 1, 1)


@dataclass(frozen=True)
class Feed:
    """What one subscription brings."""

    request: str
    """The request member that subscribes to it."""
    answer: dict[str, Any]
    """The payload member of the snapshot, still without ``requestId``."""
    updates: list[bytes]
    """Encoded messages, in order."""
    last_id: int
    """``changeId`` of the last update; for trades its ``id``, for tickers the number of updates."""

    def snapshot(self, request_id: str) -> bytes:
        """Encode the answer to a subscription."""
        return json.dumps({"requestId": request_id, **self.answer}, separators=(",", ":")).encode()


class _Book:
    """The book behind a depth feed: a fixed touch, levels set and removed at exponential distances from it."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self.asks = {_BEST_BID + 1 + i: self._amount() for i in range(_LEVELS)}
        self.bids = {_BEST_BID - i: self._amount() for i in range(_LEVELS)}

    def change(self, side: dict[int, str]) -> list[tuple[int, str]]:
        """Touch some levels of one side; amount ``"0"`` removes."""
        rng = self._rng
        first, step = (_BEST_BID + 1, 1) if side is self.asks else (_BEST_BID, -1)
        wanted = rng.choices(_TOUCHED, _WEIGHTS)[0]
        touched: dict[int, str] = {}
        while len(touched) < wanted:
            tick = first + step * int(rng.expovariate(1 / _TYPICAL_DISTANCE))
            if tick in touched:
                continue
            if tick in side and len(side) > _FEWEST and rng.random() < _REMOVED:
                del side[tick]
                touched[tick] = "0"
            else:
                side[tick] = touched[tick] = self._amount()
        return list(touched.items())

    def _amount(self) -> str:
        return f"{self._rng.uniform(0.0001, 3.0):.6f}"


def depth_feed(n: int, seed: int = 7) -> Feed:
    """Make a depth snapshot and ``n`` updates; ``changeId`` grows by 1 to 3 a step, since only the chain counts."""
    rng = random.Random(seed)
    book = _Book(rng)
    last = 1_000_000
    depth = {"market": MARKET, "asks": _levels(book.asks), "bids": _levels(book.bids)}
    answer = {"depthSnapshot": {"depth": depth, "changeId": str(last)}}
    updates = []
    for _ in range(n):
        change = last + rng.randint(1, 3)
        asks, bids = _encode(book.change(book.asks)), _encode(book.change(book.bids))
        updates.append(
            f'{{"requestId":"1","depthUpdate":{{"depth":{{"market":"{MARKET}","asks":[{asks}],"bids":[{bids}]}},'
            f'"changeId":"{change}","prevId":"{last}"}}}}'.encode()
        )
        last = change
    return Feed("subscribeMarketDepthRequest", answer, updates, last)


def trade_feed(n: int, seed: int = 7) -> Feed:
    """Make a snapshot of 20 trades, newest first, and ``n`` updates of one trade each; ids grow by one."""
    stream = _trades(random.Random(seed))
    history = [next(stream) for _ in range(20)]
    trades = [next(stream) for _ in range(n)]
    updates = [_compact({"requestId": "2", "tradeUpdate": {"trade": trade}}) for trade in trades]
    last = int((trades or history)[-1]["id"])
    return Feed("subscribeMarketTradesRequest", {"tradesSnapshot": {"trades": history[::-1]}}, updates, last)


def ticker_feed(n: int, seed: int = 7) -> Feed:
    """Make a ticker snapshot and ``n`` updates."""
    rng = random.Random(seed)
    updates = [_compact({"requestId": "3", "tickerUpdate": {"ticker": _ticker(rng)}}) for _ in range(n)]
    return Feed("subscribeMarketsTickerRequest", {"tickersSnapshot": {"tickers": [_ticker(rng)]}}, updates, n)


FEEDS = {"depth": depth_feed, "trades": trade_feed, "tickers": ticker_feed}
"""Every kind of feed, by the name the server's command line knows."""


def _trades(rng: random.Random) -> Iterator[dict[str, Any]]:
    number, moment = 28_622, datetime(2026, 1, 5, tzinfo=timezone.utc)
    while True:
        number += 1
        moment += timedelta(milliseconds=rng.randint(1, 400))
        yield {
            "id": str(number),
            "price": _price(_BEST_BID + rng.randint(-50, 50)),
            "amount": f"{rng.uniform(0.0001, 2.0):.6f}",
            "market": MARKET,
            "createdAt": f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z",
            "makerOrder": None,
            "takerOrder": None,
            "takerSide": rng.choice(("BID", "ASK")),
        }


def _ticker(rng: random.Random) -> dict[str, Any]:
    close = _BEST_BID + rng.randint(-500, 500)
    opened = _BEST_BID + 81_600
    return {
        "market": MARKET,
        "ask": {"price": _price(close + 3), "amount": f"{rng.uniform(0.001, 2):.6f}", "orderCount": "1"},
        "bid": {"price": _price(close - 3), "amount": f"{rng.uniform(0.001, 2):.6f}", "orderCount": "1"},
        "open": _price(opened),
        "high": _price(opened + 147_613),
        "low": _price(_BEST_BID - 50_849),
        "close": _price(close),
        "volume": f"{rng.uniform(1800, 1900):.6f}",
        "dailyChange": f"-{_price(opened - close)}",
        "dailyChangePerc": f"{100 * (close - opened) / opened:.2f}",
    }


def _levels(side: dict[int, str]) -> list[dict[str, str]]:
    return [{"price": _price(tick), "amount": amount, "orderCount": _orders(tick)} for tick, amount in side.items()]


def _encode(levels: list[tuple[int, str]]) -> str:
    return ",".join(
        f'{{"price":"{_price(tick)}","amount":"{amount}","orderCount":"{"0" if amount == "0" else _orders(tick)}"}}'
        for tick, amount in levels
    )


def _orders(tick: int) -> str:
    return str(1 + tick % 7)


def _price(tick: int) -> str:
    return f"{tick // 100}.{tick % 100:02d}"


def _compact(message: dict[str, Any]) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode()
