"""One protocol bound to one connection that is its own subscription (contract protocol, section 1).

To open it is to ask; nothing is sent.  A broken stream is made whole by dialling again, for the first frame of a socket
is the snapshot.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from .config import Backoff, Timeouts
from .delivery import Delivery
from .dispatch import Dispatcher, Lane
from .enums import Channel, SubscriptionState
from .errors import AuthenticationError, BigOneError, ConnectError, ConnectionLost
from .events import DepthSnapshot, Gap
from .intake import Intake
from .ports import ContractFound, ContractHistory, Hub, Keeping, PrivateFeed
from .protocol.base import Handshake, Resumed
from .repair import Recovery
from .session_base import FeedSession
from .subscription import Stream
from .timekeeper import Timekeeper
from .transport.attempt import Target

__all__ = ["SocketSession"]

_log = logging.getLogger("bigone_sync.session")

# Answers that tell about credentials, where the handshake has some.
_UNAUTHORISED = (401, 403)
_CAUSES = {
    400: "an unknown or disabled contract, a symbol in lower case, or a period that there is not",
    204: "a channel that needs a symbol and has none, or that there is not",
    401: "it wants credentials",
    403: "it is refused to this address, or wants credentials",
    404: "a wrong base URL",
}


class SocketSession(FeedSession):
    """Keeps the streams of one socket going.

    Args:
        name: of the connection, ``contract/depth@BTCUSD``.
        feed: the protocol; this session's alone.
        handshake: how to open, but for the token.
        dispatcher: where events go.
        lane: this connection's lane there.
        hub: the client.
        token: signs a fresh token for each handshake; None: the channel is public.
        keeping: told when what is kept of this socket's data is out of date.
        timeouts: ``reply`` is how long a snapshot may take; ``stale`` is watched here, too.
        backoff: of the connection.
        timekeeper: measures the clock that tokens are signed by; None: nobody does.
        history: what REST tells of the time when the private stream was away, and
        recovery: where it is asked; None: it is not, and gaps are announced.
    """

    _feed: PrivateFeed

    def __init__(
        self,
        name: str,
        feed: PrivateFeed,
        handshake: Handshake,
        *,
        dispatcher: Dispatcher,
        lane: Lane,
        hub: Hub,
        token: Callable[[], str] | None,
        keeping: Keeping | None,
        timeouts: Timeouts,
        backoff: Backoff,
        timekeeper: Timekeeper | None = None,
        history: ContractHistory | None = None,
        recovery: Recovery | None = None,
    ) -> None:
        super().__init__(
            name,
            feed,
            dispatcher=dispatcher,
            lane=lane,
            private_lane=lane,
            hub=hub,
            backoff=backoff,
            recovery=recovery,
        )
        self._timekeeper, self._history = timekeeper, history
        self._handshake, self._token, self._keeping = handshake, token, keeping
        self._timeouts = timeouts
        self._intake = _SocketIntake(self)
        self._renewed = False
        self._opened_at = 0.0
        self._refusal: ConnectError | None = None
        self._is_closed = False

    # -- streams; any thread

    def add(self, *streams: Stream) -> None:
        """Want streams; those that come after the exchange refused this socket are refused, too."""
        with self._lock:
            super().add(*streams)
            if self._refusal is not None:
                for stream in streams:
                    self.reject(stream, self._refusal)

    def close(self, failure: BigOneError | None = None) -> None:
        """The client ends, or goes on without this socket: what is kept of it is not up to date any more."""
        with self._lock:
            self._is_closed = True
            self._out_of_date()
            super().close(failure)

    # -- opening; reader thread

    def target(self) -> Target:
        """Where to connect, with a fresh token, for which the clock is measured if need be."""
        headers = dict(self._handshake.headers)
        if self._token is not None:
            if self._timekeeper is not None:
                self._timekeeper.again() if self._renewed else self._timekeeper.first()
            headers["Authorization"] = f"Bearer {self._token()}"
        return Target(self._handshake.url, headers)

    def opened(self) -> None:
        """The handshake is done, and so is the subscription."""
        with self._lock:
            self._renewed = False
            self._opened_at = time.monotonic()
            self._feed.opened()
            self.connection.accept()
            self._ask_for(self.wanted())
        self._hub.changed()

    def _ask_for(self, streams: Sequence[Stream]) -> None:
        now = time.monotonic()
        for stream in streams:
            stream.asked()
            # A book is there with its snapshot. What else comes first, and whether, is not said for all channels.
            if stream.key.channel != Channel.DEPTH:
                stream.went_live(now)
        self._hub.changed()

    # -- frames; reader thread

    def _take(self, frames: list[bytes], received_at: float, out: Delivery) -> None:
        if not self._is_closed:  # another socket may keep the same values by now
            self._intake.take(self._feed.receive(frames, received_at), time.monotonic(), out)

    # -- gaps

    def resync(self, stream: Stream) -> None:
        """Dial again. Under the lock."""
        stream.went_stale(time.monotonic(), self._backoff)
        stream.resync_due = None  # the connection's own pauses pace it
        self._out_of_date()
        self.connection.kill(ConnectionLost(f"{self.name}: dialled again for a fresh snapshot", cause="resync"))
        self._hub.changed()

    def _out_of_date(self) -> None:
        if self._keeping is not None:
            self._keeping.mark_stale()

    # -- repairs; the recovery's thread, but for what begins them

    def resumed(self, resumed: Resumed, out: Delivery) -> None:
        """What happened while the private stream was away is asked for. Under the lock."""
        recovery, history = self._recovery, self._history
        if recovery is None or history is None:
            super().resumed(resumed, out)
            return
        gaps = {missing.route.owner: missing.gap for missing in resumed.gaps}
        opened_at = self._opened_at
        for stream in self.wanted():
            if stream not in gaps:  # the first frame tells all of it
                stream.lost_at = None

        def fetch() -> ContractFound:
            with self._lock:
                known = self._feed.open_orders()
                since = min((s.lost_at for s in gaps if s.lost_at is not None), default=None)
            return history.fetch({gap.channel for gap in gaps.values()}, known, since)

        def settle(found: ContractFound | None, out: Delivery) -> dict[Stream, list[Any]]:
            # Else the socket was lost again meanwhile: REST is asked anew, from the first loss on.
            is_last = self._is_up and self._opened_at == opened_at
            return self._settle_private(found, gaps, out, is_last=is_last)

        self._repair(recovery, list(gaps), fetch, settle, out)

    def _settle_private(
        self, found: ContractFound | None, gaps: Mapping[Stream, Gap], out: Delivery, *, is_last: bool
    ) -> dict[Stream, list[Any]]:
        for stream, gap in gaps.items():
            if stream.is_over or not is_last:  # left meanwhile, or the client is closed: nobody listens
                continue
            reason = found.missing.get(gap.channel) if found is not None else "it could not be asked for"
            if reason is None:
                stream.lost_at = None
            else:
                self._announce(msgspec.structs.replace(gap, reason=f"{gap.reason} ({reason})"), out)
        fresh: dict[Stream, list[Any]] = {}
        if found is None or self._is_closed:
            return fresh
        # What came live since the new socket opened is no older than what REST said.
        live = {
            event.market: event
            for stream, gap in gaps.items()
            if gap.channel == Channel.POSITIONS
            for event in stream.held or ()
        }
        told = found.positions if is_last else None
        positions = None if told is None else [*(p for p in told if p.market not in live), *live.values()]
        items = self._feed.reconcile(
            orders=found.orders, fills=found.fills, positions=positions, received_at=found.received_at
        )
        for route, events in items:
            ours = [event for event in events if live.get(event.market) is not event]
            if ours and route.owner in gaps:
                fresh.setdefault(route.owner, []).extend(ours)
        return fresh

    # -- endings; reader thread

    def lost(self, error: BigOneError) -> None:
        """The connection or the attempt is over, another follows."""
        if self._renewed and self._is_about_token(error):
            _log.warning("%s: refused; trying a fresh token", self.name)
        elif not (isinstance(error, ConnectionLost) and error.cause == "resync"):  # why that is wanted has been said
            super().lost(error)
            return
        self._down(error)
        self._hub.changed()

    def renews(self, error: BigOneError) -> bool:
        """Whether a fresh token may help: once between two openings."""
        if self._renewed or not self._is_about_token(error):
            return False
        self._renewed = True
        return True

    def _is_about_token(self, error: BigOneError) -> bool:
        return (
            self._token is not None
            and isinstance(error, ConnectError)
            and error.kind == "handshake"
            and error.status_code in _UNAUTHORISED
        )

    def refused(self, error: BigOneError) -> None:
        """It is over for good: with the whole client, or, if the exchange refused this channel, without it."""
        if self._is_about_token(error):
            super().refused(self._unauthenticated(error))
            return
        if isinstance(error, ConnectError) and error.kind == "handshake":
            cause = _CAUSES.get(error.status_code or 0)
            if cause is not None:
                self._rejected(self._explained(error, cause))
                return
        super().refused(error)

    @property
    def _skew(self) -> str:
        return f"; {self._timekeeper.skew}" if self._timekeeper is not None else ""

    def _unauthenticated(self, error: BigOneError) -> AuthenticationError:
        status = error.status_code if isinstance(error, ConnectError) else None
        refusal = AuthenticationError(
            f"{self.name}: the exchange refuses the credentials (status {status}), a fresh token as well: check the API"
            f" key, the secret, their permissions and this machine's clock{self._skew}",
            code=status,
            reason=str(error),
        )
        refusal.__cause__ = error
        return refusal

    def _explained(self, error: ConnectError, cause: str) -> ConnectError:
        explained = ConnectError(
            f"{error}; likely cause: {cause} (contract protocol, section 2)",
            url=error.url,
            kind=error.kind,
            status_code=error.status_code,
            headers=error.headers,
            body=error.body,
        )
        explained.__cause__ = error
        return explained

    def _rejected(self, error: ConnectError) -> None:
        with self._lock:
            self.is_over, self._refusal = True, error
            self._out_of_date()
            for stream in self.wanted():
                self.reject(stream, error)
        self._hub.error(self.lane, error)
        self._hub.changed()

    def _down(self, error: BigOneError) -> None:
        with self._lock:
            self._out_of_date()
            super()._down(error)

    # -- the keeper's thread

    def _watch_over(self, now: float, out: Delivery) -> None:
        for stream in self.wanted():
            if stream.key.channel != Channel.DEPTH or self.connection.is_delivering or not self._is_up:
                continue
            if stream.state == SubscriptionState.LIVE:
                self._watch_silence(stream, now, out)
            elif now - self._opened_at > self._timeouts.reply:
                text = f"{self.name}: no snapshot within {self._timeouts.reply} s"
                self.connection.kill(ConnectionLost(text, cause="no answer"))

    def _watch_silence(self, stream: Stream, now: float, out: Delivery) -> None:
        limit = self._timeouts.stale
        if limit is not None and now - stream.last_data > limit:
            self.broken(stream, f"no data for {limit} s: dialling again", out)


class _SocketIntake(Intake):
    """A depth stream runs from its snapshot on."""

    def _data(self, stream: Stream, events: Sequence[object], now: float, out: Delivery) -> None:
        super()._data(stream, events, now, out)
        if type(events[0]) is DepthSnapshot and stream.state != SubscriptionState.LIVE:
            book = stream.book
            if book is None or book.is_live:
                self._session.live(stream, now, out)
