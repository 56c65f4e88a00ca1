"""Requests that wait for an answer, and the watch over what a session expects (W4, W5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from .config import Timeouts
from .delivery import Delivery
from .enums import Channel, SubscriptionState
from .errors import ConnectionLost, RequestTimeout
from .protocol.base import Command, Request
from .subscription import Stream
from .transport.connection import Connection

__all__ = ["Pending", "Watch"]

# Subscribe requests in a row without an answer, after which the connection itself is doubted.
_MISSES = 3


class Pending:
    """Requests and their deadlines."""

    def __init__(self, reply: float) -> None:
        self._reply = reply
        self._requests: dict[str, tuple[float, Request]] = {}

    def add(self, request: Request, now: float) -> None:
        """A request was made."""
        self._requests[request.id] = (now + self._reply, request)

    def answered(self, request_id: str) -> None:
        """Its answer came."""
        self._requests.pop(request_id, None)

    def clear(self) -> None:
        """The connection is gone, and with it all answers."""
        self._requests.clear()

    def postpone(self, seconds: float) -> None:
        """Their answers may have come and wait behind what our own handlers are too slow for."""
        self._requests = {key: (deadline + seconds, made) for key, (deadline, made) in self._requests.items()}

    def overdue(self, now: float) -> list[Request]:
        """Those whose time is over; they are not waited for any more."""
        late = [request for deadline, request in self._requests.values() if now > deadline]
        for request in late:
            del self._requests[request.id]
        return late


class Watched(Protocol):
    """A session, as its watch sees it."""

    connection: Connection

    def wanted(self) -> list[Stream]:
        """The streams asked for."""

    def subscribe(self, streams: Sequence[Stream]) -> None:
        """Ask for them."""

    def resubscribe(self, stream: Stream) -> None:
        """Ask for it anew."""

    def live(self, stream: Stream, now: float, out: Delivery) -> None:
        """It runs."""

    def broken(self, stream: Stream, reason: str, out: Delivery) -> None:
        """It has a hole."""


class Watch:
    """Looks after one session, called by the keeper under the session's lock; never waits."""

    def __init__(self, name: str, timeouts: Timeouts, session: Watched) -> None:
        self._name, self._timeouts, self._session = name, timeouts, session
        self._checked: float | None = None

    def check(self, now: float, pending: Pending, out: Delivery) -> None:
        """One round."""
        before, self._checked = self._checked, now
        if before is not None and self._session.connection.is_delivering:
            pending.postpone(now - before)
        for request in pending.overdue(now):
            self._unanswered(request, now, out)
        for stream in self._session.wanted():
            if stream.resync_due is not None and now >= stream.resync_due:
                stream.resync_due = None
                self._session.resubscribe(stream)
            self._check_stale(stream, now, out)

    def _unanswered(self, request: Request, now: float, out: Delivery) -> None:
        timeout = RequestTimeout(
            f"{self._name}: no answer to {request.name} within {self._timeouts.reply} s",
            request_id=request.id,
            command=request.name,
        )
        if request.command is Command.AUTHENTICATE:
            self._session.connection.kill(timeout)
            return
        waiting: list[Stream] = [route.owner for route in request.routes if route.request_id == request.id]
        silent = [s for s in waiting if s.key.channel == Channel.ORDERS and s.key.market is None]
        for stream in silent:
            # Whether this request is acknowledged is not documented; an error would have come (section 7.2).
            self._session.live(stream, now, out)
        rest = [stream for stream in waiting if stream not in silent]
        if rest:
            out.error(timeout)
            self._ask_again(request, rest)

    def _ask_again(self, request: Request, streams: list[Stream]) -> None:
        for stream in streams:
            stream.misses += 1
        if max(stream.misses for stream in streams) < _MISSES:
            self._session.subscribe(streams)
            return
        text = f"{self._name}: no answer to {request.name}, {_MISSES} times"
        self._session.connection.kill(ConnectionLost(text, cause="no answer"))

    def _check_stale(self, stream: Stream, now: float, out: Delivery) -> None:
        """Depth has a cadence; other streams may be silent for hours (W5)."""
        limit, connection = self._timeouts.stale, self._session.connection
        if limit is None or stream.key.channel != Channel.DEPTH or stream.state != SubscriptionState.LIVE:
            return
        if now - stream.last_data <= limit or connection.is_delivering:
            return
        stream.stale_hits += 1
        if stream.stale_hits > 1:
            text = f"{self._name}: {stream.key}: no data even after a new snapshot"
            connection.kill(ConnectionLost(text, cause="stale"))
        else:
            self._session.broken(stream, f"no data for {limit} s: subscribing again", out)
