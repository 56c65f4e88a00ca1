"""From a name to a connected socket: addresses, names, deadlines, cancellation."""

from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import blackhole
import pytest
from raw_server import RawServer

from bigone_sync.errors import ConnectError, ConnectTimeout
from bigone_sync.testing.leaks import wait_until
from bigone_sync.transport.dial import Endpoint, dial
from bigone_sync.transport.waiting import Cancelled, Deadline

SHOWN = "ws://shown.test/ws"
V4 = (socket.AF_INET, socket.SOCK_STREAM, 6, "")


def reach(
    host: str, port: int, *, timeout: float = 5.0, cancel: threading.Event | None = None, unacknowledged: float = 60.0
) -> socket.socket:
    return dial(
        Endpoint(host, port, False, SHOWN),
        proxy=None,
        ssl_context=None,
        deadline=Deadline(timeout),
        cancel=cancel or threading.Event(),
        unacknowledged=unacknowledged,
    )


@contextmanager
def names(monkeypatch: pytest.MonkeyPatch, *addresses: tuple[str, int]) -> Iterator[list[Any]]:
    """Let every name have these addresses; yields the questions."""
    asked: list[Any] = []

    def answer(*question: Any) -> Any:
        asked.append(question)
        return [(*V4, address) for address in addresses]

    with monkeypatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", answer)
        yield asked


@contextmanager
def closed_port() -> Iterator[int]:
    """A port on which nobody listens, and which nobody else gets."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


@contextmanager
def full_backlog() -> Iterator[tuple[str, int]]:
    """An address that answers no SYN, without any privilege: its queue of connections is full."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    waiting = []
    try:
        while len(waiting) < 20:
            sock = socket.socket()
            waiting.append(sock)
            sock.settimeout(0.2)
            try:
                sock.connect(listener.getsockname())
            except TimeoutError:
                break
        else:
            pytest.skip("the queue of this system has no end")
        yield listener.getsockname()
    finally:
        for sock in [*waiting, listener]:
            sock.close()


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("ws://a.test/x", Endpoint("a.test", 80, False, SHOWN)),
        ("wss://a.test/x", Endpoint("a.test", 443, True, SHOWN)),
        ("wss://a.test:8443/x?y", Endpoint("a.test", 8443, True, SHOWN)),
        ("ws://[::1]:81/x", Endpoint("::1", 81, False, SHOWN)),
    ],
)
def test_the_endpoint_of_a_url(url: str, endpoint: Endpoint) -> None:
    assert Endpoint.of(url, SHOWN) == endpoint


def test_a_connected_socket_does_not_block_and_is_tuned(server: RawServer) -> None:
    with reach("127.0.0.1", server.port, unacknowledged=12.5) as sock:
        peer = server.accept()
        assert sock.gettimeout() == 0.0
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 12500
        sock.send(b"hello")
        assert peer.recv(5) == b"hello"


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="Linux only")
def test_an_endless_timeout_is_cut_to_what_the_kernel_takes(server: RawServer) -> None:
    with reach("127.0.0.1", server.port, unacknowledged=1e12) as sock:
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 2**31 - 1
        server.accept()


