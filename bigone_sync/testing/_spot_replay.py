"""Plays recorded spot frames to whoever is subscribed, at the recorded pace or as fast as they are taken."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bigone_sync.testing._book import BookView
from bigone_sync.testing._pace import checked_speed, paced
from bigone_sync.testing._spot_hub import Hub, Key
from bigone_sync.testing._spot_wire import dump

_KEPT_TRADES = 1_000
#: Response member to (channel, inner member that carries the market).
_ROUTES = {
    "depthSnapshot": ("depth", "depth"),
    "depthUpdate": ("depth", "depth"),
    "tradeUpdate": ("trades", "trade"),
    "tickerUpdate": ("ticker", "ticker"),
    "candleUpdate": ("candles", "candle"),
}


@dataclass(frozen=True, slots=True)
class _Recorded:
    time: float
    key: Key
    member: str
    body: Mapping[str, Any]


class RecordedBook:
    """The book at the present position of a recording; levels keep the form they were recorded in."""

    def __init__(self, market: str) -> None:
        self._market = market
        self._original: Mapping[str, Any] | None = None
        self._change_id: Any = 0
        self._sides: dict[str, dict[Decimal, Mapping[str, Any]]] = {"asks": {}, "bids": {}}

    def apply(self, member: str, body: Mapping[str, Any]) -> None:
        """Take in a recorded ``depthSnapshot`` or ``depthUpdate``."""
        if member == "depthSnapshot":
            self._sides = {"asks": {}, "bids": {}}
        self._original = body if member == "depthSnapshot" else None
        self._change_id = body.get("changeId", 0)
        for name, levels in self._sides.items():
            for level in body["depth"].get(name) or ():
                price = Decimal(level["price"])
                if Decimal(level.get("amount") or 0):
                    levels[price] = level
                else:
                    levels.pop(price, None)

    def snapshot(self) -> Mapping[str, Any]:
        """Body of a ``depthSnapshot``: as recorded before the first update, else built from the levels."""
        if self._original is not None:
            return self._original
        depth = {"market": self._market, "asks": self._sorted("asks"), "bids": self._sorted("bids")}
        return {"depth": depth, "changeId": self._change_id}

    def view(self) -> BookView:
        """The book as price to amount, best first."""
        bids, asks = (
            {Decimal(level["price"]): Decimal(level["amount"]) for level in self._sorted(name)}
            for name in ("bids", "asks")
        )
        return BookView.freeze(int(self._change_id), bids, asks)

    def _sorted(self, name: str) -> list[Mapping[str, Any]]:
        return [level for _, level in sorted(self._sides[name].items(), reverse=name == "bids")]


class Replay:
    """One recording. The first depth snapshot of every market is its starting point and is not played.

    Args:
        lines: ``{"t": seconds, "frame": {…}}`` in order of time.
        speed: factor on the recorded pace; None or infinity: no pace but the slowest subscriber's.
        autostart: whether `subscribed` ever says that it is time.

    Raises:
        ValueError: nothing to play, a frame that is no market data, or depth updates without a snapshot before.
    """

    def __init__(
        self, lines: Iterable[Mapping[str, Any]], *, speed: float | None = 1.0, autostart: bool = True
    ) -> None:
        self._speed = checked_speed(speed)
        self.finished = threading.Event()
        self.books: dict[str, RecordedBook] = {}
        self._trades: dict[str, deque[Any]] = {}
        self._frames: list[_Recorded] = []
        for line in lines:
            self._load(_recorded(line))
        self.markets = frozenset(self.books) | {frame.key.market for frame in self._frames}
        if not self.markets:
            raise ValueError("the recording is empty")
        self._awaited = set(self.markets)
        self._autostart = autostart
        self.played = 0

    def subscribed(self, market: str) -> bool:
        """Note a subscription to depth, or to trades where no depth was recorded; True when it is time to start."""
        self._awaited.discard(market)
        return self._autostart and not self._awaited

    def depth(self, market: str) -> str:
        """Body of a ``depthSnapshot`` at the present position."""
        book = self.books.get(market) or RecordedBook(market)
        return dump(book.snapshot())

    def trades(self, market: str, limit: int) -> str:
        """Body of a ``tradesSnapshot`` of what was played so far, newest first."""
        return dump({"trades": list(self._trades.get(market, ()))[:limit]})

    async def run(self, hub: Hub) -> None:
        """Play every frame; `finished` is set when the last one has been written."""
        async for index in paced([frame.time for frame in self._frames], self._speed, hub.backlog):
            self._play(hub, self._frames[index])
        self.finished.set()

    def _load(self, frame: _Recorded) -> None:
        market = frame.key.market
        if frame.member == "depthSnapshot" and market not in self.books:
            self.books[market] = RecordedBook(market)
            self.books[market].apply(frame.member, frame.body)
            return
        if frame.member == "depthUpdate" and market not in self.books:
            raise ValueError(f"{market}: the recording has a depthUpdate before any depthSnapshot")
        self._frames.append(frame)

    def _play(self, hub: Hub, frame: _Recorded) -> None:
        market = frame.key.market
        if frame.key.channel == "depth":
            self.books[market].apply(frame.member, frame.body)
        elif frame.key.channel == "trades":
            self._trades.setdefault(market, deque(maxlen=_KEPT_TRADES)).appendleft(frame.body["trade"])
        hub.publish(frame.key, frame.member, lambda: dump(frame.body))
        self.played += 1


def _recorded(line: Mapping[str, Any]) -> _Recorded:
    members = [name for name in line["frame"] if name != "requestId"]
    if len(members) != 1 or members[0] not in _ROUTES:
        raise ValueError(f"only market data can be replayed, not {members}")
    member = members[0]
    channel, inner = _ROUTES[member]
    body = line["frame"][member]
    detail = body[inner].get("period") or "MIN1" if channel == "candles" else ""
    return _Recorded(float(line["t"]), Key(channel, body[inner]["market"], detail), member, body)
