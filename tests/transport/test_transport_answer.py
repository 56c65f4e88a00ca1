"""The handshake on the wire, through a whole attempt: refusals, bodies, limits, drips, cookies."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import websocket._handshake as library_handshake
from raw_server import TEXT, Peer, RawServer, answer_101, frame
from transport_rig import LiveAttempt

from bigone_sync.errors import ConnectError, ConnectTimeout
from bigone_sync.transport import attempt as attempt_module
from bigone_sync.transport.failure import is_fatal

REASONED = b'{"code":401,"message":"no"}'


@pytest.fixture(params=["fast", "slow"], autouse=True)
def way_of_reading(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test runs with our reading, and with the library's own."""
    if request.param == "slow":
        monkeypatch.setattr(attempt_module, "hook_available", lambda: False)


@contextmanager
def asking(server: RawServer, **options: Any) -> Iterator[tuple[LiveAttempt, Peer]]:
    """An attempt that has sent its request."""
    with LiveAttempt(server.url, **options) as live:
        peer = server.accept()
        peer.head()
        yield live, peer


def refusal(live: LiveAttempt) -> ConnectError:
    error = live.end()
    assert isinstance(error, ConnectError), error
    assert live.openings == 0
    return error


def test_the_request_is_complete(server: RawServer) -> None:
    with asking(server, headers={"Authorization": "Bearer t"}, subprotocol="json") as (live, peer):
        first, *lines = peer.request.decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines if line)
        assert first == "GET /ws/v2 HTTP/1.1"
        assert headers.pop("Sec-WebSocket-Key")
        assert headers.pop("User-Agent").startswith("bigone_sync/")
        assert headers == {
            "Host": f"127.0.0.1:{server.port}",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13",
            "Authorization": "Bearer t",
            "Sec-WebSocket-Protocol": "json",
        }
        peer.send(answer_101(peer.request))
        live.opened()


@pytest.mark.parametrize("name", ["User-Agent", "user-agent"])
def test_a_user_agent_of_the_caller_replaces_ours(server: RawServer, name: str) -> None:
    with asking(server, headers={name: "mine"}) as (_, peer):
        agents = [line for line in peer.request.lower().split(b"\r\n") if line.startswith(b"user-agent:")]
        assert agents == [b"user-agent: mine"]


