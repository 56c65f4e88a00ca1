"""What the REST classes of both venues have in common: answers read, markets known, orders placed once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, TypeVar

from ..arguments import check_flag
from ..auth import Credentials
from ..clock import ClockOffset
from ..errors import ConfigurationError, DecodeError, OutcomeUnknown
from ..protocol.base import CodecError
from ..redact import redact
from ._http import Answer, Call
from ._reply import Reply, excerpt_of, failure_of, reply_of
from .base import BaseRest

__all__ = ["Venue", "names_of"]

_T = TypeVar("_T")

Query = Sequence[tuple[str, str]]
Make = Callable[[Reply, float], _T]
"""From what an answer holds, and when it came."""


def names_of(values: object, argument: str, check: Callable[..., str]) -> list[str]:
    """One name or several, each once.

    Raises:
        ConfigurationError: none is named, which the exchange would take for all, or one is not allowed.
    """
    if not isinstance(values, Iterable):
        raise ConfigurationError(f"{argument} must be a name or a list of them, not {values!r}", argument=argument)
    names = [values] if isinstance(values, str) else list(values)
    if not names:
        raise ConfigurationError(f"{argument} must name at least one, or be None for all", argument=argument)
    return list(dict.fromkeys(check(name, argument=argument) for name in names))


class Venue(BaseRest):
    """Not for direct use."""

    _connection: ClassVar[str]
    """Of the events, and of errors."""

    def __init__(self, credentials: Credentials | None, *, check_markets: bool, **settings: Any) -> None:
        self._check_markets = check_flag(check_markets, "check_markets")
        self._rules: Mapping[str, Any] | None = None
        """The markets by name; None: not asked for yet."""
        self._rules_lock = threading.Lock()
        super().__init__(credentials, **settings)

    def _failure(self, status: int, body: bytes) -> tuple[int | None, str, str]:
        return failure_of(body)

    def clock_offset(self, samples: int = 5) -> ClockOffset:
        """Compare this machine's clock with the exchange's, and sign tokens by the latter from now on.

        Args:
            samples: how many times to ask; the quickest answer counts.

        Returns:
            Seconds by which the exchange's clock is ahead; with ``.error_bound`` and ``.round_trip``.

        Raises:
            BigOneError: it could not be measured.
        """
        return self.measure_clock(samples)

    def _get(self, path: str, make: Make[_T], query: Query = (), *, private: bool = False) -> _T:
        if private:
            self._need_credentials()
        return self._read(self._send(Call(method="GET", path=path, query=query, is_private=private)), make)

    def _read(self, answer: Answer, make: Make[_T]) -> _T:
        """What ``make`` makes of an answer.

        Raises:
            RestError: it says that the request was refused.
            DecodeError: it cannot be read.
        """
        try:
            return make(reply_of(answer), answer.received_at)
        except CodecError as error:
            raise DecodeError(
                redact(f"{answer.endpoint}: the answer cannot be read: {error}"),
                connection=self._connection,
                excerpt=excerpt_of(answer.data),
            ) from error

    def _place(self, call: Call, make: Make[_T]) -> _T:
        """Place orders, or set something, once.

        Raises:
            OutcomeUnknown: the exchange said yes in a way that cannot be read: most likely it was carried out.
        """
        answer = self._send(call)
        try:
            return self._read(answer, make)
        except DecodeError as error:
            is_order = call.method == "POST"
            done, what, again = (
                ("placed", "orders", "place another") if is_order else ("done", "account", "do it again")
            )
            known_by = f" (client_order_id {call.client_order_id})" if call.client_order_id else ""
            raise OutcomeUnknown(
                f"{answer.endpoint}: most likely {done}{known_by}, but the answer of status {answer.status} cannot be"
                f" read: look at your {what} before you {again}",
                client_request_id=call.client_order_id,
                command=f"{call.method} {call.path}",
            ) from error

    def _markets(self, fetch: Callable[[], object]) -> Mapping[str, Any]:
        """The rules that ``fetch`` keeps, fetched once."""
        with self._rules_lock:
            if self._rules is None:
                fetch()
            return self._rules or {}
