"""Sends and reads of the channel's socket, TCP and TLS: deadlines, order, kills."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable

import pytest
from certificate_maker import Certificates
from channel_rig import BIG, Pair, Task, drain, sending
from transport_rig import again_and_again

from bigone_sync.testing.leaks import wait_until
from bigone_sync.transport import channel_socket
from bigone_sync.transport.channel_socket import SendStalled

Make = Callable[..., Pair]


@pytest.fixture(params=["tcp", "tls"])
def make(request: pytest.FixtureRequest, certificates: Certificates) -> Make:
    return lambda **options: Pair(request.param, certificates, **options)


@pytest.fixture
def make_tls(certificates: Certificates) -> Make:
    return lambda **options: Pair("tls", certificates, **options)


def test_bytes_go_both_ways_and_are_counted(make: Make) -> None:
    with make() as pair:
        assert pair.channel.send(b"hello") == 5
        assert pair.peer.recv(5) == b"hello"
        pair.peer.send(b"abcdef")
        assert pair.channel.fill() == 6
        assert pair.channel.pending() == 6
        assert pair.channel.recv(2) == b"ab"
        assert pair.channel.recv(100) == b"cdef"
        assert pair.channel.bytes_in == 6
        assert pair.channel.pending() == 0


def test_bytes_out_are_counted(make: Make) -> None:
    with make() as pair:
        pair.channel.send(b"hello")
        assert pair.channel.try_send(b"you")
        assert pair.channel.bytes_out == 8


def test_fill_appends_to_what_is_left(make: Make) -> None:
    with make() as pair:
        pair.peer.send(b"abc")
        wait_until(lambda: pair.channel.fill() == 3)
        assert pair.channel.recv(1) == b"a"
        pair.peer.send(b"def")
        assert pair.channel.fill() == 3
        assert pair.channel.buf[pair.channel.pos :] == b"bcdef"


def test_unbuffered_takes_no_byte_more_than_asked_for(make: Make) -> None:
    with make(buffered=False) as pair:
        pair.peer.send(b"abcdef")
        assert pair.channel.recv(2) == b"ab"
        assert pair.channel.buf == b"ab"
        assert pair.channel.recv(4) == b"cdef"


def test_the_end_of_the_stream_is_empty_again_and_again(make: Make) -> None:
    with make() as pair:
        pair.peer.send(b"last")
        pair.peer.close()
        data = b""
        while more := pair.channel.recv(100):
            data += more
        assert data == b"last"
        assert pair.channel.recv(100) == b""
        assert pair.channel.fill() == 0


def test_a_peer_that_never_reads_stalls_the_send_and_kills(make: Make) -> None:
    with make(send_timeout=0.2) as pair:
        reader = Task(lambda: pair.channel.recv(1))
        with pytest.raises(SendStalled, match="takes no data"):
            again_and_again(lambda: pair.channel.send(BIG))
        assert pair.channel.send_since is None
        assert reader.result() == b""
        with pytest.raises(OSError):
            pair.channel.send(b"more")
        assert not pair.channel.try_send(b"more")


def test_slow_progress_of_a_big_send_is_progress(make: Make) -> None:
    with make(send_timeout=0.5) as pair:
        data = bytes(range(256)) * 4096
        sender = Task(lambda: pair.channel.send(data))
        got = bytearray()
        while len(got) < len(data):
            # Bites that take much longer in all than one deadline.
            piece = pair.peer.recv(min(20_000, len(data) - len(got)))
            got += piece
            sender.gone(0.02)
        assert sender.result() == len(data)
        assert got == data


def test_progress_is_seen_by_who_watches(make: Make) -> None:
    with make() as pair:
        sender = Task(lambda: pair.channel.send(BIG * 8))
        sending(pair.channel)
        began = pair.channel.send_since
        for _ in range(8):
            pair.peer.recv(40_000)
        wait_until(lambda: pair.channel.send_since != began, message="progress does not show")
        pair.channel.kill()
        sender.join()
        assert isinstance(sender.error, OSError)


def test_try_send_does_not_wait_for_a_blocked_send(make: Make) -> None:
    with make() as pair:
        sender = Task(lambda: [pair.channel.send(BIG) for _ in range(1000)])
        sending(pair.channel)
        wait_until(lambda: not pair.channel.try_send(b"never mind"))
        pair.channel.kill()
        sender.join()
        assert isinstance(sender.error, OSError)


def test_try_send_does_not_wait_for_the_peer_and_keeps_the_order(make: Make) -> None:
    with make() as pair:
        taken = pair.fill()
        assert taken
        assert not pair.channel.try_send(b"a frame that does not fit")
        sender = Task(lambda: pair.channel.send(b"behind"))
        assert drain(pair.peer.sock, taken * len(BIG) + 6) == BIG * taken + b"behind"
        assert sender.result() == 6


def test_what_was_taken_goes_out_without_a_further_send(make: Make) -> None:
    with make() as pair:
        taken = pair.fill()
        reader = Task(lambda: drain(pair.peer.sock, taken * len(BIG)))
        wait_until(lambda: pair.channel.flush() and reader.gone(0.005), message="the rest of a frame stays behind")
        assert reader.result() == BIG * taken
        assert pair.channel.try_send(b"next")
        assert pair.peer.recv(4) == b"next"


def test_try_send_first_sends_what_an_earlier_one_left(make: Make) -> None:
    with make() as pair:
        taken = pair.fill()
        reader = Task(lambda: drain(pair.peer.sock, taken * len(BIG) + 4))
        wait_until(lambda: pair.channel.try_send(b"next"), message="it never goes out")
        assert reader.result() == BIG * taken + b"next"


def test_flush_does_not_wait_for_a_blocked_send_and_knows_the_end(make: Make) -> None:
    with make() as pair:
        sender = Task(lambda: [pair.channel.send(BIG) for _ in range(1000)])
        sending(pair.channel)
        wait_until(lambda: not pair.channel.flush())
        pair.channel.kill()
        sender.join()


def test_a_flush_into_a_dead_connection_fails_quietly(make: Make) -> None:
    with make() as pair:
        pair.fill()
        pair.channel.kill()
        assert not pair.channel.flush()


def test_try_send_into_a_dead_connection_is_false(make: Make) -> None:
    with make() as pair:
        pair.peer.reset()
        wait_until(lambda: not pair.channel.try_send(b"x"))
        assert pair.channel._closed


@pytest.mark.parametrize("what", ["recv", "send"])
def test_a_kill_wakes_what_is_blocked(make: Make, what: str) -> None:
    with make() as pair:
        if what == "recv":
            task = Task(lambda: pair.channel.recv(1))
        else:
            task = Task(lambda: [pair.channel.send(BIG) for _ in range(1000)])
            sending(pair.channel)
        pair.channel.kill()
        task.join()
        assert pair.channel._closed


def test_a_kill_wakes_who_waits_for_the_answer_of_the_handshake(make: Make) -> None:
    with make(shaken=False, handshake=3600) as pair:
        task = Task(pair.channel.fill)
        pair.channel.kill()
        task.join()
        assert pair.channel.fill() == 0


def test_killing_and_closing_twice_is_harmless(make: Make) -> None:
    with make() as pair:
        for end in (pair.channel.close, lambda: pair.channel.shutdown(2), pair.channel.dispose):
            end()
            end()
        assert pair.channel.fileno() == -1
        with pytest.raises(OSError):
            pair.channel.send(b"x")
        assert not pair.channel.try_send(b"x")


def test_the_descriptor_is_not_closed_under_a_sender(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its number could belong to the next connection by the time that the sender uses it."""
    with make() as pair:
        closing: list[Task] = []

        def close_meanwhile(sock: socket.socket, events: int, timeout: float | None) -> bool:
            closing.append(Task(pair.channel.dispose))
            closing[0].gone(0.1)
            return real(sock, events, timeout)

        real = channel_socket.wait_socket
        pair.fill()
        with monkeypatch.context() as patch:
            patch.setattr(channel_socket, "wait_socket", close_meanwhile)
            with pytest.raises(OSError):
                pair.channel.send(BIG)
        closing[0].join()
        assert pair.channel.fileno() == -1


