"""As much of RFC 6455 as the benchmarks need, on both sides, without a WebSocket library."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import socket
import struct

__all__ = ["BINARY", "CLOSE", "PING", "PONG", "TEXT", "Frames", "frame", "handshake", "masked", "upgrade"]

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_FIELD = r"(?im)^%s:[ \t]*([^\r\n]*?)[ \t]*\r?$"


def frame(payload: bytes, opcode: int) -> bytes:
    """Encode a final, unmasked frame, as servers send it."""
    size, first = len(payload), 0x80 | opcode
    if size < 126:
        return struct.pack("!BB", first, size) + payload
    if size < 65536:
        return struct.pack("!BBH", first, 126, size) + payload
    return struct.pack("!BBQ", first, 127, size) + payload


def masked(payload: bytes, opcode: int) -> bytes:
    """Encode a final frame as clients send it; the mask is zero, which is legal and costs nothing."""
    head = frame(b"", opcode)[:1]
    size = len(payload)
    if size < 126:
        return head + struct.pack("!B", 0x80 | size) + bytes(4) + payload
    return head + struct.pack("!BH", 0x80 | 126, size) + bytes(4) + payload


class Frames:
    """Cuts the bytes of a client into frames; knows neither fragments nor errors."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """Take bytes; give opcode and unmasked payload of every frame that is now complete."""
        self._buffer += data
        found = []
        while (complete := self._first()) is not None:
            found.append(complete)
        return found

    def _first(self) -> tuple[int, bytes] | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        size, start = buffer[1] & 127, 2
        if size >= 126:
            start = 4 if size == 126 else 10
            if len(buffer) < start:
                return None
            size = int.from_bytes(buffer[2:start], "big")
        mask = b""
        if buffer[1] & 0x80:
            mask = bytes(buffer[start : start + 4])
            start += 4
        if len(buffer) < start + size:
            return None
        opcode, payload = buffer[0] & 15, bytes(buffer[start : start + size])
        del buffer[: start + size]
        if mask.strip(b"\0"):
            payload = bytes(byte ^ mask[i & 3] for i, byte in enumerate(payload))
        return opcode, payload


def upgrade(sock: socket.socket) -> bytes:
    """Read a client's handshake and answer it; the first subprotocol offered is taken.

    Args:
        sock: Blocking.

    Returns:
        The bytes that came behind the handshake.

    Raises:
        ConnectionError: It ended before, or is no WebSocket handshake.
    """
    head, rest = _read_head(sock)
    key = re.search(_FIELD % "sec-websocket-key", head)
    if key is None:
        raise ConnectionError("not a WebSocket handshake")
    accept = base64.b64encode(hashlib.sha1(key[1].encode() + _GUID).digest()).decode()
    lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"]
    lines.append(f"Sec-WebSocket-Accept: {accept}")
    offered = re.search(_FIELD % "sec-websocket-protocol", head)
    if offered is not None:
        lines.append(f"Sec-WebSocket-Protocol: {offered[1].split(',')[0].strip()}")
    sock.sendall(_head(lines))
    return rest


def handshake(port: int) -> tuple[socket.socket, bytes]:
    """Connect to a benchmark server; give the socket and what came behind its answer.

    Raises:
        ConnectionError: The server did not upgrade.
    """
    sock = socket.create_connection(("127.0.0.1", port))
    key = base64.b64encode(os.urandom(16)).decode()
    lines = ["GET /ws/v2 HTTP/1.1", f"Host: 127.0.0.1:{port}", "Upgrade: websocket", "Connection: Upgrade"]
    lines += [f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Protocol: json"]
    sock.sendall(_head(lines))
    head, rest = _read_head(sock)
    if not head.startswith("HTTP/1.1 101 "):
        sock.close()
        raise ConnectionError("the server did not upgrade")
    return sock, rest


def _head(lines: list[str]) -> bytes:
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _read_head(sock: socket.socket) -> tuple[str, bytes]:
    data = b""
    while b"\r\n\r\n" not in data:
        more = sock.recv(65536)
        if not more:
            raise ConnectionError("the connection ended in the handshake")
        data += more
    head, _, rest = data.partition(b"\r\n\r\n")
    return head.decode("latin-1"), rest
