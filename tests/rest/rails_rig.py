"""What the tests of ``RailsRest`` share."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

from scripted_http import Reply, ScriptedServer, Seen

from bigone_sync import Credentials

TOKEN = "/api/v1/token"
SECRET = "a-secret+of/the=tests"
_keys = itertools.count(1)


def credentials() -> Credentials:
    """Of a key of its own, for tokens are shared by the process, and a port may come back."""
    return Credentials(f"rails-key-{next(_keys)}-of-the-tests", SECRET)


def token_body(token: str, expires_in: Any = 1800) -> str:
    """An answer of the token endpoint (Rails protocol, section 1.4)."""
    return json.dumps({"access_token": token, "token_type": "Bearer", "expires_in": expires_in})


def numbered() -> Callable[[Seen], str]:
    """Gives token-1, token-2, …"""
    numbers = itertools.count(1)
    return lambda seen: token_body(f"token-{next(numbers)}")


def bearers(server: ScriptedServer, path: str) -> list[str | None]:
    """With which tokens a path was asked."""
    return [seen.headers.get("authorization") for seen in server.seen if seen.path == path]


def unless(good: str, body: str) -> Callable[[Seen], str | Reply]:
    """Answers with ``body`` to that token, and with 401 to all others."""

    def answer(seen: Seen) -> str | Reply:
        return body if seen.headers.get("authorization") == f"Bearer {good}" else Reply(401, b"Unauthorized")

    return answer
