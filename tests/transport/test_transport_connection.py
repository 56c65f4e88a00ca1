"""A connection that comes back: states, causes, pauses, counts, giving up."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any

import pytest
from raw_server import PONG, TEXT, Peer, RawServer, close_frame, frame
from transport_rig import GUARD, Link, RecordingOwner, settings

from bigone_sync.enums import ConnectionState as S
from bigone_sync.errors import (
    AuthenticationError,
    ConnectError,
    ConnectionLost,
    NotConnected,
    ReconnectExhausted,
)
from bigone_sync.testing.leaks import wait_until
from bigone_sync.transport.attempt import Target
from bigone_sync.transport.connection import Connection
from bigone_sync.transport.pacing import Pacer
from bigone_sync.transport.states import IllegalTransition


def refuse(server: RawServer, status: int) -> None:
    peer = server.accept()
    peer.head()
    peer.send(b"HTTP/1.1 %d x\r\nContent-Length: 0\r\n\r\n" % status)
    peer.close()


def test_from_start_to_close(server: RawServer) -> None:
    with Link(server.url) as link:
        peer = server.open()
        link.ready()
        peer.text(b"one", b"two")
        link.got(b"one", b"two")
        link.connection.send(b"up")
        link.connection.send(b"bin", binary=True)
        assert link.connection.try_send(b"too")
        assert [peer.next_frame() for _ in range(3)] == [(TEXT, b"up"), (2, b"bin"), (TEXT, b"too")]
        assert link.connection.frames == 2
        assert link.connection.bytes_read > 8
        assert link.connection.last_frame_age is not None
        assert not link.connection.is_delivering
    assert link.owner.states == [S.CONNECTING, S.AUTHENTICATING, S.READY, S.CLOSING, S.CLOSED]
    assert link.owner.changes[0][2:] == (None, 1, None)
    assert link.connection.last_frame_age is None
    assert link.connection.frames == 2
    assert (link.owner.losses, link.owner.refusals, link.connection.reconnects) == ([], [], 0)


def test_frames_carry_the_time_of_their_read(server: RawServer) -> None:
    before = time.time()
    with Link(server.url) as link:
        server.open().text(b"one")
        link.got(b"one")
    assert before <= link.owner.times[0] <= time.time()


def test_it_comes_back_and_tells_why(server: RawServer) -> None:
    with Link(server.url) as link:
        server.open().send(close_frame(4001, b"again"))
        error = link.loss()
        server.open()
        link.ready()
        wait_until(lambda: link.connection.reconnects == 1)
    assert (error.cause, error.close_code, error.close_reason) == ("closed", 4001, "again")
    assert link.owner.states[:6] == [
        S.CONNECTING, S.AUTHENTICATING, S.READY, S.WAITING, S.CONNECTING, S.AUTHENTICATING
    ]  # fmt: skip
    lost = link.owner.changes[3]
    assert (lost.cause, lost.attempt, lost.retry_in) == (error, 2, 0.005)
    assert (link.owner.targets, link.owner.openings) == (2, 2)


def test_frames_and_bytes_are_counted_over_all_attempts(server: RawServer) -> None:
    with Link(server.url) as link:
        for number in range(1, 4):
            peer = server.open()
            link.ready()
            peer.text(b"x")
            wait_until(lambda expected=number: link.connection.frames == expected)
            read = link.connection.bytes_read
            peer.close()
            link.loss(number)
        wait_until(lambda: link.connection.bytes_read >= read)
    assert read > 3 * 100


@pytest.mark.parametrize("status", [500, 503, 200, 302])
def test_a_passing_refusal_is_tried_again(server: RawServer, status: int) -> None:
    with Link(server.url) as link:
        refuse(server, status)
        assert link.loss().status_code == status
        server.open()
        link.ready()
        assert link.connection.reconnects == 0


@pytest.mark.parametrize("status", [204, 400, 401, 403, 404])
def test_a_final_refusal_ends_it(server: RawServer, status: int) -> None:
    with Link(server.url) as link:
        refuse(server, status)
        error = link.refusal()
        link.wait(S.CLOSED)
        link.close()
    assert (type(error), error.status_code) == (ConnectError, status)
    assert link.owner.states == [S.CONNECTING, S.CLOSED]
    assert link.owner.changes[-1].cause is error
    assert link.owner.losses == []


def test_too_many_requests_pauses_for_what_was_asked(server: RawServer) -> None:
    with Link(server.url) as link:
        peer = server.accept()
        peer.head()
        peer.send(b"HTTP/1.1 429 x\r\nRetry-After: 90\r\nContent-Length: 0\r\n\r\n")
        link.loss()
        assert link.owner.changes[-1].retry_in == 90.005


def test_a_refused_login_ends_it(server: RawServer) -> None:
    refusal = AuthenticationError("45001")
    link = Link(server.url)
    link.owner.on_received = lambda: link.connection.kill(refusal)
    link.owner.accepts = False
    with link:
        server.open().text(b"no")
        assert link.refusal() is refusal
        link.wait(S.CLOSED)
    assert link.owner.states == [S.CONNECTING, S.AUTHENTICATING, S.CLOSED]


def test_a_target_that_cannot_be_told_is_a_failed_attempt(server: RawServer) -> None:
    link = Link(server.url)
    broken = ConnectionLost("no clock")

    def target() -> Target:
        link.owner.targets += 1
        if link.owner.targets == 1:
            raise broken
        return link.owner.next_target

    link.owner.target = target  # type: ignore[method-assign]
    with link:
        assert link.loss() is broken
        server.open()
        link.ready()


def test_after_so_many_failures_in_a_row_it_gives_up(server: RawServer) -> None:
    with Link(server.url, max_attempts=3) as link:
        for _ in range(3):
            refuse(server, 503)
        error = link.refusal()
        link.wait(S.CLOSED)
    assert isinstance(error, ReconnectExhausted)
    assert error.attempts == 3
    assert error.__cause__ is link.owner.losses[-1]
    assert [loss.status_code for loss in link.owner.losses] == [503, 503, 503]
    assert link.owner.changes[-1][:3] == (S.WAITING, S.CLOSED, error)


def test_pauses_grow_with_failures_and_take_their_chance_from_outside(server: RawServer) -> None:
    chances = iter([1.0, 0.5, 1.0, 0.0])
    with Link(server.url, initial=0.001, cap=0.003, rand=lambda: next(chances), max_attempts=4) as link:
        for _ in range(4):
            refuse(server, 500)
        link.refusal()
    assert [change.retry_in for change in link.owner.changes if change.new is S.WAITING] == [0.001, 0.001, 0.003, 0.0]
    assert [change.attempt for change in link.owner.changes if change.new is S.CONNECTING] == [1, 2, 3, 4]


@pytest.mark.parametrize(("stable_after", "attempts"), [(1e-9, [2, 2, 2]), (3600.0, [2, 3, 4])])
def test_only_a_stable_connection_starts_the_count_anew(
    server: RawServer, stable_after: float, attempts: list[int]
) -> None:
    with Link(server.url, stable_after=stable_after) as link:
        for number in range(1, 4):
            peer = server.open()
            link.ready()
            peer.close()
            link.loss(number)
        assert [change.attempt for change in link.owner.changes if change.new is S.WAITING] == attempts


def test_a_slot_of_the_pacer_keeps_dials_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    pacer = Pacer(0.5)
    monkeypatch.setattr("time.monotonic", lambda: now)
    assert [pacer.delay() for _ in range(3)] == [0.0, 0.5, 1.0]
    now = 101.25
    assert pacer.delay() == 0.25
    now = 200.0
    assert [pacer.delay(), pacer.delay()] == [0.0, 0.5]


def test_a_paced_dial_waits_and_can_be_stopped(server: RawServer) -> None:
    pacer = Pacer(3600.0)
    with Link(server.url, pacer=pacer), Link(server.url, pacer=pacer) as second:
        server.open()
        second.close()
    assert second.owner.targets == 0
    assert second.owner.states == [S.CONNECTING, S.CLOSING, S.CLOSED]


def test_sending_while_it_is_not_up_is_refused(server: RawServer) -> None:
    link = Link(server.url)
    for state in (S.IDLE, S.CLOSED):
        with pytest.raises(NotConnected, match=f"spot/test is {state}") as caught:
            link.connection.send(b"x")
        assert caught.value.state is state
        assert not link.connection.try_send(b"x")
        link.connection.kill(ConnectionLost("nothing to kill"))
        link.close()


def test_it_may_send_before_it_is_accepted(server: RawServer) -> None:
    link = Link(server.url)
    link.owner.accepts = False
    link.owner.on_opened = lambda: link.connection.send(b"login")
    with link:
        assert server.open().next_frame() == (TEXT, b"login")
        assert link.connection.state is S.AUTHENTICATING
        link.connection.accept()
        assert link.connection.state is S.READY


def test_a_pong_gives_the_round_trip_and_it_is_kept(server: RawServer) -> None:
    with Link(server.url) as link:
        peer = server.open()
        link.ready()
        assert link.connection.ping_rtt is None
        link.connection.check(time.monotonic() + 5.0)
        peer.send(frame(PONG, peer.next_frame()[1]))
        rtt = wait_until(lambda: link.connection.ping_rtt)
        peer.close()
        link.loss()
        assert link.connection.ping_rtt == rtt


def test_accepting_twice_is_a_bug_that_shows(server: RawServer) -> None:
    with Link(server.url) as link:
        server.open()
        link.ready()
        with pytest.raises(IllegalTransition):
            link.connection.accept()


def test_starting_twice_is_a_bug_that_shows(server: RawServer) -> None:
    with Link(server.url) as link:
        server.open()
        with pytest.raises(IllegalTransition):
            link.connection.start()


class _Broken(Exception):
    """What an owner with a bug raises."""


def fail(*_: Any) -> Any:
    raise _Broken("a bug")


@pytest.mark.parametrize("call", ["target", "lost"])
def test_a_bug_of_the_owner_ends_it_and_is_told(server: RawServer, call: str, caplog: pytest.LogCaptureFixture) -> None:
    link = Link(server.url)
    setattr(link.owner, call, fail)
    with link:
        if call == "lost":
            server.open().close()
        error = link.refusal()
        link.wait(S.CLOSED)
    assert isinstance(error.__cause__, _Broken)
    assert "the reader failed: _Broken" in str(error)
    assert link.owner.changes[-1].new is S.CLOSED
    assert "the reader failed" in caplog.text


def test_an_exit_from_the_reader_is_told_too(server: RawServer) -> None:
    def leave() -> None:
        raise SystemExit(3)

    link = Link(server.url)
    link.owner.on_received = leave
    with link:
        peer: Peer = server.open()
        peer.text(b"x")
        assert isinstance(link.refusal().__cause__, SystemExit)
        link.wait(S.CLOSED)
        assert peer.rest() == b""


def test_a_thread_that_cannot_start_leaves_it_closed(server: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_thread(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    link = Link(server.url)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_thread)
        with pytest.raises(RuntimeError, match="new thread"):
            link.connection.start()
    assert link.connection.state is S.CLOSED
    link.close()


def test_what_is_final_can_be_decided_otherwise() -> None:
    judged: list[BaseException] = []

    def always(error: BaseException) -> bool:
        judged.append(error)
        return True

    target = Target("ws://127.0.0.1:1/")
    owner = RecordingOwner(target)
    owner.connection = Connection("spot/test", owner, replace(settings(), is_fatal=always))
    owner.connection.start()
    wait_until(lambda: owner.refusals)
    assert owner.refusals == judged
    assert owner.connection.state is S.CLOSED
    assert owner.connection.finish_close(GUARD)
