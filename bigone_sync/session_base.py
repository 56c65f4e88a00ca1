"""What every session does: keeps the streams of one connection, hands on what comes, and says how things end.

How streams are asked for, and how a broken one is made whole, differs: by requests over the socket
(:mod:`~bigone_sync.session`), or by opening it (:mod:`~bigone_sync.socket_session`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .config import Backoff
from .delivery import Delivery
from .dispatch import Dispatcher, Lane
from .enums import ConnectionState, SubscriptionState
from .errors import BigOneError
from .events import Gap, RawFrame, SubscriptionKey
from .ports import Feed, Hub
from .protocol.base import Missing, Resumed
from .redact import redact_bytes
from .repair import Recovery, Repair
from .subscription import Stream
from .transport.attempt import Target
from .transport.connection import Connection

__all__ = ["BaseSession", "FeedSession"]


class BaseSession:
    """Keeps one connection's streams going. Not for direct use.

    Its lock guards the protocol and the streams; no user code runs under it, and nothing is sent under it.

    Args:
        name: of the connection, ``spot/depth``.
        dispatcher: where events go.
        lane: this connection's lane there, for public streams and for what is not data.
        private_lane: the lane of private streams, which is drained first; the same where it carries nothing else.
        hub: the client.
        backoff: paces resyncs.
        recovery: where streams are made whole by REST; None: they are not.
        lock: shared with other sessions of the same streams; None: its own.
        streams: shared likewise.
    """

    def __init__(
        self,
        name: str,
        *,
        dispatcher: Dispatcher,
        lane: Lane,
        private_lane: Lane,
        hub: Hub,
        backoff: Backoff,
        recovery: Recovery | None,
        lock: threading.RLock | None = None,
        streams: dict[SubscriptionKey, Stream] | None = None,
    ) -> None:
        self.name = name
        self.lane = lane
        self.private_lane = private_lane
        self.connection: Connection
        """Set by whoever builds both; they need each other."""
        self.streams: dict[SubscriptionKey, Stream] = {} if streams is None else streams
        self.events = 0
        self.gaps = 0
        self.touch_mismatches = 0
        """Books that were given up because the exchange's own best prices differed twice in a row."""
        self.is_over = False
        """Whether the exchange refused this connection for good, and the client goes on without it."""
        self.heard_at = 0.0
        """Unix time of the last frames; 0: none came."""
        self._recovery = recovery
        self._dispatcher, self._hub, self._backoff = dispatcher, hub, backoff
        self._lock = threading.RLock() if lock is None else lock
        self.caught_up = threading.Event()
        """Cleared while a repair hands on what was held back: the reader waits for it as it waits for a full queue."""
        self.caught_up.set()

    # -- made by the concrete session

    def target(self) -> Target:
        """Where to connect."""
        raise NotImplementedError

    def opened(self) -> None:
        """The handshake is done."""
        raise NotImplementedError

    def flush(self) -> None:
        """Send what :meth:`add`, :meth:`remove` and :meth:`refresh` want to be sent. Waits; not under a lock."""

    def _ask_for(self, streams: Sequence[Stream]) -> None:
        """Have streams run, which belong to a connection that is up. Under the lock."""
        raise NotImplementedError

    def _leave(self, streams: Sequence[Stream]) -> None:
        """Streams that ran are wanted no more. Under the lock."""

    def _take(self, frames: list[bytes], received_at: float, out: Delivery) -> None:
        """Frames came. Under the lock."""
        raise NotImplementedError

    def resync(self, stream: Stream) -> None:
        """Ask for a fresh snapshot of one stream. Under the lock."""
        raise NotImplementedError

    @property
    def decode_errors(self) -> int:
        """Frames, or items of frames, that could not be read."""
        raise NotImplementedError

    def _know(self, stream: Stream) -> Any:
        """The protocol's side of a stream that is new. Under the lock."""
        raise NotImplementedError

    def _forget(self, stream: Stream) -> None:
        """A stream is over, for the protocol, too. Under the lock."""
        raise NotImplementedError

    # -- streams; any thread

    def lane_of(self, key: SubscriptionKey) -> Lane:
        """Where a stream's events wait."""
        return self.private_lane if key.channel.is_private else self.lane

    def admit(self, keys: Sequence[SubscriptionKey]) -> None:
        """Nothing, if streams of one channel, those of ``keys``, can be added.

        Raises:
            ConfigurationError: they do not go together with those that there are.
        """

    def add(self, *streams: Stream) -> None:
        """Want streams of one channel, from now on and after every reconnect."""
        with self._lock:
            for stream in streams:
                stream.session = self
                stream.route = self._know(stream)
                self.streams[stream.key] = stream
            if self._is_up:
                self._ask_for(streams)

    def remove(self, *streams: Stream) -> None:
        """Want streams of one channel no more."""
        with self._lock:
            ours = [stream for stream in streams if self.streams.get(stream.key) is stream]
            running = [s for s in ours if not s.is_over and s.state != SubscriptionState.WANTED]
            for stream in ours:
                del self.streams[stream.key]
            self._leave(running)
            for stream in ours:
                self._forget(stream)
                self._end(stream, SubscriptionState.ENDED)

    def refresh(self, stream: Stream) -> None:
        """Ask for a new snapshot of a running stream, for somebody who joined late."""
        with self._lock:
            if stream.state in (SubscriptionState.LIVE, SubscriptionState.REQUESTED):
                self.resync(stream)

    def close(self, failure: BigOneError | None = None) -> None:
        """The client ends: every stream ends, everything that waits for it wakes."""
        with self._lock:
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

    # -- frames; reader thread

    def _delivery(self) -> Delivery:
        return Delivery(self._dispatcher, self.lane, self._hub, self._overflowed)

    def received(self, frames: list[bytes], received_at: float) -> None:
        """Frames came. Waits while a queue is full."""
        if self._hub.wants_raw:
            shown = [RawFrame("in", redact_bytes(f), connection=self.name, received_at=received_at) for f in frames]
            self._hub.raw(self.lane, shown, wait=True)
        out = self._delivery()
        with self._lock:
            self.heard_at = received_at
            self._take(frames, received_at, out)
        self._settle()
        self.flush()
        out.run()
        self.caught_up.wait()

    def _settle(self) -> None:
        """Do what frames have asked for and what waits. Not under the lock."""

    def live(self, stream: Stream, now: float, out: Delivery) -> None:
        """A stream runs. Under the lock."""
        stream.went_live(now)
        self._hub.changed()

    def reject(self, stream: Stream, rejection: BigOneError) -> None:
        """A stream was refused: it is not asked for again. Under the lock."""
        stream.rejection = rejection
        self._forget(stream)
        self._end(stream, SubscriptionState.REJECTED, rejection)

    # -- gaps

    def broken(self, stream: Stream, reason: str, out: Delivery) -> None:
        """A stream has a hole: announce it and make it whole. Under the lock."""
        self.gaps += 1
        self.resync(stream)
        out.gap(self._gap(stream, reason))

    def missing(self, missing: Missing, out: Delivery) -> None:
        """Items of a stream are or may be missing. Under the lock."""
        self._announce(missing.gap, out)

    def resumed(self, resumed: Resumed, out: Delivery) -> None:
        """A socket's first frame does not tell everything. Under the lock."""
        for missing in resumed.gaps:
            self.missing(missing, out)

    def _announce(self, gap: Gap, out: Delivery) -> None:
        self.gaps += 1
        out.gap(gap)

    def _gap(self, stream: Stream, reason: str) -> Gap:
        key = stream.key
        return Gap(key.channel, key.market, reason=reason, connection=self.name, received_at=time.time())

    def _overflowed(self, stream: Stream, dropped: int) -> None:
        reason = f"the queue was full: {dropped} events were discarded and a snapshot is asked for"
        out = self._delivery()
        with self._lock:
            self.broken(stream, reason, out)
        self.flush()
        out.run()

    # -- repairs; the recovery's thread

    @property
    def guard(self) -> threading.RLock:
        """The lock."""
        return self._lock

    def new_delivery(self) -> Delivery:
        """For events that come from elsewhere than the socket."""
        return self._delivery()

    def repaired(self, stream: Stream, out: Delivery) -> None:
        """A stream is whole, or as whole as it gets. Under the lock."""

    def _repair(
        self,
        recovery: Recovery,
        streams: Sequence[Stream],
        fetch: Callable[[], Any],
        settle: Callable[[Any, Delivery], Mapping[Stream, Sequence[Any]]],
        out: Delivery,
        order: Callable[[Any], Any] | None = None,
    ) -> None:
        """Hold streams back from here on, and make them whole. Under the lock."""
        repair = Repair(self, streams, fetch, settle, order)
        repair.begin()
        out.then(lambda: recovery.submit(repair))

    # -- endings; reader thread

    def renews(self, error: BigOneError) -> bool:
        """Whether to try once more at once, though ``error`` is final, since what was refused can be made anew."""
        return False

    def lost(self, error: BigOneError) -> None:
        """The connection or the attempt is over, another follows."""
        self._down(error)
        self._hub.error(self.lane, error)
        self._hub.changed()

    def refused(self, error: BigOneError) -> None:
        """It is over for good."""
        self._down(error)
        self.close(error)
        self._hub.fatal(self.lane, error)

    def _down(self, error: BigOneError) -> None:
        with self._lock:
            for stream in self.wanted():
                stream.went_down(self.heard_at)

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
            self._watch_over(now, out)
        finally:
            self._lock.release()
        out.run(wait=False)

    def _watch_over(self, now: float, out: Delivery) -> None:
        """This session's watchdogs. Under the lock; must not wait."""
        raise NotImplementedError


class FeedSession(BaseSession):
    """One whose protocol keeps the streams by itself. Not for direct use.

    Args:
        name: of the connection.
        feed: the protocol; this session's alone.
        parts: the rest, as for :class:`BaseSession`.
    """

    def __init__(self, name: str, feed: Feed, **parts: Any) -> None:
        super().__init__(name, **parts)
        self._feed = feed

    @property
    def decode_errors(self) -> int:
        """Frames, or items of frames, that could not be read."""
        return self._feed.decode_errors

    def _know(self, stream: Stream) -> Any:
        return self._feed.add(stream.key, limit=stream.limit, owner=stream)

    def _forget(self, stream: Stream) -> None:
        self._feed.remove(stream.route)
