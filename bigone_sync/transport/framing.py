"""websocket-client's frame assembly with bounds: no frame and no message over the limit is ever held in memory."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from websocket import ABNF, WebSocketProtocolException
from websocket._abnf import continuous_frame, frame_buffer

from ..errors import MessageTooBig

__all__ = ["BoundedContinuation", "BoundedFrames", "InvalidClose"]


class InvalidClose(Exception):
    """A close frame whose code the library does not accept; the code is kept."""

    def __init__(self, code: int) -> None:
        super().__init__(f"close frame with the invalid code {code}")
        self.code = code


def _too_big(size: int, limit: int) -> MessageTooBig:
    return MessageTooBig(f"a message of at least {size} bytes; the limit is {limit} (Limits.max_message)")


class BoundedFrames(frame_buffer):
    """The library's frame reader; refuses a frame by its header, before its payload is read.

    Args:
        library: the one that it replaces.
        limit: bytes that a frame may have.
        hide: takes secrets out of a close frame's reason, which the library writes to its log.
    """

    def __init__(self, library: frame_buffer, limit: int, hide: Callable[[bytes], bytes]) -> None:
        super().__init__(library.recv, library.skip_utf8_validation)
        self._limit, self._hide = limit, hide
        self._last = b""
        self._mask: bytes | str = ""
        self._opcode = -1

    def recv_header(self) -> None:
        """Read the first two bytes."""
        super().recv_header()
        self._opcode = self.header[4] if self.header else -1

    def recv_length(self) -> None:
        """Read the length, and refuse it if it is over the limit."""
        super().recv_length()
        if self.length is not None and self.length > self._limit:
            raise _too_big(self.length, self._limit)

    def recv_mask(self) -> None:
        """Read the mask, which servers do not use but the library tolerates."""
        super().recv_mask()
        self._mask = self.mask_value or ""

    def recv_strict(self, bufsize: int) -> bytes:
        """Read exactly so many bytes."""
        self._last = bytes(super().recv_strict(bufsize))
        return self._last

    def recv_frame(self) -> ABNF:
        """Read one frame.

        Raises:
            InvalidClose: a close frame with a code that RFC 6455 reserves, which the library would hide.
        """
        try:
            frame = super().recv_frame()
        except WebSocketProtocolException as error:
            if self._opcode == ABNF.OPCODE_CLOSE and len(self._last) >= 2:
                code = bytes(ABNF.mask(self._mask, self._last[:2])) if self._mask else self._last[:2]
                raise InvalidClose(struct.unpack("!H", code)[0]) from error
            raise
        if frame.opcode == ABNF.OPCODE_CLOSE:
            data = bytes(frame.data)  # type: ignore[arg-type]
            frame.data = data[:2] + self._hide(data[2:])
        return frame


class BoundedContinuation(continuous_frame):
    """The library's fragment assembly; keeps the parts in a list, where the library copies all for each."""

    def __init__(self, library: continuous_frame, limit: int) -> None:
        super().__init__(library.fire_cont_frame, library.skip_utf8_validation)
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0

    def add(self, frame: ABNF) -> None:
        """Take one fragment."""
        self._size += len(frame.data)
        if self._size > self._limit:
            raise _too_big(self._size, self._limit)
        if not self._parts:
            self.cont_data = [frame.opcode, b""]
            self.recving_frames = frame.opcode
        self._parts.append(bytes(frame.data))  # type: ignore[arg-type]
        if frame.fin:
            self.recving_frames = None

    def extract(self, frame: ABNF) -> tuple[Any, ABNF]:
        """The whole message, after its last fragment."""
        if self.cont_data is not None:
            self.cont_data[1] = b"".join(self._parts)
        self._parts, self._size = [], 0
        opcode, whole = super().extract(frame)
        return opcode, whole
