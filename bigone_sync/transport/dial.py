"""From a host name to a connected socket, through a proxy and TLS if need be, all under one deadline."""

from __future__ import annotations

import errno
import functools
import ipaddress
import logging
import os
import socket
import ssl
import sys
import threading
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ..errors import ConnectError, ConnectTimeout
from .proxies import Proxy
from .waiting import READ, WRITE, Cancelled, Deadline, wait_event, wait_for

__all__ = ["Endpoint", "dial"]

_log = logging.getLogger("bigone_sync.transport")

# A dead first address (broken IPv6 above all) must not eat the whole deadline.
_PER_ADDRESS = 1.5
_PROXY_HEAD = 16 * 1024
_MOST_MS = 2**31 - 1

_Address = tuple[int, int, int, Any]


@dataclass(frozen=True)
class Endpoint:
    """Where to dial."""

    host: str
    port: int
    secure: bool
    url: str
    """For messages."""

    @classmethod
    def of(cls, url: str, shown: str) -> Endpoint:
        """The endpoint of a WebSocket URL that was checked before."""
        parts = urlsplit(url)
        secure = parts.scheme == "wss"
        return cls(parts.hostname or "", parts.port or (443 if secure else 80), secure, shown)


def dial(
    endpoint: Endpoint,
    *,
    proxy: Proxy | None,
    ssl_context: ssl.SSLContext | None,
    deadline: Deadline,
    cancel: threading.Event,
    unacknowledged: float = 60.0,
) -> socket.socket:
    """A connected, non-blocking socket; TLS is done where the URL is secure.

    ``unacknowledged`` is how long (seconds) the kernel keeps data that the peer does not acknowledge, where it can be
    told.

    Raises:
        ConnectError: with ``kind`` saying which step failed.
        ConnectTimeout: the deadline passed.
        Cancelled: ``cancel`` was set.
    """
    host, port = (proxy.host, proxy.port) if proxy else (endpoint.host, endpoint.port)
    addresses = _resolve(host, port, endpoint, deadline, cancel)
    try:
        sock = _connect(addresses, endpoint, deadline, cancel)
    except ConnectError as error:
        if proxy is None or error.kind == "resources":
            raise
        # Or people would look for the fault at the exchange.
        blamed = type(error)(f"{endpoint.url}: the proxy failed: {error.__cause__}", url=endpoint.url, kind="proxy")
        raise blamed from error.__cause__
    try:
        _tune(sock, unacknowledged)
        if proxy is not None:
            _tunnel(sock, endpoint, proxy, deadline, cancel)
        if endpoint.secure:
            return _tls(sock, endpoint, ssl_context or _system_context(), deadline, cancel)
    except BaseException:
        sock.close()
        raise
    return sock


@functools.lru_cache(maxsize=1)
def _system_context() -> ssl.SSLContext:
    # Made once: loading the authorities takes longer than all the rest of a dial, and needs descriptors.
    return ssl.create_default_context()


def _timeout(step: str, endpoint: Endpoint) -> ConnectTimeout:
    return ConnectTimeout(f"{endpoint.url}: {step} took too long", url=endpoint.url, kind=step)


def _resolve(host: str, port: int, endpoint: Endpoint, deadline: Deadline, cancel: threading.Event) -> list[_Address]:
    found: list[_Address] = []
    failure: list[Exception] = []
    done = threading.Event()

    def ask() -> None:
        try:
            for family, kind, proto, _, address in socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM):
                found.append((family, kind, proto, address))
        except (OSError, UnicodeError) as error:
            failure.append(error)
        finally:
            done.set()

    if _is_address(host):
        ask()
    else:
        # getaddrinfo cannot be interrupted: it runs on a thread that is left behind if it hangs.
        threading.Thread(target=ask, name=f"bigone-dns/{host}", daemon=True).start()
        if not wait_event(done, deadline, cancel):
            raise _timeout("dns", endpoint)
    if failure or not found:
        reason = failure[0] if failure else "no addresses"
        raise ConnectError(f"{endpoint.url}: cannot resolve {host!r}: {reason}", url=endpoint.url, kind="dns") from (
            failure[0] if failure else None
        )
    return found


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.split("%")[0])
    except ValueError:
        return False
    return True


