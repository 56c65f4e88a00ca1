"""What a session does with what its protocol understood."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from .delivery import Delivery
from .errors import SubscriptionRejected
from .events import DepthUpdate
from .login import Login, Step
from .pending import Pending
from .ports import Hub
from .protocol.base import Broken, Command, Control, Item, LoginLost, Missing, Problem, Reply, Request
from .subscription import Stream

__all__ = ["Intake"]


class Receiver(Protocol):
    """A session, as its intake sees it."""

    name: str
    events: int
    gaps: int

    def live(self, stream: Stream, now: float, out: Delivery) -> None:
        """A stream runs."""

    def broken(self, stream: Stream, reason: str, out: Delivery) -> None:
        """A stream has a hole."""

    def reject(self, stream: Stream, rejection: SubscriptionRejected) -> None:
        """A stream was refused."""

    def wanted(self) -> list[Stream]:
        """The streams asked for."""

    def subscribe(self, streams: Sequence[Stream]) -> None:
        """Ask for them."""

    def log_in_step(self, step: Step) -> None:
        """Go on with the login."""


class Intake:
    """Works for one session, under its lock, on the reader thread."""

    def __init__(self, session: Receiver, login: Login, pending: Pending, hub: Hub) -> None:
        self._session, self._login, self._pending, self._hub = session, login, pending, hub

    def take(self, items: Sequence[Item], now: float, out: Delivery) -> None:
        """Everything that one read brought, in order. ``now`` is monotonic."""
        for route, payload in items:
            if route is not None:
                self._data(route.owner, payload, now, out)  # type: ignore[arg-type]
            else:
                self._control(payload, now, out)  # type: ignore[arg-type]

    def _data(self, stream: Stream, events: Sequence[Any], now: float, out: Delivery) -> None:
        session = self._session
        session.events += len(events)
        stream.received += len(events)
        stream.last_data = now
        if type(events[0]) is DepthUpdate:
            stream.stale_hits = 0
        if stream.book is not None and not stream.keep(events):
            session.broken(stream, "the book was crossed or could not be updated: it is rebuilt", out)
        out.data(stream, events)

    def _control(self, control: Control, now: float, out: Delivery) -> None:
        if isinstance(control, Reply):
            self._reply(control, now, out)
        elif isinstance(control, Broken):
            error = control.error
            out.error(error)
            reason = f"sequence gap: expected {error.expected}, got {error.got}"
            self._session.broken(control.route.owner, reason, out)
        elif isinstance(control, Missing):
            self._session.gaps += 1
            out.gap(control.gap)
        elif isinstance(control, LoginLost):
            self._login_lost(control, now, out)
        elif isinstance(control, Problem):
            out.error(control.error)

    def _reply(self, reply: Reply, now: float, out: Delivery) -> None:
        request = reply.request
        self._pending.answered(request.id)
        if request.command is Command.AUTHENTICATE:
            self._session.log_in_step(self._login.answered(reply.error))
        elif request.command is Command.SUBSCRIBE:
            if reply.error is not None and len(request.routes) > 1:
                self._ask_one_by_one(request)
                return
            for stream in [route.owner for route in request.routes if not route.owner.is_over]:
                if reply.error is None:
                    self._session.live(stream, now, out)
                else:
                    self._rejected(stream, reply, out)

    def _ask_one_by_one(self, request: Request) -> None:
        """Which of several streams the exchange refuses it does not say; the others shall not go without."""
        wanted = self._session.wanted()
        for route in request.routes:
            if route.owner in wanted and route.request_id == request.id:
                self._session.subscribe([route.owner])

    def _rejected(self, stream: Stream, reply: Reply, out: Delivery) -> None:
        request, error = reply.request, reply.error
        code, reason = (error.code, error.message) if error else (None, "")
        rejection = SubscriptionRejected(
            f"{self._session.name}: {stream.key} was refused: {reason} (code {code})",
            key=stream.key,
            code=code,
            reason=reason,
            request_id=request.id,
            command=request.name,
        )
        self._session.reject(stream, rejection)
        out.error(rejection)

    def _login_lost(self, lost: LoginLost, now: float, out: Delivery) -> None:
        if lost.request is not None:
            self._pending.answered(lost.request.id)
        step = self._login.lost(lost.error, now, of_request=lost.request is not None)
        if step is Step.REPORT:
            out.error(lost.as_rejection(self._session.name))
            return
        if step is not Step.NOTHING:
            for stream in self._session.wanted():
                if stream.key.channel.is_private:
                    stream.went_down()
            self._hub.changed()
        self._session.log_in_step(step)
