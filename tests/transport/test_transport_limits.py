"""No frame and no message over the limit is held in memory, whichever way it is read; and the hook's absence."""

from __future__ import annotations

import logging
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import websocket
from certificate_maker import Certificates
from raw_server import BINARY, CLOSE, PING, PONG, TEXT, Peer, RawServer, close_frame, frame
from transport_rig import LiveAttempt

from bigone_sync.errors import ConnectionLost, MessageTooBig, ProtocolError
from bigone_sync.testing.leaks import wait_until
from bigone_sync.transport import attempt as attempt_module
from bigone_sync.transport.channel_socket import ChannelSocket
from bigone_sync.transport.reader import ChannelApp, hook_available

CONT = 0


@pytest.fixture(params=["ws fast", "ws slow", "wss fast", "wss slow"])
def opened(
    request: pytest.FixtureRequest, certificates: Certificates, monkeypatch: pytest.MonkeyPatch, nothing_left: None
) -> Iterator[Any]:
    """Opens an attempt: by our reading or the library's own, plain or TLS."""
    scheme, way = request.param.split()
    if way == "slow":
        monkeypatch.setattr(attempt_module, "hook_available", lambda: False)
    with RawServer(certificates.server if scheme == "wss" else None) as server:

        @contextmanager
        def opening(*, glued: bytes = b"", **options: Any) -> Iterator[tuple[LiveAttempt, Peer]]:
            with LiveAttempt(server.url, ssl_context=certificates.client, **options) as live:
                yield live, server.open(glued=glued)

        yield opening


def ended(peer: Peer, live: LiveAttempt) -> tuple[Any, list[tuple[int, bytes]]]:
    """What ended the attempt, and the frames that the client sent until then."""
    frames = []
    try:
        while not frames or frames[-1][0] != CLOSE:
            frames.append(peer.next_frame())
    except (AssertionError, OSError):
        pass
    return live.end(), frames


def test_everything_arrives_whichever_way_it_is_read(opened: Any) -> None:
    with opened(glued=frame(TEXT, b"glued")) as (live, peer):
        peer.text(b"one", b"", b"x" * 70_000)
        peer.send(frame(TEXT, b"fr", fin=False), frame(PING, b"p"), frame(CONT, b"agment"), frame(BINARY, b"\xff"))
        peer.send(close_frame(4001, b"bye"))
        error, frames = ended(peer, live)
    assert live.frames == [b"glued", b"one", b"", b"x" * 70_000, b"fragment", b"\xff"]
    assert frames == [(PONG, b"p"), (CLOSE, b"\x03\xe8")]
    assert (error.cause, error.close_code, error.close_reason) == ("closed", 4001, "bye")


def test_single_messages_arrive_at_once_whichever_way_they_are_read(opened: Any) -> None:
    with opened() as (live, peer):
        for number in range(1, 30):
            peer.text(b"%d" % number)
            wait_until(lambda expected=number: len(live.frames) == expected)


def test_many_frames_in_one_write_arrive_at_once(opened: Any) -> None:
    wanted = [b"%d" % number for number in range(300)]
    with opened() as (live, peer):
        peer.text(*wanted)
        wait_until(lambda: len(live.frames) == 300)
        assert live.frames == wanted


@pytest.mark.parametrize(
    "stream",
    [
        b"\x82\x7f" + struct.pack("!Q", 2**62) + b"x" * 1000,
        b"\x82\x7f" + struct.pack("!Q", 2**63) + b"x" * 1000,
        b"\x82\x7f" + struct.pack("!Q", 1001),
        frame(TEXT, b"x" * 1001)[:4],
        frame(TEXT, b"x" * 600, fin=False) + frame(CONT, b"x" * 401, fin=False),
        frame(TEXT, b"x" * 600, fin=False) + frame(PING) + frame(CONT, b"x" * 401),
    ],
    ids=["2^62", "2^63", "64 bit", "16 bit", "fragments", "last fragment"],
)
def test_a_message_over_the_limit_ends_with_1009(opened: Any, stream: bytes) -> None:
    with opened(max_message=1000) as (live, peer):
        peer.text(b"before")
        peer.send(stream)
        error, frames = ended(peer, live)
    assert isinstance(error, MessageTooBig), error
    assert "the limit is 1000" in str(error)
    assert live.frames == [b"before"]
    assert frames[-1] == (CLOSE, struct.pack("!H", 1009))


def test_a_short_frame_is_bound_too(opened: Any) -> None:
    with opened(max_message=10) as (live, peer):
        peer.text(b"x" * 10, b"y" * 11)
        error, frames = ended(peer, live)
    assert isinstance(error, MessageTooBig)
    assert live.frames == [b"x" * 10]
    assert frames[-1] == (CLOSE, struct.pack("!H", 1009))


