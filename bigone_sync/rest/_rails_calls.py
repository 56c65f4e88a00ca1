"""How Rails' REST calls are made: where to, with which token, and what becomes of one that is refused.

(Rails protocol, sections 1.1, 1.4 and 9.)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from ..arguments import check_flag
from ..auth import Credentials
from ..config import Timeouts
from ..errors import AuthenticationError, ConfigurationError, DecodeError, RestError
from ..protocol.base import CodecError
from ..rails_token import RailsTokens
from ..redact import redact
from ._core import RestCore, check_kind
from ._http import Answer, Call
from ._rails_rows import CONNECTION, is_token, token_of
from ._reply import excerpt_of
from ._retry import RETRIED

__all__ = ["Hosts", "RailsCalls"]

_T = TypeVar("_T")

Query = Sequence[tuple[str, str]]

_ADVICE = "check the API key and the secret, and that they are of the exchange at this address"


@dataclass(frozen=True, kw_only=True)
class Hosts:
    """The bases of what is on hosts of its own (section 1.1)."""

    auth: str
    market_data: str
    account: str
    order: str


def _check_token(token: object) -> str:
    # The value is never repeated.
    if not is_token(token):
        raise ConfigurationError(
            "token must be an access token, printable ASCII without spaces and without the word Bearer,"
            " or a callable that returns one",
            argument="token",
        )
    return str(token)


def _check_keys(credentials: Credentials | None) -> None:
    check_kind(credentials, "credentials", Credentials)
    if credentials is not None and not (credentials.api_key + credentials.api_secret).isascii():
        raise ConfigurationError(
            "credentials must be of ASCII characters: Rails takes API key and secret as headers",
            argument="credentials",
        )


class RailsCalls(RestCore):
    """Not for direct use; thread-safe."""

    def __init__(
        self,
        credentials: Credentials | None,
        token: str | Callable[[], str] | None,
        *,
        hosts: Hosts,
        timeouts: Timeouts | None,
        **more: Any,
    ) -> None:
        _check_keys(credentials)
        if token is not None:
            if credentials is not None:
                raise ConfigurationError("token and credentials: give one of them, not both", argument="token")
            if not callable(token):
                _check_token(token)
        self._credentials, self._given, self._hosts = credentials, token, hosts
        # After 429 the exchange wants silence (section 10), so it is asked again only where it says when.
        super().__init__(hosts.market_data, signer=None, timeouts=timeouts, retried=RETRIED - {429}, **more)

    def _failure(self, status: int, body: bytes) -> tuple[int | None, str, str]:
        # No page shows a failure's body (section 9), so it is shown as it is.
        return None, "", excerpt_of(body.strip())

    def token(self, *, fresh: bool = False) -> str:
        """An access token for the credentials, from the cache that all of the process share, or fetched.

        It is fetched anew a while before its end; at most 20 times a minute, all attempts counted.

        Args:
            fresh: fetch one though there is one that has not ended.

        Raises:
            AuthenticationError: the exchange refused the credentials.
            RateLimited: too many were fetched in the last minute; ``retry_in`` says when there is room again.
            RestError: there was no answer, or another one than a token.
            DecodeError: the answer cannot be read.
            ConfigurationError: there are no credentials.
            ConnectionClosed: ``close()`` or ``abort()`` was called.
        """
        check_flag(fresh, "fresh")
        if self._credentials is None:
            raise ConfigurationError(
                f"credentials are needed: {type(self).__name__}(Credentials(key, secret)), or Credentials.from_env()",
                argument="credentials",
            )
        left = self._countdown(self._token_call())
        if fresh:
            self._tokens(self._credentials).forget()
        return self._bearer(left)

    def abort(self) -> None:
        super().abort()
        if self._credentials is not None:
            self._tokens(self._credentials).wake()

    abort.__doc__ = RestCore.abort.__doc__

    def _tokens(self, credentials: Credentials) -> RailsTokens:
        # Asked for each time: a forked child must not use its parent's.
        return RailsTokens.of(self._hosts.auth, credentials.api_key)

    def _countdown(self, call: Call) -> Callable[[], float]:
        """What tells the seconds that are left for ``call`` and all that it needs.

        Raises:
            RestError: there are none to begin with.
            ConnectionClosed: now, or when it is asked: aborted or closed.
        """
        endpoint = self._http.endpoint(call)
        self._http.check(endpoint)
        end = time.monotonic() + self._time_left(call, None)

        def left() -> float:
            self._http.check(endpoint)
            return end - time.monotonic()

        return left

    def _token_call(self, on_repeat: Callable[[], None] | None = None) -> Call:
        keys = self._credentials
        headers = [("X-Api-Key", keys.api_key), ("X-Api-Secret", keys.api_secret)] if keys is not None else []
        return Call(method="POST", path=f"{self._hosts.auth}/api/v1/token", headers=headers, on_repeat=on_repeat)

    def _bearer(self, left: Callable[[], float]) -> str:
        """The token for a private call."""
        if self._credentials is None:
            return _check_token(self._given() if callable(self._given) else self._given)
        tokens = self._tokens(self._credentials)
        return tokens.get(lambda: self._fetch(tokens, left), left)

    def _fetch(self, tokens: RailsTokens, left: Callable[[], float]) -> tuple[str, float]:
        call = self._token_call(lambda: tokens.admit(left))
        try:
            answer = self._http.send(call, timeout=max(0.001, left()))
        except RestError as error:
            if error.status_code != 401:
                raise
            refused = error
        else:
            return self._token_in(answer)
        raise AuthenticationError(f"{refused}; {_ADVICE}", reason=refused.reason) from refused

    def _token_in(self, answer: Answer) -> tuple[str, float]:
        try:
            return token_of(answer.data)
        except CodecError as error:
            # Without an excerpt, for what is no token by our lights may be one.
            raise DecodeError(
                f"{answer.endpoint}: the answer cannot be read: {error}", connection=CONNECTION
            ) from error

    def _need_token(self) -> None:
        """Nothing, if there is where to take one from.

        Raises:
            ConfigurationError: there is not. Told before anything is fetched.
        """
        if self._credentials is None and self._given is None:
            raise ConfigurationError(
                f"credentials or a token are needed: {type(self).__name__}(Credentials(key, secret)),"
                f" or {type(self).__name__}(token=...)",
                argument="credentials",
            )

    def _public(self, url: str, make: Callable[[bytes, float], _T], query: Query = ()) -> _T:
        call = Call(method="GET", path=url, query=query)
        return self._read(self._http.send(call, timeout=self._time_left(call, None)), make)

    def _private(self, url: str, make: Callable[[bytes, float], _T], query: Query = ()) -> _T:
        """Ask with a token. One of ours that is refused is replaced by a fresh one, once.

        Raises:
            AuthenticationError: the token was refused, if it is one of ours the fresh one, too.
        """
        self._need_token()
        call = Call(method="GET", path=url, query=query)
        left = self._countdown(call)
        token = self._bearer(left)
        refused = self._ask(call, token, left)
        if isinstance(refused, RestError) and self._credentials is not None and left() > 0:
            self._tokens(self._credentials).refuse(token)
            refused = self._ask(call, self._bearer(left), left)
        if not isinstance(refused, RestError):
            return self._read(refused, make)
        words = "neither the access token nor a fresh one was accepted" if self._credentials else "get another token"
        raise AuthenticationError(f"{refused}; {words}", reason=refused.reason) from refused

    def _ask(self, call: Call, token: str, left: Callable[[], float]) -> Answer | RestError:
        """The answer, or, of status 401, the error."""
        signed = Call(
            method=call.method, path=call.path, query=call.query, headers=[("Authorization", f"Bearer {token}")]
        )
        try:
            return self._http.send(signed, timeout=max(0.001, left()))
        except RestError as error:
            if error.status_code != 401:
                raise
            return error

    def _read(self, answer: Answer, make: Callable[[bytes, float], _T]) -> _T:
        """What ``make`` makes of an answer.

        Raises:
            DecodeError: it cannot be read.
        """
        try:
            return make(answer.data, answer.received_at)
        except CodecError as error:
            failure = error
        text = f"{answer.endpoint}: the answer cannot be read"
        if answer.repeats_secrets:
            raise DecodeError(f"{text}, nor shown, for it repeats the access token", connection=CONNECTION)
        raise DecodeError(
            redact(f"{text}: {failure}"), connection=CONNECTION, excerpt=excerpt_of(answer.data)
        ) from failure
