"""A socket session with its real connection to a server that the test itself plays, and a hub that keeps all."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from raw_server import RawServer
from session_rig import BACKOFF, RecordingHub

from bigone_sync import Backoff, Channel, ConnectionState, Credentials, OrderBook, Overflow, SubscriptionKey, Timeouts
from bigone_sync.auth import TokenSigner
from bigone_sync.dispatch import Dispatcher, Lane
from bigone_sync.protocol.base import Handshake
from bigone_sync.protocol.contract import ContractProtocol, Socket
from bigone_sync.socket_session import SocketSession
from bigone_sync.subscription import EventBuffer, Stream, Subscription
from bigone_sync.testing.leaks import wait_until
from bigone_sync.transport.connection import Connection
from bigone_sync.transport.settings import TransportSettings

BTC = "BTCUSD"
SECRET = "a-secret-that-nobody-may-see"
TIMES = Timeouts(connect=5, ping=30, pong=30, reply=5, close=2)


class StateHub(RecordingHub):
    """It keeps how the connection went, too."""

    def __init__(self) -> None:
        super().__init__()
        self.details: list[dict[str, Any]] = []

    def state(self, lane: Lane, name: str, old: ConnectionState, new: ConnectionState, **details: Any) -> None:
        super().state(lane, name, old, new, **details)
        self.details.append({"new": new, **details})

    @property
    def pauses(self) -> list[float]:
        """Before each further attempt."""
        return [one["retry_in"] for one in self.details if one["new"] == ConnectionState.WAITING]


class Keeping:
    """What is kept of the socket's data."""

    def __init__(self) -> None:
        self.stale = 0

    def mark_stale(self) -> None:
        self.stale += 1


class SocketRig:
    """One session; watchdogs look only when a test says so."""

    def __init__(
        self,
        server: RawServer,
        key: SubscriptionKey,
        *,
        token: Callable[[], str] | None = None,
        timeouts: Timeouts = TIMES,
        backoff: Backoff = BACKOFF,
        rand: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.server, self.hub, self.keeping = server, StateHub(), Keeping()
        failed: list[Any] = []
        self.dispatcher = Dispatcher(1000, failed=lambda *_: None, exit=failed.append, overflowing=failed.append)
        socket = Socket.of(key)
        name = f"contract/{socket.path}"
        self.session = SocketSession(
            name,
            ContractProtocol(socket, connection=name),
            Handshake(f"ws://127.0.0.1:{server.port}/ws/contract/v2/{socket.path}"),
            dispatcher=self.dispatcher,
            lane=self.dispatcher.lane(name),
            hub=self.hub,
            token=token,
            keeping=self.keeping,
            timeouts=timeouts,
            backoff=backoff,
        )
        settings = TransportSettings(timeouts=timeouts, backoff=backoff)
        self.session.connection = Connection(name, self.session, settings, rand=rand)
        self.stream = self.made(key)
        self.session.add(self.stream)

    def made(self, key: SubscriptionKey) -> Stream:
        """A stream with one iterator, not yet added."""
        stream = Stream(key, self.session.lane, self.dispatcher, Overflow.BLOCK)
        self.buffer = EventBuffer(1000)
        stream.subscriptions.append(
            Subscription((stream,), handler=None, is_book=False, buffer=self.buffer, close=lambda _: None)
        )
        stream.refresh(lambda *_: None)
        return stream

    def keep_book(self) -> OrderBook:
        self.stream.book = OrderBook(self.stream.key.market or "")
        return self.stream.book

    def received(self) -> list[Any]:
        """The events that wait."""
        return [self.buffer.get(0) for _ in range(len(self.buffer))]

    def check(self, seconds: float) -> None:
        """Let the watchdogs look as if so much time had passed."""
        self.session.check(time.monotonic() + seconds)

    def until_over(self) -> None:
        """Wait until the connection has ended for good."""
        wait_until(lambda: not self.session.connection._thread.is_alive(), 10)

    @contextmanager
    def running(self) -> Iterator[SocketSession]:
        """Started; closed at the end."""
        self.session.connection.start()
        try:
            yield self.session
        finally:
            self.session.close()
            self.session.connection.begin_close()
            self.session.connection.finish_close(0)  # the server here answers no close frame
            assert self.session.connection.finish_close(5)


def depth(from_id: int, to_id: int, *, bid: Any = 9.5, ask: Any = 11, **other: Any) -> dict[str, Any]:
    """A frame of a book whose best prices are 9.5 and 11; ``bid`` and ``ask`` are what the exchange names."""
    sides = {"bids": {"9.5": 1, "9": 2}, "asks": {"11": 2}} if from_id == 0 else {"bids": {"9": to_id}, "asks": {}}
    return {"from": from_id, "to": to_id, **sides, "bestPrices": {"bid": bid, "ask": ask}, **other}


DEPTH = SubscriptionKey(Channel.DEPTH, BTC)


class Tokens:
    """Signs, and remembers what it signed."""

    def __init__(self) -> None:
        self.signed: list[str] = []
        self._signer = TokenSigner(Credentials("socket-session", SECRET))

    def __call__(self) -> str:
        self.signed.append(self._signer())
        return self.signed[-1]


def authorization(request: bytes) -> str | None:
    """The header of a handshake."""
    found = [line for line in request.split(b"\r\n") if line.lower().startswith(b"authorization:")]
    return found[0].partition(b":")[2].strip().decode() if found else None
