"""When a call is tried again, and after what pause: urllib3's Retry, which here knows the deadline and wakes up."""

from __future__ import annotations

import random
import ssl
from types import TracebackType
from typing import TYPE_CHECKING

from urllib3.exceptions import InvalidHeader, MaxRetryError, ProxyError, ResponseError
from urllib3.util.retry import Retry

from ._failures import all_of
from ._sending import current

if TYPE_CHECKING:
    from typing_extensions import Self
    from urllib3.connectionpool import ConnectionPool
    from urllib3.response import BaseHTTPResponse

__all__ = ["BACKOFF", "RETRIED", "CallRetry", "call_retry"]

RETRIED = frozenset({429, 500, 502, 503, 504})
"""Statuses after which a repeatable call is tried again."""
BACKOFF = 0.25
"""Seconds of the first pause, at most; doubled each time."""
_LONGEST = 8.0
# The exchange counts in windows of ten seconds and names no time to wait.
_PATIENCE_429 = 4


def call_retry(total: int, *, statuses: frozenset[int] = RETRIED, backoff: float = BACKOFF) -> CallRetry:
    """Up to ``total`` more attempts; 0: none, whatever happens."""
    return CallRetry(
        total=total,
        # All methods: cancels are POST and DELETE, and who calls has said whether it may be repeated.
        allowed_methods=None,
        status_forcelist=statuses if total else (),
        raise_on_status=False,
        backoff_factor=backoff,
        backoff_max=_LONGEST,
    )


class CallRetry(Retry):
    """For :class:`~._sending.Sending`. An answer that is not worth another attempt in time is returned as it is."""

    chosen = 0.0
    """Seconds until the next attempt."""

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: ConnectionPool | None = None,
        _stacktrace: TracebackType | None = None,
    ) -> Self:
        sending = current()
        sending.check()
        again = super().increment(method, url, response, error, _pool, _stacktrace)
        again.chosen = again._choose(response)
        if again.chosen >= sending.left() or (error is not None and _is_final(error)):
            raise MaxRetryError(_pool, url or "", error or ResponseError("no time left"))  # type: ignore[arg-type]
        sending.before = f"status {response.status}" if response is not None else type(error).__name__
        return again

    def sleep(self, response: BaseHTTPResponse | None = None) -> None:
        current().pause(self.chosen)

    def get_retry_after(self, response: BaseHTTPResponse) -> float | None:
        try:
            return super().get_retry_after(response)
        except (InvalidHeader, ValueError, OverflowError):
            return None  # what cannot be understood is not there

    def _choose(self, response: BaseHTTPResponse | None) -> float:
        asked = self.get_retry_after(response) if response is not None else None
        if asked:
            return asked
        bound = self.backoff_factor * 2.0 ** (len(self.history) - 1)
        if response is not None and response.status == 429:
            bound *= _PATIENCE_429
        # With jitter, or many bots that were refused at once come back at once.
        return min(self.backoff_max, bound) * (1 + random.random()) / 2


def _is_final(error: Exception) -> bool:
    """Whether it would fail the same way again: a certificate, and a proxy that refuses."""
    if isinstance(error, ProxyError) and str(error.original_error).startswith("Tunnel connection failed"):
        return True
    return any(isinstance(one, ssl.SSLCertVerificationError) for one in all_of(error))
