"""The watchdogs, by chosen times and by a thread that ticks."""

from __future__ import annotations

import threading
import time
from typing import Any

import blackhole
import pytest
from channel_rig import Task
from raw_server import PING, PONG, TEXT, Peer, RawServer, frame
from transport_rig import Link

from bigone_sync.enums import ConnectionState as S
from bigone_sync.errors import ConnectionLost, ConnectTimeout, TransportError
from bigone_sync.testing.leaks import wait_until
from bigone_sync.testing.proxy import FaultProxy


def frame_time(link: Link) -> float:
    """When the last complete frame came."""
    attempt = link.connection._attempt
    assert attempt is not None
    return attempt.last_frame


def test_a_ping_goes_out_when_it_is_time_and_not_before(server: RawServer) -> None:
    with Link(server.url, ping=5.0) as link:
        peer = server.open()
        link.ready()
        now = time.monotonic()
        link.connection.check(now)
        link.connection.check(now + 5.0)
        opcode, first = peer.next_frame()
        assert opcode == PING
        link.connection.check(now + 9.0)
        link.connection.check(now + 9.9)
        peer.send(frame(PONG, first))
        wait_until(lambda: link.connection.ping_rtt is not None)
        link.connection.check(now + 10.0)
        opcode, second = peer.next_frame()
        assert opcode == PING
        assert second != first


def test_silence_ends_it_after_ping_plus_pong_and_not_before(server: RawServer) -> None:
    with Link(server.url, ping=5.0, pong=2.0) as link:
        server.open()
        link.ready()
        last = frame_time(link)
        link.connection.check(last + 6.99)
        assert link.connection.state is S.READY
        link.connection.check(last + 7.01)
        error = link.loss()
    assert (type(error), error.cause) == (ConnectionLost, "silent")
    assert "no complete frame for 7.0 s" in str(error)


@pytest.mark.parametrize("life", [frame(TEXT, b"x"), frame(PING), frame(PONG)], ids=["data", "ping", "pong"])
def test_any_complete_frame_is_life(server: RawServer, life: bytes) -> None:
    with Link(server.url, ping=5.0, pong=2.0) as link:
        peer = server.open()
        link.ready()
        last = frame_time(link)
        peer.send(life)
        wait_until(lambda: frame_time(link) > last)
        link.connection.check(frame_time(link) + 6.9)
        assert link.connection.state is S.READY
        assert link.owner.losses == []


def test_half_a_frame_is_not_life(server: RawServer) -> None:
    with Link(server.url, ping=5.0, pong=2.0) as link:
        peer = server.open()
        link.ready()
        last = frame_time(link)
        peer.send(frame(TEXT, b"x" * 70_000)[:-1])
        # A pong within the payload is payload.
        wait_until(lambda: link.connection.bytes_read > 70_000)
        assert frame_time(link) == last
        link.connection.check(last + 7.1)
        assert link.loss().cause == "silent"


def test_an_owner_that_takes_its_time_is_not_the_peers_silence(server: RawServer) -> None:
    leave = threading.Event()
    link = Link(server.url, ping=5.0, pong=2.0)
    link.owner.on_received = lambda: leave.wait() and None
    with link:
        peer = server.open()
        peer.text(b"x")
        wait_until(lambda: link.connection.is_delivering)
        now = time.monotonic() + 1000
        link.connection.check(now)
        assert peer.next_frame()[0] == PING  # pings go on
        leave.set()
        wait_until(lambda: not link.connection.is_delivering)
        assert link.owner.losses == []
        link.connection.check(now)
        assert link.loss().cause == "silent"


def test_a_send_without_progress_is_ended_from_outside() -> None:
    with RawServer(receive_buffer=4096) as server, Link(server.url, send=3600.0, ping=1e6) as link:
        server.open()
        link.ready()
        attempt: Any = link.connection._attempt
        sender = Task(lambda: [link.connection.send(b"x" * 65536) for _ in range(1000)])
        # Stuck: the same send for a while.
        since = wait_until(lambda: attempt.socket.send_since)
        while sender.gone(0.05) or since != attempt.socket.send_since:
            since = attempt.socket.send_since
        link.connection.check(since + 3600.9)
        assert link.connection.state is S.READY
        link.connection.check(since + 3601.1)
        error = link.loss()
        sender.join()
    assert error.cause == "send stalled"
    assert isinstance(sender.error, ConnectionLost)


