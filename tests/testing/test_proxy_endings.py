"""Faults that end, refuse or falsify connections: cut, reset, inject, refuse."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import pytest
from proxy_rig import FOREVER, Rig, is_silent, receive

from bigone_sync.testing.leaks import leak_check
from bigone_sync.testing.proxy import FaultProxy


@pytest.fixture
def rig() -> Iterator[Rig]:
    with leak_check(), Rig() as rig:
        yield rig


@pytest.mark.parametrize("before", [None, FaultProxy.blackhole], ids=["healthy", "blackhole"])
def test_a_cut_ends_both_sides_in_order(rig: Rig, before: Callable[[FaultProxy], None] | None) -> None:
    client, server = rig.connect()
    if before is not None:
        before(rig.proxy)
    rig.proxy.cut()
    assert rig.proxy.connections == 0
    assert client.recv(1) == b""
    assert server.recv(1) == b""
    for _ in range(2):  # a reset would break the second
        client.sendall(b"into nothing")
        rig.turns()
    assert server.recv(1) == b""


def test_a_cut_loses_what_was_held(rig: Rig) -> None:
    client, server = rig.connect()
    rig.proxy.delay(FOREVER)
    server.sendall(b"lost")
    rig.turns()
    rig.proxy.cut()
    assert client.recv(1) == b""


def test_after_a_cut_a_new_connection_works(rig: Rig) -> None:
    rig.connect()
    rig.proxy.cut()
    client, server = rig.connect()
    client.sendall(b"again")
    assert receive(server, 5) == b"again"
    assert (rig.proxy.accepted, rig.proxy.connections) == (2, 1)


def test_a_cut_of_a_connection_that_the_server_has_not_seen(rig: Rig) -> None:
    rig.proxy.blackhole()
    client = rig.dial()
    assert rig.proxy.connections == 1
    rig.proxy.cut()
    assert client.recv(1) == b""


@pytest.mark.parametrize("before", [None, FaultProxy.blackhole], ids=["healthy", "blackhole"])
def test_a_reset_is_seen_by_both_sides(rig: Rig, before: Callable[[FaultProxy], None] | None) -> None:
    client, server = rig.connect()
    if before is not None:
        before(rig.proxy)
    rig.proxy.reset()
    assert rig.proxy.connections == 0
    for side in (client, server):
        with pytest.raises(ConnectionResetError):
            side.recv(1)


@pytest.mark.parametrize("direction", ["up", "down"])
def test_injected_bytes_arrive_in_every_live_connection(rig: Rig, direction: str) -> None:
    pairs = [rig.connect(), rig.connect()]
    assert rig.proxy.inject(b"\x8a\x00", "up" if direction == "up" else "down") == 2
    for ends in pairs:
        receiver, other = (ends.server, ends.client) if direction == "up" else (ends.client, ends.server)
        assert receive(receiver, 2) == b"\x8a\x00"
        rig.turns()
        assert is_silent(other)


def test_injected_bytes_go_behind_those_held_and_before_later_ones(rig: Rig) -> None:
    client, server = rig.connect()
    rig.proxy.delay(FOREVER)
    server.sendall(b"before ")
    rig.turns()
    rig.proxy.inject(b"injected ")
    server.sendall(b"after")
    rig.turns()
    assert is_silent(client)
    rig.proxy.heal()
    assert receive(client, 21) == b"before injected after"


def test_nothing_is_injected_behind_the_end_of_a_stream(rig: Rig) -> None:
    client, server = rig.connect()
    server.shutdown(socket.SHUT_WR)
    assert client.recv(1) == b""
    assert rig.proxy.inject(b"late", "both") == 1
    assert receive(server, 4) == b"late"
    assert client.recv(1) == b""


def test_refused_connections_fail_and_live_ones_go_on(rig: Rig) -> None:
    client, server = rig.connect()
    port = rig.proxy.port
    rig.proxy.refuse()
    with pytest.raises(ConnectionRefusedError):
        rig.dial()
    client.sendall(b"still")
    assert receive(server, 5) == b"still"
    rig.proxy.refuse(False)
    assert rig.proxy.port == port
    rig.connect()


def test_healing_ends_the_refusal(rig: Rig) -> None:
    rig.proxy.refuse()
    rig.proxy.refuse()
    rig.proxy.heal()
    client, server = rig.connect()
    client.sendall(b"x")
    assert receive(server, 1) == b"x"


def test_nobody_else_gets_the_port_meanwhile(rig: Rig) -> None:
    rig.proxy.refuse()
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", rig.proxy.port))
