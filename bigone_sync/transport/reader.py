"""WebSocketApp with a faster ear: one system call, many frames.

The library reads three times and waits once per frame.  Here its dispatcher is replaced, through the method that
``run_forever`` itself calls for one: whole, unmasked text and binary frames are cut out of the buffer, and everything
else (control frames, fragments, long frames, errors) goes to the library's own reader, which pulls its bytes from the
same buffer.  The hook is not documented API; if it is missing or looks different, the library reads alone: slow and
correct.
"""

from __future__ import annotations

import inspect
import logging
import struct
from collections.abc import Callable
from typing import Any, cast

from websocket import WebSocketApp
from websocket._dispatcher import DispatcherBase

from .channel_socket import ChannelSocket
from .framing import BoundedContinuation, BoundedFrames
from .secrets import Secrets

__all__ = ["BatchDispatcher", "ChannelApp", "hook_available"]

_log = logging.getLogger("bigone_sync.transport")

_HOOK = ["self", "ping_timeout", "dispatcher", "is_ssl", "handleDisconnect"]
# The two header bytes and a 16-bit length, if there is one.
_HEADER = struct.Struct("!HH").unpack_from
_SHORT = 125
_MEDIUM = 126

_NO_SECRETS = Secrets({}, None)


def hook_available(app_class: type = WebSocketApp) -> bool:
    """Whether this version of websocket-client has the hook in the form we know."""
    hook = vars(app_class).get("create_dispatcher")
    known = hook is not None and list(inspect.signature(hook).parameters) == _HOOK
    return known and hasattr(DispatcherBase, "__init__")


class ChannelApp(WebSocketApp):
    """One attempt's WebSocketApp.

    Args:
        url: as the library wants it.
        channel_socket: the connected socket.
        deliver: called on the reader thread with the payloads of one read, in order; opcodes are not told, since the
            exchange sends JSON in both (spot protocol, section 1).
        max_message: bound of a frame and of a message, in bytes.
        secrets: taken out of what the peer says at the end.
    """

    def __init__(
        self,
        url: str,
        channel_socket: ChannelSocket,
        deliver: Callable[[list[bytes]], None],
        max_message: int,
        *,
        on_open: Callable[[], None],
        secrets: Secrets = _NO_SECRETS,
        fast: bool = True,
        **options: Any,
    ) -> None:
        self._channel_socket = channel_socket
        self._deliver = deliver
        self._max_message = max_message
        self._fast = fast
        self._opened, self._secrets = on_open, secrets
        super().__init__(url, socket=cast(Any, channel_socket), on_open=self._on_open, on_data=self._on_data, **options)

    def _on_open(self, _: WebSocketApp) -> None:
        socket = self.sock
        if socket is None:
            raise RuntimeError("opened without a socket")
        socket.frame_buffer = BoundedFrames(socket.frame_buffer, self._max_message, self._secrets.hide_bytes)
        socket.cont_frame = BoundedContinuation(socket.cont_frame, self._max_message)
        self._channel_socket.opened()
        self._opened()

    def _on_data(self, _: WebSocketApp, data: bytes | str, opcode: int, last: bool) -> None:
        self._deliver([data.encode() if isinstance(data, str) else data])

    def create_dispatcher(
        self,
        ping_timeout: float | None,
        dispatcher: Any = None,
        is_ssl: bool = False,
        handleDisconnect: Any = None,
    ) -> Any:
        """The library's hook: what reads."""
        if not self._fast:
            return super().create_dispatcher(ping_timeout, dispatcher, is_ssl, handleDisconnect)
        return BatchDispatcher(self, self._channel_socket, self._deliver, self._max_message)


class BatchDispatcher(DispatcherBase):
    """Reads for one app until it ends."""

    def __init__(
        self,
        app: WebSocketApp,
        channel_socket: ChannelSocket,
        deliver: Callable[[list[bytes]], None],
        max_message: int,
    ) -> None:
        super().__init__(app, None)
        self._socket = channel_socket
        self._deliver = deliver
        self._max_message = max_message

    def read(self, sock: Any, read_callback: Callable[[], bool], check_callback: Callable[[], bool]) -> None:
        """Called by ``run_forever``; ``read_callback`` is the library's own reading of one frame."""
        # Frames may have come glued to the handshake's answer, so look into the buffer before waiting.
        while self._drain(read_callback):
            if not self._socket.fill():
                read_callback()  # end of stream: let the library find out in its own way
                return

    def _drain(self, library_read: Callable[[], bool]) -> bool:
        """Hand over all whole frames of the buffer; False when the connection is over."""
        app, socket = self.app, self._socket
        while True:
            if app.sock is None or not app.keep_running:
                return False
            frames = [] if app.sock.cont_frame.recving_frames else self._cut()
            if frames:
                self._deliver(frames)
            if not self._library_needed(socket.buf, socket.pos, bool(app.sock and app.sock.cont_frame.recving_frames)):
                return bool(app.keep_running)
            # May block until its frame is complete; whole frames before it are delivered by now.
            if not library_read():
                return False

    def _cut(self) -> list[bytes]:
        """Cut plain whole frames from the front of the buffer.

        Plain is: text or binary, final, no extension bits, no mask, a length of up to 16 bits and within the limit.
        """
        socket, limit, header = self._socket, self._max_message, _HEADER
        buf, pos = socket.buf, socket.pos
        frames: list[bytes] = []
        end, keep = len(buf), frames.append
        while end - pos >= 4:
            kind, size = header(buf, pos)
            if kind == 0x817E or kind == 0x827E:
                start = pos + 4
            elif kind <= 0x827D and (kind >= 0x8200 or 0x8100 <= kind <= 0x817D):
                start, size = pos + 2, kind & 0x7F
            else:
                break
            stop = start + size
            if stop > end or size > limit:
                break
            keep(buf[start:stop])
            pos = stop
        # A frame of no or one byte may be all that is left, too short for the loop.
        while 2 <= end - pos < 4 and buf[pos] in (0x81, 0x82) and buf[pos + 1] <= end - pos - 2:
            stop = pos + 2 + buf[pos + 1]
            keep(buf[pos + 2 : stop])
            pos = stop
        socket.pos = pos
        return frames

    def _library_needed(self, buf: bytes, pos: int, fragmented: bool) -> bool:
        """Whether what stands at ``pos`` is the library's to read, rather than a plain frame that is not all here."""
        have = len(buf) - pos
        if have < 2:
            return False
        if fragmented or buf[pos] not in (0x81, 0x82):
            return True
        size = buf[pos + 1]
        if size <= _SHORT:
            return size > self._max_message
        if size == _MEDIUM:
            return have >= 4 and (buf[pos + 2] << 8 | buf[pos + 3]) > self._max_message
        return True
