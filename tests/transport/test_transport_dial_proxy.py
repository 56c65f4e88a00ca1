"""CONNECT through a proxy, and TLS: what each failure is called, and that none outlives its deadline."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import closing
from typing import Any

import pytest
from certificate_maker import Certificates
from raw_server import Peer, RawServer

from bigone_sync.errors import ConnectError, ConnectTimeout
from bigone_sync.transport.dial import Endpoint, dial
from bigone_sync.transport.failure import is_fatal
from bigone_sync.transport.proxies import Proxy
from bigone_sync.transport.waiting import Cancelled, Deadline

SECRET = "Basic aHVzaA=="


def begin(work: Callable[[], Any]) -> Future[Any]:
    """Run it on a thread of its own."""
    result: Future[Any] = Future()

    def run() -> None:
        try:
            result.set_result(work())
        except BaseException as error:  # noqa: BLE001 - kept for who waits
            result.set_exception(error)

    threading.Thread(target=run).start()
    return result


def reach(
    host: str,
    port: int,
    *,
    proxy: Proxy | None = None,
    context: ssl.SSLContext | None = None,
    secure: bool = False,
    timeout: float = 5.0,
    cancel: threading.Event | None = None,
) -> Future[Any]:
    return begin(
        lambda: dial(
            Endpoint(host, port, secure, "ws://shown.test/ws"),
            proxy=proxy,
            ssl_context=context,
            deadline=Deadline(timeout),
            cancel=cancel or threading.Event(),
        )
    )


def failure(result: Future[Any]) -> ConnectError:
    error = result.exception(10)
    assert isinstance(error, ConnectError), error
    assert "shown.test" in str(error)
    assert SECRET not in f"{error!s} {error!r} {error.__cause__!r}"
    return error


def via(server: RawServer, authorization: str | None = SECRET) -> Proxy:
    return Proxy("127.0.0.1", server.port, authorization)


@pytest.mark.parametrize(("host", "named"), [("api.test", b"api.test:443"), ("::1", b"[::1]:443")])
def test_connect_is_asked_for_and_what_follows_is_the_tunnel(server: RawServer, host: str, named: bytes) -> None:
    result = reach(host, 443, proxy=via(server))
    proxy = server.accept()
    assert proxy.head().split(b"\r\n") == [
        b"CONNECT " + named + b" HTTP/1.1",
        b"Host: " + named,
        b"Proxy-Authorization: " + SECRET.encode(),
        b"",
        b"",
    ]
    proxy.send(b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\nfirst bytes")
    with result.result(10) as sock:
        sock.settimeout(5)
        assert sock.recv(100) == b"first bytes"


def test_without_credentials_none_are_sent(server: RawServer) -> None:
    result = reach("api.test", 80, proxy=via(server, None))
    proxy = server.accept()
    assert b"authorization" not in proxy.head().lower()
    proxy.send(b"HTTP/1.1 299 fine\r\n\r\n")
    result.result(10).close()


@pytest.mark.parametrize(
    ("answer", "status", "fatal"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n", 407, True),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", 502, False),
        (b"HTTP/1.1 101 Switching\r\n\r\n", 101, False),
        (b"nonsense\r\n\r\n", None, False),
        (b"\r\n\r\n", None, False),
        (b"", None, False),
        (b"HTTP/1.1 200 OK\r\n", None, False),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 20_000, None, False),
    ],
)
def test_any_other_answer_is_a_failure_of_the_proxy(
    server: RawServer, answer: bytes, status: int | None, fatal: bool
) -> None:
    result = reach("api.test", 80, proxy=via(server))
    proxy = server.accept()
    proxy.head()
    proxy.send(answer)
    proxy.close()
    error = failure(result)
    assert (error.kind, error.status_code, is_fatal(error)) == ("proxy", status, fatal)


def test_a_proxy_that_does_not_listen_is_blamed_itself() -> None:
    with closing(socket.socket()) as nobody:
        nobody.bind(("127.0.0.1", 0))
        error = failure(reach("api.test", 80, proxy=Proxy("127.0.0.1", nobody.getsockname()[1], SECRET)))
    assert error.kind == "proxy"
    assert "proxy" in str(error)


def test_a_proxy_that_resets_is_blamed(server: RawServer) -> None:
    result = reach("api.test", 80, proxy=via(server))
    proxy = server.accept()
    proxy.head()
    proxy.reset()
    assert failure(result).kind == "proxy"


@pytest.mark.parametrize("begins", [b"", b"HTTP/1.1 200"])
def test_a_proxy_that_stalls_ends_at_the_deadline(server: RawServer, begins: bytes) -> None:
    result = reach("api.test", 80, proxy=via(server), timeout=0.3)
    proxy = server.accept()
    proxy.send(begins)
    error = failure(result)
    assert isinstance(error, ConnectTimeout)
    assert error.kind == "proxy"


def test_a_stalled_proxy_can_be_cancelled(server: RawServer) -> None:
    cancel = threading.Event()
    result = reach("api.test", 80, proxy=via(server), timeout=3600, cancel=cancel)
    server.accept().head()
    cancel.set()
    assert isinstance(result.exception(10), Cancelled)


def _tls_peer(server: RawServer) -> Future[Any]:
    return begin(server.accept)


def test_tls_is_done_and_does_not_block(tls_server: RawServer, certificates: Certificates) -> None:
    result = reach("127.0.0.1", tls_server.port, secure=True, context=certificates.client)
    peer = tls_server.accept()
    with result.result(10) as tls:
        assert isinstance(tls, ssl.SSLSocket)
        assert tls.gettimeout() == 0.0
        peer.send(b"hello")
        tls.settimeout(5)
        assert tls.recv(5) == b"hello"


def test_tls_goes_through_the_tunnel(server: RawServer, certificates: Certificates) -> None:
    result = reach("localhost", 443, secure=True, context=certificates.client, proxy=via(server))
    proxy = server.accept()
    proxy.head()
    proxy.send(b"HTTP/1.1 200 OK\r\n\r\n")
    tls = server.keep(Peer(certificates.server.wrap_socket(proxy.sock, server_side=True)))
    with result.result(10) as sock:
        sock.send(b"hello")
        assert tls.recv(5) == b"hello"


def test_an_unknown_authority_is_final(tls_server: RawServer) -> None:
    result, peer = reach("127.0.0.1", tls_server.port, secure=True), _tls_peer(tls_server)
    error = failure(result)
    assert (error.kind, is_fatal(error)) == ("certificate", True)
    assert "the certificate was not accepted" in str(error)
    assert isinstance(peer.exception(10), OSError)


def test_a_certificate_of_another_host_is_final(certificates: Certificates) -> None:
    with RawServer(certificates.elsewhere) as server:
        result = reach("127.0.0.1", server.port, secure=True, context=certificates.client)
        peer = _tls_peer(server)
        error = failure(result)
        peer.exception(10)
    assert (error.kind, is_fatal(error)) == ("certificate", True)


def test_no_tls_at_the_other_end_is_a_failure_worth_another_try(server: RawServer, certificates: Certificates) -> None:
    result = reach("127.0.0.1", server.port, secure=True, context=certificates.client)
    server.accept().send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    error = failure(result)
    assert (error.kind, is_fatal(error)) == ("tls", False)


def test_a_reset_during_tls_is_a_failure_of_tls(server: RawServer, certificates: Certificates) -> None:
    result = reach("127.0.0.1", server.port, secure=True, context=certificates.client)
    peer = server.accept()
    peer.recv(1)
    peer.reset()
    assert failure(result).kind == "tls"


def test_tls_that_never_answers_ends_at_the_deadline(server: RawServer, certificates: Certificates) -> None:
    result = reach("127.0.0.1", server.port, secure=True, context=certificates.client, timeout=0.3)
    server.accept()
    error = failure(result)
    assert isinstance(error, ConnectTimeout)
    assert error.kind == "tls"


def test_tls_that_never_answers_can_be_cancelled(server: RawServer, certificates: Certificates) -> None:
    cancel = threading.Event()
    result = reach("127.0.0.1", server.port, secure=True, context=certificates.client, timeout=3600, cancel=cancel)
    server.accept().recv(1)
    cancel.set()
    assert isinstance(result.exception(10), Cancelled)
