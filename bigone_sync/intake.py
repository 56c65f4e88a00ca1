"""What a session does with what its protocol understood."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from .calls import Calls
from .delivery import Delivery
from .errors import BigOneError, SubscriptionRejected
from .events import DepthUpdate
from .login import Login, Step
from .pending import Pending
from .ports import Hub
from .protocol.base import Broken, Command, Control, Item, LoginLost, Missing, Problem, Reply, Resumed, Touch
from .subscription import Stream

__all__ = ["Intake", "RequestIntake"]


class Receiver(Protocol):
    """A session, as its intake sees it."""

    name: str
    events: int
    gaps: int
    touch_mismatches: int
    heard_at: float

    def missing(self, missing: Missing, out: Delivery) -> None:
        """Items of a stream are or may be missing."""

    def resumed(self, resumed: Resumed, out: Delivery) -> None:
        """A socket's first frame does not tell everything."""

    def live(self, stream: Stream, now: float, out: Delivery) -> None:
        """A stream runs."""

    def broken(self, stream: Stream, reason: str, out: Delivery) -> None:
        """A stream has a hole."""


class Requester(Receiver, Protocol):
    """A session that asks for streams by requests."""

    def reject(self, stream: Stream, rejection: BigOneError) -> None:
        """A stream was refused."""

    def wanted(self) -> list[Stream]:
        """The streams asked for."""

    def subscribe(self, streams: Sequence[Stream]) -> None:
        """Ask for them."""

    def log_in_step(self, step: Step) -> None:
        """Go on with the login."""


class Intake:
    """Works for one session, under its lock, on the reader thread."""

    def __init__(self, session: Receiver) -> None:
        self._session = session

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
        if stream.held is None:
            out.data(stream, events)
        else:
            stream.held.extend(events)

    def _control(self, control: Control, now: float, out: Delivery) -> None:
        if isinstance(control, Broken):
            out.error(control.error)
            self._session.broken(control.route.owner, control.reason, out)
        elif isinstance(control, Missing):
            self._session.missing(control, out)
        elif isinstance(control, Resumed):
            self._session.resumed(control, out)
        elif isinstance(control, Problem):
            out.error(control.error)
        elif isinstance(control, Touch):
            self._touch(control, out)

    def _touch(self, touch: Touch, out: Delivery) -> None:
        """Compare the book with the best prices that the exchange names. Once may be chance, twice in a row is not."""
        stream: Stream = touch.route.owner
        if stream.agrees(touch.bid, touch.ask):
            return
        self._session.touch_mismatches += 1
        self._session.broken(stream, "the exchange names other best prices than the book has: it is rebuilt", out)


class RequestIntake(Intake):
    """The same for a session that asks by requests, and logs in."""

    _session: Requester

    def __init__(self, session: Requester, login: Login, pending: Pending, calls: Calls, hub: Hub) -> None:
        super().__init__(session)
        self._login, self._pending, self._calls, self._hub = login, pending, calls, hub

    def _control(self, control: Control, now: float, out: Delivery) -> None:
        if isinstance(control, Reply):
            self._reply(control, now, out)
        elif isinstance(control, LoginLost):
            self._login_lost(control, now, out)
        else:
            super()._control(control, now, out)

    def _reply(self, reply: Reply, now: float, out: Delivery) -> None:
        request = reply.request
        self._pending.answered(request.id)
        if request.command is Command.CALL:
            self._calls.answered(reply)
        elif request.command is Command.AUTHENTICATE:
            self._session.log_in_step(self._login.answered(reply.error))
        elif request.command is Command.SUBSCRIBE:
            if reply.error is not None:
                self._refused(reply, out)
                return
            for stream in [route.owner for route in request.routes if not route.owner.is_over]:
                self._session.live(stream, now, out)

    def _refused(self, reply: Reply, out: Delivery) -> None:
        """Which of several streams the exchange refuses it does not say; the others shall not go without."""
        request = reply.request
        again = [route for group in reply.again for route in group]
        late = len(request.routes) > 1  # then some of them may have been asked for anew, or left, meanwhile
        for route in request.routes:
            if route not in again and not route.owner.is_over and not (late and route.request_id != request.id):
                self._rejected(route.owner, reply, out)
        wanted = self._session.wanted()
        for group in reply.again:
            self._session.subscribe([route.owner for route in group if route.owner in wanted])

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
        request = lost.request
        of_call = request is not None and request.command is Command.CALL
        if request is not None:
            self._pending.answered(request.id)
            if of_call:
                self._calls.answered(Reply(request, lost.error))
        step = self._login.lost(lost.error, now, of_request=request is not None, of_call=of_call)
        if step is Step.REPORT:
            if not of_call:
                out.error(lost.as_rejection(self._session.name))
            return
        if step is not Step.NOTHING:
            for stream in self._session.wanted():
                if stream.key.channel.is_private:
                    stream.went_down(self._session.heard_at)
            self._hub.changed()
        self._session.log_in_step(step)
