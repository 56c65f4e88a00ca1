"""Faults that hold bytes back: delay, slices, stall, blackhole."""

from __future__ import annotations

import socket
import struct
import sys
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from proxy_rig import FOREVER, Rig, fill, is_silent, receive

from bigone_sync.testing import _relay, _relay_loop, _relay_pipe
from bigone_sync.testing import proxy as proxy_module
from bigone_sync.testing.leaks import leak_check


class Clock:
    """The proxy's clock, set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def rig() -> Iterator[Rig]:
    with leak_check(), Rig() as rig:
        yield rig


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Must be asked for before ``rig``, so that the proxy never sees two clocks."""
    clock = Clock()
    for module in (_relay, _relay_loop, _relay_pipe, proxy_module):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=clock.monotonic))
    return clock


def test_delayed_bytes_are_held_until_healed(rig: Rig) -> None:
    client, server = rig.connect()
    rig.proxy.delay(FOREVER)
    client.sendall(b"up")
    server.sendall(b"down")
    rig.turns()
    assert is_silent(client)
    assert is_silent(server)
    rig.proxy.heal()
    assert receive(server, 2) == b"up"
    assert receive(client, 4) == b"down"


def test_a_delay_shifts_and_keeps_the_distance(clock: Clock, rig: Rig) -> None:
    client, server = rig.connect()
    rig.proxy.delay(10, "up")
    for text in (b"a", b"b"):
        client.sendall(text)
        rig.turns()
        clock.now += 3  # b is read at 3, now it is 6
    clock.now += 3.5
    rig.turns()
    assert is_silent(server)
    clock.now += 0.5  # 10
    rig.turns()
    assert receive(server, 1) == b"a"
    assert is_silent(server)
    clock.now += 3  # 13
    rig.turns()
    assert receive(server, 1) == b"b"


def test_a_delay_in_one_direction_leaves_the_other_alone(rig: Rig) -> None:
    client, server = rig.connect()
    rig.proxy.delay(FOREVER, "down")
    server.sendall(b"down")
    client.sendall(b"up")
    assert receive(server, 2) == b"up"
    rig.turns()
    assert is_silent(client)


def test_a_shorter_delay_does_not_change_the_order(rig: Rig) -> None:
    client, server = rig.connect()
    rig.proxy.delay(FOREVER)
    client.sendall(b"first")
    rig.turns()
    rig.proxy.delay(0)
    client.sendall(b"second")
    rig.turns()
    assert is_silent(server)
    rig.proxy.heal()
    assert receive(server, 11) == b"firstsecond"


def test_the_end_of_a_stream_is_delayed_behind_its_bytes(rig: Rig) -> None:
    client, server = rig.connect()
    rig.proxy.delay(FOREVER)
    client.sendall(b"bye")
    client.close()
    rig.turns()
    assert is_silent(server)
    rig.proxy.heal()
    assert receive(server, 3) == b"bye"
    assert server.recv(1) == b""


def test_a_delay_runs_out_by_itself(rig: Rig) -> None:
    client, server = rig.connect()
    rig.proxy.delay(0.02)
    client.sendall(b"ping")
    assert receive(server, 4) == b"ping"


def test_a_slice_is_followed_by_its_pause(clock: Clock, rig: Rig) -> None:
    client, server = rig.connect()
    rig.proxy.slice(4, pause=2.0)
    client.sendall(b"0123456789")
    for expected, total in ((b"0123", 4), (b"4567", 8), (b"89", 10)):
        rig.turns()
        assert rig.proxy.bytes_up == total
        assert receive(server, len(expected)) == expected
        assert is_silent(server)
        clock.now += 2


def test_healing_ends_a_pause(rig: Rig) -> None:
    client, server = rig.connect()
    rig.proxy.slice(1, FOREVER, "down")
    server.sendall(b"abc")
    assert receive(client, 1) == b"a"
    rig.turns()
    assert is_silent(client)
    rig.proxy.heal()
    assert receive(client, 2) == b"bc"


