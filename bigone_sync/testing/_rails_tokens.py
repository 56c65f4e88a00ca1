"""Access tokens of the Rails half (Rails protocol, section 1.4)."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import count

import jwt

from bigone_sync.testing._rails_limits import MinuteLimit

__all__ = ["RailsTokens"]

_SECOND_NS = 1_000_000_000
_PREFIX = "authorization#"
_BEARER = "Bearer "


class RailsTokens:
    """Issues tokens and knows which of them are good; used on the exchange's loop only.

    Args:
        key: API key of the account.
        secret: its secret.
        life: how long a token is good, seconds.
        limit: how many may be fetched in a minute.
        now_ns: the server's clock.
    """

    def __init__(self, key: str, secret: str, *, life: int, limit: int, seed: int, now_ns: Callable[[], int]) -> None:
        self.life = life
        self.fetches = 0
        self._key = key
        self._secret = secret
        self._now_ns = now_ns
        self._limit = MinuteLimit(limit, now_ns)
        rng = random.Random(f"tokens:{seed}")
        self._signing_key = rng.randbytes(32)
        self._numbers = count(1)
        self._good: dict[str, int] = {}  # token to the nanosecond at which it expires, oldest first

    def __repr__(self) -> str:
        return f"<{type(self).__name__}, {len(self._good)} good>"

    def may_fetch(self, key: str) -> bool:
        """Count a fetch with this API key, unless it is one too many; other keys have no limit here."""
        return key != self._key or self._limit.take()

    def is_account(self, key: str, secret: str) -> bool:
        """Whether key and secret are those of the account."""
        return (key, secret) == (self._key, self._secret)

    def fetch(self) -> str:
        """Issue a token to somebody who asked for it over HTTP."""
        self.fetches += 1
        return self.issue()

    def issue(self) -> str:
        """A new token: a JWT with the claims of the published samples, and one that tells it from all others."""
        now_ns = self._now_ns()
        for old in [token for token, expires in self._good.items() if expires <= now_ns]:
            del self._good[old]
        issued = now_ns // _SECOND_NS
        claims = {
            "accountType": "retail",
            "iss": "local.exchange",
            "sub": "4700f282-0ad4-4f55-b142-de3e60d5d11e",
            "aud": ["local-app.exchange"],
            "exp": issued + self.life,
            "iat": issued,
            "jti": str(next(self._numbers)),
        }
        token = jwt.encode(claims, self._signing_key, algorithm="HS256")
        self._good[token] = now_ns + self.life * _SECOND_NS
        return token

    def revoke(self) -> None:
        """Refuse every token issued so far."""
        self._good.clear()

    def is_bearer(self, authorization: str | None) -> bool:
        """Whether an Authorization header has a good token."""
        return (authorization or "").startswith(_BEARER) and self._is_good((authorization or "")[len(_BEARER) :])

    def is_protocol(self, offered: str) -> bool:
        """Whether a Sec-WebSocket-Protocol header is one good token behind its prefix (section 1.3)."""
        return offered.startswith(_PREFIX) and self._is_good(offered[len(_PREFIX) :])

    def _is_good(self, token: str) -> bool:
        return self._now_ns() < self._good.get(token, 0)
