"""Commands that somebody waits for: sent once, on one connection, and answered on the reader.

The calling thread waits for the connection, sends by itself and waits for the answer.  So it alone knows whether the
frame went out, which is the difference between "was not sent" and "outcome unknown"; and nothing is ever sent twice.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from queue import Empty, SimpleQueue
from typing import Any, Protocol

from .buffer import EventBuffer
from .dispatch import Dispatcher
from .enums import ConnectionState
from .errors import (
    BigOneError,
    ConnectionClosed,
    ConnectionLost,
    NotConnected,
    OrderRejected,
    OutcomeUnknown,
    RequestRejected,
    RequestTimeout,
)
from .events import SubscriptionKey
from .login import Login, LoginState
from .ports import Venue
from .protocol.base import Frame, Reply, Request, ServerError
from .subscription import Stream
from .transport.attempt import Attempt
from .transport.connection import Connection

__all__ = ["Call", "Calls"]

# Between two tries to send on a connection that takes nothing at the moment; in seconds.
_RETRY = 0.01
_UNDER_WAY = (ConnectionState.WAITING, ConnectionState.CONNECTING, ConnectionState.AUTHENTICATING)


class Caller(Protocol):
    """A session, as its calls see it."""

    name: str
    venue: Venue
    connection: Connection
    streams: dict[SubscriptionKey, Stream]

    def log_in(self) -> None:
        """Log in, now and on every later connection."""


class Call:
    """One command: what it is, and what became of it.

    Args:
        name: its member on the wire.
        is_order: whether it may change an order, so that it matters whether it arrived.
        timeout: seconds for everything.
    """

    def __init__(self, name: str, *, is_order: bool, timeout: float) -> None:
        self.name = name
        self.is_order = is_order
        self.timeout = timeout
        self.request: Request | None = None
        self._end = time.monotonic() + timeout
        self._fate: dict[str, Reply | BigOneError] = {}
        # Unlike an Event it may be put into by a signal handler that interrupts the very thread that waits.
        self._wakes: SimpleQueue[None] = SimpleQueue()

    @property
    def fate(self) -> Reply | BigOneError | None:
        """Its answer, or why there will be none; None while it is open."""
        return self._fate.get("")

    def decide(self, fate: Reply | BigOneError) -> None:
        """Its fate, unless that is decided already. Any thread, signal handlers included."""
        self._fate.setdefault("", fate)
        self.wake()

    def wake(self) -> None:
        """Let whoever waits look around."""
        self._wakes.put(None)

    def wait(self, most: float = threading.TIMEOUT_MAX) -> bool:
        """Wait for a wake, up to ``most`` seconds; False if its time is up."""
        left = min(most, self._end - time.monotonic(), threading.TIMEOUT_MAX)
        if left > 0:
            try:
                self._wakes.get(timeout=left)
            except Empty:
                pass  # the clock decides
        return time.monotonic() < self._end


class Calls:
    """The calls of one session.

    Args:
        session: whose connection they go over.
        lock: the session's; it guards the protocol and all that is kept here.
        login: of the connection.
        dispatcher: whose bound is lifted while a callback waits here.
        show: told of frames that went out.
    """

    def __init__(
        self,
        session: Caller,
        lock: threading.RLock,
        login: Login,
        dispatcher: Dispatcher,
        show: Callable[[Frame], None],
    ) -> None:
        self.want_login = False
        """Whether to be logged in even if no stream needs it."""
        self._session, self._lock, self._login = session, lock, login
        self._dispatcher, self._show = dispatcher, show
        self._open: list[Call] = []
        self._was_up = False
        self._last_error: BigOneError | None = None
        self._over: BigOneError | None = None

    # -- told by the session, under its lock

    def up(self) -> None:
        """The exchange takes us, or took our login."""
        self._was_up = True
        for call in list(self._open):
            call.wake()

    def down(self, error: BigOneError) -> None:
        """The connection or the attempt is over: what was sent will not be answered."""
        self._last_error = error
        for call in list(self._open):
            if call.request is not None:
                call.decide(error)
            else:
                call.wake()

    def end(self, reason: BigOneError) -> None:
        """Nothing will be sent any more; the first reason counts."""
        self._over = self._over or reason
        self.down(self._over)

    def answered(self, reply: Reply) -> None:
        """An answer came."""
        for call in list(self._open):
            if call.request is reply.request:
                call.decide(reply)

    # -- any thread

    def make(self, name: str, parameters: Mapping[str, Any], *, is_order: bool, log_in: bool, timeout: float) -> Any:
        """Send a command, once, and wait for what its answer holds; None where it only says yes.

        Args:
            name: its member on the wire.
            parameters: of it.
            is_order: whether it may change an order.
            log_in: whether to be logged in first.
            timeout: seconds for everything, the connection's first opening included.

        Raises:
            NotConnected: the connection is not up; the command was not sent.
            ConnectionClosed: the client was closed; the command was not sent, or changes nothing.
            OrderRejected: the exchange refused an order command.
            RequestRejected: it refused another one.
            RequestTimeout: it was sent, and no answer came in time.
            OutcomeUnknown: an order command was sent, and the connection ended before the answer.
            ConnectionLost: another one was sent, and the connection ended before the answer.
            BigOneError: what ended the connection for good; the command was not sent, or changes nothing.
        """
        call = Call(name, is_order=is_order, timeout=timeout)
        with ExitStack() as stack:
            stack.enter_context(self._dispatcher.lifted())
            for buffer in self._buffers():
                stack.enter_context(buffer.lifted())
            try:
                with self._lock:
                    self._open.append(call)
                if log_in:
                    self._session.log_in()
                attempt, frame = self._begin(call, parameters)
                self._send(call, attempt, frame)
                while call.fate is None and call.wait():
                    pass
            finally:
                self._forget(call)
        return self._result(call)

    def _buffers(self) -> list[EventBuffer]:
        """What may hold the reader up besides the dispatcher: whoever calls may be the one who iterates."""
        with self._lock:
            return [buffer for stream in self._session.streams.values() for buffer in stream.buffers]

    def _begin(self, call: Call, parameters: Mapping[str, Any]) -> tuple[Attempt | None, Frame]:
        """Wait until the command may be sent; its frame, and the only attempt that it may be sent on."""
        while True:
            with self._lock:
                if self._may_send(call):
                    call.request, frame = self._session.venue.call(call.name, parameters)
                    return self._session.connection.attempt, frame
            if not call.wait():
                state = self._session.connection.state
                shown = "not logged in" if state == ConnectionState.READY else state
                raise self._not_sent(call, f"is {shown} after {call.timeout:g} s") from self._last_error

    def _may_send(self, call: Call) -> bool:
        """Whether the connection is up, and logged in if it wants to be. Under the lock."""
        if self._over is not None:
            raise self._ended(call)
        state = self._session.connection.state
        if state == ConnectionState.READY:
            return not self.want_login or self._login.state is LoginState.IN
        if self._was_up and state in _UNDER_WAY:
            raise self._not_sent(call, f"is {state}") from self._last_error
        return False

    def _send(self, call: Call, attempt: Attempt | None, frame: Frame) -> None:
        """Send now and on this attempt, or not at all, and without waiting beyond the call's time."""
        sent = False
        while not sent:
            if self._over is not None:
                raise self._ended(call)
            if isinstance(call.fate, BigOneError):
                raise self._not_sent(call, "was lost") from call.fate
            sent = attempt is not None and attempt.try_send(frame.data, binary=frame.binary)
            if not sent and not call.wait(_RETRY):
                raise self._not_sent(call, f"has taken no data for {call.timeout:g} s")
        self._show(frame)

    def _forget(self, call: Call) -> None:
        """It is over, one way or the other: an answer that comes from here on is late."""
        with self._lock:
            if call in self._open:
                self._open.remove(call)
            if call.request is not None:
                self._session.venue.give_up(call.request)

    # -- outcomes

    def _not_sent(self, call: Call, why: str) -> NotConnected:
        connection = self._session.connection
        return NotConnected(
            f"{self._session.name} {why}: {call.name} was not sent, and is not sent later", state=connection.state
        )

    def _ended(self, call: Call) -> BigOneError:
        if self._over is None or isinstance(self._over, ConnectionClosed):
            return ConnectionClosed(f"the client was closed: {call.name} was not sent")
        return self._over

    def _result(self, call: Call) -> Any:
        """What a command that was sent came to."""
        fate, request = call.fate, call.request
        request_id = request.id if request is not None else ""
        if isinstance(fate, Reply):
            if fate.error is not None:
                raise self._rejected(call, request_id, fate.error)
            return fate.result
        if fate is None:
            raise RequestTimeout(
                f"{self._session.name}: no answer to {call.name} within {call.timeout:g} s"
                + ("; it was sent, so what became of the order is not known" if call.is_order else ""),
                request_id=request_id,
                command=call.name,
            )
        if call.is_order:
            raise OutcomeUnknown(
                f"{self._session.name}: {call.name} was sent, and the connection ended before the answer: {fate}",
                client_request_id=request_id,
                request_id=request_id,
                command=call.name,
            ) from fate
        if self._over is not None:
            raise self._over
        raise ConnectionLost(f"{self._session.name}: the connection ended before {call.name} was answered") from fate

    def _rejected(self, call: Call, request_id: str, error: ServerError) -> RequestRejected:
        text = f"{self._session.name}: {call.name} was refused: {error.message} (code {error.code})"
        if not call.is_order:
            return RequestRejected(
                text, code=error.code, reason=error.message, request_id=request_id, command=call.name
            )
        return OrderRejected(
            text,
            client_request_id=request_id,
            code=error.code,
            reason=error.message,
            request_id=request_id,
            command=call.name,
        )
