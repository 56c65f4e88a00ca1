"""What a hostile or broken server does to a whole connection, and that it comes back."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import closing

import pytest
from channel_rig import Task
from raw_server import CLOSE, PING, PONG, TEXT, RawServer, close_frame, frame
from transport_rig import Link

from bigone_sync.enums import ConnectionState as S
from bigone_sync.errors import ConnectionLost, MessageTooBig, ProtocolError
from bigone_sync.testing.leaks import wait_until
from bigone_sync.testing.proxy import FaultProxy


def test_a_closed_port_is_tried_again_until_it_opens() -> None:
    with RawServer() as server, FaultProxy(server.url) as proxy:
        proxy.refuse()
        with Link(proxy.url) as link:
            assert link.loss(3).kind == "refused"
            proxy.refuse(False)
            server.open()
            link.ready()


def test_an_unknown_name_is_asked_for_anew_each_time() -> None:
    with Link("ws://nowhere.invalid/ws") as link:
        assert link.loss(2).kind == "dns"
        assert "nowhere.invalid" in str(link.owner.losses[1])


@pytest.mark.parametrize("code", [1000, 1001, 1008, 1012, 4001])
def test_after_a_close_frame_we_close_although_the_server_does_not(server: RawServer, code: int) -> None:
    with Link(server.url) as link:
        peer = server.open()
        link.ready()
        peer.send(close_frame(code, b"why"))
        assert (link.loss().close_code, link.loss().close_reason) == (code, "why")
        assert peer.next_frame() == (CLOSE, b"\x03\xe8")
        assert peer.rest() == b""
        server.open()
        link.ready()


@pytest.mark.parametrize(
    ("stream", "kind", "code"),
    [
        (frame(TEXT, b"x", rsv=4), ProtocolError, 1002),
        (b"\x82\x7f" + struct.pack("!Q", 2**62), MessageTooBig, 1009),
    ],
)
def test_a_breach_costs_one_reconnect(server: RawServer, stream: bytes, kind: type, code: int) -> None:
    with Link(server.url) as link:
        peer = server.open()
        link.ready()
        peer.send(stream)
        assert type(link.loss()) is kind
        assert peer.next_frame() == (CLOSE, struct.pack("!H", code))
        server.open()
        link.ready()
    assert len(link.owner.losses) == 1


def test_a_cut_and_a_reset_on_the_way(server: RawServer) -> None:
    with FaultProxy(server.url) as proxy, Link(proxy.url) as link:
        server.open()
        link.ready()
        proxy.cut()
        assert link.loss(1).cause == "lost"
        server.open()
        link.ready()
        proxy.reset()
        assert link.loss(2).cause == "reset"
        server.open()
        link.ready()


def test_a_proxy_on_the_way_that_dies_later_is_a_lost_connection(server: RawServer) -> None:
    with Link("ws://api.test/ws", proxy=f"http://u:p@127.0.0.1:{server.port}") as link:
        peer = server.accept()
        peer.head()
        peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
        peer.shake()
        link.ready()
        peer.text(b"through")
        link.got(b"through")
        peer.close()
        assert link.loss().cause == "lost"
        peer = server.accept()
        peer.head()
        peer.send(b"HTTP/1.1 502 x\r\n\r\n")
        assert (link.loss(2).kind, link.loss(2).status_code) == ("proxy", 502)
        peer = server.accept()
        peer.head()
        peer.send(b"HTTP/1.1 407 x\r\n\r\n")
        assert link.refusal().status_code == 407


@pytest.mark.parametrize("pings", [False, True])
def test_a_peer_that_stops_reading_fails_the_send_and_not_the_neighbour(pings: bool) -> None:
    with (
        RawServer(receive_buffer=4096) as server,
        RawServer() as other,
        Link(server.url, send=0.3) as link,
        Link(other.url) as neighbour,
    ):
        peer = server.open()
        link.ready()
        nearby = other.open()
        neighbour.ready()
        sender = Task(lambda: [link.connection.send(b"x" * 65536) for _ in range(1000)])
        if pings:
            peer.send(frame(PING, b"you") * 10)
        nearby.text(b"meanwhile")
        neighbour.got(b"meanwhile")
        error = link.loss()
        sender.join()
        assert error.cause == "send stalled"
        assert isinstance(sender.error, ConnectionLost)
        server.open()
        link.ready()
        assert neighbour.owner.losses == []


def test_a_flood_of_pings_does_not_starve_data(server: RawServer) -> None:
    with Link(server.url) as link:
        peer = server.open()
        pongs: list[bytes] = []

        def count() -> None:
            while len(pongs) < 10_000:
                opcode, payload = peer.next_frame()
                assert opcode == PONG
                pongs.append(payload)

        reader = Task(count)
        for number in range(100):
            peer.send(*(frame(PING, b"%d" % (number * 100 + i)) for i in range(100)), frame(TEXT, b"%d" % number))
        link.got(*(b"%d" % number for number in range(100)))
        reader.result()
        assert pongs == [b"%d" % i for i in range(10_000)]


def test_a_proxy_in_the_environment_does_not_touch_this_machine(
    server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as proxy:
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.getsockname()[1]}")
        with Link(server.url, proxy=None) as link:
            server.open()
            link.ready()
        proxy.setblocking(False)
        with pytest.raises(BlockingIOError):
            proxy.accept()


def test_a_proxy_in_the_environment_is_used_for_others(server: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.port}")
    with Link("ws://api.test:81/ws", proxy=None) as link:
        peer = server.accept()
        assert peer.head().startswith(b"CONNECT api.test:81 ")
        peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
        peer.shake()
        link.ready()


def test_no_cookie_crosses_from_one_connection_to_another(server: RawServer) -> None:
    cookie = b"Set-Cookie: account=secret; Domain=127.0.0.1"
    with Link(server.url) as first:
        peer = server.open(cookie)
        first.ready()
        with Link(server.url) as second:
            assert b"cookie" not in server.open().request.lower()
            second.ready()
        peer.close()
        assert b"cookie" not in server.open().request.lower()


def test_many_threads_may_send(server: RawServer) -> None:
    with Link(server.url) as link:
        peer = server.open()
        link.ready()
        sent = {(TEXT, b"%d-%d-" % (who, number) + b"x" * 3000) for who in range(8) for number in range(60)}

        def send(who: int) -> None:
            for _, payload in sorted(sent):
                if payload.startswith(b"%d-" % who):
                    link.connection.send(payload)

        threads = [threading.Thread(target=send, args=(who,)) for who in range(8)]
        for thread in threads:
            thread.start()
        assert {peer.next_frame() for _ in range(480)} == sent
        for thread in threads:
            thread.join()


def test_frames_behind_a_close_are_not_delivered(server: RawServer) -> None:
    with Link(server.url, initial=3600, cap=3600) as link:
        server.open(glued=frame(TEXT, b"before") + close_frame(1000) + frame(TEXT, b"behind"))
        link.wait(S.WAITING)
        wait_until(lambda: link.owner.losses)
    assert link.owner.frames == [b"before"]
