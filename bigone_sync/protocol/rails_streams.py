"""Rails' public streams of one connection: whose they are, and what they say (Rails protocol, sections 3.5, 3.6, 4)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from ..enums import Channel
from ..errors import ProtocolError
from ..events import DepthSnapshot, DepthUpdate, Levels, LevelText
from ..redact import redact
from .base import CodecError, Problem
from .rails_frames import DELTAS, SNAPSHOTS, StreamFrame, trades_of
from .rails_news import BookDelta, BookLost, BookSnapshot, News, Trades
from .rails_requests import ALL, RailsRequests
from .rails_values import BookSides, levels_of
from .report import Reporter, excerpt_of

__all__ = ["Streams", "digest_of"]

_WORDS = 200


def _price(level: LevelText) -> str:
    return level.price


def digest_of(market: str, sides: BookSides, ts: int | None) -> bytes:
    """What is equal for equal changes of a book, in whatever order their levels stand (section 8).

    Levels of one price keep their order, for then the last one counts.
    """
    parts = [str(ts)]
    for levels in sides:
        parts.append("")
        ordered: Sequence[LevelText] = levels if len(levels) < 2 else sorted(levels, key=_price)
        for level in ordered:
            parts.append(level.price)
            parts.append(level.amount)
    # Only the market's name may hold anything; it comes last.
    parts.append("")
    parts.append(market)
    return hashlib.blake2b("|".join(parts).encode(), digest_size=16).digest()


def _given(levels: tuple[LevelText, ...]) -> tuple[LevelText, ...]:
    return levels


class Streams:
    """One per protocol.

    Args:
        reporter: counts and reports.
        requests: knows which snapshots were asked for.
        market: the connection's, or ``ALL``.
    """

    def __init__(self, reporter: Reporter, requests: RailsRequests, market: str) -> None:
        self._reporter, self._requests, self._market = reporter, requests, market
        self._unplaced: set[str] = set()
        """Kinds of messages of this socket that were reported as of no known market."""

    def opened(self) -> None:
        """A new socket."""
        self._unplaced.clear()

    def read(self, frame: StreamFrame, raw: bytes, at: float, news: list[News]) -> None:
        """What a message of one of the kinds of DELTAS and SNAPSHOTS says, and no refusal.

        Raises:
            CodecError: its rows are missing or cannot be read.
        """
        kind, data = frame.result_type, frame.data
        channel = DELTAS.get(kind)
        is_snapshot = channel is None
        if channel is None:
            channel = SNAPSHOTS[kind]
        request_id = data.client_request_id or None
        market = frame.market or self._own_market(channel, is_snapshot, request_id)
        if market is None:
            self._not_placed(kind, channel, raw, news)
            return
        if market != self._market and self._market != ALL:
            self._reporter.unrouted += 1
            return
        if frame.is_refused:
            self._failed(frame, channel, market, raw, news)
            return
        if data.orders == b"null":
            raise CodecError(f"{kind}: data.orders is missing")
        if channel is Channel.TRADES:
            self._trades(frame, market, raw, at, is_snapshot, news)
            return
        sides = levels_of(data.orders)
        bids, asks = Levels(sides[0], _given), Levels(sides[1], _given)
        name = self._reporter.connection
        if is_snapshot:
            snapshot = DepthSnapshot(market, bids, asks, connection=name, received_at=at)
            self._requests.answered(channel, market, request_id)
            news.append(BookSnapshot(market, snapshot, data.ts, request_id))
        else:
            update = DepthUpdate(market, bids, asks, connection=name, received_at=at)
            news.append(BookDelta(market, update, digest_of(market, sides, data.ts), data.ts))

    def _own_market(self, channel: Channel, is_snapshot: bool, request_id: str | None) -> str | None:
        """Whose a message is that names no market; None: that is not known."""
        if self._market != ALL:
            return self._market
        return self._requests.market_of(channel, request_id) if is_snapshot else None

    def _not_placed(self, kind: str, channel: Channel, raw: bytes, news: list[News]) -> None:
        """Reported once per kind and socket, for an exchange that names no market names none all day."""
        self._reporter.unrouted += 1
        if kind not in self._unplaced:
            self._unplaced.add(kind)
            error = ProtocolError(
                f"{self._reporter.connection}: {kind} names no market, and nothing else tells which one it is of;"
                " further ones are only counted. Use one client per market",
                connection=self._reporter.connection,
                excerpt=excerpt_of(raw),
            )
            news.append(Problem(error))
        if kind in DELTAS and channel is Channel.DEPTH:
            news.append(BookLost(None))

    def _failed(self, frame: StreamFrame, channel: Channel, market: str, raw: bytes, news: list[News]) -> None:
        """A change that is none but an error."""
        words = redact(frame.data.body or "")[:_WORDS]
        error = ProtocolError(
            f"{self._reporter.connection}: {frame.result_type} with status {frame.data.status_code}: {words}",
            connection=self._reporter.connection,
            excerpt=excerpt_of(raw),
        )
        news.append(Problem(error))
        if channel is Channel.DEPTH:
            news.append(BookLost(market))

    def _trades(
        self, frame: StreamFrame, market: str, raw: bytes, at: float, is_snapshot: bool, news: list[News]
    ) -> None:
        found = trades_of(
            frame.data.orders, market=market, connection=self._reporter.connection, received_at=at, snapshot=is_snapshot
        )
        good = [row for row in found if not isinstance(row, CodecError)]
        for row in found:
            if isinstance(row, CodecError):
                news.append(self._reporter.problem(CodecError(f"{frame.result_type}: {row}"), raw))
        request_id = frame.data.client_request_id or None
        if is_snapshot:
            self._requests.answered(Channel.TRADES, market, request_id)
        if good or is_snapshot:
            news.append(Trades(market, good, is_snapshot, request_id))
