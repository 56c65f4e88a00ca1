"""What the tests of the REST classes share."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import jwt

from bigone_sync.auth import Credentials, TokenSigner
from bigone_sync.rest._http import Call, Http
from bigone_sync.rest.base import BaseRest

SECRET = "the-secret-of-the-tests-is-not-a-short-one"
CREDENTIALS = Credentials("key-of-the-tests", SECRET)
READ = Call(method="GET", path="/viewer/orders", is_private=True)
PING = Call(method="GET", path="/ping")
ORDER = Call(
    method="POST",
    path="/viewer/orders",
    body=b'{"side":"BID"}',
    is_private=True,
    is_repeatable=False,
    client_order_id="mine-1",
)


def failure(status: int, body: bytes) -> tuple[int | None, str, str]:
    """As both exchanges write it."""
    try:
        found = json.loads(body)
    except ValueError:
        return None, "", body.decode(errors="replace")
    return found.get("code"), found.get("anomaly", ""), found.get("message", "")


class Rest(BaseRest):
    """The smallest that can be made."""

    def _failure(self, status: int, body: bytes) -> tuple[int | None, str, str]:
        return failure(status, body)


def make_http(url: str, **options: Any) -> Http:
    """With pauses that nobody notices, and credentials."""
    settings: dict[str, Any] = {
        "signer": TokenSigner(CREDENTIALS),
        "failure": failure,
        "connect_timeout": 10.0,
        "read_timeout": 10.0,
        "headers": {},
        "backoff": 0.001,
        **options,
    }
    return Http(url, **settings)


def nonce(authorization: str) -> int:
    """Of a header that a correct signature is checked for, too."""
    word, _, token = authorization.partition(" ")
    assert word == "Bearer"
    return int(jwt.decode(token, SECRET, algorithms=["HS256"])["nonce"])


class Task:
    """A call on a thread of its own."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self.result: Any = None
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(call,), name="rest-task")
        self._thread.start()

    def _run(self, call: Callable[[], Any]) -> None:
        try:
            self.result = call()
        except BaseException as error:  # noqa: BLE001 - handed over
            self.error = error

    def join(self) -> Task:
        self._thread.join(20)
        assert not self._thread.is_alive()
        return self