def _connect(
    addresses: list[_Address], endpoint: Endpoint, deadline: Deadline, cancel: threading.Event
) -> socket.socket:
    last: OSError | None = None
    for number, address in enumerate(addresses, 1):
        left, others = deadline.remaining(), len(addresses) - number
        share = Deadline(min(left / (others + 1), _PER_ADDRESS) if others else left)
        try:
            return _connect_one(address, share, cancel)
        except OSError as error:
            last = error
        if deadline.remaining() <= 0:
            break
    if last is None or isinstance(last, TimeoutError):
        raise _timeout("tcp", endpoint) from last
    kind = "tcp"
    if isinstance(last, ConnectionRefusedError):
        kind = "refused"
    elif last.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS):
        kind = "resources"
    raise ConnectError(f"{endpoint.url}: cannot connect: {last}", url=endpoint.url, kind=kind) from last


def _connect_one(address: _Address, deadline: Deadline, cancel: threading.Event) -> socket.socket:
    if cancel.is_set():  # whoever was closed meanwhile does not knock at anybody's door any more
        raise Cancelled
    family, kind, proto, where = address
    sock = socket.socket(family, kind, proto)
    try:
        sock.setblocking(False)
        code = sock.connect_ex(where)
        if code not in (0, errno.EINPROGRESS, errno.EWOULDBLOCK):
            raise OSError(code, os.strerror(code))
        if not wait_for(sock, WRITE, deadline, cancel):
            raise TimeoutError("no answer")
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))
    except BaseException:
        sock.close()
        raise
    return sock


def _tune(sock: socket.socket, unacknowledged: float) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        # A send that nobody acknowledges would otherwise keep a dead connection for a quarter of an hour.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, min(int(unacknowledged * 1000), _MOST_MS))


def _tunnel(sock: socket.socket, endpoint: Endpoint, proxy: Proxy, deadline: Deadline, cancel: threading.Event) -> None:
    """Ask the proxy to CONNECT. Its answer's head is read byte by byte: what follows belongs to the tunnel."""
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    lines = [f"CONNECT {host}:{endpoint.port} HTTP/1.1", f"Host: {host}:{endpoint.port}"]
    if proxy.authorization:
        lines.append(f"Proxy-Authorization: {proxy.authorization}")
    try:
        if not wait_for(sock, WRITE, deadline, cancel):
            raise _timeout("proxy", endpoint)
        sock.sendall("\r\n".join([*lines, "", ""]).encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            if not wait_for(sock, READ, deadline, cancel):
                raise _timeout("proxy", endpoint)
            byte = sock.recv(1)
            if not byte or len(head) >= _PROXY_HEAD:
                raise ConnectError(f"{endpoint.url}: the proxy gave no HTTP answer", url=endpoint.url, kind="proxy")
            head += byte
    except OSError as error:
        if isinstance(error, ConnectTimeout):
            raise
        raise ConnectError(f"{endpoint.url}: the proxy failed: {error}", url=endpoint.url, kind="proxy") from error
    status = head.split(b" ", 2)[1:2]
    code = int(status[0]) if status and status[0].isdigit() else None
    if code is None or not 200 <= code < 300:
        raise ConnectError(
            f"{endpoint.url}: the proxy refused to connect (status {code})",
            url=endpoint.url,
            kind="proxy",
            status_code=code,
        )


def _tls(
    sock: socket.socket,
    endpoint: Endpoint,
    context: ssl.SSLContext,
    deadline: Deadline,
    cancel: threading.Event,
) -> ssl.SSLSocket:
    if sys.version_info[:3] == (3, 13, 6):  # pragma: no cover - one release of Python
        _log.error("Python 3.13.6 can deadlock on TLS connections used by two threads; use 3.13.7 or later")
    try:
        tls = context.wrap_socket(sock, server_hostname=endpoint.host, do_handshake_on_connect=False)
        try:
            _shake_hands(tls, endpoint, deadline, cancel)
        except BaseException:
            tls.close()
            raise
    except ssl.SSLCertVerificationError as error:
        raise ConnectError(
            f"{endpoint.url}: the certificate was not accepted: {error.verify_message}",
            url=endpoint.url,
            kind="certificate",
        ) from error
    except (OSError, ValueError) as error:
        if isinstance(error, ConnectTimeout):
            raise
        raise ConnectError(f"{endpoint.url}: TLS failed: {error}", url=endpoint.url, kind="tls") from error
    return tls


def _shake_hands(tls: ssl.SSLSocket, endpoint: Endpoint, deadline: Deadline, cancel: threading.Event) -> None:
    while True:
        try:
            tls.do_handshake()
            return
        except ssl.SSLWantReadError:
            ready = wait_for(tls, READ, deadline, cancel)
        except ssl.SSLWantWriteError:
            ready = wait_for(tls, WRITE, deadline, cancel)
        if not ready:
            raise _timeout("tls", endpoint)
