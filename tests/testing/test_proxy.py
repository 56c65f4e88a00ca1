"""The fault proxy without faults, and its own life: relaying, orders, threads, resources."""

from __future__ import annotations

import hashlib
import logging
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator

import pytest
from proxy_rig import FOREVER, Rig, dial_and_read, is_silent, receive

from bigone_sync.testing._relay import Address
from bigone_sync.testing._relay_loop import RelayLoop
from bigone_sync.testing.leaks import leak_check, wait_until
from bigone_sync.testing.proxy import FaultProxy


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    with leak_check():
        yield


@pytest.fixture
def rig(_nothing_left: None) -> Iterator[Rig]:
    with Rig() as rig:
        yield rig


def test_the_url_is_the_upstreams_with_the_port_of_the_proxy(rig: Rig) -> None:
    assert rig.proxy.url == f"ws://127.0.0.1:{rig.proxy.port}/ws/v2?a=b"
    assert str(rig.proxy.port) in repr(rig.proxy)


def test_a_wss_url_keeps_its_scheme_and_its_default_port() -> None:
    with FaultProxy("wss://127.0.0.1/x") as proxy:
        assert proxy.url == f"wss://127.0.0.1:{proxy.port}/x"
        assert "127.0.0.1:443" in repr(proxy)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "ws:///path", "127.0.0.1:80", ""])
def test_an_upstream_that_is_no_websocket_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="upstream"):
        FaultProxy(url)


def test_bytes_pass_both_ways_and_are_counted(rig: Rig) -> None:
    client, server = rig.connect()
    client.sendall(b"hello")
    assert receive(server, 5) == b"hello"
    server.sendall(b"good day")
    assert receive(client, 8) == b"good day"
    assert (rig.proxy.bytes_up, rig.proxy.bytes_down) == (5, 8)
    assert (rig.proxy.accepted, rig.proxy.connections) == (1, 1)


def test_an_echo_of_megabytes_is_unchanged(rig: Rig) -> None:
    client, server = rig.connect()
    sent = bytes(range(256)) * 16384  # 4 MiB, more than all buffers on the way

    def echo() -> None:
        while data := server.recv(65536):
            server.sendall(data)
        server.shutdown(socket.SHUT_WR)

    def send() -> None:
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)

    threads = [threading.Thread(target=echo), threading.Thread(target=send)]
    for thread in threads:
        thread.start()
    assert hashlib.sha256(receive(client, len(sent))).digest() == hashlib.sha256(sent).digest()
    assert client.recv(1) == b""
    for thread in threads:
        thread.join()
    wait_until(lambda: rig.proxy.connections == 0)


def test_an_end_in_one_direction_leaves_the_other_open(rig: Rig) -> None:
    client, server = rig.connect()
    client.sendall(b"last")
    client.shutdown(socket.SHUT_WR)
    assert receive(server, 4) == b"last"
    assert server.recv(1) == b""
    server.sendall(b"answer")
    assert receive(client, 6) == b"answer"
    assert rig.proxy.connections == 1
    server.shutdown(socket.SHUT_WR)
    assert client.recv(1) == b""
    wait_until(lambda: rig.proxy.connections == 0)


@pytest.mark.parametrize("victim", ["client", "server"])
def test_a_reset_by_one_side_reaches_the_other(rig: Rig, victim: str) -> None:
    ends = rig.connect()
    breaker, other = (ends.client, ends.server) if victim == "server" else (ends.server, ends.client)
    breaker.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    breaker.close()
    with pytest.raises(ConnectionResetError):
        other.recv(1)
    wait_until(lambda: rig.proxy.connections == 0)


def test_a_side_found_dead_while_writing_resets_the_other(rig: Rig) -> None:
    client, server = rig.connect()
    rig.proxy.stall("up")  # so that the reset is not noticed by reading
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    server.sendall(b"to nobody")
    rig.turns()
    assert is_silent(server)  # the bad news goes up, and that way is stalled
    rig.proxy.heal()
    with pytest.raises(ConnectionResetError):
        server.recv(1)


def test_a_refusing_upstream_resets_the_client() -> None:
    with socket.socket() as reserved:  # bound, not listening: the port refuses
        reserved.bind(("127.0.0.1", 0))
        with FaultProxy(f"ws://127.0.0.1:{reserved.getsockname()[1]}") as proxy:
            with pytest.raises(ConnectionResetError):
                dial_and_read(proxy.port)
            wait_until(lambda: proxy.connections == 0)
            assert proxy.accepted == 1


