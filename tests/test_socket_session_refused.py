"""A socket session whose handshake is refused, and what its token shows itself in: nothing."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from raw_server import RawServer
from socket_rig import BTC, DEPTH, SECRET, SocketRig, Tokens, authorization, depth

from bigone_sync import Backoff, Channel, ConnectionState, SubscriptionKey
from bigone_sync import SubscriptionState as State
from bigone_sync.errors import (
    AuthenticationError,
    BigOneError,
    ConnectError,
    ReconnectExhausted,
)
from bigone_sync.testing.leaks import leak_check, wait_until

ORDERS = SubscriptionKey(Channel.ORDERS)
TRADES = SubscriptionKey(Channel.TRADES, BTC)


@pytest.fixture
def server() -> Iterator[RawServer]:
    with leak_check(), RawServer() as running:
        yield running


def told(rig: SocketRig) -> list[BigOneError]:
    return list(rig.hub.errors)


# -- refusals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "cause"),
    [(400, "unknown or disabled"), (204, "needs a symbol"), (404, "wrong base URL"), (401, "credentials"), (403, "it")],
)
def test_a_refusal_rejects_the_channel_and_leaves_the_client_alone(server: RawServer, status: int, cause: str) -> None:
    rig = SocketRig(server, DEPTH)
    book = rig.keep_book()
    with rig.running() as session:
        server.refuse(status, b"" if status == 204 else b"nothing like that")
        rig.until_over()
        assert session.is_over
        assert (rig.stream.state, session.connection.state) == (State.REJECTED, ConnectionState.CLOSED)
        assert not book.is_live
        with pytest.raises(ConnectError):
            rig.buffer.get(0)
        with pytest.raises(ConnectError):
            rig.buffer.get(0)
    (error,) = told(rig)
    assert isinstance(error, ConnectError)
    assert (error.status_code, error.kind) == (status, "handshake")
    assert f"ws://127.0.0.1:{server.port}/ws/contract/v2/depth@BTCUSD" in str(error)
    assert "likely cause" in str(error)
    assert cause in str(error)
    assert error.url in str(error)
    assert isinstance(error.__cause__, ConnectError)
    assert rig.stream.rejection is error
    assert rig.hub.fatals == []
    assert rig.stream.state == State.REJECTED  # also after the end


def test_a_stream_that_joins_a_refused_socket_is_rejected_like_the_others(server: RawServer) -> None:
    rig = SocketRig(server, TRADES)
    with rig.running() as session:
        server.refuse(400)
        rig.until_over()
        late = rig.made(TRADES)
        session.add(late)
        assert late.state == State.REJECTED
        assert late.rejection is rig.stream.rejection
        session.remove(late)


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_is_replaced_once_and_at_once(server: RawServer, status: int) -> None:
    tokens = Tokens()
    rig = SocketRig(server, ORDERS, token=tokens, backoff=Backoff(initial=20, cap=20), rand=lambda: 1.0)
    with rig.running() as session:
        first, second = server.refuse(status), server.refuse(status)
        rig.until_over()
        assert not session.is_over
        assert rig.stream.state == State.ENDED
    assert [authorization(request) for request in (first, second)] == [f"Bearer {token}" for token in tokens.signed]
    assert len(set(tokens.signed)) == len(tokens.signed) == 2
    assert rig.hub.pauses == [0.0]
    (fatal,) = rig.hub.fatals
    assert isinstance(fatal, AuthenticationError)
    assert fatal.code == status
    assert str(status) in str(fatal)
    assert isinstance(fatal.__cause__, ConnectError)


def test_a_fresh_token_is_no_further_attempt(server: RawServer) -> None:
    rig = SocketRig(server, ORDERS, token=Tokens(), backoff=Backoff(initial=0.02, cap=0.1, max_attempts=1))
    with rig.running():
        server.refuse(401)
        server.refuse(401)
        rig.until_over()
    assert [type(error) for error in rig.hub.fatals] == [AuthenticationError]


def test_a_token_may_be_replaced_again_after_each_opening(server: RawServer) -> None:
    tokens = Tokens()
    rig = SocketRig(server, ORDERS, token=tokens)
    with rig.running() as session:
        requests = []
        for _ in range(2):
            requests.append(server.refuse(401))
            peer = server.open()
            requests.append(peer.request)
            wait_until(lambda: session.is_ready)
            peer.reset()
            wait_until(lambda: not session.is_ready)
        requests += [server.refuse(401), server.refuse(401)]
        rig.until_over()
    assert len({authorization(request) for request in requests}) == len(requests) == len(tokens.signed) == 6
    assert [type(error) for error in rig.hub.fatals] == [AuthenticationError]


def test_a_refusal_that_is_not_about_the_token_takes_the_token_along(server: RawServer) -> None:
    rig = SocketRig(server, ORDERS, token=Tokens())
    with rig.running() as session:
        server.refuse(400)
        rig.until_over()
        assert (session.is_over, rig.stream.state) == (True, State.REJECTED)
    assert rig.hub.fatals == []


@pytest.mark.parametrize("key", [DEPTH, ORDERS], ids=str)
def test_a_server_fault_backs_off_and_tries_again_with_a_fresh_token(server: RawServer, key: SubscriptionKey) -> None:
    tokens = Tokens() if key == ORDERS else None
    rig = SocketRig(server, key, token=tokens, backoff=Backoff(initial=0.02, cap=0.04), rand=lambda: 0.5)
    with rig.running() as session:
        requests = [server.refuse(status) for status in (500, 502, 503)]
        peer = server.open()
        requests.append(peer.request)
        peer.say(depth(0, 1) if key == DEPTH else {})
        wait_until(lambda: session.is_ready)
    assert rig.hub.pauses == [0.01, 0.02, 0.02]
    assert [error.status_code for error in told(rig) if isinstance(error, ConnectError)] == [500, 502, 503]
    sent = [authorization(request) for request in requests]
    assert sent == ([None] * 4 if tokens is None else [f"Bearer {token}" for token in tokens.signed])
    assert tokens is None or len(set(tokens.signed)) == 4


def test_attempts_may_be_exhausted(server: RawServer) -> None:
    rig = SocketRig(server, DEPTH, backoff=Backoff(initial=0.01, cap=0.01, max_attempts=2))
    with rig.running() as session:
        server.refuse(500)
        server.refuse(500)
        rig.until_over()
        assert not session.is_over
    assert [type(error) for error in rig.hub.fatals] == [ReconnectExhausted]
    assert rig.stream.state == State.ENDED


# -- secrets -------------------------------------------------------------------------------------------------------


def texts(error: BaseException | None) -> list[str]:
    """All that an error shows, its causes included."""
    found: list[str] = []
    while error is not None:
        found += [str(error), repr(error), repr(vars(error))]
        error = error.__cause__ or error.__context__
    return found


def test_the_token_is_in_no_error_repr_log_or_raw_frame(server: RawServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    tokens = Tokens()
    rig = SocketRig(server, ORDERS, token=tokens)
    shown: list[Any] = []
    with rig.running() as session:
        server.refuse(500)
        server.refuse(401)
        peer = server.open()
        wait_until(lambda: session.is_ready)
        shown += [repr(session.target()), repr(session.__dict__), repr(session.connection.__dict__)]
        # An exchange that repeats what it was told.
        peer.text(f'{{"orders":[],"token":"{tokens.signed[2]}"}}'.encode(), f'"{tokens.signed[2]}'.encode())
        wait_until(lambda: len(rig.hub.frames) == 2 and session.decode_errors)
        peer.reset()
        server.refuse(401)
        server.refuse(401)
        rig.until_over()
    assert len(tokens.signed) == 6
    for error in [*rig.hub.errors, *rig.hub.fatals]:
        shown += texts(error)
    shown += [repr(frame) for frame in rig.hub.frames] + [repr(rig.hub.details), caplog.text]
    assert [frame.direction for frame in rig.hub.frames] == ["in", "in"]
    for token in tokens.signed:
        for text in shown:
            assert token not in text
            assert token.rpartition(".")[2] not in text
    assert all(SECRET not in text for text in shown)
