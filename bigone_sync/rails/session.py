"""One connection of a Rails client: its handshake, what it is subscribed to, what it is asked for, and its pings."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..delivery import Delivery
from ..dispatch import Dispatcher, Lane
from ..enums import Channel, ConnectionState, SubscriptionState
from ..errors import BigOneError, ConnectError
from ..intake import Intake
from ..outbox import Outbox, Sender
from ..ports import Hub
from ..protocol.base import Frame, Handshake, Problem
from ..protocol.rails import RailsProtocol
from ..protocol.rails_news import Active, Answer, BookDelta, BookLost, BookSnapshot, Fills, News, Pong, Trades
from ..protocol.rails_requests import handshake_url
from ..session_base import BaseSession
from ..subscription import Stream
from ..transport.attempt import Attempt, Target
from ..transport.secrets import Secrets
from .route import RailsRoute
from .subscribed import Subscribed
from .token import TokenSource, unauthenticated

if TYPE_CHECKING:
    from .group import RailsGroup

__all__ = ["RailsSession"]

_log = logging.getLogger("bigone_sync.session")

_PREFIX = "authorization#"
_UNAUTHORISED = (401, 403)
# Pings whose answers are not here yet; more are not of interest.
_PINGS = 16


class RailsSession(BaseSession):
    """One of the connections that share a client's streams.

    Args:
        name: of the connection, ``rails/BTC-USD#0``.
        group: what it shares with the others.
        protocol: this connection's alone.
        handshake: base URL and headers.
        token: gives the token of each handshake.
        any_subprotocol: whether the answer may name another subprotocol.
        dispatcher: where events go.
        lane: of what is told of this connection.
        private_lane: of private streams.
        hub: the client.
        reply: seconds that an answer may take.
    """

    def __init__(
        self,
        name: str,
        group: RailsGroup,
        protocol: RailsProtocol,
        handshake: Handshake,
        *,
        token: TokenSource,
        any_subprotocol: bool,
        dispatcher: Dispatcher,
        lane: Lane,
        private_lane: Lane,
        hub: Hub,
        reply: float,
    ) -> None:
        super().__init__(
            name,
            dispatcher=dispatcher,
            lane=lane,
            private_lane=private_lane,
            hub=hub,
            backoff=group.backoff,
            recovery=None,
            lock=group.lock,
            streams=group.streams,
        )
        self.protocol = protocol
        self.subscribed = Subscribed(self, reply)
        self.intake = Intake(self)
        self.snapshot_misses = 0
        self.refusal: BigOneError | None = None
        """Why it is over for good."""
        self._group = group
        self._handshake, self._token, self._any_subprotocol = handshake, token, any_subprotocol
        self._used_token, self._secrets = "", Secrets({}, None)
        self._renewed = False
        self._pings: dict[str, tuple[Attempt, float]] = {}
        self._sender = Sender(self, hub)
        self._outbox = Outbox(self._sender.send)

    # -- what the base needs

    @property
    def decode_errors(self) -> int:
        """Frames, or items of frames, that could not be read."""
        return self.protocol.decode_errors

    def _know(self, stream: Stream) -> Any:
        return RailsRoute(stream)

    def _forget(self, stream: Stream) -> None:
        """The group looks at the streams that there are."""

    def _delivery(self) -> Delivery:
        # All connections deliver on the lanes of the first, for order is kept within a lane only.
        return Delivery(self._dispatcher, self._group.lane, self._hub, self._overflowed)

    @property
    def channels(self) -> frozenset[Channel]:
        """What this connection has been asked to bring."""
        return self.subscribed.channels

    @property
    def active(self) -> frozenset[Channel]:
        """What it brings, by the exchange's word."""
        return self.subscribed.active

    @property
    def is_up(self) -> bool:
        """Whether this connection is READY."""
        return self.connection.state == ConnectionState.READY

    @property
    def _is_up(self) -> bool:
        return self._group.is_up

    @property
    def is_ready(self) -> bool:
        """READY, with every wanted stream LIVE."""
        with self._lock:
            return self.is_up and all(stream.state == SubscriptionState.LIVE for stream in self.wanted())

    def _ask_for(self, streams: Sequence[Stream]) -> None:
        self._group.began(streams)

    def _leave(self, streams: Sequence[Stream]) -> None:
        self._group.left()

    def resync(self, stream: Stream) -> None:
        """Ask for a fresh snapshot. Under the lock."""
        self._group.public.resync(stream)
        self._hub.changed()

    def flush(self) -> None:
        """Send what waits, on all connections."""
        self._group.flush()

    def close(self, failure: BigOneError | None = None) -> None:
        """The client ends."""
        self._group.end(failure)
        super().close(failure)
        self._group.commands.settle()

    # -- opening; reader thread

    def target(self) -> Target:
        """Where to connect, with a token that may have to be fetched."""
        token = self._used_token = self._token()
        self._secrets = Secrets({}, _PREFIX + token)
        with self._lock:
            channels = self.subscribed.channels = self._group.channels()
        url = handshake_url(self._handshake.url, self._group.market, channels, self._group.dialect)
        return Target(url, self._handshake.headers, _PREFIX + token, self._any_subprotocol)

    def opened(self) -> None:
        """The handshake is done. What it subscribed to is asked for once more, to hear what is active."""
        with self._lock:
            self._renewed = False
            self.protocol.opened()
            self._outbox.clear()
            self.reset()
            self.connection.accept()
            self.subscribed.subscribe(self._group.channels())
            self._group.opened(self)
        self._hub.changed()
        self.flush()

    def reset(self) -> None:
        """Nothing is on its way any more. Under the lock."""
        self.subscribed.reset()
        self._pings.clear()
        self.snapshot_misses = 0

    # -- sending

    def send_soon(self, frame: Frame) -> None:
        """Queue a frame; :meth:`push` sends it."""
        self._outbox.append(frame)

    def push(self, *, wait: bool) -> None:
        """Send what is queued."""
        self._outbox.flush(wait=wait)

    def show(self, frame: Frame) -> None:
        """A frame went out by other ways."""
        self._sender.show(frame)

    def ping(self, attempt: Attempt) -> bool:
        """Send a ping request, which travels the way of data, unlike a ping frame (section 3.4). Keeper thread."""
        request_id, frame = self.protocol.requests.ping()
        if len(self._pings) >= _PINGS:
            self._pings.clear()
        self._pings[request_id] = attempt, time.monotonic()
        if not attempt.try_send(frame.data, binary=frame.binary):
            self._pings.pop(request_id, None)
            return False
        self._sender.show(frame)
        return True

    # -- frames; reader thread

    def received(self, frames: list[bytes], received_at: float) -> None:
        """Frames came. What connections of a group bring is handed on by one at a time, in the order of its merging."""
        # An exchange that repeats the token does not make us tell it, whatever it looks like.
        shown = [self._secrets.hide_bytes(frame) for frame in frames]
        with self._group.turn:
            super().received(shown, received_at)

    def _take(self, frames: list[bytes], received_at: float, out: Delivery) -> None:
        news, now = self.protocol.receive(frames, received_at), time.monotonic()
        start, count = 0, len(news)
        while start < count:
            first, end = news[start], start + 1
            if type(first) is BookDelta:
                # A burst of one book is merged at once.
                while end < count and type(news[end]) is BookDelta and news[end].market == first.market:  # type: ignore[union-attr]
                    end += 1
                self._group.public.deltas(self, first.market, news[start:end], now, out)  # type: ignore[arg-type]
            else:
                self._heard(first, now, out)
            start = end

    def _heard(self, news: News, now: float, out: Delivery) -> None:
        group = self._group
        if isinstance(news, Trades):
            group.public.rows(self, news, now, out)
        elif isinstance(news, Answer):
            self._answered(news, now, out)
        elif isinstance(news, Fills):
            group.fills(self, news, now, out)
        elif isinstance(news, BookSnapshot):
            group.public.snapshot(self, news, now, out)
        elif isinstance(news, BookLost):
            group.public.book_lost(self, news, out)
        elif isinstance(news, Active):
            self.subscribed.heard(news, now, out)
        elif isinstance(news, Pong):
            self._ponged(news, now)
        elif isinstance(news, Problem):
            out.error(news.error)

    def _settle(self) -> None:
        self._group.commands.settle()

    def _ponged(self, pong: Pong, now: float) -> None:
        found = self._pings.pop(pong.request_id or "", None)
        if found is not None:
            attempt, sent = found
            attempt.ping_rtt = now - sent
        self._group.commands.ponged(pong.request_id)

    def _answered(self, answer: Answer, now: float, out: Delivery) -> None:
        if not self.subscribed.refused(answer, out):
            self._group.answered(self, answer, now, out)

    # -- told by what it is subscribed to

    def brings(self, out: Delivery) -> None:
        """The exchange said what is active."""
        self._group.active(self, out)

    def dropped(self, channels: frozenset[Channel], now: float, out: Delivery) -> None:
        """The exchange does not bring these, and should."""
        self._group.dropped(self, channels, now, out)

    def refused_streams(self, channels: frozenset[Channel], answer: Answer, out: Delivery) -> None:
        """The exchange refuses to bring these."""
        self._group.refused(self, channels, answer, out)

    def repaired(self, stream: Stream, out: Delivery) -> None:
        """A stream is whole, or as whole as it gets. Under the lock."""
        self._group.repaired(stream)

    # -- endings; reader thread

    def lost(self, error: BigOneError) -> None:
        """The connection or the attempt is over, another follows."""
        if self._renewed and self._is_about_token(error):
            _log.warning("%s: refused; trying a fresh token", self.name)
            self._down(error)
            self._hub.changed()
        else:
            super().lost(error)
        self.flush()

    def _down(self, error: BigOneError) -> None:
        out = self._delivery()
        with self._group.turn:
            with self._lock:
                self._outbox.clear()
                self.reset()
                self._group.closed(self, error, out)
            self._group.commands.settle()
            out.run(wait=False)

    def renews(self, error: BigOneError) -> bool:
        """Whether a fresh token may help: once between two openings."""
        if self._renewed or not self._is_about_token(error) or not self._token.is_renewable:
            return False
        self._renewed = True
        self._token.refused(self._used_token)
        return True

    def _is_about_token(self, error: BigOneError) -> bool:
        return isinstance(error, ConnectError) and error.kind == "handshake" and error.status_code in _UNAUTHORISED

    def refused(self, error: BigOneError) -> None:
        """It is over for good: alone, or, if it is the last one, with the whole client."""
        if self._is_about_token(error):
            error = unauthenticated(self.name, error, is_renewed=self._renewed)
        with self._lock:
            is_last = all(other.is_over for other in self._group.sessions if other is not self)
            self.is_over, self.refusal = not is_last, error
        if is_last:
            super().refused(error)
            return
        _log.warning("%s: over for good; the other connections go on", self.name)
        self._down(error)
        self._hub.error(self.lane, error)
        self._hub.changed()
        self.flush()

    # -- the keeper's thread

    def check(self, now: float) -> None:
        """The connection's watchdogs, and this session's. Never waits."""
        self._group.check_commands()
        if not self._group.turn.acquire(blocking=False):
            self.connection.check(now)
            return
        try:
            super().check(now)
        finally:
            self._group.turn.release()
        self._outbox.flush(wait=False)

    def _watch_over(self, now: float, out: Delivery) -> None:
        if self.connection.is_delivering:
            return  # answers may wait behind what our own handlers are too slow for
        if self.is_up:
            self.subscribed.check(now)
        self._group.watch(self, now, out)