def test_a_message_of_just_the_limit_arrives(opened: Any) -> None:
    with opened(max_message=1000) as (live, peer):
        peer.text(b"x" * 1000)
        peer.send(frame(TEXT, b"y" * 999, fin=False), frame(CONT, b"z"))
        peer.send(frame(BINARY, b"w" * 1000, form=64))
        wait_until(lambda: len(live.frames) == 3)
        assert live.frames == [b"x" * 1000, b"y" * 999 + b"z", b"w" * 1000]


def test_endless_fragments_hold_no_more_than_the_limit(opened: Any) -> None:
    with opened(max_message=100_000) as (live, peer):
        peer.send(frame(TEXT, b"", fin=False))
        try:
            for _ in range(100_000):
                peer.send(frame(CONT, b"x" * 1000, fin=False))
        except OSError:
            pass
        assert isinstance(live.end(), MessageTooBig)


def test_empty_fragments_are_counted_by_nobody_but_end_with_the_message(opened: Any) -> None:
    with opened() as (live, peer):
        peer.send(frame(BINARY, b"", fin=False), frame(CONT, b"", fin=False) * 100, frame(CONT, b"end"))
        wait_until(lambda: live.frames == [b"end"])


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65535])
def test_a_close_code_out_of_range_is_kept(opened: Any, code: int) -> None:
    with opened() as (live, peer):
        peer.send(close_frame(code, b"why"))
        error, frames = ended(peer, live)
    assert isinstance(error, ConnectionLost)
    assert (error.cause, error.close_code) == ("closed", code)
    assert frames == [(CLOSE, struct.pack("!H", 1002))]


def test_a_masked_close_code_out_of_range_is_kept(opened: Any) -> None:
    with opened() as (live, peer):
        peer.send(frame(CLOSE, struct.pack("!H", 999), mask=b"\x11\x22\x33\x44"))
        error, _ = ended(peer, live)
    assert (error.cause, error.close_code) == ("closed", 999)


@pytest.mark.parametrize(
    ("code", "reason", "shown"),
    [(1000, b"", ""), (1001, b"going", "going"), (1012, b"restart", "restart"), (4001, b"\xffx", "\ufffdx")],
)
def test_a_close_frame_tells_code_and_reason(opened: Any, code: int, reason: bytes, shown: str) -> None:
    with opened() as (live, peer):
        peer.send(close_frame(code, reason))
        error, frames = ended(peer, live)
        assert peer.rest() == b""  # we close although the server does not
    assert (error.cause, error.close_code, error.close_reason) == ("closed", code, shown)
    assert f"code {code}" in str(error)
    assert frames == [(CLOSE, b"\x03\xe8")]


def test_a_close_frame_without_a_code(opened: Any) -> None:
    with opened() as (live, peer):
        peer.send(frame(CLOSE))
        error, _ = ended(peer, live)
    assert (error.cause, error.close_code, error.close_reason) == ("closed", None, "")
    assert "no code" in str(error)


@pytest.mark.parametrize(
    "stream",
    [
        frame(TEXT, b"x", rsv=4),
        frame(3, b"x"),
        frame(CONT, b"x"),
        frame(PING, b"x" * 126),
        frame(TEXT, b"a", fin=False) + frame(TEXT, b"b"),
        frame(TEXT, b"a", fin=False) + frame(PING) + frame(TEXT, b"b"),
        frame(CLOSE, b"\x03"),
    ],
    ids=[
        "rsv",
        "opcode",
        "continuation",
        "long ping",
        "text in text",
        "text behind a ping in text",
        "half a close code",
    ],
)
def test_a_breach_of_the_protocol_ends_with_1002_at_once(opened: Any, stream: bytes) -> None:
    with opened() as (live, peer):
        peer.text(b"before")
        peer.send(stream)
        error, frames = ended(peer, live)
    assert isinstance(error, ProtocolError), error
    assert not isinstance(error, MessageTooBig)
    assert isinstance(error.__cause__, websocket.WebSocketProtocolException)
    assert frames[-1] == (CLOSE, struct.pack("!H", 1002))


def test_the_hook_is_known_in_this_version() -> None:
    assert hook_available()


class _Renamed:
    def create_dispatcher(self, timeout: float, dispatcher: Any, is_ssl: bool, handleDisconnect: Any) -> None:
        """As ours, with another name for an argument."""


def test_a_hook_that_is_missing_or_changed_is_not_used() -> None:
    assert not hook_available(type("NoHook", (), {}))
    assert not hook_available(_Renamed)


def test_reading_the_slow_way_is_warned_about_once(
    server: RawServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(attempt_module, "hook_available", lambda: False)
    attempt_module._warn_of_slow_reading.cache_clear()
    with caplog.at_level(logging.WARNING, "bigone_sync"):
        for _ in range(2):  # once in all, not once an attempt
            with LiveAttempt(server.url) as live:
                server.open()
                live.opened()
    assert caplog.text.count("slow way") == 1


def test_an_app_without_a_socket_says_so(server: RawServer) -> None:
    app = ChannelApp("ws://x.test", object.__new__(ChannelSocket), lambda _: None, 1, on_open=lambda: None)
    with pytest.raises(RuntimeError, match="opened without a socket"):
        app._on_open(app)
