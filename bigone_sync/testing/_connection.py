"""One client's WebSocket on the exchange's side: writing without ever waiting for a slow reader."""

from __future__ import annotations

import asyncio
import logging
import struct
from collections.abc import Callable
from typing import Any, Protocol

from aiohttp import web

logger = logging.getLogger("bigone_sync.testing")

TEXT = 0x1
BINARY = 0x2
CLOSE = 0x8
PONG = 0xA
#: The frames that a message may come in, by name.
OPCODES = {"text": TEXT, "binary": BINARY}


def encode_frame(opcode: int, payload: bytes) -> bytes:
    """One whole, unmasked WebSocket frame (RFC 6455, section 5.2)."""
    size = len(payload)
    if size < 126:
        header = struct.pack("!BB", 0x80 | opcode, size)
    elif size < 1 << 16:
        header = struct.pack("!BBH", 0x80 | opcode, 126, size)
    else:
        header = struct.pack("!BBQ", 0x80 | opcode, 127, size)
    return header + payload


class Link:
    """The server end of one WebSocket; used on the exchange's loop only.

    Frames go straight to the transport: after `send` returns, the bytes are in the kernel or in the transport's
    buffer. That buffer is the only memory a slow reader can cost, and it is bounded: past ``backlog_limit`` bytes,
    or when nothing of it was taken for ``stall_limit`` seconds, the connection is dropped.
    """

    def __init__(
        self,
        number: int,
        ws: web.WebSocketResponse,
        transport: asyncio.Transport,
        *,
        backlog: int,
        stall: float,
    ) -> None:
        self.number = number
        self.dropped_as_slow = False
        self._ws = ws
        self._transport = transport
        self._backlog_limit = backlog
        self._stall_limit = stall
        self._loop = asyncio.get_running_loop()
        self._written = 0
        self._taken = 0
        self._taken_at = self._loop.time()
        self._closing: asyncio.Task[bool] | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.number}>"

    @property
    def is_open(self) -> bool:
        """Whether frames can still be written."""
        return self._closing is None and not self._ws.closed and not self._transport.is_closing()

    @property
    def backlog(self) -> int:
        """Bytes the client has not made room for yet."""
        return self._transport.get_write_buffer_size() if self.is_open else 0

    def send(self, opcode: int, payload: bytes) -> None:
        """Write one frame; on a connection that has ended this does nothing."""
        if not self.is_open:
            return
        frame = encode_frame(opcode, payload)
        self._transport.write(frame)
        self._written += len(frame)
        self.check_backlog()

    def check_backlog(self) -> None:
        """Drop the connection if its reader is too slow."""
        waiting = self.backlog
        taken = self._written - waiting
        now = self._loop.time()
        if not waiting or taken > self._taken:
            self._taken, self._taken_at = taken, now
        if waiting > self._backlog_limit or (waiting and now - self._taken_at > self._stall_limit):
            logger.warning("connection %d dropped: %d bytes unread", self.number, waiting)
            self.dropped_as_slow = True
            self.drop()

    def close(self, code: int, reason: str) -> None:
        """Send a close frame; the closing handshake then takes its course without anybody waiting for it."""
        if self.is_open:
            self._closing = self._loop.create_task(self._ws.close(code=code, message=reason.encode(), drain=False))

    def drop(self, code: int | None = None) -> None:
        """End the TCP connection now, with a last close frame if a code is given."""
        if code is not None and self.is_open:
            self._transport.write(encode_frame(CLOSE, struct.pack("!H", code)))
        self._transport.abort()

    async def finished(self) -> None:
        """Wait for a closing handshake that `close` began."""
        if self._closing is not None:
            await self._closing


class Encoding(Protocol):
    """How a connection is spoken to."""

    def frame(self, request_id: str, member: str, body: str) -> tuple[int, bytes]:
        """Opcode and payload of a response."""

    def read(self, data: str | bytes) -> dict[str, Any]:
        """The request in a frame, in the form that it has in JSON."""


class Connection(Link):
    """One connection of the spot exchange: what it is spoken to in, its login and its heartbeat."""

    def __init__(
        self,
        number: int,
        ws: web.WebSocketResponse,
        transport: asyncio.Transport,
        encoding: Encoding,
        *,
        backlog: int,
        stall: float,
    ) -> None:
        super().__init__(number, ws, transport, backlog=backlog, stall=stall)
        self.encoding = encoding
        self.authenticated = False
        self._heartbeat: asyncio.TimerHandle | None = None

    def start_heartbeat(self, interval: int, frame: Callable[[], tuple[int, bytes]]) -> None:
        """Send the frame of that moment every ``interval`` seconds from now on; 0 ends it."""
        if self._heartbeat is not None:
            self._heartbeat.cancel()
            self._heartbeat = None
        if interval > 0:
            self._heartbeat = self._loop.call_later(interval, self._beat, interval, frame)

    def _beat(self, interval: int, frame: Callable[[], tuple[int, bytes]]) -> None:
        if self.is_open:
            self.send(*frame())
            self.start_heartbeat(interval, frame)


def transport_of(request: web.Request) -> asyncio.Transport:
    """The connection's transport, which is there as long as its request is being handled."""
    transport: Any = request.transport
    if not isinstance(transport, asyncio.Transport):
        raise ConnectionResetError("the client has gone")
    return transport
