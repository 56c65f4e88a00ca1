"""Books and public trades of all markets: what several connections bring of them, merged, and snapshots asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Protocol

from ..config import Backoff
from ..delivery import Delivery
from ..enums import Channel, SubscriptionState
from ..errors import RequestRejected, StreamsDiverged
from ..events import Gap, SubscriptionKey
from ..protocol.rails_news import Answer, BookDelta, BookLost, BookSnapshot, Trades
from ..subscription import Stream
from .asks import Asks
from .books import BookSync, Step
from .session import RailsSession
from .trades import Hole, TradeStep, TradeSync

__all__ = ["Public", "Sync"]

Sync = BookSync | TradeSync

_UNKNOWN_PLACE = "where the other connections go on is not known: a snapshot is asked for"
_UNUSABLE = "a change of the book could not be used: a snapshot is asked for"


class Sharing(Protocol):
    """A group, as far as public data need it."""

    streams: dict[SubscriptionKey, Stream]
    backoff: Backoff

    def askable(self) -> list[RailsSession]:
        """The connections that are READY, the leader first."""


class Public:
    """Under the group's lock.

    Args:
        group: whose streams these are.
        reply: seconds that a snapshot may take.
        live: told of a stream that runs.
    """

    def __init__(self, group: Sharing, reply: float, live: Callable[[Stream], None]) -> None:
        self._group, self._live = group, live
        self._books: dict[str, BookSync] = {}
        self._trades: dict[str, TradeSync] = {}
        self.asks = Asks(reply)

    # -- what is wanted

    def _markets(self, channel: Channel) -> set[str]:
        streams = self._group.streams.values()
        return {s.key.market or "" for s in streams if s.key.channel == channel and not s.is_over}

    def join(self, session: RailsSession) -> None:
        """Let a connection bring what is wanted of it. What it brings already it goes on to bring."""
        if Channel.DEPTH in session.channels:
            for market in self._markets(Channel.DEPTH):
                self._books.setdefault(market, BookSync()).join(session.name)
        if Channel.TRADES in session.channels:
            for market in self._markets(Channel.TRADES):
                self._trades.setdefault(market, TradeSync()).join(session.name)

    def left(self) -> None:
        """Streams were removed."""
        books, trades = self._markets(Channel.DEPTH), self._markets(Channel.TRADES)
        self._books = {market: book for market, book in self._books.items() if market in books}
        self._trades = {market: sync for market, sync in self._trades.items() if market in trades}
        self.asks.keep(books, trades)

    def closed(self, session: RailsSession, now: float, out: Delivery, *, is_alone: bool) -> None:
        """A connection is over; ``is_alone``: and no other one is up."""
        self.asks.lost(session)
        self._leave(session, frozenset({Channel.DEPTH, Channel.TRADES}), now, out, is_alone=is_alone)

    def dropped(
        self, session: RailsSession, channels: frozenset[Channel], now: float, out: Delivery, *, is_alone: bool
    ) -> None:
        """A connection did not bring these for a while: it begins anew with them."""
        self.asks.lost(session)
        self._leave(session, channels, now, out, is_alone=is_alone)
        self.join(session)

    def _leave(
        self, session: RailsSession, channels: frozenset[Channel], now: float, out: Delivery, *, is_alone: bool
    ) -> None:
        if Channel.DEPTH in channels:
            for market, book in self._books.items():
                step = book.leave(session.name)
                # Alone it is no hole that anybody could be told of: nobody listened.
                self._book_step(market, step._replace(broken=step.broken and not is_alone), session, now, out)
        if Channel.TRADES in channels:
            for market, trades in self._trades.items():
                self._trade_step(market, trades.leave(session.name), session, now, out)

    @property
    def syncs(self) -> list[tuple[str, Sync]]:
        """All that is merged, by market."""
        return [*self._books.items(), *self._trades.items()]

    def overtake(self, market: str, sync: Sync, session: RailsSession, now: float, out: Delivery) -> None:
        """Go on from what this connection brought, without waiting for the others."""
        if isinstance(sync, BookSync):
            self._book_step(market, sync.overtake(session.name), session, now, out)
        else:
            self._trade_step(market, sync.overtake(session.name), session, now, out)

    # -- books

    def _stream(self, channel: Channel, market: str) -> Stream | None:
        stream = self._group.streams.get(SubscriptionKey(channel, market))
        return stream if stream is not None and not stream.is_over else None

    def deltas(
        self, session: RailsSession, market: str, deltas: Sequence[BookDelta], now: float, out: Delivery
    ) -> None:
        """Changed levels came."""
        book = self._books.get(market)
        if book is not None:
            self._book_step(market, book.deltas(session.name, deltas), session, now, out)

    def snapshot(self, session: RailsSession, news: BookSnapshot, now: float, out: Delivery) -> None:
        """A whole book came."""
        book = self._books.get(news.market)
        if book is None or Channel.DEPTH not in session.active:
            return
        self.asks.answered((Channel.DEPTH, news.market), session)
        was_live = book.is_live
        self._book_step(news.market, book.snapshot(session.name, news), session, now, out)
        stream = self._stream(Channel.DEPTH, news.market)
        if stream is not None and book.is_live and not was_live and (stream.book is None or stream.book.is_live):
            self._live(stream)
        self.ask_missing()

    def book_lost(self, session: RailsSession, lost: BookLost, out: Delivery) -> None:
        """A change of a book, or of any, could not be used; nothing that comes later would show that it is missing."""
        for market, book in self._books.items():
            stream = self._stream(Channel.DEPTH, market)
            if lost.market in (None, market) and book.is_live and stream is not None:
                session.broken(stream, _UNUSABLE, out)

    def _book_step(self, market: str, step: Step, session: RailsSession, now: float, out: Delivery) -> None:
        stream = self._stream(Channel.DEPTH, market)
        if stream is None:
            return
        if step.diverged:
            self._diverged(session, stream, step.diverged, out)
        if step.broken:
            session.broken(stream, step.diverged or _UNKNOWN_PLACE, out)
        if step.events:
            session.intake.take([(stream.route, step.events)], now, out)

    def _diverged(self, session: RailsSession, stream: Stream, how: str, out: Delivery) -> None:
        text = f"{session.name}: {stream.key}: connections that should bring the same do not: {how}"
        out.error(StreamsDiverged(text, connection=session.name))

    # -- trades

    def rows(self, session: RailsSession, news: Trades, now: float, out: Delivery) -> None:
        """Public trades came, or a list of recent ones."""
        sync = self._trades.get(news.market)
        if sync is None:
            return
        if not news.is_snapshot:
            self._trade_step(news.market, sync.rows(session.name, news.rows), session, now, out)
            return
        if Channel.TRADES not in session.active:
            return
        self.asks.answered((Channel.TRADES, news.market), session)
        if sync.is_waiting:
            self._trade_step(news.market, sync.snapshot(news.rows), session, now, out)
            self._again(news.market)

    def _again(self, market: str) -> None:
        """A stream of trades that was in doubt goes on."""
        stream = self._stream(Channel.TRADES, market)
        if stream is not None and stream.state == SubscriptionState.STALE:
            self._live(stream)

    def _trade_step(self, market: str, step: TradeStep, session: RailsSession, now: float, out: Delivery) -> None:
        stream = self._stream(Channel.TRADES, market)
        if stream is None:
            return
        if step.diverged:
            self._diverged(session, stream, step.diverged, out)
        if step.hole is not None:
            self._hole(session, stream, step.hole, out)
        if step.trades:
            session.intake.take([(stream.route, step.trades)], now, out)

    def _hole(self, session: RailsSession, stream: Stream, hole: Hole, out: Delivery) -> None:
        session.gaps += 1
        key, (since, until, reason) = stream.key, hole
        out.gap(Gap(key.channel, key.market, since, until, reason, connection=session.name, received_at=time.time()))

    # -- asking for snapshots

    def resync(self, stream: Stream) -> None:
        """Ask for a stream's snapshot anew; at once, or after a pause if it happens again and again."""
        stream.went_stale(time.monotonic(), self._group.backoff)
        channel, market = stream.key.channel, stream.key.market or ""
        sync = self._books.get(market) if channel == Channel.DEPTH else self._trades.get(market)
        if sync is not None:
            sync.doubt()
            self.asks.forget((channel, market))
        self.ask_missing()

    def ask_missing(self) -> None:
        """Ask for every snapshot that is wanted, can be asked for, and is not on its way."""
        sessions = self._group.askable()
        for market, book in self._books.items():
            if not book.is_live and self._is_due(Channel.DEPTH, market):
                self.asks.ask((Channel.DEPTH, market), [s for s in sessions if book.may_ask(s.name)])
        for market, trades in self._trades.items():
            if trades.is_waiting and self._is_due(Channel.TRADES, market):
                self.asks.ask((Channel.TRADES, market), sessions)

    def _is_due(self, channel: Channel, market: str) -> bool:
        stream = self._stream(channel, market)
        if stream is None or (channel, market) in self.asks:
            return False
        return stream.resync_due is None or time.monotonic() >= stream.resync_due

    def refused(self, answer: Answer, now: float, out: Delivery) -> bool:
        """Whether the exchange refused a snapshot that was asked for."""
        asked = self.asks.refused(answer.request_id) if answer.request_id is not None else None
        if asked is None:
            return False
        (channel, market), session, command = asked
        text = f"{session.name}: {command} for {market} was refused: {answer.body} ({answer.status_code})"
        out.error(
            RequestRejected(
                text,
                code=answer.status_code,
                reason=answer.body,
                request_id=answer.request_id or "",
                command=command,
            )
        )
        stream = self._stream(channel, market)
        if channel == Channel.TRADES:
            self._without_list(market, session, now, out)
        elif stream is not None:
            stream.resync_due = now + self._group.backoff.bound(session.snapshot_misses)
        return True

    def _without_list(self, market: str, session: RailsSession, now: float, out: Delivery) -> None:
        """The recent trades do not come; the stream itself may be fine."""
        self._trade_step(market, self._trades[market].give_up(), session, now, out)
        self._again(market)

    def check(self, now: float, out: Delivery) -> None:
        """Look after what was asked for."""
        for (channel, market), session, timeout in self.asks.overdue():
            out.error(timeout)
            if channel == Channel.TRADES:
                self._without_list(market, session, now, out)
        self.ask_missing()
