"""Plays recorded contract depth to the sockets of the recorded symbols."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from bigone_sync.testing._book import BookView
from bigone_sync.testing._contract_hub import ContractHub
from bigone_sync.testing._pace import checked_speed, paced

Frame = Mapping[str, Any]
_SIDES = ("bids", "asks")
_NORMAL_CLOSURE = 1000


class _Recorded(NamedTuple):
    time: float
    symbol: str
    frame: Frame


class RecordedContractBook:
    """The book at the present position of a recording; levels keep the form they were recorded in."""

    def __init__(self) -> None:
        self._last: Frame = {}
        self._sides: dict[str, dict[Decimal, tuple[str, Any]]] = {name: {} for name in _SIDES}

    def apply(self, frame: Frame) -> None:
        """Take in a recorded snapshot or delta."""
        if not frame["from"]:
            self._sides = {name: {} for name in _SIDES}
        self._last = frame
        for name, levels in self._sides.items():
            for price, size in (frame.get(name) or {}).items():
                if Decimal(str(size)):
                    levels[Decimal(price)] = price, size
                else:
                    levels.pop(Decimal(price), None)

    def snapshot(self) -> dict[str, Any]:
        """What a new socket gets: as recorded before the first delta, else built from the levels."""
        if not self._last["from"]:
            return dict(self._last)
        built = {name: value for name, value in self._last.items() if name != "symbol"}
        return {**built, "from": 0, **{name: dict(levels.values()) for name, levels in self._sides.items()}}

    def view(self) -> BookView:
        """The book as price to size, best first."""
        bids, asks = (
            {price: Decimal(str(size)) for price, (_, size) in sorted(levels.items(), reverse=name == "bids")}
            for name, levels in self._sides.items()
        )
        return BookView.freeze(int(self._last["to"]), bids, asks)


class ContractReplay:
    """One recording. The first snapshot of every symbol is its starting point and is not played.

    Args:
        lines: ``{"t": seconds, "frame": {…}}`` in order of time. A snapshot does not say whose it is: the line may
            (``"symbol"`` beside ``"frame"``), else the next delta that continues it does.
        speed: factor on the recorded pace; None or infinity: no pace but the slowest subscriber's.

    Raises:
        ValueError: nothing to play, a snapshot of nobody, or deltas without a snapshot before.
    """

    def __init__(self, lines: Iterable[Mapping[str, Any]], *, speed: float | None) -> None:
        self._speed = checked_speed(speed)
        self.finished = threading.Event()
        self.books: dict[str, RecordedContractBook] = {}
        self.played = 0
        self._frames: list[_Recorded] = []
        for recorded in _named(list(lines)):
            self._load(recorded)
        self.symbols = frozenset(self.books)
        if not self.symbols:
            raise ValueError("the recording is empty")
        self._awaited = set(self.symbols)

    def entered(self, symbol: str) -> bool:
        """Note a depth socket; True when every recorded symbol has had one."""
        self._awaited.discard(symbol)
        return not self._awaited

    async def run(self, hub: ContractHub) -> None:
        """Play every frame; `finished` is set when the last one has been written."""
        async for index in paced([frame.time for frame in self._frames], self._speed, hub.backlog):
            self._play(hub, self._frames[index])
        self.finished.set()

    def _load(self, recorded: _Recorded) -> None:
        if recorded.symbol in self.books:
            self._frames.append(recorded)
            return
        if recorded.frame["from"]:
            raise ValueError(f"{recorded.symbol}: the recording has a delta before any snapshot")
        book = self.books[recorded.symbol] = RecordedContractBook()
        book.apply(recorded.frame)

    def _play(self, hub: ContractHub, recorded: _Recorded) -> None:
        symbol, frame = recorded.symbol, recorded.frame
        self.books[symbol].apply(frame)
        self.played += 1
        if frame["from"]:
            hub.publish_depth(symbol, lambda: dict(frame))
            return
        # Who recorded this had to dial again: no socket ever gets a second snapshot.
        for socket in hub.selected(f"depth@{symbol}"):
            socket.close(_NORMAL_CLOSURE, "")
            hub.remove(socket)


def _named(lines: Sequence[Mapping[str, Any]]) -> Iterable[_Recorded]:
    """The lines with the symbol that each is about."""
    # Walked from the end: the next delta that continues an id is the one met last.
    continued: dict[int, str] = {}
    found: list[_Recorded] = []
    for line in reversed(lines):
        frame = line["frame"]
        if not {"from", "to"} <= set(frame):
            raise ValueError(f"only depth frames can be replayed, not {sorted(frame)}")
        start = int(frame["from"])
        symbol = frame.get("symbol") or line.get("symbol")
        if symbol is None and not start:
            last = int(frame["to"])
            symbol = continued.get(last) or continued.get(last + 1)
        if symbol is None:
            raise ValueError(f"nothing tells whose frame that is: from {start}, to {frame['to']}")
        if start:
            continued[start] = symbol
        found.append(_Recorded(float(line["t"]), symbol, frame))
    return reversed(found)
