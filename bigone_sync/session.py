"""One protocol bound to one connection: opens, logs in, replays the subscriptions, keeps books, resynchronises.

The same open sequence serves the first connect and every later one: log in and wait for the answer, private
subscriptions, then public ones, all from the registry.  The session's lock guards the protocol and the streams; no
user code runs under it, and nothing is sent under it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

from .calls import Calls
from .config import Backoff, Timeouts
from .delivery import Delivery
from .dispatch import Dispatcher, Lane
from .enums import Channel, ConnectionState, SubscriptionState
from .errors import AuthenticationError, BigOneError, ConnectionClosed, SubscriptionRejected
from .events import Gap, RawFrame, SubscriptionKey
from .intake import Intake
from .login import Login, LoginState, Step
from .outbox import Outbox, Sender
from .pending import Pending, Watch
from .ports import Hub, Venue
from .protocol.base import Frame, Handshake, Request
from .redact import redact_bytes
from .subscription import Stream
from .transport.attempt import Target
from .transport.connection import Connection

__all__ = ["Session"]

_log = logging.getLogger("bigone_sync.session")


class Session:
    """Keeps one connection's streams going.

    Args:
        name: of the connection, ``spot/depth``.
        venue: the protocol; this session's alone.
        handshake: how to open.
        dispatcher: where events go.
        lane: this connection's lane there, for public streams and for what is not data.
        private_lane: the lane of private streams, which is drained first; the same where it carries nothing else.
        hub: the client.
        token: signs a fresh token, or None where there are no credentials.
        timeouts: ``reply`` and ``stale`` are watched here.
        backoff: ``stable_after`` tells a lost login from a refused one; the rest paces resyncs.
    """

    def __init__(
        self,
        name: str,
        venue: Venue,
        handshake: Handshake,
        *,
        dispatcher: Dispatcher,
        lane: Lane,
        private_lane: Lane,
        hub: Hub,
        token: Callable[[], str] | None,
        timeouts: Timeouts,
        backoff: Backoff,
    ) -> None:
        self.name = name
        self.lane = lane
        self.private_lane = private_lane
        self.venue = venue
        self.connection: Connection
        """Set by whoever builds both; they need each other."""
        self.streams: dict[SubscriptionKey, Stream] = {}
        self.events = 0
        self.gaps = 0
        self._handshake = handshake
        self._dispatcher, self._hub, self._token = dispatcher, hub, token
        self._backoff = backoff
        self._lock = threading.RLock()
        sender = Sender(self, hub)
        self._outbox = Outbox(sender.send)
        self._login = Login(name, backoff.stable_after)
        self._pending = Pending(timeouts.reply)
        self._watch = Watch(name, timeouts, self)
        self.calls = Calls(self, self._lock, self._login, dispatcher, sender.show)
        self._intake = Intake(self, self._login, self._pending, self.calls, hub)

    def lane_of(self, key: SubscriptionKey) -> Lane:
        """Where a stream's events wait."""
        return self.private_lane if key.channel.is_private else self.lane

    def _delivery(self) -> Delivery:
        return Delivery(self._dispatcher, self.lane, self._hub, self._overflowed)

    # -- streams; any thread

    def flush(self) -> None:
        """Send what :meth:`add`, :meth:`remove` and :meth:`refresh` want to be sent. Waits; not under a lock."""
        self._outbox.flush()

    def admit(self, keys: Sequence[SubscriptionKey]) -> None:
        """Nothing, if streams of one channel, those of ``keys``, can be added.

        Raises:
            ConfigurationError: they do not go together with those that there are.
        """
        with self._lock:
            self.venue.admit(keys)

    def add(self, *streams: Stream) -> None:
        """Want streams of one channel, from now on and after every reconnect."""
        with self._lock:
            for stream in streams:
                stream.route = self.venue.add(stream.key, limit=stream.limit, owner=stream)
                self.streams[stream.key] = stream
            if self._is_up:
                self._ask_for(streams)

    def remove(self, *streams: Stream) -> None:
        """Want streams of one channel no more."""
        with self._lock:
            ours = [stream for stream in streams if self.streams.get(stream.key) is stream]
            running = [s for s in ours if not s.is_over and s.state != SubscriptionState.WANTED]
            parting = self.venue.parting([s.route for s in running]) if self._is_up and running else None
            for stream in ours:
                del self.streams[stream.key]
                self.venue.remove(stream.route)
                self._end(stream, SubscriptionState.ENDED)
            if parting is not None:
                for group in parting.unsubscribe:
                    self._outbox.append(self.venue.unsubscribe(group)[1])
                self.subscribe([route.owner for route in parting.again])

    def refresh(self, stream: Stream) -> None:
        """Ask for a new snapshot of a running stream, for somebody who joined late."""
        with self._lock:
            if stream.state in (SubscriptionState.LIVE, SubscriptionState.REQUESTED):
                self.resync(stream)

    def close(self, failure: BigOneError | None = None) -> None:
        """The client ends: every stream ends, everything that waits for it wakes."""
        with self._lock:
            self._pending.clear()
            self.calls.end(ConnectionClosed("the client was closed"))
            for stream in self.streams.values():
                self._end(stream, SubscriptionState.ENDED, failure)

    def _end(self, stream: Stream, state: SubscriptionState, failure: BigOneError | None = None) -> None:
        stream.end(state, failure)
        self._hub.changed()

    def wanted(self) -> list[Stream]:
        """The streams to ask for: all but those that were refused. Under the lock."""
        return [stream for stream in self.streams.values() if not stream.is_over]

    @property
    def _is_up(self) -> bool:
        return self.connection.state == ConnectionState.READY

    @property
    def is_ready(self) -> bool:
        """READY, with every wanted stream LIVE."""
        with self._lock:
            return self._is_up and all(stream.state == SubscriptionState.LIVE for stream in self.wanted())

    # -- sending

    def _ask(self, made: tuple[Request, Frame]) -> None:
        request, frame = made
        self._pending.add(request, time.monotonic())
        self._outbox.append(frame)

    # -- the open sequence; reader thread

    def target(self) -> Target:
        """Where to connect."""
        handshake = self._handshake
        return Target(handshake.url, handshake.headers, handshake.subprotocol)

    def opened(self) -> None:
        """The handshake is done: log in if need be, else subscribe at once."""
        with self._lock:
            self.venue.opened()
            self._outbox.clear()
            self._pending.clear()
            self._login.reset()
            if self.calls.want_login or any(stream.key.channel.is_private for stream in self.wanted()):
                self._log_in()
            else:
                self._accepted()
        self._outbox.flush()

    def _log_in(self) -> None:
        if self._token is None:
            # The client refuses private streams without credentials long before.
            raise AuthenticationError(f"{self.name}: no credentials")
        made = self.venue.authenticate(self._token())
        self._login.asked()
        self._ask(made)

    def _accepted(self) -> None:
        self.connection.accept()
        self.calls.up()
        self._ask_for(self.wanted())
        self._hub.changed()

    def _ask_for(self, streams: Sequence[Stream]) -> None:
        """Subscribe, private streams first."""
        private = [stream for stream in streams if stream.key.channel.is_private]
        if private and self._login.state is LoginState.OUT:
            self._log_in()
        if self._login.state is LoginState.IN:
            self.subscribe(private)
        self.subscribe([stream for stream in streams if not stream.key.channel.is_private])

    def subscribe(self, streams: Sequence[Stream]) -> None:
        """Queue the requests for streams; one request may be for several. Under the lock."""
        for group in self.venue.groups([stream.route for stream in streams]):
            for route in group:
                route.owner.asked()
            self._ask(self.venue.subscribe(group))

    # -- frames; reader thread

    def received(self, frames: list[bytes], received_at: float) -> None:
        """Frames came. Waits while a queue is full."""
        if self._hub.wants_raw:
            shown = [RawFrame("in", redact_bytes(f), connection=self.name, received_at=received_at) for f in frames]
            self._hub.raw(self.lane, shown, wait=True)
        out = self._delivery()
        with self._lock:
            self._intake.take(self.venue.receive(frames, received_at), time.monotonic(), out)
        self._outbox.flush()
        out.run()

    def live(self, stream: Stream, now: float, out: Delivery) -> None:
        """A stream runs. Under the lock."""
        again = stream.went_live(now)
        if again and stream.key.channel == Channel.ORDERS and stream.key.market is None:
            self.gaps += 1
            reason = "the stream of all orders sends no snapshot: what happened meanwhile is not known"
            out.gap(self._gap(stream, reason))
        self._hub.changed()

    def reject(self, stream: Stream, rejection: SubscriptionRejected) -> None:
        """A stream was refused: it is not asked for again. Under the lock."""
        stream.rejection = rejection
        self.venue.remove(stream.route)
        self._end(stream, SubscriptionState.REJECTED, rejection)

    # -- login

    def log_in_step(self, step: Step) -> None:
        """Go on with the login. Under the lock."""
        if step is Step.ASK:
            _log.warning("%s: not logged in (any more); logging in with a fresh token", self.name)
            self._log_in()
        elif step is Step.GIVE_UP and self._login.failure is not None:
            self.connection.kill(self._login.failure)
        elif step is Step.GO_ON:
            if self.connection.state == ConnectionState.AUTHENTICATING:
                self._accepted()
            else:
                self.calls.up()
                self._ask_for([stream for stream in self.wanted() if stream.key.channel.is_private])

    def log_in(self) -> None:
        """Log in for commands, now and on every later connection. Any thread; does not wait."""
        with self._lock:
            self.calls.want_login = True
            if self._is_up and self._login.state is LoginState.OUT:
                self._log_in()
        self._outbox.flush(wait=False)

    # -- gaps and resyncs

    def broken(self, stream: Stream, reason: str, out: Delivery) -> None:
        """A stream has a hole: announce it and make it whole. Under the lock."""
        self.gaps += 1
        self.resync(stream)
        out.gap(self._gap(stream, reason))

    def _gap(self, stream: Stream, reason: str) -> Gap:
        key = stream.key
        return Gap(key.channel, key.market, reason=reason, connection=self.name, received_at=time.time())

    def _overflowed(self, stream: Stream, dropped: int) -> None:
        reason = f"the queue was full: {dropped} events were discarded and a snapshot is asked for"
        out = self._delivery()
        with self._lock:
            self.broken(stream, reason, out)
        self._outbox.flush()
        out.run()

    def resync(self, stream: Stream) -> None:
        """Ask for a fresh snapshot of one stream; at once, or after a pause if it happens again and again."""
        if stream.went_stale(time.monotonic(), self._backoff):
            self.resubscribe(stream)
        self._hub.changed()

    def resubscribe(self, stream: Stream) -> None:
        """Unsubscribe and subscribe with a new id; others are not touched. Under the lock."""
        if self._is_up:  # else the open sequence asks for everything
            self._outbox.append(self.venue.unsubscribe([stream.route])[1])
            self.subscribe([stream])

    # -- endings; reader thread

    def lost(self, error: BigOneError) -> None:
        """The connection or the attempt is over, another follows."""
        self._down(error)
        self._hub.error(self.lane, error)
        self._hub.changed()

    def refused(self, error: BigOneError) -> None:
        """It is over for good."""
        with self._lock:
            self.calls.end(error)
        self._down(error)
        self.close(error)
        self._hub.fatal(self.lane, error)

    def _down(self, error: BigOneError) -> None:
        with self._lock:
            self.calls.down(error)
            self._login.reset()
            self._pending.clear()
            self._outbox.clear()
            for stream in self.wanted():
                stream.went_down()

    def state_changed(
        self,
        old: ConnectionState,
        new: ConnectionState,
        cause: BaseException | None,
        attempt: int,
        retry_in: float | None,
    ) -> None:
        """The connection's state changed."""
        self._hub.state(self.lane, self.name, old, new, cause=cause, attempt=attempt, retry_in=retry_in)

    # -- the keeper's thread

    def check(self, now: float) -> None:
        """The connection's watchdogs, and this session's. Never waits."""
        self.connection.check(now)
        if not self._lock.acquire(blocking=False):
            return  # busy is alive; the next round looks again
        out = self._delivery()
        try:
            self._watch.check(now, self._pending, out)
        finally:
            self._lock.release()
        out.run(wait=False)
        self._outbox.flush(wait=False)
