"""What the connections of one Rails client share: streams, commands, and which of them leads.

Every connection brings the same sequence of events (Rails protocol, section 8), so whichever is first delivers, and one
that stalls or is lost costs nothing while another runs.  The leader is the one that snapshots are asked of and commands
go out on.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence

from ..config import Backoff, Timeouts
from ..delivery import Delivery
from ..dispatch import Lane
from ..enums import Channel, SubscriptionState
from ..errors import BigOneError, ConnectionClosed, ConnectionLost, RequestRejected, SubscriptionRejected
from ..events import SubscriptionKey
from ..ports import Hub, RailsHistory
from ..protocol.rails_news import Answer, Fills
from ..protocol.rails_requests import Dialect
from ..repair import Recovery
from ..subscription import Stream
from .commands import Commands
from .lags import Lags
from .owned import OWN, Owned
from .public import Public
from .session import RailsSession

__all__ = ["RailsGroup"]

_log = logging.getLogger("bigone_sync.session")

_REFUSED = 400


class RailsGroup:
    """All under ``lock``, but for what says otherwise.

    Args:
        market: the connections' market, or ``ALL``.
        dialect: which generation's names to use.
        hub: the client.
        lane: where public events go.
        private_lane: where own orders and trades go.
        timeouts: ``reply`` is how long a snapshot may take; ``stale`` is watched here.
        backoff: paces resyncs that come in bursts.
        patience: seconds that a connection which is ahead waits for one that lags, and that the answer to a command
            may take on another connection after its own was lost.
        commands: those of the client.
        history: what REST tells of own orders and trades after an outage of all connections, and
        recovery: where it is asked; None: it is not, and gaps are announced.
    """

    def __init__(
        self,
        market: str,
        *,
        dialect: Dialect,
        hub: Hub,
        lane: Lane,
        private_lane: Lane,
        timeouts: Timeouts,
        backoff: Backoff,
        patience: float,
        commands: Commands,
        history: RailsHistory | None = None,
        recovery: Recovery | None = None,
    ) -> None:
        self.market, self.dialect, self.backoff = market, dialect, backoff
        self.lane, self.private_lane = lane, private_lane
        self.patience, self.commands = patience, commands
        self.lock = threading.RLock()
        self.turn = threading.RLock()
        """Held while frames are taken and what they brought is handed on: the next ones, of any connection, come after.
        Taken before ``lock``."""
        self.streams: dict[SubscriptionKey, Stream] = {}
        self.sessions: list[RailsSession] = []
        """In order; set by whoever builds them."""
        self.leader: RailsSession | None = None
        self.openings = 0
        """Times that a connection opened while no other one was up."""
        self.failovers = 0
        """Times that another connection took over from the leader."""
        self._hub, self._timeouts = hub, timeouts
        self.public = Public(self, timeouts.reply, self._go_live)
        self._owned = Owned(self, history, recovery, self._go_live)
        self._lags = Lags()

    # -- who is up

    @property
    def is_up(self) -> bool:
        """Whether at least one connection is READY."""
        return any(session.is_up for session in self.sessions)

    @property
    def was_up(self) -> bool:
        """Whether any connection was ever READY."""
        return self.openings > 0

    def askable(self) -> list[RailsSession]:
        """The connections that are READY, the leader first."""
        return sorted(self._up(), key=lambda session: session is not self.leader)

    def primary(self) -> RailsSession | None:
        """The one that commands go out on; None: no connection is READY."""
        return next(iter(self.askable()), None)

    def in_step(self) -> list[str]:
        """Names of the connections that can go on alone: READY, with a known place in all that is merged."""
        syncs = [sync for _, sync in self.public.syncs]
        return [session.name for session in self._up() if all(sync.may_ask(session.name) for sync in syncs)]

    def _up(self) -> list[RailsSession]:
        return [session for session in self.sessions if session.is_up]

    def _others(self, session: RailsSession) -> list[RailsSession]:
        return [other for other in self._up() if other is not session]

    # -- streams come and go

    def channels(self) -> frozenset[Channel]:
        """What each connection is to bring. Orders always: commands need them (section 3)."""
        return frozenset({Channel.ORDERS, *(stream.key.channel for stream in self._wanted())})

    def _wanted(self) -> list[Stream]:
        return [stream for stream in self.streams.values() if not stream.is_over]

    def began(self, streams: Sequence[Stream]) -> None:
        """Streams of one channel were added while connections are up."""
        channels = frozenset(stream.key.channel for stream in streams)
        for session in self._up():
            missing = channels - session.channels
            if missing:
                session.subscribed.subscribe(missing)
            self.public.join(session)
        for stream in streams:
            stream.asked()
            channel = stream.key.channel
            if channel != Channel.DEPTH and any(channel in session.active for session in self._up()):
                self._go_live(stream)
        self.public.ask_missing()

    def left(self) -> None:
        """Streams were removed."""
        self.public.left()
        wanted = self.channels()
        for session in self._up():
            idle = session.channels - wanted
            if idle:
                session.subscribed.unsubscribe(idle)

    def flush(self) -> None:
        """Send what waits. Not under the lock."""
        for session in self.sessions:
            session.push(wait=False)

    def _go_live(self, stream: Stream) -> None:
        stream.went_live(time.monotonic())
        self._hub.changed()

    def repaired(self, stream: Stream) -> None:
        """A stream is whole, or as whole as it gets."""
        self._owned.repaired(stream)

    # -- connections come and go

    def opened(self, session: RailsSession) -> None:
        """A connection is up."""
        self.openings += not self._others(session)
        if self.leader is None:
            self.leader = session
        for stream in self._wanted():
            stream.asked()
        self.public.join(session)
        self.public.ask_missing()

    def closed(self, session: RailsSession, error: BigOneError, out: Delivery) -> None:
        """A connection, or an attempt, is over."""
        others = self._others(session)
        self._lags.forget(session.name)
        if self.leader is session:
            placed = self.in_step()
            self.leader = min(others, key=lambda other: other.name not in placed, default=None)
            if others:
                self._failed_over(session, f"lost: {error}")
        self.commands.lost(session.name, error, self.patience if others else 0.0)
        self.public.closed(session, time.monotonic(), out, is_alone=not others)
        if not others:
            self._owned.lost()
            for stream in self._wanted():
                stream.went_down(session.heard_at)
        self.public.ask_missing()

    def _hand_over(self, session: RailsSession, why: str) -> None:
        leader, self.leader = self.leader, session
        if leader is not None and leader is not session:
            self._failed_over(leader, why)

    def _failed_over(self, old: RailsSession, why: str) -> None:
        self.failovers += 1
        self.public.asks.lost(old)
        new = self.leader.name if self.leader is not None else "nobody"
        _log.warning("%s: %s; %s leads from here on", old.name, why, new)

    def end(self, failure: BigOneError | None) -> None:
        """The client ends."""
        with self.lock:
            self.commands.end(failure or ConnectionClosed("the client was closed"))

    # -- what comes

    def active(self, session: RailsSession, out: Delivery) -> None:
        """The exchange said what a connection brings."""
        waiting = [
            stream
            for stream in self._wanted()
            if stream.key.channel in session.active and stream.state != SubscriptionState.LIVE
        ]
        for stream in waiting:
            if stream.key.channel == Channel.TRADES:
                self._go_live(stream)
        self._owned.resume(session, [stream for stream in waiting if stream.key.channel in OWN], out)
        self.public.ask_missing()

    def dropped(self, session: RailsSession, channels: frozenset[Channel], now: float, out: Delivery) -> None:
        """A connection does not bring these, though it should; that was asked for again just now.

        What it missed meanwhile nothing would show, so it counts as a connection that has just opened.
        """
        self.public.dropped(session, channels, now, out, is_alone=not self._others(session))
        for stream in self._wanted():
            channel = stream.key.channel
            if channel in channels and not any(channel in other.active for other in self._others(session)):
                stream.went_down(session.heard_at)
        self.public.ask_missing()

    def refused(self, session: RailsSession, channels: frozenset[Channel], answer: Answer, out: Delivery) -> None:
        """The exchange refuses to bring these."""
        why = f"{answer.body} ({answer.status_code})"
        streams = [stream for stream in self._wanted() if stream.key.channel in channels]
        if not streams:  # own orders, which commands need
            names = ", ".join(sorted(map(str, channels)))
            text = f"{session.name}: {names} was refused, so answers to commands may not come: {why}"
            out.error(RequestRejected(text, code=answer.status_code, reason=answer.body, command="subscribe"))
        for stream in streams:
            rejection = SubscriptionRejected(
                f"{session.name}: {stream.key} was refused: {why}",
                key=stream.key,
                code=answer.status_code,
                reason=answer.body,
                request_id=answer.request_id or "",
                command="subscribe",
            )
            session.reject(stream, rejection)
            out.error(rejection)

    def fills(self, session: RailsSession, news: Fills, now: float, out: Delivery) -> None:
        """Own trades came."""
        self._owned.fills(session, news, now, out)

    def answered(self, session: RailsSession, answer: Answer, now: float, out: Delivery) -> None:
        """A message about an order or the answer to a command came; often it is both."""
        is_refusal = (answer.status_code or 0) >= _REFUSED
        if is_refusal and self.public.refused(answer, now, out):
            return
        self.commands.answered(answer)
        self._owned.order(session, answer, now, out)
        if is_refusal and answer.order is None and answer.request_id is None:
            # Nobody can tell what it answers. Those with an id are answered above, late, or another's.
            text = f"{session.name}: the exchange refuses {answer.result_type}: {answer.body} ({answer.status_code})"
            out.error(RequestRejected(text, code=answer.status_code, reason=answer.body, command=answer.result_type))

    # -- the keeper's thread

    def check_commands(self) -> None:
        """End commands whose time is over, also while a reader, in its turn, waits for a full queue.

        Not under the lock; never waits.
        """
        if self.lock.acquire(blocking=False):
            try:
                self.commands.check()
            finally:
                self.lock.release()
        self.commands.settle()

    def watch(self, session: RailsSession, now: float, out: Delivery) -> None:
        """One round of a connection; what is of the group is looked at with the first."""
        if session is not self.sessions[0]:
            return
        self.public.check(now, out)
        self._watch_lags(now, out)
        for stream in self._wanted():
            self._watch_silence(stream, now, out)

    def _watch_lags(self, now: float, out: Delivery) -> None:
        """Go on without who is waited for too long, and hand the lead on from who is behind."""
        for market, sync in self.public.syncs:
            waiting = sync.waiting()
            for session in self._up():
                if self._lags.waits(session.name, sync, session.name in waiting, now) > self.patience:
                    self._hand_over(session, f"silent, or behind {session.name} for over {self.patience:g} s")
                    self.public.overtake(market, sync, session, now, out)
                    break
        self._watch_leader(now)

    def _watch_leader(self, now: float) -> None:
        leader = self.leader
        if leader is None:
            return
        lags = [(sync, self._lags.behind(leader.name, sync, now)) for _, sync in self.public.syncs]
        late = [(sync, lag.mark) for sync, lag in lags if lag.seconds > self.patience]
        if not late:
            return
        for other in self._others(leader):
            if all(sync.has_reached(other.name, mark) for sync, mark in late):
                self._hand_over(other, f"behind the others for over {self.patience:g} s")
                return

    def _watch_silence(self, stream: Stream, now: float, out: Delivery) -> None:
        """Depth has a cadence; other streams may be silent for hours (W5)."""
        limit = self._timeouts.stale
        if limit is None or stream.key.channel != Channel.DEPTH or stream.state != SubscriptionState.LIVE:
            return
        if now - stream.last_data <= limit:
            return
        stream.stale_hits += 1
        if stream.stale_hits > 1:
            for session in self._up():
                text = f"{session.name}: {stream.key}: no data even after a new snapshot"
                session.connection.kill(ConnectionLost(text, cause="stale"))
        else:
            session = self.leader or self.sessions[0]
            session.broken(stream, f"no data for {limit} s: a new snapshot is asked for", out)
