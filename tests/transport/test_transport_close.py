"""Closing: in every state, from anywhere, more than once; nothing happens after it, and nothing is left."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from certificate_maker import Certificates
from raw_server import CLOSE, TEXT, RawServer, close_frame, frame
from transport_rig import Link, again_and_again

from bigone_sync.enums import ConnectionState as S
from bigone_sync.errors import TransportError
from bigone_sync.testing.leaks import leak_check, wait_until
from bigone_sync.transport.attempt import Target

Prepare = Callable[[ExitStack, RawServer, Certificates, pytest.MonkeyPatch], Link]


def idle(stack: ExitStack, server: RawServer, *_: object) -> Link:
    return Link(server.url)


def in_dns(stack: ExitStack, server: RawServer, _: object, patch: pytest.MonkeyPatch) -> Link:
    asked, release = threading.Event(), threading.Event()

    def hang(*_: object) -> list[object]:
        asked.set()
        release.wait()
        return []

    patch.setattr(socket, "getaddrinfo", hang)
    stack.callback(release.set)
    link = Link("ws://slow.test", connect=3600).start()
    assert asked.wait(10)
    return link


def in_tls(stack: ExitStack, server: RawServer, certificates: Certificates, _: object) -> Link:
    link = Link(f"wss://127.0.0.1:{server.port}", connect=3600, ssl_context=certificates.client).start()
    server.accept().recv(1)
    return link


def in_proxy(stack: ExitStack, server: RawServer, *_: object) -> Link:
    link = Link("ws://api.test", connect=3600, proxy=f"http://127.0.0.1:{server.port}").start()
    server.accept().head()
    return link


def in_handshake(stack: ExitStack, server: RawServer, *_: object) -> Link:
    link = Link(server.url, connect=3600).start()
    server.accept().head()
    return link


def in_error_body(stack: ExitStack, server: RawServer, *_: object) -> Link:
    link = Link(server.url, connect=3600).start()
    peer = server.accept()
    peer.head()
    peer.send(b"HTTP/1.1 500 x\r\nContent-Length: 9\r\n\r\nhalf")
    return link


def in_login(stack: ExitStack, server: RawServer, *_: object) -> Link:
    link = Link(server.url)
    link.owner.accepts = False
    link.start()
    server.open()
    link.wait(S.AUTHENTICATING)
    return link


def ready(stack: ExitStack, server: RawServer, *_: object) -> Link:
    link = Link(server.url).start()
    server.open()
    return link.ready()


def ready_by_tls(stack: ExitStack, _: object, certificates: Certificates, __: object) -> Link:
    server = stack.enter_context(RawServer(certificates.server))
    link = Link(server.url, ssl_context=certificates.client).start()
    server.open()
    return link.ready()


def in_half_a_frame(stack: ExitStack, server: RawServer, *_: object) -> Link:
    link = Link(server.url).start()
    server.open(glued=frame(TEXT, b"x" * 70_000)[:3000])
    link.ready()
    wait_until(lambda: link.connection.bytes_read > 3000)
    return link


def in_a_stalled_send(stack: ExitStack, _: object, *__: object) -> Link:
    server = stack.enter_context(RawServer(receive_buffer=4096))
    link = Link(server.url, send=3600).start()
    server.open()
    link.ready()

    def send() -> None:
        with pytest.raises(TransportError):
            again_and_again(lambda: link.connection.send(b"x" * 65536))

    sender = threading.Thread(target=send)
    sender.start()
    stack.callback(sender.join, 10)
    wait_until(lambda: not link.connection.try_send(b"x"))
    return link


def in_a_slow_owner(stack: ExitStack, server: RawServer, *_: object) -> Link:
    leave = threading.Event()
    link = Link(server.url)
    link.owner.on_received = lambda: leave.wait() and None
    link.start()
    server.open().text(b"x")
    wait_until(lambda: link.connection.is_delivering)
    threading.Timer(0.1, leave.set).start()
    return link


def in_backoff(stack: ExitStack, server: RawServer, *_: object) -> Link:
    link = Link(server.url, initial=7200, cap=7200).start()
    server.open().close()
    link.wait(S.WAITING)
    return link


def refused(stack: ExitStack, server: RawServer, *_: object) -> Link:
    link = Link(server.url).start()
    peer = server.accept()
    peer.head()
    peer.send(b"HTTP/1.1 403 x\r\nContent-Length: 0\r\n\r\n")
    link.refusal()
    return link


STATES: list[Prepare] = [
    idle, in_dns, in_tls, in_proxy, in_handshake, in_error_body, in_login, ready, ready_by_tls, in_half_a_frame,
    in_a_stalled_send, in_a_slow_owner, in_backoff, refused,
]  # fmt: skip


@pytest.fixture
def stack(nothing_left: None) -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


@pytest.mark.parametrize("prepare", STATES)
@pytest.mark.parametrize("closers", [1, 8])
def test_it_closes_in_every_state(
    prepare: Prepare,
    closers: int,
    stack: ExitStack,
    server: RawServer,
    certificates: Certificates,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        link = prepare(stack, server, certificates, patch)
        owner = link.owner
        openings = owner.openings
        threads = [threading.Thread(target=link.close, args=(2.0,)) for _ in range(closers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
            assert not thread.is_alive()
        link.close()
        assert link.connection.state is S.CLOSED
        assert owner.states.count(S.CLOSED) == 1
        assert owner.states[-1] is S.CLOSED
        assert owner.openings == openings
        calls = len(owner.frames), len(owner.losses), len(owner.refusals), len(owner.changes)
        link.connection.check(1e12)
        assert calls == (len(owner.frames), len(owner.losses), len(owner.refusals), len(owner.changes))


@pytest.mark.parametrize("place", ["on_opened", "on_received"])
def test_it_closes_from_its_own_thread(server: RawServer, place: str) -> None:
    link = Link(server.url)
    ended: list[bool] = []

    def close() -> None:
        link.connection.begin_close()
        ended.append(link.connection.finish_close(60.0))

    link.owner.accepts = place == "on_received"
    setattr(link.owner, place, close)
    link.start()
    peer = server.open()
    peer.text(b"x", b"y")
    peer.send(close_frame(1000))
    wait_until(lambda: ended)
    link.close()
    assert ended == [True]
    assert link.owner.states[-1] is S.CLOSED
    assert len(link.owner.frames) <= 2


def test_a_close_while_the_target_is_asked_for_prevents_the_dial(server: RawServer) -> None:
    link, asked = Link(server.url), threading.Event()

    def target() -> Target:
        link.connection.begin_close()
        asked.set()
        return link.owner.next_target

    link.owner.target = target  # type: ignore[method-assign]
    link.start()
    assert asked.wait(30)
    link.close()
    assert link.owner.openings == 0
    # What the kernel has accepted by now would be there at once.
    server.listener.setblocking(False)
    with pytest.raises(BlockingIOError):
        server.listener.accept()


def test_a_start_after_the_close_does_nothing(server: RawServer) -> None:
    link = Link(server.url)
    link.close()
    link.start().close()
    assert link.owner.states == [S.CLOSED]
    assert link.owner.targets == 0


def test_it_says_goodbye_and_waits_for_the_answer(server: RawServer) -> None:
    with Link(server.url) as link:
        peer = server.open()
        link.ready()
        link.connection.begin_close()
        assert peer.next_frame() == (CLOSE, b"\x03\xe8")
        peer.text(b"too late")
        peer.send(close_frame(1000))
        assert link.connection.finish_close(3600)
        assert peer.next_frame() == (CLOSE, b"\x03\xe8")
        assert peer.rest() == b""
    assert link.owner.frames == []
    assert link.owner.losses == []


def test_a_server_that_does_not_answer_the_goodbye_is_left(server: RawServer) -> None:
    link = Link(server.url).start()
    peer = server.open()
    link.ready()
    link.connection.begin_close()
    peer.text(*[b"x"] * 1000)
    assert link.connection.finish_close(0.4) or link.connection.finish_close(10)
    assert link.connection.state is S.CLOSED
    assert link.owner.frames == []


def test_a_reader_that_does_not_come_back_is_reported_as_not_ended(server: RawServer) -> None:
    leave = threading.Event()
    link = Link(server.url)
    link.owner.on_received = lambda: leave.wait() and None
    link.start()
    server.open().text(b"x")
    wait_until(lambda: link.connection.is_delivering)
    link.connection.begin_close()
    assert not link.connection.finish_close(0.1)
    leave.set()
    assert link.connection.finish_close(10)
    assert link.connection.state is S.CLOSED


def test_an_abandoned_connection_is_closed_and_the_peer_hears_nothing(server: RawServer) -> None:
    with Link(server.url) as link:
        peer = server.open()
        link.ready()
        attempt = link.connection._attempt
        assert attempt is not None
        assert attempt.socket is not None
        with socket.socket(fileno=socket.dup(attempt.socket.fileno())):  # as the parent's
            link.connection.abandon()
            assert link.connection.state is S.CLOSED
            peer.sock.setblocking(False)
            with pytest.raises(BlockingIOError):
                peer.sock.recv(1)
        peer.sock.settimeout(10)
        peer.text(b"wakes the reader, which a child does not have")


def test_abandoning_what_is_not_connected_is_harmless(server: RawServer) -> None:
    link = Link(server.url)
    link.connection.abandon()
    assert link.connection.state is S.CLOSED


def test_starting_and_stopping_a_hundred_times_leaves_nothing(server: RawServer) -> None:
    with leak_check():
        for number in range(100):
            link = Link(server.url).start()
            if number % 3:
                peer = server.open()
                if number % 3 == 1:
                    link.ready()
                    peer.send(close_frame(1000))
            link.connection.begin_close()
            if number % 3 == 2:
                peer.close()
            link.close()
            if number % 3 == 0:
                server.listener.settimeout(0.01)
                try:
                    server.listener.accept()[0].close()
                except TimeoutError:
                    pass
                server.listener.settimeout(10)
            else:
                peer.close()
