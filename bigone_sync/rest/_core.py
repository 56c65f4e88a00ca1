"""What all REST classes have in common: settings checked, one HTTP session, deadlines, and its end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, TypeVar

from ..arguments import check_timeout
from ..config import Timeouts, check_headers
from ..errors import ConfigurationError, RestError
from ._http import Call, Http

__all__ = ["RestCore", "check_kind", "fit_headers"]

_R = TypeVar("_R", bound="RestCore")

# What each request says for itself: where one of them comes from outside, the peer takes the body for something else,
# cannot be read, or answers another host's or another account's question.
_OURS = frozenset(
    {
        "accept-encoding",
        "authorization",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


def _check_headers(headers: Mapping[str, str] | None) -> Mapping[str, str]:
    checked = check_headers(headers)
    for name in checked:
        if name.lower() in _OURS:
            raise ConfigurationError(
                f"headers: {name!r} belongs to the requests themselves and cannot be set", argument="headers"
            )
    return checked


def fit_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Those headers of a WebSocket's handshake that requests may have, too."""
    return {name: value for name, value in headers.items() if name.lower() not in _OURS}


def check_kind(value: Any, argument: str, kind: type[Any]) -> None:
    """Nothing, if ``value`` is None or of that kind.

    Raises:
        ConfigurationError: it is not.
    """
    if value is not None and not isinstance(value, kind):
        raise ConfigurationError(
            f"{argument} must be None or {kind.__name__}, not {type(value).__name__}", argument=argument
        )


class RestCore:
    """Not for direct use; thread-safe.

    Args:
        url: Base of the API; checked before.
        signer: Makes the token of each attempt of a call that is private; None: none is.
        timeouts: ``connect`` and ``reply`` apply.
        headers: Sent with every request.
        more: For :class:`~._http.Http`.

    Raises:
        ConfigurationError: an argument is not one of the above.
    """

    def __init__(
        self,
        url: str,
        *,
        signer: Callable[[], str] | None,
        timeouts: Timeouts | None,
        headers: Mapping[str, str] | None,
        **more: Any,
    ) -> None:
        check_kind(timeouts, "timeouts", Timeouts)
        self._timeouts = Timeouts() if timeouts is None else timeouts
        self._http = Http(
            url,
            signer=signer,
            failure=self._failure,
            connect_timeout=self._timeouts.connect,
            read_timeout=self._timeouts.reply,
            headers=_check_headers(headers),
            **more,
        )
        self._patience = threading.local()

    def _failure(self, status: int, body: bytes) -> tuple[int | None, str, str]:
        """Code, anomaly and reason that an answer of another status than 2xx holds. Pure."""
        raise NotImplementedError

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """A deadline for all calls that this thread makes in the block, pages of iterators included.

        Args:
            seconds: From now on.

        Raises:
            ConfigurationError: it is not a number greater than 0.
        """
        check_timeout(seconds)
        before: float = getattr(self._patience, "end", float("inf"))
        self._patience.end = min(before, time.monotonic() + seconds)
        try:
            yield
        finally:
            self._patience.end = before

    def _time_left(self, call: Call, timeout: float | None) -> float:
        if timeout is not None:
            check_timeout(timeout)
        own = self._http.patience if timeout is None else timeout
        left = min(own, getattr(self._patience, "end", float("inf")) - time.monotonic())
        if left <= 0:
            endpoint = self._http.endpoint(call)
            text = f"{endpoint}: not sent, for the time given to within() is over"
            raise RestError(text, reason="timeout", url=endpoint.partition(" ")[2])
        return left

    def abort(self) -> None:
        """End calls in progress, on other threads, with ConnectionClosed, and refuse those to come.

        An order that may have been sent ends with OutcomeUnknown.  Any thread, does not wait.
        """
        self._http.abort()

    def close(self) -> None:
        """:meth:`abort`, and close the connections. Idempotent; calls made afterwards raise ConnectionClosed."""
        self.abort()
        self._http.close()

    def __enter__(self: _R) -> _R:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
