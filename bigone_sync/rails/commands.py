"""Commands, answered in phases by whatever connection brings the answer (Rails protocol, sections 3.7 to 3.10).

A command is sent once, on one connection, and never again.  Its future is completed on the thread that brings the
answer, or finds that there will be none, and not under the group's lock.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple

from ..enums import OrderState
from ..errors import BigOneError, ConnectionLost, OrderRejected, OutcomeUnknown, RequestRejected, RequestTimeout
from ..events import RailsOrder
from ..protocol.rails_news import Answer

__all__ = ["CANCEL", "CREATE", "LEVERAGE", "MODIFY", "PING", "Command", "Commands", "Known"]

CREATE, MODIFY, CANCEL, LEVERAGE = "createOrder", "modifyOrder", "cancelOrder", "updateLeverage"
PING = "ping"

# Commands of which it is known what they were about.
_REMEMBERED = 10_000
_ACCEPTED, _REFUSED, _TOO_MANY = 202, 400, 429
# States of the order that a modification replaces, and of the new one before it is accepted (section 3.9).
_BETWEEN = (OrderState.MODIFYING, OrderState.MODIFIED, OrderState.PENDING)


class Known(NamedTuple):
    """What a command was about."""

    name: str
    market: str
    order_id: str | None
    """Of an order that was there before it."""


@dataclass(eq=False)
class Command:
    """One command, and what became of it."""

    name: str
    """Its word on the wire."""
    request_id: str
    session: str
    """Name of the connection that it is sent on."""
    confirm: bool
    """Whether to wait for the confirmation, 200, and not only for the acknowledgement, 202."""
    timeout: float
    deadline: float
    """Monotonic."""
    market: str
    order_id: str | None = None
    began: float = 0.0
    """Monotonic, when it was about to be sent."""
    is_sent: bool = False
    is_acknowledged: bool = False
    lost: BigOneError | None = None
    """Why the connection that it was sent on is gone."""

    def __post_init__(self) -> None:
        self.future: Future[Any] = Future()
        # Nobody can cancel it: what is sent is sent.
        self.future.set_running_or_notify_cancel()
        # Unlike a future's own waiters a signal handler may wake it that interrupts the very thread that waits.
        self._wakes: SimpleQueue[None] = SimpleQueue()
        self.future.add_done_callback(lambda _: self.wake())

    def wake(self) -> None:
        """Let whoever waits look around."""
        self._wakes.put(None)

    def wait(self, most: float) -> None:
        """Wait for a wake, up to ``most`` seconds."""
        if most > 0:
            try:
                self._wakes.get(timeout=min(most, threading.TIMEOUT_MAX))
            except Empty:
                pass  # the clock decides


class Commands:
    """The commands of one client. Under its group's lock, but for :meth:`settle`.

    Args:
        name: of the client, for messages.
        exceeded: told that the exchange says 429.
        clock: seconds, monotonic.
    """

    def __init__(self, name: str, exceeded: Callable[[], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._name, self._exceeded, self._clock = name, exceeded, clock
        self._open: dict[str, Command] = {}
        self._decided: list[tuple[Command, Any]] = []
        self._over: BigOneError | None = None
        self._known: OrderedDict[str, Known] = OrderedDict()
        self.quota_used: int | None = None
        """``apiQuotaUsed`` of the latest answer that had it; what it counts is not documented (section 10)."""

    def add(self, command: Command) -> None:
        """It is about to be sent."""
        self._open[command.request_id] = command
        self._known[command.request_id] = Known(command.name, command.market, command.order_id)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)

    def known(self, request_id: str) -> Known | None:
        """What one of the latest commands was about."""
        return self._known.get(request_id)

    def withdraw(self, command: Command) -> None:
        """It was not sent, or nobody waits for it any more."""
        self._open.pop(command.request_id, None)

    def sent(self, command: Command, patience: float) -> None:
        """It went out."""
        command.is_sent = True
        if command.lost is not None:  # just before
            self._wait_elsewhere(command, patience if self._over is None else 0.0)

    # -- what becomes of them

    def answered(self, answer: Answer) -> None:
        """Something came that may be an answer."""
        if answer.quota is not None:
            self.quota_used = answer.quota
        if answer.status_code == _TOO_MANY:
            self._exceeded()
        command = self._asked_for(answer)
        if command is None:
            return
        code = answer.status_code
        if code is not None and code >= _REFUSED:
            self._decide(command, self._rejected(command, answer))
        elif self._is_the_end(command, answer):
            self._decide(command, self._result(command, answer))
        else:
            command.is_acknowledged = True

    def ponged(self, request_id: str | None) -> None:
        """A ping was answered, perhaps one that somebody waits for."""
        command = self._open.get(request_id or "")
        if command is not None:
            self._decide(command, self._clock() - command.began)

    def _asked_for(self, answer: Answer) -> Command | None:
        request_id = answer.request_id
        if request_id is not None:
            return self._open.get(request_id) or self._open.get(request_id.partition("#")[0])
        # An answer without an id is one if it is about the same order in the same words.
        order = answer.order
        if order is None:
            return None
        for command in self._open.values():
            is_same = order.order_id == command.order_id or order.client_request_id == command.request_id
            if command.name == answer.result_type and is_same:
                return command
        return None

    def _is_the_end(self, command: Command, answer: Answer) -> bool:
        if not command.confirm:
            return True
        if answer.status_code is None or answer.status_code == _ACCEPTED:
            return False
        if command.name == MODIFY:
            state = answer.order.status if answer.order is not None else OrderState.UNKNOWN
            return answer.result_type != MODIFY and state not in _BETWEEN
        return True

    def _result(self, command: Command, answer: Answer) -> RailsOrder | None:
        if command.name == LEVERAGE:
            return None
        return answer.order or RailsOrder(
            command.order_id or "",
            command.request_id,
            command.market,
            result_type=answer.result_type,
            status_code=answer.status_code,
            reason=answer.body,
            api_quota_used=answer.quota,
            connection=command.session,
        )

    def _rejected(self, command: Command, answer: Answer) -> RequestRejected:
        text = f"{self._name}: {command.name} was refused: {answer.body or 'no reason given'} ({answer.status_code})"
        words = {"code": answer.status_code, "reason": answer.body}
        if command.name == LEVERAGE:
            return RequestRejected(text, **words, request_id=command.request_id, command=command.name)  # type: ignore[arg-type]
        return OrderRejected(
            text,
            client_request_id=command.request_id,
            request_id=command.request_id,
            command=command.name,
            **words,  # type: ignore[arg-type]
        )

    def lost(self, session: str, error: BigOneError, patience: float) -> None:
        """A connection is gone. The answers to what was sent on it may come on another for ``patience`` seconds."""
        for command in list(self._open.values()):
            if command.session == session and command.lost is None:
                command.lost = error
                if command.is_sent:
                    self._wait_elsewhere(command, patience)

    def _wait_elsewhere(self, command: Command, patience: float) -> None:
        command.deadline = min(command.deadline, self._clock() + patience)
        command.wake()
        if patience <= 0 or command.name == PING:  # a pong comes to who asked
            self._decide(command, self._unknown(command))

    def _unknown(self, command: Command) -> BigOneError:
        if command.name in (LEVERAGE, PING):
            error: BigOneError = ConnectionLost(
                f"{self._name}: the connection ended before {command.name} was answered: {command.lost}"
            )
        else:
            known = "acknowledged" if command.is_acknowledged else "sent"
            error = OutcomeUnknown(
                f"{self._name}: {command.name} was {known}, and the connection ended before the answer: {command.lost};"
                " resolve(client_request_id) asks what became of it",
                client_request_id=command.request_id,
                request_id=command.request_id,
                command=command.name,
            )
        error.__cause__ = command.lost
        return error

    def check(self) -> None:
        """End those whose time is over."""
        now = self._clock()
        for command in [command for command in self._open.values() if now >= command.deadline]:
            self.expire(command)

    def expire(self, command: Command) -> None:
        """Its time is over."""
        if command.request_id in self._open and command.is_sent:
            self._decide(command, self._unknown(command) if command.lost is not None else self._unanswered(command))

    def _unanswered(self, command: Command) -> RequestTimeout:
        answer = "confirmation of" if command.is_acknowledged else "answer to"
        advice = (
            "; it was sent, so what became of it is not known: resolve() asks, given the request_id of this exception"
        )
        return RequestTimeout(
            f"{self._name}: no {answer} {command.name} within {command.timeout:g} s"
            + (advice if command.name not in (LEVERAGE, PING) else ""),
            request_id=command.request_id,
            command=command.name,
        )

    def end(self, reason: BigOneError) -> None:
        """Nothing will be answered any more."""
        self._over = self._over or reason
        for command in list(self._open.values()):
            command.lost = command.lost or self._over
            if command.is_sent:
                self._decide(command, self._unknown(command))

    @property
    def over(self) -> BigOneError | None:
        """Why nothing can be sent any more; None: it can."""
        return self._over

    def _decide(self, command: Command, fate: Any) -> None:
        if self._open.pop(command.request_id, None) is not None:  # the first one counts
            self._decided.append((command, fate))

    # -- under no lock

    def settle(self) -> None:
        """Complete the futures of what was decided; who waits for them wakes."""
        while self._decided:
            try:
                command, fate = self._decided.pop(0)
            except IndexError:  # another thread took it
                return
            if isinstance(fate, BaseException):
                command.future.set_exception(fate)
            else:
                command.future.set_result(fate)