def test_slicing_can_be_ended_alone(rig: Rig) -> None:
    client, server = rig.connect()
    rig.proxy.slice(1, FOREVER)
    client.sendall(b"abc")
    assert receive(server, 1) == b"a"
    rig.proxy.slice(None)
    assert receive(server, 2) == b"bc"


@pytest.mark.skipif(sys.platform != "linux", reason="reads the kernel's count of segments")
def test_each_slice_leaves_as_a_segment_of_its_own(rig: Rig) -> None:
    client, server = rig.connect()

    def segments() -> int:
        info = server.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 192)
        return int(struct.unpack_from("=I", info, 152)[0])  # tcpi_data_segs_in

    client.sendall(b"x" * 1000)
    receive(server, 1000)
    whole = segments()
    rig.proxy.slice(10)
    client.sendall(b"y" * 1000)
    receive(server, 1000)
    assert segments() - whole > 10 * whole


def test_many_bytes_in_small_slices_are_unchanged(rig: Rig) -> None:
    client, server = rig.connect()
    rig.proxy.slice(7)
    sent = bytes(range(256)) * 40
    client.sendall(sent)
    assert receive(server, len(sent)) == sent


@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_stall_stops_one_direction_only(rig: Rig, direction: str) -> None:
    ends = rig.connect()
    sender, receiver = ends if direction == "up" else (ends.server, ends.client)
    rig.proxy.stall("up" if direction == "up" else "down")
    sender.sendall(b"held")
    receiver.sendall(b"free")
    assert receive(sender, 4) == b"free"
    rig.turns()
    assert is_silent(receiver)
    rig.proxy.heal()
    assert receive(receiver, 4) == b"held"


@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_stall_pushes_back_on_the_sender_and_loses_nothing(direction: str) -> None:
    with leak_check(), Rig(receive_buffer=4096) as rig:
        ends = rig.connect()
        sender, receiver = ends if direction == "up" else (ends.server, ends.client)
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        rig.proxy.stall("up" if direction == "up" else "down")
        sent = fill(rig, sender)
        assert 0 < sent < 40_000  # the default buffers take more
        assert rig.proxy.bytes_up == rig.proxy.bytes_down == 0
        rig.proxy.heal()
        assert receive(receiver, sent) == b"z" * sent


def test_a_receiver_that_does_not_read_pushes_back_through_the_proxy(rig: Rig) -> None:
    client, server = rig.connect()
    sent = fill(rig, client)
    assert sent < 32 * 1024 * 1024  # what the kernel's buffers take, and not what the proxy could
    assert receive(server, sent) == b"z" * sent


def test_a_blackhole_holds_everything_and_heals_without_loss(rig: Rig) -> None:
    client, server = rig.connect()
    rig.proxy.blackhole()
    client.sendall(b"up")
    server.sendall(b"down")
    rig.turns()
    assert is_silent(client)
    assert is_silent(server)
    assert (rig.proxy.bytes_up, rig.proxy.bytes_down, rig.proxy.connections) == (0, 0, 1)
    rig.proxy.heal()
    assert receive(server, 2) == b"up"
    assert receive(client, 4) == b"down"


def test_nobody_is_told_of_an_end_in_the_blackhole_before_it_heals(rig: Rig) -> None:
    client, server = rig.connect()
    rig.proxy.blackhole()
    client.sendall(b"bye")
    client.close()
    rig.turns()
    assert is_silent(server)
    assert rig.proxy.connections == 1
    rig.proxy.heal()
    assert receive(server, 3) == b"bye"
    assert server.recv(1) == b""


def test_a_new_connection_into_the_blackhole_reaches_the_server_when_it_heals(rig: Rig) -> None:
    rig.proxy.blackhole()
    client = rig.dial()
    client.sendall(b"hello")
    assert rig.proxy.accepted == 1
    rig.turns()
    rig.listener.setblocking(False)
    with pytest.raises(BlockingIOError):
        rig.listener.accept()
    rig.listener.settimeout(5)
    rig.proxy.heal()
    assert receive(rig.accept(), 5) == b"hello"
