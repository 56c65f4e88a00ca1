"""Our reading against the library's own: the same stream must come to the same, however it is cut."""

from __future__ import annotations

import itertools
import socket

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from raw_server import BINARY, CLOSE, PING, PONG, TEXT, close_frame, frame
from stream_player import CutSocket, play_ours, play_untouched

CONT = 0
MASK = b"\x01\x80\xff\x7f"

SCRIPT = [
    frame(TEXT, b"one"),
    frame(PING, b"hi"),
    frame(TEXT, b"fr", fin=False),
    frame(PING, b"between"),
    frame(CONT, b"ag", fin=False),
    frame(PONG, b"unasked"),
    frame(CONT, b"ment"),
    frame(TEXT, b"x" * 126),
    frame(BINARY, b"\x00\xff" * 70),
    frame(TEXT, b""),
    frame(BINARY, b"", fin=False),
    frame(CONT, b"", fin=False),
    frame(CONT, b""),
    frame(TEXT, b"short as 16", form=16),
    frame(BINARY, b"short as 64", form=64),
    frame(TEXT, b"masked", mask=MASK),
    frame(TEXT, b"m" * 130, mask=MASK),
    frame(TEXT, b"mas", fin=False, mask=MASK),
    frame(CONT, b"ked", mask=MASK),
    frame(PING, b"masked ping", mask=MASK),
    frame(TEXT, b"\xc5\xbelu\xc5\xa5"),
    frame(TEXT, b"\xff no utf-8"),
    frame(PONG, b"p" * 300),
    frame(PING, b""),
    frame(TEXT, b"y" * 125),
    frame(TEXT, b"last"),
]
STREAM = b"".join(SCRIPT)

ENDINGS = {
    "end of stream": b"",
    "1000": close_frame(1000, b"bye"),
    "1001": close_frame(1001),
    "1012": close_frame(1012, b"restart"),
    "4001": close_frame(4001, b"auth expired"),
    "no code": frame(CLOSE),
    "1005": close_frame(1005),
    "1006": close_frame(1006, b"odd"),
    "999": close_frame(999),
    "half a code": frame(CLOSE, b"\x03"),
    "long reason": close_frame(1000, b"r" * 124),
    "bad reason": close_frame(1000, b"\xff\xfe"),
    "masked close": frame(CLOSE, b"\x0f\xa1bye", mask=MASK),
    "rsv1": frame(TEXT, b"squeezed", rsv=4),
    "rsv3 in a ping": frame(PING, b"x", rsv=1),
    "opcode 3": frame(3, b"new"),
    "opcode 11": frame(11, b"new"),
    "continuation first": frame(CONT, b"of nothing"),
    "text inside a message": frame(TEXT, b"a", fin=False) + frame(TEXT, b"b"),
    "binary inside a message": frame(BINARY, b"a", fin=False) + frame(BINARY, b"b", fin=False),
    "text inside a message behind a ping": frame(TEXT, b"a", fin=False) + frame(PING) + frame(TEXT, b"b"),
    "fragmented ping": frame(PING, b"x", fin=False),
    "long ping": frame(PING, b"x" * 126),
    "half a header": b"\x81",
    "half a length": b"\x81\x7e\x01",
    "half a long length": b"\x82\x7f\x00\x00\x00",
    "half a frame": frame(TEXT, b"x" * 200)[:100],
    "half a message": frame(TEXT, b"half", fin=False),
    "message around the end": frame(TEXT, b"half", fin=False) + close_frame(1001, b"x"),
}


@pytest.mark.parametrize("fast", [True, False])
def test_the_script_is_what_it_is_meant_to_be(fast: bool) -> None:
    events, answers = play_ours(STREAM, fast=fast)
    assert [event[1] for event in events if event[0] == "ping"] == [b"hi", b"between", b"masked ping", b""]
    assert [payload for opcode, payload in answers if opcode == PONG] == [b"hi", b"between", b"masked ping", b""]
    assert [event[1] for event in events if event[0] == "data"] == [
        b"one", b"fragment", b"x" * 126, b"\x00\xff" * 70, b"", b"", b"short as 16", b"short as 64", b"masked",
        b"m" * 130, b"masked", b"\xc5\xbelu\xc5\xa5", b"\xff no utf-8", b"y" * 125, b"last",
    ]  # fmt: skip


