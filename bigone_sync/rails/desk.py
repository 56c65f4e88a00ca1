"""Where commands are given: checked against the limit, sent once on the leading connection, and waited for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import ExitStack
from typing import Any

from ..dispatch import Dispatcher
from ..enums import ConnectionState
from ..errors import BigOneError, ConnectionClosed, NotConnected, RateLimited
from ..protocol.base import Frame
from ..protocol.rails_requests import RailsRequests
from ..transport.attempt import Attempt
from .commands import PING, Command
from .group import RailsGroup
from .quota import OrderQuota
from .session import RailsSession

__all__ = ["Desk", "Make"]

Make = Callable[[RailsRequests], tuple[str, Frame]]
"""Makes a command's frame with the words of the connection that it goes out on."""

# Between two tries to send on a connection that takes nothing at the moment: the first pause, and the longest.
_PAUSE, _LONGEST_PAUSE = 0.0005, 0.01
# For so long may another thread be sending where nobody waits for room. In seconds, as those.
_MOMENT = 0.05


class Desk:
    """Any thread.

    Args:
        name: of the client, for messages.
        group: its connections.
        quota: counts order operations of the account.
        limit: how many of them a minute may have.
        dispatcher: whose bound is lifted while a callback waits here.
        wait_until: waits for a condition, up to so many seconds; looks again whenever something changed.
    """

    def __init__(
        self,
        name: str,
        group: RailsGroup,
        quota: OrderQuota,
        limit: int,
        dispatcher: Dispatcher,
        wait_until: Callable[[Callable[[], bool], float], bool],
    ) -> None:
        self._name, self._group, self._quota, self._limit = name, group, quota, limit
        self._dispatcher, self._wait_until = dispatcher, wait_until
        # Threads that send at the same moment take turns: none is told that the connection takes no data.
        self._sending = threading.RLock()

    def call(
        self, name: str, make: Make, *, confirm: bool, timeout: float, market: str, order_id: str | None = None
    ) -> Any:
        """Send a command, once, and wait for what becomes of it.

        Args:
            name: its word on the wire.
            make: makes its frame.
            confirm: whether to wait for the confirmation, and not only for the acknowledgement.
            timeout: seconds for everything, the first opening of a connection included.
            market: of the order.
            order_id: of the order that it is about.

        Raises:
            RateLimited, NotConnected, ConnectionClosed: it was not sent.
            OrderRejected, RequestRejected: the exchange refused it.
            RequestTimeout: it was sent, and no answer came in time.
            OutcomeUnknown: it was sent, and the connection ended before the answer.
        """
        end = time.monotonic() + timeout
        with ExitStack() as stack:
            stack.enter_context(self._dispatcher.lifted())
            for stream in list(self._group.streams.values()):
                for buffer in stream.buffers:
                    stack.enter_context(buffer.lifted())
            self._wait_until(self._may_send_or_never, timeout)
            command, session, attempt, frame = self._begin(name, make, confirm, timeout, end, market, order_id)
            try:
                self._send_by(end, command, session, attempt, frame)
                return self._result(command)
            finally:  # also where Ctrl-C ends the wait
                with self._group.lock:
                    self._group.commands.withdraw(command)

    def submit(
        self, name: str, make: Make, *, confirm: bool, timeout: float, market: str, order_id: str | None = None
    ) -> Future[Any]:
        """The same without waiting: what :meth:`call` would raise the future raises.

        It is not sent unless a connection is READY and takes it at once, or when another thread has sent.
        """
        try:
            end = time.monotonic() + timeout
            command, session, attempt, frame = self._begin(name, make, confirm, timeout, end, market, order_id)
            self._send_by(min(end, time.monotonic() + _MOMENT), command, session, attempt, frame)
        except BigOneError as error:
            return self.failed(error)
        return command.future

    def failed(self, error: BigOneError) -> Future[Any]:
        """The future of a command that was not sent."""
        future: Future[Any] = Future()
        future.set_exception(error)
        return future

    def count(self, name: str) -> None:
        """Count an order operation, over the socket or by REST.

        Raises:
            RateLimited: there is no room for it.
        """
        retry_in = self._quota.take(self._limit)
        if retry_in:
            raise RateLimited(
                f"{self._name}: {name} was not sent, and is not sent later: {self._limit} order operations a minute are"
                f" allowed (Rails protocol, section 10), or the exchange said 429; there is room in {retry_in:.1f} s",
                retry_in=retry_in,
                command=name,
            )

    @property
    def quota_used(self) -> int | None:
        """As the exchange says."""
        return self._group.commands.quota_used

    # -- sending

    def _may_send_or_never(self) -> bool:
        group = self._group
        return group.is_up or group.was_up or group.commands.over is not None

    def _begin(
        self, name: str, make: Make, confirm: bool, timeout: float, end: float, market: str, order_id: str | None
    ) -> tuple[Command, RailsSession, Attempt, Frame]:
        group = self._group
        with group.lock:
            if group.commands.over is not None:
                raise self._ended(name)
            session = group.primary()
            attempt = session.connection.attempt if session is not None else None
            if session is None or attempt is None:
                raise self._not_sent(name, "no connection is ready")
            if name != PING:
                self.count(name)
            request_id, frame = make(session.protocol.requests)
            command = Command(
                name,
                request_id,
                session.name,
                confirm=confirm,
                timeout=timeout,
                deadline=end,
                market=market,
                order_id=order_id,
                began=time.monotonic(),
            )
            group.commands.add(command)
            return command, session, attempt, frame

    def _send_by(self, end: float, command: Command, session: RailsSession, attempt: Attempt, frame: Frame) -> None:
        pause = _PAUSE
        while not self._send(command, session, attempt, frame):
            if time.monotonic() >= end or attempt is not session.connection.attempt:
                raise self._withdrawn(command, session)
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _send(self, command: Command, session: RailsSession, attempt: Attempt, frame: Frame) -> bool:
        """Send now and on this attempt, or not at all."""
        with self._sending:
            is_sent = attempt.try_send(frame.data, binary=frame.binary)
        if not is_sent:
            return False
        with self._group.lock:
            self._group.commands.sent(command, self._group.patience if self._group.is_up else 0.0)
        self._group.commands.settle()
        session.show(frame)
        return True

    def _withdrawn(self, command: Command, session: RailsSession) -> NotConnected:
        with self._group.lock:
            self._group.commands.withdraw(command)
        if command.name != PING:
            self._quota.give_back()
        return self._not_sent(command.name, f"{session.name} was lost, or took no data")

    def _not_sent(self, name: str, why: str) -> NotConnected:
        states = [session.connection.state for session in self._group.sessions if not session.is_over]
        state = states[0] if states else ConnectionState.IDLE
        return NotConnected(f"{self._name}: {why}: {name} was not sent, and is not sent later", state=state)

    def _ended(self, name: str) -> BigOneError:
        over = self._group.commands.over
        if over is None or isinstance(over, ConnectionClosed):
            return ConnectionClosed(f"the client was closed: {name} was not sent")
        return over

    # -- waiting

    def _result(self, command: Command) -> Any:
        while not command.future.done():
            command.wait(command.deadline - time.monotonic())
            if time.monotonic() >= command.deadline:
                with self._group.lock:
                    self._group.commands.expire(command)
                self._group.commands.settle()
        return command.future.result()
