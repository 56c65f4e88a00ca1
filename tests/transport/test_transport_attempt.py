"""One attempt: what it sends, and by what name each of its endings goes."""

from __future__ import annotations

import errno
import logging
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from certificate_maker import Certificates
from raw_server import BINARY, CLOSE, PING, PONG, TEXT, RawServer, frame
from transport_rig import LiveAttempt, again_and_again

from bigone_sync.errors import AuthenticationError, ConfigurationError, ConnectError, ConnectionLost, ConnectTimeout
from bigone_sync.testing.leaks import wait_until


@pytest.fixture(params=["ws", "wss"])
def any_server(request: pytest.FixtureRequest, certificates: Certificates, nothing_left: None) -> Iterator[RawServer]:
    with RawServer(certificates.server if request.param == "wss" else None, receive_buffer=4096) as server:
        yield server


@pytest.fixture
def live(any_server: RawServer, certificates: Certificates) -> Iterator[Any]:
    def make(**options: Any) -> LiveAttempt:
        return LiveAttempt(any_server.url, ssl_context=certificates.client, **options)

    return make  # type: ignore[return-value]


def test_frames_are_sent_as_text_or_binary(any_server: RawServer, live: Any) -> None:
    with live() as running:
        peer = any_server.open()
        running.opened()
        running.attempt.send(b"one", binary=False)
        running.attempt.send(b"\xff" * 70_000, binary=True)
        assert running.attempt.try_send(b"three", binary=True)
        assert running.attempt.try_send(b"four", binary=False)
        assert [peer.next_frame() for _ in range(4)] == [
            (TEXT, b"one"),
            (BINARY, b"\xff" * 70_000),
            (BINARY, b"three"),
            (TEXT, b"four"),
        ]


def test_a_ping_is_timed_by_the_pong_with_its_payload(any_server: RawServer, live: Any) -> None:
    with live() as running:
        peer = any_server.open()
        attempt = running.opened().attempt
        assert attempt.ping()
        assert attempt.ping()
        (_, first), (_, second) = peer.next_frame(), peer.next_frame()
        assert first != second
        before = attempt.last_frame
        peer.send(frame(PONG, first))
        wait_until(lambda: attempt.last_frame > before)
        assert attempt.ping_rtt is None
        peer.send(frame(PONG, second))
        wait_until(lambda: attempt.ping_rtt is not None)
        assert attempt.pinged_at is None


def test_a_ping_of_the_server_is_answered_and_a_sign_of_life(any_server: RawServer, live: Any) -> None:
    with live() as running:
        peer = any_server.open()
        before = running.opened().attempt.last_frame
        peer.send(frame(PING, b"you"))
        assert peer.next_frame() == (PONG, b"you")
        wait_until(lambda: running.attempt.last_frame > before)


def test_a_ping_that_would_have_to_wait_is_not_sent(any_server: RawServer, live: Any) -> None:
    with live() as running:
        any_server.open()
        attempt = running.opened().attempt
        assert attempt.ping()
        pinged_at = attempt.pinged_at
        while attempt.try_send(b"x" * 65536, binary=True):
            pass
        assert not attempt.ping()
        assert attempt.pinged_at == pinged_at
        assert not attempt.say_goodbye()


def test_nothing_is_sent_before_it_is_open_or_after(any_server: RawServer, live: Any) -> None:
    running = live()
    for _ in range(2):
        with pytest.raises(ConnectionLost, match="not connected") as caught:
            running.attempt.send(b"x", binary=False)
        assert caught.value.cause == "lost"
        assert not running.attempt.try_send(b"x", binary=False)
        assert not running.attempt.ping()
        assert not running.attempt.say_goodbye()
        running.attempt.flush()
        if running.ending is None:
            with running:
                any_server.open().close()
                running.end()


def test_a_goodbye_is_answered_and_ends_it(any_server: RawServer, live: Any) -> None:
    with live() as running:
        peer = any_server.open()
        assert running.opened().attempt.say_goodbye()
        assert peer.next_frame() == (CLOSE, b"\x03\xe8")
        peer.send(frame(CLOSE, b"\x03\xe8"))
        assert running.end().close_code == 1000


def test_an_end_without_a_close_frame_is_lost(any_server: RawServer, live: Any) -> None:
    with live() as running:
        peer = any_server.open()
        running.opened()
        peer.close()
        error = running.end()
    assert (type(error), error.cause, error.close_code) == (ConnectionLost, "lost", None)


def test_a_reset_is_told(any_server: RawServer, live: Any) -> None:
    with live() as running:
        peer = any_server.open()
        running.opened()
        peer.reset()
        assert running.end().cause == ("reset" if any_server.context is None else running.ending.cause)
    assert running.ending.cause in ("reset", "lost")


def test_a_stalled_send_is_told_to_the_sender_and_is_the_cause(any_server: RawServer, live: Any) -> None:
    with live(send=0.2) as running:
        any_server.open()
        attempt = running.opened().attempt
        with pytest.raises(ConnectionLost, match="takes no data") as caught:
            again_and_again(lambda: attempt.send(b"x" * 65536, binary=False))
        assert caught.value.cause == "send stalled"
        assert running.end() is caught.value


