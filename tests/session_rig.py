"""A session with its real connection to the local exchange, and a hub that keeps what it is told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from bigone_sync import Backoff, Channel, ConnectionState, Gap, Overflow, RawFrame, SubscriptionKey, Timeouts
from bigone_sync.dispatch import Dispatcher, Lane
from bigone_sync.errors import BigOneError
from bigone_sync.protocol.base import Handshake
from bigone_sync.protocol.spot import SpotProtocol
from bigone_sync.protocol.spot_json import JsonCodec
from bigone_sync.session import Session
from bigone_sync.subscription import EventBuffer, Stream, Subscription
from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.transport.connection import Connection
from bigone_sync.transport.settings import TransportSettings

TIMES = Timeouts(connect=2, ping=5, pong=5, reply=2, close=2)
BACKOFF = Backoff(initial=0.02, cap=0.1)


class RecordingHub:
    """A client, as its session sees it."""

    def __init__(self) -> None:
        self.wants_raw = True
        self.errors: list[BigOneError] = []
        self.gaps: list[Gap] = []
        self.frames: list[RawFrame] = []
        self.states: list[tuple[ConnectionState, ConnectionState]] = []
        self.fatals: list[BigOneError] = []
        self.changes = 0

    def error(self, lane: Lane, error: BigOneError, *, wait: bool = False) -> None:
        self.errors.append(error)

    def gap(self, lane: Lane, gap: Gap, *, wait: bool = False) -> None:
        self.gaps.append(gap)

    def raw(self, lane: Lane, frames: Sequence[RawFrame], *, wait: bool) -> None:
        self.frames.extend(frames)

    def state(self, lane: Lane, name: str, old: ConnectionState, new: ConnectionState, **details: Any) -> None:
        self.states.append((old, new))

    def fatal(self, lane: Lane, error: BigOneError) -> None:
        self.fatals.append(error)

    def changed(self) -> None:
        self.changes += 1


class Rig:
    """One session."""

    def __init__(self, exchange: LocalExchange, token: Any = None) -> None:
        self.hub = RecordingHub()
        failed: list[Any] = []
        self.dispatcher = Dispatcher(
            1000, failed=lambda *all_: failed.append(all_), exit=failed.append, overflowing=failed.append
        )
        lane = self.dispatcher.lane("spot/test")
        self.session = Session(
            "spot/test",
            SpotProtocol(JsonCodec(), connection="spot/test"),
            Handshake(exchange.spot_url, "json", {}),
            dispatcher=self.dispatcher,
            lane=lane,
            private_lane=lane,
            hub=self.hub,
            token=token,
            timeouts=TIMES,
            backoff=BACKOFF,
        )
        settings = TransportSettings(timeouts=TIMES, backoff=BACKOFF)
        self.session.connection = Connection("spot/test", self.session, settings)

    def stream(self, channel: Channel, market: str | None = None, overflow: Overflow = Overflow.BLOCK) -> Stream:
        """A stream with one iterator, not yet added."""
        key = SubscriptionKey(channel, market)
        stream = Stream(key, self.session.lane, self.dispatcher, overflow)
        buffer = EventBuffer(1000)
        stream.subscriptions.append(
            Subscription((stream,), handler=None, is_book=False, buffer=buffer, close=lambda _: None)
        )
        stream.refresh(lambda *_: None)
        return stream

    @contextmanager
    def running(self) -> Iterator[Session]:
        """Started; closed at the end."""
        self.session.connection.start()
        try:
            yield self.session
        finally:
            self.session.close()
            self.session.connection.begin_close()
            assert self.session.connection.finish_close(5)
