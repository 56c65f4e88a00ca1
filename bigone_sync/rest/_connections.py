"""Connections and pools of our own: urllib3's, with the call's deadline, its end from outside, and its fresh token."""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import time
from collections.abc import Mapping
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.response import BaseHTTPResponse

from ._dialling import dial
from ._retry import CallRetry
from ._sending import Sending, current

__all__ = ["POOLS", "Untouched"]

# Servers keep idle connections for a minute or so. An order that goes out just when one is closed is an order whose
# outcome is unknown, so they are not used to the end.
_IDLE = 30.0


class _Reading(io.RawIOBase):
    """What a peer sends: each read is bounded by the call's deadline, so that a trickle is noticed, too."""

    def __init__(self, sock: socket.socket, sending: Sending) -> None:
        self._sock, self._sending = sock, sending
        self._longest = sock.gettimeout()
        self._raw = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._raw.fileno()

    def readinto(self, buffer: Any) -> int | None:
        self._sending.check()
        left = self._sending.left()
        if left <= 0:
            raise TimeoutError("timed out")
        self._sock.settimeout(left if self._longest is None else min(self._longest, left))
        try:
            size = self._raw.readinto(buffer)
        except OSError:
            self._sending.check()
            raise
        # A connection that was shut down to end the call looks like one that the peer has ended in good order.
        self._sending.check()
        return size

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


class _Answer(http.client.HTTPResponse):
    """Reads through :class:`_Reading`: status line, headers, body, and what a proxy says before them."""

    def __init__(self, sock: socket.socket, debuglevel: int = 0, method: str | None = None, url: str | None = None):
        super().__init__(sock, debuglevel, method, url)
        self.fp.close()
        self.fp = io.BufferedReader(_Reading(sock, current()))

    def _read_status(self) -> tuple[str, int, str]:
        try:
            return super()._read_status()  # type: ignore[misc, no-any-return]
        except http.client.RemoteDisconnected:
            raise
        except http.client.BadStatusLine:
            pass
        # urllib3 would log the line, whatever the peer put there.
        raise http.client.BadStatusLine("no status line of HTTP")

    def begin(self) -> None:
        super().begin()
        if self.msg.defects:
            # urllib3 would log what it could not parse, whatever the peer put there.
            self.msg.defects.clear()
            self.msg.set_payload("")


class _Connection(HTTPConnection):
    response_class = _Answer
    used = 0.0
    """When it was used last, in seconds of the monotonic clock."""

    def _new_conn(self) -> socket.socket:
        sending = current()
        timeout = self.timeout if isinstance(self.timeout, (int, float)) else None
        seconds = sending.within(timeout)
        try:
            sock = dial(
                self._dns_host,
                self.port or self.default_port,
                seconds=seconds,
                options=self.socket_options or (),
                check=sending.check,
            )
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except TimeoutError as error:
            raise ConnectTimeoutError(self, "connecting took too long") from error
        except OSError as error:
            raise NewConnectionError(self, f"cannot connect: {error}") from error
        try:
            sending.hold(sock)
            sock.settimeout(sending.within(timeout))  # for a proxy's answer and for TLS
        except BaseException:
            sock.close()
            raise
        return sock

    def request(  # type: ignore[override]
        self, method: str, url: str, body: Any = None, headers: Mapping[str, str] | None = None, **options: Any
    ) -> None:
        sending = current()
        if self.sock is None:
            self.connect()
        assert self.sock is not None
        sending.hold(self.sock)
        self.timeout = sending.within(self.timeout if isinstance(self.timeout, (int, float)) else None)
        headers = sending.signed(headers or {})
        sending.is_sent = True
        super().request(method, url, body, headers, **options)


class _TlsConnection(_Connection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection

    def _get_conn(self, timeout: float | None = None) -> Any:
        # One that the peer has closed is found out by urllib3, one that a router has forgotten is not.
        connection: Any = super()._get_conn(timeout)
        if not connection.is_closed and time.monotonic() - connection.used > _IDLE:
            connection.close()  # and dialled again by whoever uses it
        return connection

    def urlopen(  # type: ignore[override]
        self,
        method: str,
        url: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        retries: Any = None,
        *arguments: Any,
        **options: Any,
    ) -> BaseHTTPResponse:
        # Called anew for each attempt, with the Retry as it then stands.
        sending = current()
        sending.begin_attempt()
        if not isinstance(retries, CallRetry):
            retries = sending.retries
            # As the body is read within the attempt, the pool sees to the connection, and the response need not.
            options["release_conn"] = True
        return super().urlopen(method, url, body, headers, retries, *arguments, **options)

    def _make_request(self, conn: Any, *arguments: Any, **options: Any) -> BaseHTTPResponse:
        response = super()._make_request(conn, *arguments, **options)
        current().take(response)
        conn.used = time.monotonic()
        return response


class _TlsPool(_Pool, HTTPSConnectionPool):
    ConnectionCls = _TlsConnection

    def _validate_conn(self, conn: Any) -> None:
        # Without the warning that a context which checks nothing would give at each call: somebody made it so.
        if conn.is_closed:
            conn.connect()


POOLS: dict[str, type[HTTPConnectionPool]] = {"http": _Pool, "https": _TlsPool}
"""By scheme, for a PoolManager."""


class Untouched:
    """Stands before an SSLContext that urllib3 would change: it sets ALPN, verify mode and more.

    The user's context may serve the streams at the same time.
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    @property
    def verify_mode(self) -> ssl.VerifyMode:
        """As the context says; setting it does nothing."""
        return self._context.verify_mode

    @verify_mode.setter
    def verify_mode(self, value: object) -> None:
        pass

    @property
    def check_hostname(self) -> bool:
        """As the context says; setting it does nothing."""
        return self._context.check_hostname

    @check_hostname.setter
    def check_hostname(self, value: object) -> None:
        pass

    def set_alpn_protocols(self, protocols: object) -> None:
        """Do nothing."""