def test_a_pong_that_stalls_ends_it_as_well(any_server: RawServer, live: Any) -> None:
    with live(send=0.2) as running:
        peer = any_server.open()
        attempt = running.opened().attempt
        while attempt.try_send(b"x" * 65536, binary=True):
            pass
        try:
            while running.ending is None:
                peer.send(frame(PING, b"p" * 125) * 100)
        except OSError:
            pass  # the client is gone
        error = running.end()
    assert (type(error), error.cause) == (ConnectionLost, "send stalled")


def test_a_send_into_a_reset_connection_fails_as_lost(server: RawServer) -> None:
    entered, leave = threading.Event(), threading.Event()
    with LiveAttempt(server.url) as running:
        running.on_received = lambda: (entered.set(), leave.wait())
        peer = server.open()
        running.opened()
        peer.text(b"now the reader is busy")
        assert entered.wait(10)
        peer.reset()
        with pytest.raises(ConnectionLost) as caught:
            again_and_again(lambda: running.attempt.send(b"x", binary=False))
        assert caught.value.cause in ("reset", "lost")
        assert caught.value.__cause__ is not None
        leave.set()
        assert running.end() is caught.value


@pytest.mark.parametrize("place", ["on_opened", "on_received"])
def test_an_exception_of_the_owner_ends_it_with_a_log(
    server: RawServer, place: str, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise LookupError("a bug")

    with LiveAttempt(server.url) as running:
        setattr(running, place, fail)
        server.open().text(b"x")
        error = running.end()
    assert (type(error), error.cause) == (ConnectionLost, "error")
    assert isinstance(error.__cause__, LookupError)
    assert any(record.exc_info and "bug" in str(record.exc_info[1]) for record in caplog.records)


@pytest.mark.parametrize("place", ["on_opened", "on_received"])
def test_an_error_of_ours_from_the_owner_is_the_ending(server: RawServer, place: str) -> None:
    refusal = AuthenticationError("no")

    def fail() -> None:
        raise refusal

    with LiveAttempt(server.url) as running:
        setattr(running, place, fail)
        server.open().text(b"x")
        assert running.end() is refusal


def test_the_first_cause_of_a_kill_is_the_ending(server: RawServer) -> None:
    first = ConnectionLost("first", cause="silent")
    with LiveAttempt(server.url) as running:
        server.open()
        attempt = running.opened().attempt
        attempt.kill(first)
        attempt.kill(ConnectionLost("second"))
        assert running.end() is first
    assert not attempt.is_open


def test_a_kill_without_a_cause_ends_it(server: RawServer) -> None:
    with LiveAttempt(server.url) as running:
        server.open()
        running.opened().attempt.kill(None)
        assert isinstance(running.end(), ConnectionLost)


def test_a_kill_before_the_start_prevents_the_dial(server: RawServer) -> None:
    running = LiveAttempt(server.url)
    running.attempt.kill(None)
    with running:
        assert isinstance(running.end(), ConnectionLost)
    assert running.openings == 0


def test_no_frame_is_delivered_after_a_kill(server: RawServer) -> None:
    with LiveAttempt(server.url) as running:
        running.on_received = lambda: running.attempt.kill(None)
        peer = server.open()
        try:
            for number in range(50):
                peer.send(frame(TEXT, b"%d" % number), frame(TEXT, b"x" * 70_000, form=64), frame(TEXT, b"y"))
        except OSError:
            pass  # the client is gone
        running.end()
    assert running.frames == [b"0"]


def test_while_frames_are_handed_on_that_shows(server: RawServer) -> None:
    entered, leave = threading.Event(), threading.Event()
    with LiveAttempt(server.url) as running:
        running.on_received = lambda: (entered.set(), leave.wait())
        server.open().text(b"x")
        assert entered.wait(10)
        assert running.attempt.delivering
        leave.set()
        wait_until(lambda: not running.attempt.delivering)
        assert running.attempt.frames == 1


def test_a_bad_proxy_is_a_matter_of_configuration() -> None:
    with LiveAttempt("ws://api.test", proxy="socks5://user:hush@proxy.test") as running:
        assert isinstance(running.end(), ConfigurationError)


def test_a_missing_descriptor_is_a_lack_of_resources(server: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr("bigone_sync.transport.attempt.ChannelApp", fail)
    with LiveAttempt(server.url) as running:
        error = running.end()
    assert isinstance(error, ConnectError)
    assert error.kind == "resources"


def test_the_unexpected_is_logged_and_worth_another_try(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise LookupError("a bug")

    monkeypatch.setattr("bigone_sync.transport.attempt.choose_proxy", fail)
    with caplog.at_level(logging.ERROR, "bigone_sync"), LiveAttempt("ws://127.0.0.1:1") as running:
        error = running.end()
    assert isinstance(error, ConnectError)
    assert "LookupError: a bug" in str(error)
    assert "failed unexpectedly" in caplog.text


def test_a_name_that_hangs_ends_at_the_deadline_and_leaves_only_its_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    with monkeypatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", lambda *_: release.wait() and [])
        with LiveAttempt("ws://slow.test", connect=0.2) as running:
            error = running.end()
    release.set()
    assert isinstance(error, ConnectTimeout)
    assert error.kind == "dns"
