"""The state table, every pair of it, and the pure rules on failures."""

from __future__ import annotations

import pytest

from bigone_sync.config import Backoff
from bigone_sync.enums import ConnectionState as S
from bigone_sync.errors import (
    AuthenticationError,
    ConfigurationError,
    ConnectError,
    ConnectionLost,
    ConnectTimeout,
    MessageTooBig,
    ProtocolError,
)
from bigone_sync.transport.failure import is_fatal, pause
from bigone_sync.transport.settings import TransportSettings
from bigone_sync.transport.states import IllegalTransition, Input, advance

ROWS = {
    S.IDLE: {Input.START: S.CONNECTING, Input.STOP: S.CLOSED},
    S.CONNECTING: {
        Input.OPENED: S.AUTHENTICATING,
        Input.REFUSED: S.CLOSED,
        Input.LOST: S.WAITING,
        Input.STOP: S.CLOSING,
    },
    S.AUTHENTICATING: {
        Input.ACCEPTED: S.READY,
        Input.REFUSED: S.CLOSED,
        Input.LOST: S.WAITING,
        Input.STOP: S.CLOSING,
    },
    S.READY: {Input.REFUSED: S.CLOSED, Input.LOST: S.WAITING, Input.STOP: S.CLOSING},
    S.WAITING: {
        Input.DUE: S.CONNECTING,
        Input.EXHAUSTED: S.CLOSED,
        Input.STOP: S.CLOSED,
    },
    S.CLOSING: {Input.LOST: S.CLOSED, Input.STOP: S.CLOSING, Input.ENDED: S.CLOSED},
    S.CLOSED: {Input.STOP: S.CLOSED, Input.ENDED: S.CLOSED},
}


@pytest.mark.parametrize("what", Input)
@pytest.mark.parametrize("state", S)
def test_every_pair_of_the_table(state: S, what: Input) -> None:
    follows = ROWS.get(state, {}).get(what)
    if follows is None:
        with pytest.raises(IllegalTransition, match=f"{what.name} cannot happen in state {state.name}"):
            advance(state, what)
    else:
        assert advance(state, what) is follows


@pytest.mark.parametrize(
    ("error", "fatal"),
    [
        (AuthenticationError("x"), True),
        (ConfigurationError("x"), True),
        (ConnectError("x", kind="certificate"), True),
        (ConnectError("x", kind="tls"), False),
        (ConnectError("x", kind="dns"), False),
        (ConnectError("x", kind="refused"), False),
        (ConnectError("x", kind="proxy", status_code=407), True),
        (ConnectError("x", kind="proxy", status_code=403), False),
        (ConnectError("x", kind="proxy"), False),
        (ConnectTimeout("x", kind="tcp"), False),
        (ConnectionLost("x", cause="closed", close_code=4001), False),
        (MessageTooBig("x"), False),
        (ProtocolError("x"), False),
        (RuntimeError("x"), False),
        *[(ConnectError("x", status_code=code), True) for code in (101, 204, 400, 401, 403, 404)],
        *[(ConnectError("x", status_code=code), False) for code in (None, 200, 302, 408, 429, 500, 502, 503)],
    ],
)
def test_what_is_final(error: BaseException, fatal: bool) -> None:
    assert is_fatal(error) is fatal


def test_the_pause_is_full_jitter_that_doubles_to_a_cap() -> None:
    backoff, error = Backoff(initial=0.5, cap=30), ConnectionLost("x")
    assert [pause(backoff, n, error, 1.0) for n in range(1, 9)] == [0.5, 1, 2, 4, 8, 16, 30, 30]
    assert pause(backoff, 4, error, 0.25) == 1.0
    assert pause(backoff, 10_000, error, 0.0) == 0.0


@pytest.mark.parametrize(
    ("asked", "floor"),
    [("", 60), ("5", 60), ("90", 90), ("99999", 99999), ("100000", 60), ("-5", 60), ("soon", 60), ("²", 60)],
)
def test_too_many_requests_waits_at_least_a_minute(asked: str, floor: float) -> None:
    error = ConnectError("x", status_code=429, headers={"retry-after": asked} if asked else {})
    assert pause(Backoff(initial=2, cap=30), 1, error, 0.5) == floor + 1.0


def test_retry_after_counts_for_no_other_status() -> None:
    error = ConnectError("x", status_code=500, headers={"retry-after": "90"})
    assert pause(Backoff(initial=2, cap=30), 1, error, 0.5) == 1.0


def test_the_proxy_is_not_in_the_repr_of_the_settings() -> None:
    assert "hush" not in repr(TransportSettings(proxy="http://user:hush@proxy:1"))
