"""The object given to WebSocketApp as its socket.

It owns what the library leaves open: reads many frames at once into a buffer, takes every TLS call under one lock and
waits outside it, bounds the handshake and each send by deadlines, judges the handshake's answer, and can be killed
from any thread.  Only the reader thread reads and only it closes the descriptor.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Mapping
from typing import Any

from ..errors import ConnectError, ConnectTimeout
from . import handshake
from .secrets import Secrets
from .waiting import READ, WRITE, Deadline, wait_socket

__all__ = ["ChannelSocket", "SendStalled"]

# Much per read means few hand-overs between threads: a burst is taken at once.
_CHUNK = 256 * 1024
# An error body is a courtesy: a server that promises more than it sends must not cost the whole deadline.
_BODY_PATIENCE = 1.0
_DONTWAIT = getattr(socket, "MSG_DONTWAIT", 0)
# OpenSSL reports progress only by the whole buffer it was given, so it is given one record at a time.
_RECORD = 16 * 1024


_NO_SECRETS = Secrets({}, None)


class SendStalled(OSError):
    """A send made no progress within its deadline; part of a frame may be out, so the connection is dead."""


class ChannelSocket:
    """A connected socket, plain or TLS, as WebSocketApp wants it.

    Args:
        sock: connected and non-blocking, as :func:`~bigone_sync.transport.dial.dial` returns it.
        url: for messages.
        subprotocol: what the handshake offers.
        any_subprotocol: whether the server may name another one.
        secrets: taken out of what the server repeats of the handshake.
        veiled: header lines of the handshake as the library writes them, and as they are to be sent.
        deadline: end of the handshake.
        send_timeout: longest time, in seconds, that a send may go without progress.
        buffered: False reads no byte more than asked for; for a library that does its own waiting.
    """

    def __init__(
        self,
        sock: socket.socket,
        *,
        url: str,
        subprotocol: str | None,
        deadline: Deadline,
        send_timeout: float,
        buffered: bool = True,
        any_subprotocol: bool = False,
        secrets: Secrets = _NO_SECRETS,
        veiled: Mapping[str, str] | None = None,
    ) -> None:
        self.buf = b""
        """Bytes read and not yet taken; those before ``pos`` are gone."""
        self.pos = 0
        self.bytes_in = 0
        self.bytes_out = 0
        self.send_since: float | None = None
        """Monotonic time of the last progress of a send that is under way; None: none is."""
        self.refusal: ConnectError | None = None
        """Why the handshake was refused, if it was."""
        self._sock = sock
        self._tls = isinstance(sock, ssl.SSLSocket)
        self._url, self._subprotocol, self._any_subprotocol = url, subprotocol, any_subprotocol
        self._secrets, self._veiled = secrets, veiled or {}
        self._handshake: Deadline | None = deadline
        self._send_timeout = send_timeout
        self._buffered = buffered
        # Read into, again and again: a fresh object of this size for each small frame would be dear.
        self._space = memoryview(bytearray(_CHUNK))
        self._key = ""
        self._dead = False
        self._leftover = b""
        self._tls_lock = threading.Lock()
        self._send_lock = threading.Lock()
        self._life = threading.RLock()
        if not self._tls and _DONTWAIT:
            # The reader sleeps in recv itself: one system call and one hand-over of the interpreter per wake-up.
            sock.settimeout(None)

    # -- reading; reader thread only

    def recv(self, size: int) -> bytes:
        """Up to ``size`` bytes from the buffer, filling it first if it is empty; b"" at the end of the stream."""
        if self.pos >= len(self.buf):
            if self._handshake is not None and not self.bytes_in:
                self._receive_answer()
            elif not self.fill(size):
                return b""
        start = self.pos
        taken = self.buf[start : start + size]
        self.pos = start + len(taken)
        return taken

    def fill(self, size: int = _CHUNK) -> int:
        """Wait for bytes and append what has arrived to the buffer; 0 at the end of the stream."""
        space = self._space
        if not self._buffered:
            # During the handshake byte by byte: what follows stays in the kernel, where the library's select sees it.
            space = space[: 1 if self._handshake is not None else size]
        got = self._read_tls(space) if self._tls else self._read_plain(space)
        self.bytes_in += got
        self.buf = b"".join((self.buf[self.pos :], space[:got]))
        self.pos = 0
        return got

    def _read_plain(self, space: memoryview) -> int:
        if self._handshake is not None or not _DONTWAIT:
            self._wait(READ)
        return self._sock.recv_into(space)

    def _read_tls(self, space: memoryview) -> int:
        """All records that have arrived, as far as they fit; the number of bytes."""
        got, size = 0, len(space)
        while True:
            event = READ
            try:
                with self._tls_lock:
                    while got < size:
                        more = self._sock.recv_into(space[got:])
                        if not more:
                            break
                        got += more
                return got
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLWantWriteError:
                event = WRITE
            except OSError:
                if not got:
                    raise
                # What came before is good; the next call finds the stream at its end.
            if got:
                return got
            self._wait(event)

    def _wait(self, event: int) -> None:
        left = None if self._handshake is None else self._handshake.remaining()
        if self._dead:
            return
        if not wait_socket(self._sock, event, left):
            raise ConnectTimeout(f"{self._url}: the handshake took too long", url=self._url)

    # -- the handshake; reader thread only

    def _receive_answer(self) -> None:
        try:
            head, rest = self._read_head()
            request = handshake.Request(self._url, self._key, self._subprotocol, self._any_subprotocol)
            parsed = handshake.parse_head(head, self._url)
            try:
                handshake.judge(parsed, request)
            except ConnectError as error:
                if parsed.status != 101:
                    error.body = self._read_body(rest, parsed)
                raise
        except ConnectError as error:
            error.headers = {name: self._secrets.hide(value) for name, value in error.headers.items()}
            error.body = self._secrets.hide_bytes(error.body)
            self.refusal = error
            raise
        self.buf, self.pos = handshake.plain_head(parsed) + rest, 0

    def _read_head(self) -> tuple[bytes, bytes]:
        data = b""
        while True:
            if not self.fill():
                raise ConnectError(f"{self._url}: the server closed during the handshake", url=self._url)
            more, self.buf = self.buf, b""
            data += more
            found = handshake.split_head(data) if b"\n" in more else None
            # Without its end, up to three bytes of that may be among them.
            if (len(found[0]) if found else len(data) - 3) > handshake.HEAD_LIMIT:
                raise ConnectError(
                    f"{self._url}: the answer's head is over {handshake.HEAD_LIMIT} bytes", url=self._url
                )
            if found:
                return found

    def _read_body(self, data: bytes, head: handshake.Head) -> bytes:
        self._handshake = Deadline(min(_BODY_PATIENCE, self._handshake.remaining() if self._handshake else 0.0))
        self._buffered = True  # the library gets to read nothing more
        body, complete = handshake.body_of(head, data)
        try:
            while not complete and self.fill():
                data, self.buf = data + self.buf, b""
                body, complete = handshake.body_of(head, data)
        except OSError:
            pass  # what has come is all there is; the status is what matters
        return body

    def opened(self) -> None:
        """The handshake is done: reads wait without limit from here, the keeper watches."""
        self._handshake = None

    # -- writing; any thread

    def send(self, data: bytes) -> int:
        """Send all of ``data``, or die: returns its length.

        Raises:
            SendStalled: no progress within the deadline.
            OSError: the connection failed. After any failure the socket is dead.
        """
        with self._send_lock:
            if self._handshake is not None and not self._key:
                data, length = self._sniff(data), len(data)
            else:
                length = len(data)
            self.send_since = time.monotonic()
            try:
                self._write_all(self._leftover + data if self._leftover else data)
                self._leftover = b""
            except BaseException:
                self.kill()
                raise
            finally:
                self.send_since = None
            return length

    def try_send(self, data: bytes) -> bool:
        """Send ``data`` if that needs no waiting; False if it was not sent, and will not be.

        What the kernel takes only in part goes out in full before anything else is sent, see :meth:`flush`.
        """
        if not self._send_lock.acquire(blocking=False):
            return False
        try:
            if not self._flush():
                return False
            sent = self._write_some(data)
            # OpenSSL may hold a record half written even if it says that nothing was sent: then the same bytes must
            # be offered again, so they count as sent.
            taken = bool(sent) or self._tls
            if taken:
                self._leftover = data[sent:]
                self._flush()
            return taken
        except OSError:
            self.kill()
            return False
        finally:
            self._send_lock.release()

    def flush(self) -> bool:
        """Send what :meth:`try_send` left, as far as that needs no waiting; False if some is left, or it failed."""
        if not self._send_lock.acquire(blocking=False):
            return False
        try:
            return self._flush()
        except OSError:
            self.kill()
            return False
        finally:
            self._send_lock.release()

    def _flush(self) -> bool:
        while self._leftover:
            sent = self._write_some(self._leftover)
            if not sent:
                return False
            self._leftover = self._leftover[sent:]
        return True

    def _sniff(self, request: bytes) -> bytes:
        self._key = handshake.Request.key_of(request)
        request = handshake.Request.without_foreign_cookies(request)
        for shown, line in self._veiled.items():
            request = request.replace(f"\r\n{shown}\r\n".encode(), f"\r\n{line}\r\n".encode(), 1)
        return request

    def _write_all(self, frame: bytes) -> None:
        data = memoryview(frame)
        deadline = Deadline(self._send_timeout)
        while data:
            sent = self._write_some(data)
            if sent:
                data = data[sent:]
                deadline, self.send_since = Deadline(self._send_timeout), time.monotonic()
                continue
            if self._dead:
                raise ConnectionAbortedError("the connection was closed")
            if not wait_socket(self._sock, WRITE, deadline.remaining()):
                raise SendStalled("the peer takes no data")

    def _write_some(self, data: bytes | memoryview) -> int:
        """Bytes that went out without waiting."""
        try:
            if not self._tls:
                sent = self._sock.send(data, _DONTWAIT)
            else:
                with self._tls_lock:
                    sent = self._sock.send(data[:_RECORD])
        except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
            return 0
        self.bytes_out += sent
        return sent

    # -- ending

    def kill(self) -> None:
        """End it at once, from any thread: every blocked read, write and wait wakes."""
        self._dead = True
        with self._life:
            try:
                # SSLSocket.shutdown would take the TLS object away under the reader.
                socket.socket.shutdown(self._sock, socket.SHUT_RDWR)
            except OSError:
                pass  # not connected any more, or closed already

    def dispose(self) -> None:
        """Close the descriptor. Reader thread only, when nothing reads any more."""
        self.kill()
        # A sender that is woken now may not have let go of the descriptor, whose number the next connection may get.
        with self._send_lock, self._life:
            self._sock.close()

    def abandon(self) -> None:
        """Close this process's copy of the descriptor without a word to the peer; for a forked child."""
        self._dead = True
        socket.socket.close(self._sock)

    # -- what else the library asks of a socket

    def close(self) -> None:
        """The library is through with it. The descriptor stays until :meth:`dispose`."""
        self.kill()

    def shutdown(self, how: int) -> None:
        """The library wants it down."""
        self.kill()

    def fileno(self) -> int:
        """The descriptor."""
        return self._sock.fileno()

    def pending(self) -> int:
        """Bytes that can be read without waiting."""
        held = len(self.buf) - self.pos
        if isinstance(self._sock, ssl.SSLSocket):
            with self._tls_lock:
                held += self._sock.pending()
        return held

    def gettimeout(self) -> float | None:
        """None: deadlines are kept here, not by the library."""
        return None

    def settimeout(self, timeout: Any) -> None:
        """Ignored, for the same reason."""

    @property
    def _closed(self) -> bool:
        return self._dead
