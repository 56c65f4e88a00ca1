"""One protocol bound to one connection: opens, logs in, replays the subscriptions, keeps books, resynchronises.

The same open sequence serves the first connect and every later one: log in and wait for the answer, private
subscriptions, then public ones, all from the registry.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

import msgspec

from .calls import Calls
from .config import Backoff, Timeouts
from .delivery import Delivery
from .dispatch import Dispatcher, Lane
from .enums import BusinessUnit, Channel, ConnectionState
from .errors import AuthenticationError, BigOneError, ConnectionClosed
from .events import Order, SubscriptionKey, Trade
from .intake import RequestIntake
from .login import Login, LoginState, Step
from .outbox import Outbox, Sender
from .pending import Pending, Watch
from .ports import Found, Hub, SpotHistory, Venue
from .protocol.base import Frame, Handshake, Missing, Request
from .protocol.memory import OrderMemory
from .repair import Recovery
from .session_base import FeedSession
from .subscription import Stream
from .timekeeper import Timekeeper
from .transport.attempt import Target

__all__ = ["Session"]

_log = logging.getLogger("bigone_sync.session")

_NO_SNAPSHOT = "the stream of all orders sends no snapshot: what happened meanwhile is not known"
_NOT_ASKED = "what happened meanwhile could not be asked for"
_BEHIND = "REST is behind the stream: it does not reach up to the new snapshot"


def _number(trade: Trade) -> int:
    return int(trade.id)


class Session(FeedSession):
    """Keeps the streams of a connection going that are asked for by requests.

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
        timekeeper: measures the clock that tokens are signed by; None: nobody does.
        history: what REST tells of the time when the connection was away, and
        recovery: where it is asked; None: it is not, and gaps are announced.
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
        timekeeper: Timekeeper | None = None,
        history: SpotHistory | None = None,
        recovery: Recovery | None = None,
    ) -> None:
        super().__init__(
            name,
            venue,
            dispatcher=dispatcher,
            lane=lane,
            private_lane=private_lane,
            hub=hub,
            backoff=backoff,
            recovery=recovery,
        )
        self.venue = venue
        self._handshake = handshake
        self._token = token
        self._timekeeper, self._history = timekeeper, history
        self._renewal_due = False
        self._resuming: set[Stream] = set()
        """Streams that run again as soon as they are whole."""
        sender = Sender(self, hub)
        self._outbox = Outbox(sender.send)
        self._login = Login(name, backoff.stable_after, timekeeper)
        self._pending = Pending(timeouts.reply)
        self._watch = Watch(name, timeouts, self)
        self.calls = Calls(self, self._lock, self._login, dispatcher, sender.show)
        self._intake = RequestIntake(self, self._login, self._pending, self.calls, hub)

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

    def _leave(self, streams: Sequence[Stream]) -> None:
        if not (self._is_up and streams):
            return
        parting = self.venue.parting([stream.route for stream in streams])
        for group in parting.unsubscribe:
            self._outbox.append(self.venue.unsubscribe(group)[1])
        again = [route.owner for route in parting.again]
        # Before they are asked for, what was left must be forgotten.
        for stream in streams:
            self.venue.remove(stream.route)
        self.subscribe(again)

    def close(self, failure: BigOneError | None = None) -> None:
        """The client ends: every stream ends, everything that waits for it wakes."""
        with self._lock:
            self._pending.clear()
            self.calls.end(ConnectionClosed("the client was closed"))
            super().close(failure)

    # -- sending

    def _ask(self, made: tuple[Request, Frame]) -> None:
        request, frame = made
        self._pending.add(request, time.monotonic())
        self._outbox.append(frame)

    # -- the open sequence; reader thread

    def target(self) -> Target:
        """Where to connect. Measures the clock before, where the connection is to log in: tokens need it."""
        if self._timekeeper is not None and self._wants_login():
            self._timekeeper.first()
        handshake = self._handshake
        return Target(handshake.url, handshake.headers, handshake.subprotocol)

    def _wants_login(self) -> bool:
        with self._lock:
            return self.calls.want_login or any(stream.key.channel.is_private for stream in self.wanted())

    def opened(self) -> None:
        """The handshake is done: log in if need be, else subscribe at once."""
        with self._lock:
            self.venue.opened()
            self._outbox.clear()
            self._pending.clear()
            self._login.reset()
            self._renewal_due = False
            if self._wants_login():
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

    def _take(self, frames: list[bytes], received_at: float, out: Delivery) -> None:
        self._intake.take(self.venue.receive(frames, received_at), time.monotonic(), out)

    def live(self, stream: Stream, now: float, out: Delivery) -> None:
        """A stream runs. Under the lock."""
        if stream.was_live and stream.key.channel == Channel.ORDERS:
            recovery, history = self._recovery, self._history
            if recovery is not None and history is not None and stream.key.unit in (None, BusinessUnit.SPOT):
                self._resume_orders(stream, recovery, history, out)
                return
            if stream.key.market is None:
                self._announce(self._gap(stream, _NO_SNAPSHOT), out)
        stream.lost_at = None
        super().live(stream, now, out)

    # -- repairs; the recovery's thread, but for what begins them

    def _resume_orders(self, stream: Stream, recovery: Recovery, history: SpotHistory, out: Delivery) -> None:
        """Have the orders made whole; the stream is LIVE after that."""
        self._resuming.add(stream)
        began = time.monotonic()

        def fetch() -> Found:
            with self._lock:
                memory: OrderMemory = stream.route.memory
                known = [order for order in memory.open() if order.business_unit == BusinessUnit.SPOT]
                markets, since, newest = memory.markets(), stream.lost_at, memory.newest()
            return history.orders(stream.key.market, known, markets, since, newest, time.monotonic() - began)

        def settle(found: Found | None, out: Delivery) -> dict[Stream, list[Order]]:
            if stream.is_over:  # left meanwhile, or the client is closed: nobody listens
                return {}
            found = found or Found(missing=_NOT_ASKED)
            # Else it was lost again meanwhile: REST is asked anew, from the first loss on, and perhaps all is had.
            is_last = stream.holds == 1 and stream in self._resuming
            if found.missing and is_last:
                self._announce(self._gap(stream, found.missing), out)
            return {stream: self.venue.reconcile(stream.route, found.items)}

        self._repair(recovery, [stream], fetch, settle, out)

    def missing(self, missing: Missing, out: Delivery) -> None:
        """Items of a stream are or may be missing: public trades may be had by REST. Under the lock."""
        stream, gap, last = missing.route.owner, missing.gap, missing.last
        recovery, history = self._recovery, self._history
        if recovery is None or history is None or last is None or gap.channel != Channel.TRADES or gap.market is None:
            super().missing(missing, out)
            return
        market: str = gap.market

        def settle(found: Found | None, out: Delivery) -> dict[Stream, list[Trade]]:
            if stream.is_over:
                return {}
            found = found or Found(missing=_NOT_ASKED)
            fresh: list[Trade] = self.venue.reconcile(missing.route, found.items)
            if found.missing:
                first = fresh[0].time if fresh else gap.until
                self._announce(msgspec.structs.replace(gap, until=first, reason=found.missing), out)
            elif gap.until is not None and len(fresh) == len(found.items):
                # None of what the new snapshot holds: the answer is older than that, and what lies between is unknown.
                newest = fresh[-1].time if fresh else gap.since
                self._announce(msgspec.structs.replace(gap, since=newest, reason=_BEHIND), out)
            return {stream: fresh}

        began = time.monotonic()

        def fetch() -> Found:
            return history.trades(market, last, time.monotonic() - began)

        self._repair(recovery, [stream], fetch, settle, out, order=_number)

    def repaired(self, stream: Stream, out: Delivery) -> None:
        """A stream is whole, or as whole as it gets. Under the lock."""
        if stream in self._resuming and not stream.is_over:
            stream.lost_at = None
            super().live(stream, time.monotonic(), out)
        self._resuming.discard(stream)

    # -- login

    def log_in_step(self, step: Step) -> None:
        """Go on with the login. Under the lock."""
        if step is Step.ASK:
            _log.warning("%s: not logged in (any more); logging in with a fresh token", self.name)
            self._login.asked()
            self._renewal_due = True
            self._resuming.clear()
        elif step is Step.GIVE_UP and self._login.failure is not None:
            self.connection.kill(self._login.failure)
        elif step is Step.GO_ON:
            if self.connection.state == ConnectionState.AUTHENTICATING:
                self._accepted()
            else:
                self.calls.up()
                self._ask_for([stream for stream in self.wanted() if stream.key.channel.is_private])

    def _settle(self) -> None:
        """Log in anew, where that is due; the clock may be why it is, and to measure it waits."""
        if not self._renewal_due:
            return
        self._renewal_due = False
        if self._timekeeper is not None:
            self._timekeeper.again()
        with self._lock:
            if self._login.state is LoginState.ASKED:  # else the connection was lost meanwhile
                self._log_in()

    def log_in(self) -> None:
        """Log in for commands, now and on every later connection. Any thread; does not wait."""
        with self._lock:
            self.calls.want_login = True
            if self._is_up and self._login.state is LoginState.OUT:
                self._log_in()
        self._outbox.flush(wait=False)

    # -- resyncs

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

    def refused(self, error: BigOneError) -> None:
        """It is over for good."""
        with self._lock:
            self.calls.end(error)
        super().refused(error)

    def _down(self, error: BigOneError) -> None:
        with self._lock:
            self.calls.down(error)
            self._login.reset()
            self._pending.clear()
            self._outbox.clear()
            self._resuming.clear()
            super()._down(error)

    # -- the keeper's thread

    def check(self, now: float) -> None:
        """The connection's watchdogs, and this session's. Never waits."""
        super().check(now)
        self._outbox.flush(wait=False)

    def _watch_over(self, now: float, out: Delivery) -> None:
        self._watch.check(now, self._pending, out)