def test_the_second_address_is_tried_when_the_first_refuses(rig: Rig) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        good = rig.listener.getsockname()
        loop = RelayLoop(
            "127.0.0.1",
            [Address(socket.AF_INET, reserved.getsockname()), Address(socket.AF_INET, good)],
            None,
        )
        with socket.create_connection(("127.0.0.1", loop.port), timeout=20) as client:
            client.sendall(b"hi")
            assert receive(rig.accept(), 2) == b"hi"
        loop.close()


def test_closing_ends_the_connections_and_the_port(rig: Rig) -> None:
    client, server = rig.connect()
    port = rig.proxy.port
    rig.proxy.close()
    rig.proxy.close()
    assert client.recv(1) == b""
    assert server.recv(1) == b""
    assert (rig.proxy.accepted, rig.proxy.connections) == (1, 0)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=20)
    with pytest.raises(RuntimeError, match="closed"):
        rig.proxy.heal()


def test_closing_with_every_fault_on_leaves_nothing(rig: Rig) -> None:
    client, server = rig.connect()
    rig.proxy.delay(FOREVER)
    rig.proxy.slice(1, FOREVER)
    client.sendall(b"held")
    server.sendall(b"held")
    rig.turns()
    rig.proxy.stall("both")
    rig.proxy.blackhole()
    rig.dial()
    rig.proxy.refuse()
    rig.proxy.close()


def test_a_proxy_starts_only_once() -> None:
    proxy = FaultProxy("ws://127.0.0.1:1")
    with pytest.raises(RuntimeError, match="not started"):
        _ = proxy.url
    with pytest.raises(RuntimeError, match="not started"):
        proxy.blackhole()
    proxy.close()
    with proxy, pytest.raises(RuntimeError, match="only once"):
        proxy.start()
    with pytest.raises(RuntimeError, match="only once"):
        proxy.start()


@pytest.mark.parametrize(
    "order",
    [
        lambda proxy: proxy.stall("sideways"),
        lambda proxy: proxy.delay(-1),
        lambda proxy: proxy.delay(float("inf")),
        lambda proxy: proxy.delay(float("nan")),
        lambda proxy: proxy.slice(0),
        lambda proxy: proxy.slice(1, pause=-1),
        lambda proxy: proxy.inject(b"x", "left"),
    ],
)
def test_a_wrong_argument_is_refused(rig: Rig, order: Callable[[FaultProxy], object]) -> None:
    with pytest.raises(ValueError):
        order(rig.proxy)


def test_orders_from_many_threads_never_harm_the_stream(rig: Rig) -> None:
    client, server = rig.connect()
    done = threading.Event()

    def trouble() -> None:
        while not done.is_set():
            rig.proxy.delay(0.001)
            rig.proxy.slice(1000)
            rig.proxy.stall("up")
            rig.proxy.blackhole()
            rig.proxy.heal()

    sent = bytes(range(256)) * 4096

    def send() -> None:
        client.sendall(sent)

    threads = [threading.Thread(target=trouble) for _ in range(4)]
    threads.append(threading.Thread(target=send))
    for thread in threads:
        thread.start()
    try:
        assert receive(server, len(sent)) == sent
    finally:
        done.set()
        for thread in threads:
            thread.join()


def test_a_failed_thread_is_reported_and_leaves_nothing(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client, _ = rig.connect()

    def broken(_self: RelayLoop) -> float | None:
        raise ZeroDivisionError("broken inside")

    monkeypatch.setattr(RelayLoop, "_turn", broken)
    with pytest.raises(ZeroDivisionError):
        rig.proxy.heal()
    assert client.recv(1) == b""  # nobody hangs on a dead proxy
    with pytest.raises(RuntimeError, match="closed"):
        rig.proxy.heal()
    with pytest.raises(RuntimeError, match="failed") as caught:
        rig.proxy.close()
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert "the fault proxy failed" in caplog.text


@pytest.mark.skipif(sys.platform == "win32", reason="no limit of descriptors to set")
def test_a_connection_waits_while_descriptors_are_out(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with socket.socket() as client, caplog.at_level(logging.WARNING):
        with socket.socket() as probe:
            lowest_free = probe.fileno()
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, hard))
        try:
            client.settimeout(5)
            client.connect(("127.0.0.1", rig.proxy.port))
            client.sendall(b"patient")
            wait_until(lambda: "cannot accept" in caplog.text)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert receive(rig.accept(), 7) == b"patient"
