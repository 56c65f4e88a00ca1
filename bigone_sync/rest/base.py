"""What the REST classes of BigONE have in common: credentials, and the exchange's clock by which tokens are signed."""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping

from ..arguments import check_timeout
from ..auth import Credentials, TokenSigner
from ..clock import ClockOffset, ServerClock
from ..config import Timeouts, check_base, check_url
from ..errors import ConfigurationError, RestError
from ._clock import ClockKeeper, measure
from ._core import RestCore, check_kind, fit_headers
from ._http import Answer, Call
from ._limiter import REQUESTS

__all__ = ["BaseRest", "fit_headers"]

# An offset that changed by more seconds may be why a token was refused.
_MOVED = 1.0
_REFUSALS = frozenset({40004, 40106, 40107})


def _is_refusal(error: RestError) -> bool:
    """Whether the token was not accepted (REST protocol, sections 3 and 5)."""
    return (
        error.status_code == 401
        or (error.status_code == 403 and error.anomaly.endswith("token/invalid"))
        or (error.status_code is not None and error.code in _REFUSALS)
    )


def _with_words(error: RestError, words: str) -> RestError:
    return RestError(
        f"{error}; {words}",
        status_code=error.status_code,
        code=error.code,
        reason=error.reason,
        url=error.url,
        anomaly=error.anomaly,
    )


class BaseRest(RestCore):
    """What the REST classes of BigONE share. Not for direct use; thread-safe.

    Args:
        credentials: For private calls; None: public calls only.
        url: Base of the API.
        ping_url: The whole URL from which the exchange's clock is read.
        token_variant: See :func:`~bigone_sync.bigone_token`.
        timeouts: ``connect`` and ``reply`` apply.
        proxy: URL of an HTTP proxy; the empty text: none; None: as the environment says.
        ssl_context: Used as it is; None: the system's authorities.
        headers: Sent with every request.
        clock: Shared with others that sign tokens; None: one of its own.
        retries: How often a call that may be repeated (reads and cancels) is tried again, from 0 to 10; orders never.
        limit: Requests in ten seconds, from 1 to 500; those of the whole process to the same host are counted.

    Raises:
        ConfigurationError: an argument is not one of the above.
    """

    def __init__(
        self,
        credentials: Credentials | None = None,
        *,
        url: str,
        ping_url: str,
        token_variant: str = "OpenAPIV2",
        timeouts: Timeouts | None = None,
        proxy: str | None = None,
        ssl_context: ssl.SSLContext | None = None,
        headers: Mapping[str, str] | None = None,
        clock: ServerClock | None = None,
        retries: int = 3,
        limit: int = REQUESTS,
    ) -> None:
        self._url = check_base(url)
        self._ping_url = check_url(ping_url, argument="ping_url", schemes=("http", "https"))
        check_kind(clock, "clock", ServerClock)
        self._clock = ServerClock() if clock is None else clock
        self._signer = (
            TokenSigner(credentials, clock=self._clock, variant=token_variant) if credentials is not None else None
        )
        super().__init__(
            self._url,
            signer=self._signer,
            timeouts=timeouts,
            proxy=proxy,
            ssl_context=ssl_context,
            headers=headers,
            retries=retries,
            limit=limit,
        )
        self._keeper = ClockKeeper(self._clock, lambda seconds: self.measure_clock(timeout=seconds))

    @property
    def clock(self) -> ServerClock:
        """The exchange's time as far as it is known."""
        return self._clock

    def _need_credentials(self) -> None:
        """Nothing, if there are some.

        Raises:
            ConfigurationError: there are none. Told before anything is fetched.
        """
        if self._signer is None:
            raise ConfigurationError(
                f"credentials are needed: {type(self).__name__}(Credentials(key, secret)), or Credentials.from_env()",
                argument="credentials",
            )

    def _send(self, call: Call, timeout: float | None = None) -> Answer:
        """Make a call.

        Before the first private one the exchange's clock is read, unless it is known.  When a private call is refused
        for its token the clock is read again; if it was off, a repeatable call is made once more, an order never.

        Args:
            call: What to send.
            timeout: Seconds for all of it, retries and clock included; None: ``connect`` and ``reply`` of the timeouts
                together.

        Raises:
            ConfigurationError: it is private, and there are no credentials.
            RestError: the exchange refused, or there was no answer (``reason`` is ``"timeout"`` when it took too long).
            OutcomeUnknown: an order may have been sent, and no answer tells what came of it.
            ConnectionClosed: aborted or closed.
        """
        if not call.is_private:
            return self._http.send(call, timeout=self._time_left(call, timeout))
        self._need_credentials()
        end = time.monotonic() + self._time_left(call, timeout)
        self._keeper.prepare(end - time.monotonic())
        try:
            return self._http.send(call, timeout=max(0.001, end - time.monotonic()))
        except RestError as error:
            if not _is_refusal(error):
                raise
            refused = error
        moved = self._keeper.doubt(end - time.monotonic())
        left = end - time.monotonic()
        if moved > _MOVED and call.is_repeatable and left > 0:
            try:
                return self._http.send(call, timeout=left)
            except RestError as error:
                if not _is_refusal(error):
                    raise
                refused = error
        raise _with_words(refused, self._clock.skew)

    def measure_clock(self, samples: int = 5, timeout: float | None = None) -> ClockOffset:
        """Read the exchange's clock and follow it from now on.

        Args:
            samples: How many readings, from 1 to 100; the one with the shortest round trip counts.
            timeout: Seconds for all of them; None: ``connect`` and ``reply`` of the timeouts together.

        Returns:
            Seconds by which the exchange's clock is ahead, and by how much that may be wrong.

        Raises:
            RestError: the clock could not be read.
            DecodeError: what came is not a time.
            ConnectionClosed: aborted or closed.
            ConfigurationError: an argument is not one of the above.
        """
        if timeout is not None:
            check_timeout(timeout)
        call = Call(method="GET", path=self._ping_url, is_patient=False)
        offset = measure(
            lambda left: self._http.send(call, timeout=left).data,
            self._clock.machine,
            samples=samples,
            seconds=self._http.patience if timeout is None else timeout,
        )
        self._clock.correct(offset)
        return offset