def test_the_library_finds_what_it_asks_of_a_socket(make: Make) -> None:
    with make() as pair:
        assert pair.channel.fileno() == pair.sock.fileno()
        pair.channel.settimeout(3)
        assert pair.channel.gettimeout() is None
        assert not pair.channel._closed


def test_a_child_lets_go_without_a_word(make: Make) -> None:
    with make() as pair:
        twin = socket.socket(fileno=socket.dup(pair.sock.fileno()))  # the parent's descriptor
        with twin:
            pair.channel.abandon()
            assert pair.channel.fileno() == -1
            pair.peer.sock.setblocking(False)
            with pytest.raises((BlockingIOError, ssl.SSLWantReadError)):
                pair.peer.sock.recv(1)


def test_tls_records_that_came_before_a_broken_one_are_not_lost(make_tls: Make) -> None:
    with make_tls() as pair:
        pair.peer.send(b"one")
        pair.peer.send(b"two")
        socket.socket.send(pair.peer.sock, b"\x17\x03\x03\x00\x20" + b"no record at all" * 2)
        peek = socket.socket(fileno=socket.dup(pair.sock.fileno()))
        with peek:
            wait_until(lambda: b"all" in peek.recv(1000, socket.MSG_PEEK))
        assert pair.channel.recv(100) == b"onetwo"
        assert pair.channel.recv(100) == b""


def test_a_broken_tls_record_alone_is_an_error(make_tls: Make) -> None:
    with make_tls() as pair:
        socket.socket.send(pair.peer.sock, b"\x17\x03\x03\x00\x20" + b"no record at all" * 2)
        with pytest.raises(ssl.SSLError):
            pair.channel.recv(100)


def test_all_tls_records_that_have_come_are_read_at_once(make_tls: Make) -> None:
    with make_tls(receive_buffer=None) as pair:
        for number in range(50):
            pair.peer.send(b"%02d" % number)
        wanted = b"".join(b"%02d" % number for number in range(50))
        data, reads = b"", 0
        while len(data) < len(wanted):
            pair.channel.fill()
            data += pair.channel.recv(1000)
            reads += 1
        assert data == wanted
        assert reads < 50


def test_unread_tls_records_show_as_pending(make_tls: Make) -> None:
    with make_tls(buffered=False) as pair:
        pair.peer.send(b"abcdef")
        assert pair.channel.recv(2) == b"ab"
        assert pair.channel.pending() == 4


def test_reading_waits_for_room_if_tls_wants_to_write(make_tls: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    with make_tls() as pair:
        real, waits = channel_socket.wait_socket, []

        class Wanting(ssl.SSLSocket):
            def recv_into(self, *_: object) -> int:  # type: ignore[override]
                self.__class__ = ssl.SSLSocket
                raise ssl.SSLWantWriteError

        def noted(sock: socket.socket, events: int, timeout: float | None) -> bool:
            waits.append(events)
            return real(sock, events, timeout)

        monkeypatch.setattr(channel_socket, "wait_socket", noted)
        pair.sock.__class__ = Wanting
        pair.peer.send(b"data")
        assert pair.channel.recv(4) == b"data"
        assert waits[0] == channel_socket.WRITE