def test_a_name_is_resolved_anew_each_time(server: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with names(monkeypatch, ("127.0.0.1", server.port)) as asked:
        for _ in range(2):
            with reach("api.test", 4711):
                server.accept()
    assert asked == [("api.test", 4711, 0, socket.SOCK_STREAM)] * 2


def test_an_address_needs_no_thread_for_its_name(server: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_thread(*_: Any, **__: Any) -> None:
        raise AssertionError("a thread was started")

    with monkeypatch.context() as patch:
        patch.setattr(threading, "Thread", no_thread)
        reach("127.0.0.1", server.port).close()
    server.accept()


def test_a_closed_port_is_refused() -> None:
    with closed_port() as port, pytest.raises(ConnectError, match=r"shown\.test/ws: cannot connect") as caught:
        reach("127.0.0.1", port)
    assert caught.value.kind == "refused"
    assert caught.value.url == SHOWN
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)


def test_an_unknown_name_is_named() -> None:
    with pytest.raises(ConnectError, match=r"cannot resolve 'nowhere\.invalid'") as caught:
        reach("nowhere.invalid", 80)
    assert caught.value.kind == "dns"
    assert isinstance(caught.value.__cause__, socket.gaierror)


def test_a_name_that_cannot_be_encoded_is_a_failed_name() -> None:
    with pytest.raises(ConnectError, match="cannot resolve") as caught:
        reach("a" * 64 + ".test", 80)
    assert caught.value.kind == "dns"


def test_a_name_without_addresses_is_a_failed_name(monkeypatch: pytest.MonkeyPatch) -> None:
    with names(monkeypatch), pytest.raises(ConnectError, match="no addresses") as caught:
        reach("empty.test", 80)
    assert caught.value.kind == "dns"


@pytest.fixture
def hanging_name(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Questions for names hang until the fixture ends; set once one is asked."""
    asked, release = threading.Event(), threading.Event()

    def hang(*_: Any) -> Any:
        asked.set()
        release.wait()
        raise socket.gaierror(socket.EAI_AGAIN, "hung")

    with monkeypatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", hang)
        yield asked
    release.set()


def test_a_name_that_hangs_ends_at_the_deadline(hanging_name: threading.Event) -> None:
    with pytest.raises(ConnectTimeout, match="dns took too long") as caught:
        reach("slow.test", 80, timeout=0.2)
    assert caught.value.kind == "dns"


def test_a_name_that_hangs_can_be_cancelled(hanging_name: threading.Event) -> None:
    cancel = threading.Event()
    threading.Thread(target=lambda: (hanging_name.wait(), cancel.set())).start()
    with pytest.raises(Cancelled):
        reach("slow.test", 80, timeout=3600, cancel=cancel)


def test_a_dead_first_address_leaves_time_for_the_second(server: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with full_backlog() as dead, names(monkeypatch, dead, ("127.0.0.1", server.port)):
        reach("two.test", 80, timeout=1.4).close()
    server.accept()


def test_a_refusing_first_address_is_passed_over(server: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with closed_port() as port, names(monkeypatch, ("127.0.0.1", port), ("127.0.0.1", server.port)):
        reach("two.test", 80).close()
    server.accept()


def test_no_answer_ends_at_the_deadline_and_can_be_cancelled() -> None:
    with full_backlog() as (host, port):
        with pytest.raises(ConnectTimeout, match="tcp took too long") as caught:
            reach(host, port, timeout=0.2)
        assert caught.value.kind == "tcp"
        cancel = threading.Event()
        timer = threading.Timer(0.05, cancel.set)
        timer.start()
        with pytest.raises(Cancelled):
            reach(host, port, timeout=3600, cancel=cancel)
        timer.join()


def test_after_the_deadline_no_further_address_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    with full_backlog() as dead, names(monkeypatch, dead, dead, dead), pytest.raises(ConnectTimeout):
        reach("three.test", 80, timeout=0.05)


@pytest.mark.skipif(not blackhole.possible(), reason="needs root on Linux")
def test_syn_into_a_black_hole_ends_at_the_deadline(server: RawServer) -> None:
    blackhole.deafen(server.listener)
    with pytest.raises(ConnectTimeout) as caught:
        reach("127.0.0.1", server.port, timeout=0.3)
    assert caught.value.kind == "tcp"
    blackhole.hear(server.listener)
    reach("127.0.0.1", server.port).close()
    server.accept()


def test_an_unreachable_network_is_a_tcp_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    with names(monkeypatch, ("255.255.255.255", 9)), pytest.raises(ConnectError, match="cannot connect") as caught:
        reach("broadcast.test", 9)
    assert caught.value.kind == "tcp"
    assert caught.value.__cause__ is not None
    assert getattr(caught.value.__cause__, "errno", None) in (errno.EACCES, errno.ENETUNREACH, errno.EPERM)


def test_a_dial_that_was_cancelled_before_knocks_at_no_door() -> None:
    cancel = threading.Event()
    cancel.set()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with pytest.raises(Cancelled):
            reach("127.0.0.1", listener.getsockname()[1], cancel=cancel)
        # What the kernel has accepted by now would be there at once.
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()


class SetAfterALook(threading.Event):
    """Is set as soon as somebody has found it not to be."""

    def is_set(self) -> bool:
        before = super().is_set()
        self.set()
        return before


def test_a_dial_that_is_cancelled_while_it_connects_leaves_no_connection(server: RawServer) -> None:
    with pytest.raises(Cancelled):
        reach("127.0.0.1", server.port, cancel=SetAfterALook())
    with closing(server.listener.accept()[0]) as sock:
        sock.settimeout(5)
        wait_until(lambda: sock.recv(1) == b"")
