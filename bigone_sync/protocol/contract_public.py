"""The public contract sockets: depth, trades, candles, instruments (contract protocol, sections 3 to 6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from ..enums import CandlePeriod, Channel
from ..errors import SequenceGap
from ..events import Candle, DepthSnapshot, DepthUpdate, Levels, LevelText
from .base import Broken, CodecError, Item, Problem, Route, Touch
from .contract_memory import ContractCandleMemory, ContractTradeMemory
from .contract_socket import Frames, KeptValues
from .contract_wire import DepthFrame, decode_candles, decode_depth, decode_instruments, decode_trades
from .report import Reporter
from .sequence import RangeSequence, Verdict

__all__ = ["CandleFrames", "DepthFrames", "InstrumentFrames", "TradeFrames"]


def _given(levels: tuple[LevelText, ...]) -> tuple[LevelText, ...]:
    return levels


class DepthFrames(Frames):
    """A book and its changes."""

    def __init__(self, reporter: Reporter, market: str | None, _: CandlePeriod | None = None) -> None:
        super().__init__(reporter)
        self._market = market or ""
        self._is_given_up = False
        """Whether this socket brought a frame of another contract: snapshots, which name none, are not trusted."""

    @property
    def _route(self) -> Route | None:
        return self.routes.get((Channel.DEPTH, self._market))

    def opened(self) -> None:
        """A new socket."""
        super().opened()
        self._is_given_up = False
        for route in self.routes.values():
            route.sequence.opened()

    def read(self, data: bytes, at: float, items: list[Item]) -> None:
        """A snapshot if ``from`` is 0, else a delta, whose place in the chain is checked."""
        frame = self._decoded(data)
        if frame is None:
            return
        route = self._route
        if route is None:
            self.reporter.unrouted += 1
            return
        sequence: RangeSequence = route.sequence
        if self._is_given_up:
            self.reporter.held_back += 1
            return
        if frame.symbol is not None and frame.symbol != self._market:
            self._give_up(route, frame.symbol, items)
            return
        self.took_first()
        if frame.is_snapshot:
            sequence.snapshot(frame.to_id)
            items.append((route, [self._snapshot(frame, at)]))
        else:
            verdict = sequence.check(frame.from_id, frame.to_id)
            if verdict is Verdict.HELD:
                self.reporter.held_back += 1
                return
            if verdict is not Verdict.ACCEPT:
                items.append((None, Broken.at(route, self._gap(sequence, frame))))
                return
            items.append((route, [self._update(frame, at)]))
        if frame.has_best:
            items.append((None, Touch(route, frame.best_bid, frame.best_ask)))

    def _decoded(self, data: bytes) -> DepthFrame | None:
        try:
            return decode_depth(data)
        except CodecError:
            for route in self.routes.values():
                route.sequence.unread()
            raise

    def _give_up(self, route: Route, symbol: str, items: list[Item]) -> None:
        """This socket is not the contract's; that is told unless it is being replaced already."""
        is_known = route.sequence.last is None and not self.is_first
        self.is_first, self._is_given_up = False, True
        route.sequence.reset()
        if is_known:
            self.reporter.held_back += 1
        else:
            items.append((None, Broken(route, self.stranger(symbol, self._market), "a frame of another contract")))

    def _gap(self, sequence: RangeSequence, frame: DepthFrame) -> SequenceGap:
        name = self.reporter.connection
        wanted = "a snapshot" if sequence.expected is None else f"{sequence.expected} or the next"
        return SequenceGap(
            f"{name}: an update continues {frame.from_id}, expected was {wanted}",
            market=self._market,
            expected=sequence.expected,
            got=frame.from_id,
            connection=name,
        )

    def _snapshot(self, frame: DepthFrame, at: float) -> DepthSnapshot:
        return DepthSnapshot(
            self._market,
            Levels(frame.bids, _given),
            Levels(frame.asks, _given),
            frame.to_id,
            frame.last_price,
            connection=self.reporter.connection,
            received_at=at,
        )

    def _update(self, frame: DepthFrame, at: float) -> DepthUpdate:
        return DepthUpdate(
            self._market,
            Levels(frame.bids, _given),
            Levels(frame.asks, _given),
            frame.to_id,
            frame.from_id,
            frame.last_price,
            connection=self.reporter.connection,
            received_at=at,
        )