@pytest.mark.parametrize("part", range(4))
def test_every_cut_of_the_script_comes_to_the_same(part: int) -> None:
    expected = play_untouched(STREAM)
    for cut in range(part, len(STREAM) + 1, 4):
        assert play_ours(STREAM, [cut]) == expected, f"cut at {cut}"


def test_the_cuts_are_cuts() -> None:
    here, there = socket.socketpair()
    with CutSocket(fileno=here.detach()) as sock, there:
        sock.cuts = [0, 3, 4]
        there.sendall(b"HTTP\r\n\r\n" + STREAM)
        space = memoryview(bytearray(100))
        assert [sock.recv_into(space) for _ in range(4)] == [8, 3, 1, 100]
        assert len(sock.recv(50)) == 50


def test_the_script_byte_by_byte_comes_to_the_same() -> None:
    expected = play_untouched(STREAM)
    assert play_ours(STREAM, range(len(STREAM))) == expected
    assert play_ours(STREAM, range(len(STREAM)), fast=False) == expected
    assert play_ours(STREAM, range(0, len(STREAM), 7)) == expected


@pytest.mark.parametrize("name", ENDINGS)
def test_every_ending_comes_to_the_same_at_every_cut(name: str) -> None:
    stream = frame(TEXT, b"before") + ENDINGS[name]
    if not name.startswith(("half a", "end of")):
        stream += frame(TEXT, b"behind it")
    expected = play_untouched(stream)
    assert expected[0][0] == ("data", b"before")
    for cut in range(len(stream) if len(stream) < 80 else 40):
        assert play_ours(stream, [cut]) == expected, f"cut at {cut}"
    assert play_ours(stream, range(len(stream))) == expected
    assert play_ours(stream, fast=False) == expected


def test_long_frames_come_to_the_same_when_cut_in_the_header_or_the_payload() -> None:
    long, longer = frame(TEXT, b"z" * 65535), frame(BINARY, bytes(range(256)) * 274)
    stream = frame(TEXT, b"a") + long + frame(TEXT, b"b") + longer + frame(TEXT, b"c") + close_frame(4001, b"end")
    expected = play_untouched(stream)
    assert [len(event[1]) for event in expected[0] if event[0] == "data"] == [1, 65535, 1, 256 * 274, 1]
    first, second = 3, 3 + len(long) + 3
    for cut in [
        *range(8),
        60_000,
        *range(second - 4, second + 14),
        second + 66_000,
        *range(len(stream) - 12, len(stream)),
    ]:
        assert play_ours(stream, [cut]) == expected, f"cut at {cut}"
    assert play_ours(stream, [first, second, second + 2, second + 10]) == expected
    assert play_ours(stream, fast=False) == expected


MESSAGES = st.binary(max_size=140) | st.integers(120, 70_000).map(lambda size: b"l" * size)
FORMS = st.sampled_from([0, 0, 0, 16, 64])
MASKS = st.sampled_from([b"", b"", b"", MASK])
CONTROLS = st.builds(frame, st.sampled_from([PING, PONG]), st.binary(max_size=20), mask=MASKS)


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    """A whole message, perhaps in fragments with control frames between."""
    kind, payload = draw(st.sampled_from([TEXT, BINARY])), draw(MESSAGES)
    pieces = sorted(draw(st.lists(st.integers(0, len(payload)), max_size=3)))
    bounds = [0, *pieces, len(payload)]
    stream = b""
    for number, (start, stop) in enumerate(itertools.pairwise(bounds)):
        stream += b"".join(draw(st.lists(CONTROLS, max_size=1))) if number else b""
        stream += frame(
            CONT if number else kind,
            payload[start:stop],
            fin=number == len(pieces),
            form=draw(FORMS),
            mask=draw(MASKS),
        )
    return stream


WRONG = st.sampled_from(sorted(ENDINGS.values()))


@settings(max_examples=100, suppress_health_check=list(HealthCheck))
@given(st.lists(messages() | CONTROLS, max_size=8).map(b"".join), WRONG, st.data())
def test_any_stream_in_any_pieces_comes_to_the_same(start: bytes, ending: bytes, data: st.DataObject) -> None:
    stream = start + ending
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=12))
    assert play_ours(stream, cuts, fast=data.draw(st.booleans())) == play_untouched(stream)
