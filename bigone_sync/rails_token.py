"""Access tokens of Rails, fetched as seldom as possible and shared by the whole process (Rails protocol, section 1.4).

The exchange gives 20 a minute to an API key, whichever connection or object asks.
"""

from __future__ import annotations

import copy
import math
import threading
import time
from collections import deque
from collections.abc import Callable

from .auth import masked
from .errors import AuthenticationError, BigOneError, DecodeError, RateLimited, RestError
from .process_wide import ProcessWide

__all__ = ["RailsTokens"]

_MOST = 20
_WINDOW = 60.0
# A token is renewed this long before its end: so many seconds, or that part of its life if it is less.
_MARGIN = 120.0
_PART = 0.1


class _Flight:
    """One fetch under way, and what came of it for those who wait."""

    def __init__(self) -> None:
        self.is_over = False
        self.token: str | None = None
        self.failure: BigOneError | None = None
        """What the exchange answered; None where it did not, which says nothing about the next attempt."""


class RailsTokens:
    """The access token of an API key, and the count of those that were asked for. Thread-safe.

    One thread fetches, the others wait for what it gets.  All who use one API key are taken to use the same secret.

    Args:
        auth_url: base of the token endpoint, for messages.
        api_key: whose tokens; only its beginning is kept.
        clock: seconds, monotonic.
    """

    def __init__(self, auth_url: str, api_key: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._auth_url, self._shown, self._clock = auth_url, masked(api_key), clock
        self._condition = threading.Condition()
        self._token: str | None = None
        self._renew_at = 0.0
        self._flight: _Flight | None = None
        self._asked: deque[float] = deque()
        """When; the one that is under way gets its final time when it is over."""
        self._is_asking = False
        self._waiting = 0

    def __repr__(self) -> str:
        return f"RailsTokens({self._auth_url!r}, api_key={self._shown!r})"

    @classmethod
    def of(cls, auth_url: str, api_key: str) -> RailsTokens:
        """The one of an API key at an address, for the whole process; a forked child has its own."""
        base = auth_url.rstrip("/")
        return _shared.of((base, api_key), lambda: cls(base, api_key))

    @property
    def waiting(self) -> int:
        """How many threads wait, for a fetch of another one or for room to fetch."""
        with self._condition:
            return self._waiting

    def get(self, fetch: Callable[[], tuple[str, float]], left: Callable[[], float]) -> str:
        """The token at hand, or a new one if there is none or it ends soon.

        If another thread is fetching one, that is waited for; an answer of the exchange that refuses it is raised in
        all threads that waited, rather than asked for again.

        Args:
            fetch: asks the exchange; gives the token and the seconds that it lives.  It is counted as one request; a
                further one is to be announced with :meth:`admit`.
            left: tells the seconds that the caller has left; what it raises ends the wait.

        Raises:
            RateLimited: so many were asked for in the last minute that one more cannot be sent in time.
            RestError: another thread's fetch was not over in time (``reason`` is ``"timeout"``).
            Exception: what ``fetch`` raised.
        """
        while True:
            with self._condition:
                if self._token is not None and self._clock() < self._renew_at:
                    return self._token
                flight = self._flight
                if flight is None:
                    flight = self._flight = _Flight()
                    break
                self._await(flight, left)
            if flight.token is not None:
                return flight.token
            if flight.failure is not None:
                # Each thread adds a traceback of its own.
                raise copy.copy(flight.failure) from flight.failure.__cause__
        return self._fly(flight, fetch, left)

    def refuse(self, token: str) -> None:
        """Forget ``token``, which the exchange did not accept; nothing, if another one has taken its place."""
        with self._condition:
            if self._token == token:
                self._token = None

    def forget(self) -> None:
        """Forget the token at hand, whichever it is."""
        with self._condition:
            self._token = None

    def admit(self, left: Callable[[], float]) -> None:
        """Wait until one more request fits into the exchange's limit, and count it.

        Args:
            left: tells the seconds that the caller has left; what it raises ends the wait.

        Raises:
            RateLimited: it does not in that time, which is told at once.
        """
        with self._condition:
            self._restamp()
            while (pause := self._pause()) > 0:
                if pause > left():
                    raise RateLimited(
                        f"{self._auth_url}: not sent: {_MOST} access tokens were asked for in the last"
                        f" {_WINDOW:.0f} s, which is all that the exchange gives to an API key; there is room again in"
                        f" {math.ceil(pause)} s",
                        retry_in=pause,
                        command="POST /api/v1/token",
                    )
                self._sleep(pause)
            self._asked.append(self._clock())
            self._is_asking = True

    def wake(self) -> None:
        """Make all that wait look again: something that they wait for may have changed."""
        with self._condition:
            self._condition.notify_all()

    def _await(self, flight: _Flight, left: Callable[[], float]) -> None:
        while not flight.is_over:
            most = left()
            if most <= 0:
                raise RestError(
                    f"{self._auth_url}: the access token that another call asked for did not come in time",
                    reason="timeout",
                    url=self._auth_url,
                )
            self._sleep(most)

    def _fly(self, flight: _Flight, fetch: Callable[[], tuple[str, float]], left: Callable[[], float]) -> str:
        try:
            self.admit(left)
            began = self._clock()
            token, life = fetch()
            with self._condition:
                flight.token = self._token = token
                self._renew_at = began + life - min(_MARGIN, life * _PART)
            return token
        except (AuthenticationError, DecodeError, RestError) as error:
            if not isinstance(error, RestError) or error.status_code is not None:
                flight.failure = error
            raise
        finally:
            with self._condition:
                self._restamp()
                flight.is_over = True
                self._flight = None
                self._condition.notify_all()

    def _restamp(self) -> None:
        # When the exchange counted a request is not known, but it was before its answer came.
        if self._is_asking:
            self._asked[-1] = self._clock()
            self._is_asking = False

    def _pause(self) -> float:
        now = self._clock()
        while self._asked and self._asked[0] <= now - _WINDOW:
            self._asked.popleft()
        return self._asked[-_MOST] + _WINDOW - now if len(self._asked) >= _MOST else 0.0

    def _sleep(self, seconds: float) -> None:
        self._waiting += 1
        try:
            self._condition.wait(seconds)
        finally:
            self._waiting -= 1


_shared: ProcessWide[RailsTokens] = ProcessWide()
