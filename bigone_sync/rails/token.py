"""Where the token of a handshake comes from (Rails protocol, sections 1.3 and 1.4)."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable

from ..errors import AuthenticationError, BigOneError, ConfigurationError, ConnectError

__all__ = ["TokenSource", "check_token", "unauthenticated"]

# What may stand in the header that carries it (RFC 9110, section 5.6.2, is stricter and would allow no "/" and "=").
_TOKEN = re.compile(r"[!-~]+\Z")


def check_token(token: object, *, argument: str = "token") -> str:
    """``token`` if it can be sent.

    Raises:
        ConfigurationError: it cannot; it is not repeated.
    """
    if not isinstance(token, str) or not _TOKEN.match(token) or "," in token:
        shown = "text that cannot stand in a header" if isinstance(token, str) else type(token).__name__
        raise ConfigurationError(f"{argument} must be an access token as text, not {shown}", argument=argument)
    return token


def _where(error: Exception) -> str:
    """What was raised and where, without its words."""
    frames = traceback.extract_tb(error.__traceback__)
    last = f" in {frames[-1].name}() at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{last}"


class TokenSource:
    """Gives the token of each handshake. Thread-safe as far as ``fetch`` is.

    Args:
        fetch: gives one, on a connection's thread; may take its time.
        refuse: told of a token that the exchange refused; None: the next one will be no other.
    """

    def __init__(self, fetch: Callable[[], str], refuse: Callable[[str], None] | None) -> None:
        self._fetch, self._refuse = fetch, refuse

    def __repr__(self) -> str:
        return "<TokenSource>"

    def __call__(self) -> str:
        """The token.

        Raises:
            BigOneError: there is none.
        """
        try:
            token = self._fetch()
        except BigOneError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, another attempt follows
            where = _where(error)
        else:
            return check_token(token, argument="token()")
        # Not as its cause: the words of a stranger's exception may contain the secret that it could not use.
        raise ConnectError(f"the token could not be had: {where}", kind="token")

    @property
    def is_renewable(self) -> bool:
        """Whether another one can be had."""
        return self._refuse is not None

    def refused(self, token: str) -> None:
        """The exchange refused this one."""
        if self._refuse is not None:
            self._refuse(token)


def unauthenticated(name: str, error: BigOneError, *, is_renewed: bool) -> AuthenticationError:
    """The end of a connection whose handshake the exchange refuses (Rails protocol, section 9).

    Args:
        name: of the connection.
        error: what the handshake came to.
        is_renewed: whether a fresh token was tried.
    """
    status = error.status_code if isinstance(error, ConnectError) else None
    again = ", a fresh token as well" if is_renewed else ""
    causes = (
        "the key is read-only, or there are too many connections at once"
        if status == 403
        else "the token is wrong or has expired"
    )
    refusal = AuthenticationError(
        f"{name}: the exchange refuses the handshake (status {status}){again}; likely cause: {causes}"
        " (Rails protocol, section 9)",
        code=status,
        reason=str(error),
    )
    refusal.__cause__ = error
    return refusal
