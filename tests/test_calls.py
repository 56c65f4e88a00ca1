"""One command and its fate; and a session's commands without a client. What users see: tests of the spot client."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from session_rig import Rig

from bigone_sync import Channel, ConnectionState, Credentials
from bigone_sync.auth import TokenSigner
from bigone_sync.buffer import EventBuffer
from bigone_sync.calls import Call
from bigone_sync.errors import ConnectionClosed, ConnectionLost, NotConnected, OutcomeUnknown
from bigone_sync.protocol.base import Command, Reply, Request
from bigone_sync.session import Session
from bigone_sync.testing.exchange import LocalExchange
from bigone_sync.testing.leaks import leak_check, wait_until

BTC = "BTC-USDT"
CREATE = "createOrderRequest"
ORDER = {"price": "1", "amount": "1", "market": BTC, "side": "BID"}
SIGNER = TokenSigner(Credentials("key", "secret"))
REPLY = Reply(Request("7", Command.CALL, CREATE))
LOST = ConnectionLost("gone")


# -- one call


def call(timeout: float = 10.0) -> Call:
    return Call(CREATE, is_order=True, timeout=timeout)


def test_what_comes_first_decides() -> None:
    one, other = call(), call()
    one.decide(REPLY)
    one.decide(LOST)
    other.decide(LOST)
    other.decide(REPLY)
    assert one.fate is REPLY
    assert other.fate is LOST
    assert call().fate is None


def test_an_answer_that_is_there_before_the_wait_is_not_missed() -> None:
    early = call()
    early.decide(REPLY)
    assert early.wait()
    assert early.fate is REPLY


def test_a_wait_ends_with_the_calls_time() -> None:
    short = call(0.05)
    while short.wait():
        pass
    assert not short.wait()
    assert short.fate is None


def test_a_wait_may_be_cut_short_without_being_over() -> None:
    assert call().wait(0.001)


def test_a_wake_ends_one_wait() -> None:
    waiting = call()
    rounds: list[bool] = []

    def wait() -> None:
        while waiting.fate is None:
            rounds.append(waiting.wait())

    thread = threading.Thread(target=wait)
    thread.start()
    waiting.wake()
    wait_until(lambda: len(rounds) == 1)
    waiting.decide(REPLY)
    thread.join(10)
    assert not thread.is_alive()
    assert rounds == [True, True]


# -- a buffer without its bound


def test_a_lifted_buffer_takes_what_comes_and_is_bounded_again_afterwards() -> None:
    buffer, done = EventBuffer(2), threading.Event()
    buffer.put((1, 2))
    thread = threading.Thread(target=lambda: (buffer.put((3, 4, 5)), done.set()))
    thread.start()
    with buffer.lifted():
        assert done.wait(10)
    thread.join(10)
    late = threading.Thread(target=lambda: buffer.put((6,)))
    late.start()
    assert [buffer.get(10) for _ in range(4)] == [1, 2, 3, 4]
    late.join(10)
    assert [buffer.get(10), buffer.get(10)] == [5, 6]


def test_the_bound_is_lifted_until_the_last_one_is_through() -> None:
    buffer = EventBuffer(1)
    with buffer.lifted():
        with buffer.lifted():
            buffer.put((1, 2))
        buffer.put((3,))
    assert len(buffer) == 3


# -- a session's calls


@pytest.fixture
def still() -> Iterator[LocalExchange]:
    """An exchange in which something happens only on command."""
    with leak_check(), LocalExchange(rate=0) as exchange:
        yield exchange


def place(session: Session, **options: Any) -> Any:
    return session.calls.make(CREATE, ORDER, **{"is_order": True, "log_in": True, "timeout": 10.0, **options})


def members(exchange: LocalExchange) -> list[str]:
    return [next(name for name in request if name != "requestId") for _, request in exchange.requests]


def test_a_session_logs_in_for_its_first_command_only_and_again_after_a_reconnect(still: LocalExchange) -> None:
    rig = Rig(still, SIGNER)
    with rig.running() as session:
        wait_until(lambda: session.connection.state == ConnectionState.READY)
        assert members(still) == []
        assert place(session) is None
        assert place(session) is None
        still.drop_connections()
        wait_until(lambda: session.connection.reconnects == 1)
        assert place(session) is None
    assert members(still) == ["authenticateCustomerRequest", CREATE, CREATE, "authenticateCustomerRequest", CREATE]


def test_a_session_without_streams_is_ready_whatever_its_commands_do(still: LocalExchange) -> None:
    rig = Rig(still, SIGNER)
    still.mute_auth(None)
    with rig.running() as session:
        wait_until(lambda: session.connection.state == ConnectionState.READY)
        with pytest.raises(NotConnected, match=r"is not logged in after 0\.1 s: createOrderRequest was not sent"):
            place(session, timeout=0.1)
        assert session.is_ready


def test_a_login_for_commands_serves_streams_and_the_other_way_round(still: LocalExchange) -> None:
    rig = Rig(still, SIGNER)
    with rig.running() as session:
        place(session)
        session.add(rig.stream(Channel.ACCOUNTS))
        session.flush()
        wait_until(lambda: session.is_ready)
    assert members(still) == ["authenticateCustomerRequest", CREATE, "subscribeViewerAccountsRequest"]


def test_a_signer_that_fails_tells_whoever_needs_the_login_and_blocks_nobody(still: LocalExchange) -> None:
    calls = 0

    def token() -> str:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise ZeroDivisionError
        return SIGNER()

    rig = Rig(still, token)
    with rig.running() as session:
        wait_until(lambda: session.connection.state == ConnectionState.READY)
        with pytest.raises(ZeroDivisionError):
            place(session)
        assert session.calls._open == []
        assert place(session) is None


def test_the_first_reason_of_the_end_counts(still: LocalExchange) -> None:
    rig = Rig(still, SIGNER)
    with rig.running() as session:
        place(session)
        session.calls.end(first := ConnectionLost("first"))
        session.calls.end(ConnectionClosed("second"))
        with pytest.raises(ConnectionLost) as caught:
            place(session)
    assert caught.value is first


def test_a_command_is_asked_for_on_the_connection_it_was_made_for_and_on_no_other(still: LocalExchange) -> None:
    rig = Rig(still, SIGNER)
    with rig.running() as session:
        place(session)
        attempt = session.connection.attempt
        assert attempt is not None
        still.drop_connections()
        wait_until(lambda: session.connection.reconnects == 1)
        assert session.connection.attempt is not attempt
        assert not attempt.try_send(b"{}", binary=False)


def test_many_ends_and_answers_at_once_lose_no_call(still: LocalExchange) -> None:
    """Every call ends with what is true of it, however the end of the connection falls."""
    rig = Rig(still, SIGNER)
    ends: list[object] = []
    stop = threading.Event()

    def trade(session: Session) -> None:
        while not stop.is_set():
            try:
                ends.append(place(session))
            except (NotConnected, OutcomeUnknown) as error:
                ends.append(type(error))

    with rig.running() as session:
        place(session)
        threads = [threading.Thread(target=trade, args=(session,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for number in range(1, 6):
            before = len(ends)
            wait_until(lambda before=before: ends[before:].count(None) >= 10)  # type: ignore[misc]
            still.drop_connections()
            wait_until(lambda number=number: session.connection.reconnects == number)  # type: ignore[misc]
        stop.set()
        for thread in threads:
            thread.join(20)
            assert not thread.is_alive()
        assert session.calls._open == []
    placed = len(still.orders())
    done, unknown = 1 + ends.count(None), ends.count(OutcomeUnknown)
    # Each that was accepted is there, and beyond those only some whose outcome is not known.
    assert done <= placed <= done + unknown
    assert members(still).count(CREATE) == placed
