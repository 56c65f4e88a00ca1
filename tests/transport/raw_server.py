"""A server that does exactly what a test says: the test's own thread is the server.

``RawServer.accept`` gives the next connection as a ``Peer``, which speaks HTTP, WebSocket frames, or any other bytes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import socket
import ssl
import struct
from typing import Any

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
PATIENCE = 30.0


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    mask: bytes = b"",
    form: int = 0,
) -> bytes:
    """One frame; ``form`` 16 or 64 forces that length field, ``mask`` of four bytes masks it."""
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    masked, size = (0x80 if mask else 0), len(payload)
    if size < 126 and not form:
        head = struct.pack("!BB", first, masked | size)
    elif size < 65536 and form != 64:
        head = struct.pack("!BBH", first, masked | 126, size)
    else:
        head = struct.pack("!BBQ", first, masked | 127, size)
    if mask:
        payload = bytes(byte ^ mask[i & 3] for i, byte in enumerate(payload))
    return head + mask + payload


def close_frame(code: int, reason: bytes = b"") -> bytes:
    return frame(CLOSE, struct.pack("!H", code) + reason)


def accept_key(request: bytes) -> bytes:
    found = re.search(rb"(?i)sec-websocket-key:\s*(\S+)", request)
    assert found, request
    return base64.b64encode(hashlib.sha1(found[1] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())


def answer_101(request: bytes, *extra: bytes) -> bytes:
    lines = [
        b"HTTP/1.1 101 Switching Protocols",
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Accept: " + accept_key(request),
        *extra,
    ]
    return b"\r\n".join([*lines, b"", b""])


def unmasked(data: bytes) -> list[tuple[int, bytes]]:
    """All frames of a client's stream as (opcode, payload)."""
    frames, pos = [], 0
    while pos < len(data):
        opcode, size, pos = data[pos] & 15, data[pos + 1] & 127, pos + 2
        if size == 126:
            size, pos = struct.unpack_from("!H", data, pos)[0], pos + 2
        elif size == 127:
            size, pos = struct.unpack_from("!Q", data, pos)[0], pos + 8
        mask, pos = data[pos : pos + 4], pos + 4
        frames.append((opcode, bytes(byte ^ mask[i & 3] for i, byte in enumerate(data[pos : pos + size]))))
        pos += size
    return frames


class Peer:
    """The server's end of one connection."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.request = b""
        self._rest = b""
        sock.settimeout(PATIENCE)
        if sock.family in (socket.AF_INET, socket.AF_INET6):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    # -- bytes

    def send(self, *parts: bytes) -> None:
        self.sock.sendall(b"".join(parts))

    def recv(self, size: int) -> bytes:
        """Exactly so many bytes."""
        data, self._rest = self._rest[:size], self._rest[size:]
        while len(data) < size:
            more = self.sock.recv(min(65536, size - len(data)))
            assert more, f"the stream ended after {data[:200]!r}"
            data += more
        return data

    def rest(self) -> bytes:
        """All bytes until the client ends the stream, in whatever way."""
        data, self._rest = self._rest, b""
        while True:
            try:
                more = self.sock.recv(65536)
            except (ConnectionResetError, ssl.SSLError):
                return data
            if not more:
                return data
            data += more

    # -- HTTP

    def head(self) -> bytes:
        """Read a request's head."""
        data = b""
        while b"\r\n\r\n" not in data:
            more = self.sock.recv(65536)
            assert more, f"no request, only {data!r}"
            data += more
        head, _, self._rest = data.partition(b"\r\n\r\n")
        self.request = head + b"\r\n\r\n"
        return self.request

    def shake(self, *extra: bytes, glued: bytes = b"") -> Peer:
        """Read the request, and accept it."""
        self.head()
        self.send(answer_101(self.request, *extra), glued)
        return self

    # -- frames

    def text(self, *payloads: bytes) -> None:
        self.send(*(frame(TEXT, payload) for payload in payloads))

    def say(self, *messages: Any) -> None:
        """JSON values as text frames, all in one piece."""
        self.text(*(json.dumps(message).encode() for message in messages))

    def next_frame(self) -> tuple[int, bytes]:
        """The client's next frame as (opcode, payload)."""
        opcode, size = self.recv(2)
        size &= 127
        if size == 126:
            size = struct.unpack("!H", self.recv(2))[0]
        elif size == 127:
            size = struct.unpack("!Q", self.recv(8))[0]
        mask = self.recv(4)
        payload = self.recv(size)
        return opcode & 15, bytes(byte ^ mask[i & 3] for i, byte in enumerate(payload))

    # -- ending

    def close(self) -> None:
        self.sock.close()

    def reset(self) -> None:
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


class RawServer:
    """A listening socket on loopback."""

    def __init__(self, context: ssl.SSLContext | None = None, *, receive_buffer: int | None = None) -> None:
        self.context = context
        self.listener = socket.socket()
        if receive_buffer:
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen()
        self.listener.settimeout(PATIENCE)
        self.port: int = self.listener.getsockname()[1]
        self._peers: list[Peer] = []

    @property
    def url(self) -> str:
        return f"{'wss' if self.context else 'ws'}://127.0.0.1:{self.port}/ws/v2"

    def accept(self) -> Peer:
        """The next connection, with TLS done where the server has a context."""
        sock = self.listener.accept()[0]
        if self.context is not None:
            sock.settimeout(PATIENCE)
            sock = self.context.wrap_socket(sock, server_side=True)
        return self.keep(Peer(sock))

    def open(self, *extra: bytes, glued: bytes = b"") -> Peer:
        """The next connection, with the handshake accepted."""
        return self.accept().shake(*extra, glued=glued)

    def refuse(self, status: int, body: bytes = b"") -> bytes:
        """Answer the next handshake with a status; returns its request."""
        peer = self.accept()
        request = peer.head()
        peer.send(b"HTTP/1.1 %d Whatever\r\nContent-Length: %d\r\n\r\n" % (status, len(body)), body)
        peer.close()
        self.forget(peer)
        return request

    def keep(self, peer: Peer) -> Peer:
        self._peers.append(peer)
        return peer

    def forget(self, peer: Peer) -> None:
        self._peers.remove(peer)

    def close(self) -> None:
        self.listener.close()
        for peer in self._peers:
            peer.close()

    def __enter__(self) -> RawServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