class TradeFrames(Frames):
    """Trades: the first frame of a socket holds the latest, later ones what is new."""

    def __init__(self, reporter: Reporter, market: str | None, _: CandlePeriod | None = None) -> None:
        super().__init__(reporter)
        self._market = market
        self._memory = ContractTradeMemory()

    def read(self, data: bytes, at: float, items: list[Item]) -> None:
        """One event a trade, oldest first, none twice."""
        found = decode_trades(data, self.reporter.connection, at, snapshot=self.is_first)
        if found is None:
            return
        first = self.took_first()
        trades = self.of_market(self.good("trades", found, items), self._market, items)
        hole = None
        if first:
            fresh, hole = self._memory.snapshot(trades)
        else:
            fresh = [trade for trade in trades if self._memory.update(trade)]
        self.reporter.duplicates += len(trades) - len(fresh)
        route = self.routes.get((Channel.TRADES, self._market))
        if route is None:
            self.reporter.unrouted += len(fresh)
            return
        self.reporter.missing(route, hole, "the new socket's first trades do not reach back to the last one", at, items)
        if fresh:
            items.append((route, fresh))


class CandleFrames(Frames):
    """Candles of one period."""

    def __init__(self, reporter: Reporter, market: str | None, period: CandlePeriod | None) -> None:
        super().__init__(reporter)
        self._market, self._period = market, period
        self._memory = ContractCandleMemory()

    def read(self, data: bytes, at: float, items: list[Item]) -> None:
        """One event a candle, oldest first; of each time the larger version counts."""
        found = decode_candles(data, self.reporter.connection, at, snapshot=self.is_first)
        if found is None:
            return
        first = self.took_first()
        candles = self._of_period(self.of_market(self.good("candles", found, items), self._market, items), items)
        hole = None
        if first:
            fresh, hole = self._memory.snapshot(candles)
        else:
            fresh = [candle for candle in candles if self._memory.update(candle)]
        self.reporter.duplicates += len(candles) - len(fresh)
        route = self.routes.get((Channel.CANDLES, self._market))
        if route is None:
            self.reporter.unrouted += len(fresh)
            return
        self.reporter.missing(route, hole, "candles between the last one and the new socket's first", at, items)
        if fresh:
            items.append((route, fresh))

    def _of_period(self, candles: Sequence[Candle], items: list[Item]) -> list[Candle]:
        """Those of the socket's period, which one that names none is of; others are reported."""
        ours: list[Candle] = []
        for candle in candles:
            if candle.period == self._period:
                ours.append(candle)
            elif candle.period == CandlePeriod.UNKNOWN and candle.period.value == CandlePeriod.UNKNOWN.value:
                ours.append(msgspec.structs.replace(candle, period=self._period))
            else:
                items.append((None, Problem(self.stranger(str(candle.period), f"{self._market}, {self._period}"))))
        return ours


class InstrumentFrames(Frames):
    """Index, mark and funding: first all rows, then one a frame."""

    def __init__(self, reporter: Reporter, market: str | None, kept: Mapping[Channel, KeptValues]) -> None:
        super().__init__(reporter)
        self._market = market
        self._kept = kept.get(Channel.INSTRUMENTS)

    def read(self, data: bytes, at: float, items: list[Item]) -> None:
        """One event a row."""
        found = decode_instruments(data, self.reporter.connection, at)
        if found is None:
            return
        first = self.took_first()
        good = self.good("instruments", found, items)
        rows = self.of_market(good, self._market, items)
        if self._kept is not None and rows:
            self._kept.put(rows, at, whole=first and self._market is None and len(good) == len(found))
        route = self.routes.get((Channel.INSTRUMENTS, self._market))
        if route is None:
            self.reporter.unrouted += len(rows)
        elif rows:
            items.append((route, rows))