@pytest.mark.parametrize("headers", [{"Cookie": "own=1"}, {"User-Agent": "x", "Cookie": "own=1"}])
def test_a_cookie_of_the_caller_is_sent_and_one_of_the_jar_is_not(
    server: RawServer, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    jar = library_handshake.SimpleCookieJar()
    monkeypatch.setattr(library_handshake, "CookieJar", jar)
    for foreign in ("", "foreign=secret; Domain=127.0.0.1"):
        jar.add(foreign)
        with asking(server, headers=headers) as (_, peer):
            cookies = [line for line in peer.request.split(b"\r\n") if line.lower().startswith(b"cookie:")]
            assert cookies == [b"Cookie: own=1"]
    with asking(server) as (_, peer):
        assert b"foreign" not in peer.request


def test_a_cookie_of_the_server_does_not_reach_the_jar(server: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library_handshake, "CookieJar", library_handshake.SimpleCookieJar())
    with asking(server) as (live, peer):
        peer.send(answer_101(peer.request, b"Set-Cookie: a=secret; Domain=127.0.0.1"))
        live.opened()
    assert not library_handshake.CookieJar.get("127.0.0.1")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(server: RawServer, status: int) -> None:
    with RawServer() as elsewhere, asking(server, headers={"Authorization": "Bearer t"}) as (live, peer):
        location = f"Location: {elsewhere.url}".encode()
        peer.send(b"HTTP/1.1 %d Moved\r\n%b\r\nContent-Length: 0\r\n\r\n" % (status, location))
        error = refusal(live)
        assert (error.status_code, is_fatal(error)) == (status, False)
        assert "redirect refused" in str(error)
        assert error.headers["location"] == elsewhere.url
        elsewhere.listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            elsewhere.listener.accept()


BODIES = {
    "length": (b"Content-Length: %d\r\n\r\n" % len(REASONED) + REASONED, REASONED, False),
    "more than its length": (b"Content-Length: 5\r\n\r\n" + REASONED, REASONED[:5], False),
    "until the end": (b"\r\n" + REASONED, REASONED, True),
    "none": (b"Content-Length: 0\r\n\r\n", b"", False),
    "less than its length": (b"Content-Length: 1000\r\n\r\n" + REASONED, REASONED, False),
    "chunked": (
        b"Transfer-Encoding: chunked\r\n\r\nA;x=y\r\n"
        + REASONED[:10]
        + b"\r\n11\r\n"
        + REASONED[10:]
        + b"\r\n0\r\nTrailer: x\r\n\r\n",
        REASONED,
        False,
    ),
    "chunked without an end": (
        b"Transfer-Encoding: Chunked\r\n\r\nA\r\n" + REASONED[:10] + b"\r\n11\r\nabc",
        REASONED[:10] + b"abc",
        True,
    ),
    "badly chunked": (
        b"Transfer-Encoding: chunked\r\n\r\nA\r\n" + REASONED[:10] + b"\r\nnonsense\r\n",
        REASONED[:10],
        True,
    ),
}


@pytest.mark.parametrize("kind", BODIES)
def test_a_refusal_tells_status_headers_and_body(server: RawServer, kind: str) -> None:
    answer, body, ends = BODIES[kind]
    with asking(server) as (live, peer):
        peer.send(b"HTTP/1.1 401 Unauthorized\r\nX-Reason: key\r\nSet-Cookie: a=secret\r\n" + answer)
        if ends:
            peer.close()
        error = refusal(live)
        assert (error.status_code, error.kind, error.body) == (401, "handshake", body)
        assert error.headers["x-reason"] == "key"
        assert "set-cookie" not in error.headers
        assert str(error) == f"{server.url}: the server answered the handshake with status 401"


def test_no_more_of_a_body_than_64_kib_is_kept(server: RawServer) -> None:
    with asking(server) as (live, peer):
        try:
            peer.send(b"HTTP/1.1 500 x\r\n\r\n" + b"b" * 300_000)
        except OSError:
            pass  # the client has had enough
        assert refusal(live).body == b"b" * 65536


def test_a_reset_in_the_body_still_tells_the_status(server: RawServer) -> None:
    with asking(server) as (live, peer):
        peer.send(b"HTTP/1.1 503 x\r\nRetry-After: 7\r\nContent-Length: 1000\r\n\r\n")
        peer.reset()
        error = refusal(live)
        assert (error.status_code, error.headers["retry-after"]) == (503, "7")


def test_a_broken_rule_of_101_is_final(server: RawServer) -> None:
    with asking(server) as (live, peer):
        peer.send(answer_101(peer.request).replace(b"Accept: ", b"Accept: x"))
        error = refusal(live)
        assert "Sec-WebSocket-Accept" in str(error)
        assert is_fatal(error)


@pytest.mark.parametrize(
    "junk", [b"X: " + b"x" * 50_000, b"A: b\r\n" * 20_000], ids=["one long line", "many short ones"]
)
def test_a_head_over_16_kib_is_refused(server: RawServer, junk: bytes) -> None:
    with asking(server) as (live, peer):
        try:
            peer.send(b"HTTP/1.1 101 x\r\n" + junk)
        except OSError:
            pass  # the client has had enough
        assert "the answer's head is over 16384 bytes" in str(refusal(live))


def test_a_head_of_just_16_kib_is_accepted(server: RawServer) -> None:
    with asking(server) as (live, peer):
        plain = answer_101(peer.request)
        filler = b"X: " + b"x" * (16 * 1024 - len(plain) + 4 - 5)
        answer = answer_101(peer.request, filler)
        assert len(answer) == 16 * 1024 + 4
        peer.send(answer)
        live.opened()


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: web"])
def test_a_server_that_closes_during_the_handshake(server: RawServer, answer: bytes) -> None:
    with asking(server) as (live, peer):
        peer.send(answer)
        peer.close()
        error = refusal(live)
        assert "closed during the handshake" in str(error)
        assert not is_fatal(error)


def test_a_server_that_resets_during_the_handshake(server: RawServer) -> None:
    with asking(server) as (live, peer):
        peer.reset()
        error = refusal(live)
        assert (error.kind, is_fatal(error)) == ("handshake", False)


def test_silence_ends_at_the_deadline(server: RawServer) -> None:
    with asking(server, connect=0.3) as (live, _):
        assert isinstance(refusal(live), ConnectTimeout)


def test_a_drip_ends_at_the_deadline(server: RawServer) -> None:
    with asking(server, connect=0.4) as (live, peer):
        try:
            for byte in answer_101(peer.request) * 100:
                peer.send(bytes([byte]))
                if live.ending is not None:
                    break
                live._thread.join(0.02)
        except OSError:
            pass
        assert isinstance(refusal(live), ConnectTimeout)


def test_frames_glued_to_the_answer_arrive(server: RawServer) -> None:
    with LiveAttempt(server.url) as live:
        peer = server.open(glued=frame(TEXT, b"one") + frame(TEXT, b"two"))
        peer.text(b"three")
        peer.close()
        live.end()
    assert live.frames == [b"one", b"two", b"three"]


def test_an_answer_in_pieces_is_an_answer(server: RawServer) -> None:
    with asking(server) as (live, peer):
        for byte in answer_101(peer.request):
            peer.send(bytes([byte]))
        live.opened()
        assert peer.sock.type == socket.SOCK_STREAM