def test_what_a_try_left_in_part_goes_out_by_the_keeper() -> None:
    with RawServer(receive_buffer=4096) as server, Link(server.url, ping=1e6) as link:
        peer = server.open()
        link.ready()
        count = 0
        while link.connection.try_send(b"x" * 65536):
            count += 1
        reader = Task(lambda: [peer.next_frame() for _ in range(count)])
        while not reader.gone(0.005):
            link.connection.check(time.monotonic())
        assert reader.result() == [(TEXT, b"x" * 65536)] * count


def test_an_attempt_that_takes_too_long_is_ended_from_outside(server: RawServer) -> None:
    with Link(server.url, connect=3600.0) as link:
        server.accept().head()
        attempt: Any = link.connection._attempt
        link.connection.check(attempt.started + 3600.9)
        assert link.owner.losses == []
        link.connection.check(attempt.started + 3601.1)
        assert isinstance(link.loss(), ConnectTimeout)
        server.open()
        link.ready()


def test_a_dead_reader_is_reported_once(server: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    link = Link(server.url)
    monkeypatch.setattr(link.connection, "_run", lambda: None)
    link.connection._thread = threading.Thread(target=link.connection._run)
    link.start()
    link.connection._thread.join(10)
    link.connection.check(0.0)
    link.connection.check(0.0)
    assert [type(error) for error in link.owner.refusals] == [TransportError]
    assert "the reader thread died" in str(link.owner.refusals[0])
    assert link.connection.state is S.CLOSED


def test_before_the_start_there_is_nothing_to_watch(server: RawServer) -> None:
    link = Link(server.url)
    link.connection.check(0.0)
    assert link.connection.state is S.IDLE


def test_a_thread_that_is_just_starting_is_not_dead(server: RawServer) -> None:
    link = Link(server.url)
    thread: Any = link.connection._thread
    get_number = thread._set_ident

    def look() -> None:
        get_number()
        assert not thread.is_alive()  # it does not count as alive yet
        link.connection.check(time.monotonic())

    thread._set_ident = look
    with link:
        server.open()
        link.ready()
    assert link.owner.refusals == []


# -- with a thread that ticks


def answer_pings(peer: Peer, *, data: bool = False) -> None:
    """Until the client ends the stream."""
    try:
        while True:
            opcode, payload = peer.next_frame()
            if opcode == PING:
                peer.text(b"data") if data else peer.send(frame(PONG, payload))
    except (AssertionError, OSError):
        pass


def test_answered_pings_keep_an_idle_connection(server: RawServer) -> None:
    with Link(server.url, ping=0.05, pong=3.0, keeper=True) as link:
        peer = server.open()
        answers = Task(lambda: answer_pings(peer))
        attempt = wait_until(lambda: link.connection._attempt)
        wait_until(lambda: attempt._pings >= 20)
        assert link.owner.losses == []
        assert link.connection.ping_rtt is not None
    answers.join()


def test_data_without_pongs_keeps_it_too(server: RawServer) -> None:
    with Link(server.url, ping=0.05, pong=3.0, keeper=True) as link:
        peer = server.open()
        answers = Task(lambda: answer_pings(peer, data=True))
        wait_until(lambda: len(link.owner.frames) >= 20)
        assert link.owner.losses == []
        assert link.connection.ping_rtt is None
    answers.join()


def test_unanswered_pings_end_it(server: RawServer) -> None:
    with Link(server.url, ping=0.1, pong=0.2, keeper=True) as link:
        server.open()
        assert link.loss().cause == "silent"


def test_a_dripping_frame_ends_as_silence(server: RawServer) -> None:
    with Link(server.url, ping=0.1, pong=0.2, keeper=True) as link:
        peer = server.open()
        link.ready()
        try:
            for byte in frame(TEXT, b"x" * 70_000):
                peer.send(bytes([byte]))
                link.connection._stop.wait(0.01)
                if link.owner.losses:
                    break
        except OSError:
            pass  # the client is gone
        assert link.loss().cause == "silent"


@pytest.mark.skipif(not blackhole.possible(), reason="needs root on Linux")
@pytest.mark.parametrize("sends", [False, True])
def test_a_black_hole_ends_it(server: RawServer, sends: bool) -> None:
    with Link(server.url, ping=0.1, pong=0.2, keeper=True) as link:
        peer = server.open()
        link.ready()
        blackhole.deafen(peer.sock)
        if sends:
            link.connection.send(b"into the dark")
        assert link.loss().cause == "silent"
        server.open()
        link.ready()


@pytest.mark.skipif(not blackhole.possible(), reason="needs root on Linux")
def test_a_black_hole_that_heals_in_time_does_no_harm(server: RawServer) -> None:
    with Link(server.url, ping=0.1, pong=60.0, keeper=True) as link:
        peer = server.open()
        link.ready()
        blackhole.deafen(peer.sock)
        link.connection.send(b"later")
        attempt = link.connection._attempt
        assert attempt is not None
        wait_until(lambda: attempt._pings >= 3)
        blackhole.hear(peer.sock)
        assert wait_until(lambda: next(f for f in iter(peer.next_frame, None) if f[0] == TEXT)) == (TEXT, b"later")
        peer.text(b"back")
        link.got(b"back")
    assert link.owner.losses == []


def test_a_dead_path_through_the_proxy_ends_it_and_a_healed_one_does_not(server: RawServer) -> None:
    with FaultProxy(server.url) as proxy, Link(proxy.url, ping=0.1, pong=1.0, keeper=True) as link:
        peer = server.open()
        link.ready()
        proxy.blackhole()
        attempt = link.connection._attempt
        assert attempt is not None
        wait_until(lambda: attempt._pings >= 2)
        proxy.heal()
        answers = Task(lambda: answer_pings(peer))
        peer.text(b"back")
        link.got(b"back")
        assert link.owner.losses == []
        proxy.blackhole()
        assert link.loss().cause == "silent"
        proxy.heal()
        server.open()
        link.ready()
    answers.join()


def test_a_jump_of_the_wall_clock_is_no_timeout(server: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    real, jump = time.time, 0.0
    monkeypatch.setattr("time.time", lambda: real() + jump)
    with Link(server.url, ping=0.05, pong=3.0, keeper=True) as link:
        peer = server.open()
        answers = Task(lambda: answer_pings(peer))
        attempt = wait_until(lambda: link.connection._attempt)
        for number, seconds in enumerate([3600.0, -3600.0, 60.0, -60.0, 0.0], 1):
            jump = seconds
            wait_until(lambda count=number: attempt._pings >= 4 * count)
        assert link.owner.losses == []
    answers.join()


def test_an_hour_of_sleep_costs_one_reconnect(server: RawServer) -> None:
    with Link(server.url) as link:
        server.open()
        link.ready()
        awake = time.monotonic() + 3600
        for _ in range(5):
            link.connection.check(awake)
        link.loss()
        server.open()
        link.wait(S.READY)
    assert len(link.owner.losses) == 1


def test_a_thread_that_computes_without_pause_is_not_the_peers_silence(server: RawServer) -> None:
    done = threading.Event()

    def compute() -> int:
        total = 0
        while not done.is_set():
            total += sum(range(20_000))
        return total

    with Link(server.url, ping=0.1, pong=4.0, keeper=True) as link:
        peer = server.open()
        answers = Task(lambda: answer_pings(peer))
        hogs = [Task(compute) for _ in range(3)]
        attempt = wait_until(lambda: link.connection._attempt)
        wait_until(lambda: attempt._pings >= 8, 30)
        done.set()
        assert link.owner.losses == []
        assert [hog.result() > 0 for hog in hogs] == [True] * 3
    answers.join()
