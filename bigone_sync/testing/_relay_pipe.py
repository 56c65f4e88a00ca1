"""One direction of a connection through the fault proxy, and what may be wrong with it.

Called on the proxy's thread only; nothing blocks.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

__all__ = ["CHUNK", "End", "Faults", "Pipe", "abort"]

CHUNK = 64 * 1024
"""Most bytes of one read."""

# A long delay on a fast stream holds many bytes; beyond this the source is no longer read and TCP pushes back.
_MOST_HELD = 64 * 1024 * 1024
# Writes in one turn, so that a long slicing run cannot keep the thread from its orders.
_TURN = 256
_LINGER_OFF = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


@dataclass
class Faults:
    """What is wrong with one direction at present; shared by all pipes of that direction."""

    delay: float = 0.0
    slice_size: int | None = None
    slice_pause: float = 0.0
    stalled: bool = False
    dead: bool = False

    @property
    def frozen(self) -> bool:
        """True while nothing may be read or written."""
        return self.stalled or self.dead

    def clear(self) -> None:
        """End all of them."""
        self.delay, self.slice_size, self.slice_pause = 0.0, None, 0.0
        self.stalled = self.dead = False


class End(Enum):
    """How a byte stream ends; travels behind its last byte."""

    FIN = auto()
    RST = auto()


def abort(sock: socket.socket) -> None:
    """Close a socket with a reset instead of an orderly end."""
    with contextlib.suppress(OSError):  # already broken by the peer's own reset: closing is all that is left
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_OFF)
    sock.close()


class Pipe:
    """One direction of a connection: reads the source, holds bytes until they are due, writes the sink.

    Args:
        faults: Looked at anew at every step.
        count: Told the number of bytes of each write.
    """

    def __init__(
        self, source: socket.socket, sink: socket.socket, faults: Faults, count: Callable[[int], None]
    ) -> None:
        self.source, self.sink = source, sink
        self.blocked = False
        """The sink took less than it was offered: wait until it can be written."""
        self.passed: End | None = None
        """The end that the sink was given, if any."""
        self.faults, self._count = faults, count
        self._noted: End | None = None
        self._held: deque[tuple[float, memoryview | End]] = deque()
        self._held_bytes = 0
        self._not_before = 0.0  # pause between slices

    def wants_read(self, now: float) -> bool:
        """Tell whether the source should be read: not while the sink lags behind, or pushing back would be lost."""
        if self._noted is not None or self.faults.frozen or self._held_bytes >= _MOST_HELD:
            return False
        return not self._held or self._held[0][0] > now

    def wants_write(self) -> bool:
        """Tell whether the sink's becoming writable is waited for."""
        return self.blocked and not self.faults.frozen

    def due(self) -> float | None:
        """Give the time from which :meth:`flush` has something to do; None while something else must change first."""
        if self.blocked or self.faults.frozen or not self._held:
            return None
        return max(self._held[0][0], self._not_before)

    def read(self, now: float) -> None:
        """Take what the source has; its end or reset is noted in order behind the bytes."""
        try:
            data = self.source.recv(CHUNK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self.finish(End.RST, now)
            return
        if data:
            self.put(data, now)
        else:
            self.finish(End.FIN, now)

    def put(self, data: bytes, now: float) -> bool:
        """Append bytes behind those held, as if just read; False if the source has ended and nothing may follow."""
        if self._noted is not None:
            return False
        self._append(memoryview(data), now)
        self._held_bytes += len(data)
        return True

    def finish(self, end: End, now: float) -> None:
        """Note that the source has ended; a reset may follow an orderly end."""
        if self._noted is not end and self._noted is not End.RST:
            self._noted = end
            self._append(end, now)

    def discard(self) -> None:
        """Give up on the sink: nothing can reach it any more."""
        self._held.clear()
        self._held_bytes = 0
        self._noted = End.RST

    def release(self) -> None:
        """Make everything held due now."""
        self._held = deque((0.0, item) for _, item in self._held)
        self.restart_pause()

    def restart_pause(self) -> None:
        """Forget the running pause between slices."""
        self._not_before = 0.0

    def flush(self, now: float) -> None:
        """Write what is due, as the faults allow.

        Raises:
            OSError: The sink is broken.
        """
        for _ in range(_TURN):
            due = self.due()
            if due is None or due > now:
                return
            item = self._held[0][1]
            if isinstance(item, End):
                self._held.popleft()
                self._pass_on(item)
            else:
                self._write(item)

    def _write(self, data: memoryview) -> None:
        size, pause = self.faults.slice_size, self.faults.slice_pause
        piece = data if size is None else data[:size]
        try:
            sent = self.sink.send(piece)
        except (BlockingIOError, InterruptedError):
            self.blocked = True
            return
        self._count(sent)
        self._held_bytes -= sent
        if sent == len(data):
            self._held.popleft()
        else:
            self._held[0] = (self._held[0][0], data[sent:])
        if sent < len(piece):
            self.blocked = True
        elif size is not None and pause:
            self._not_before = time.monotonic() + pause

    def _pass_on(self, end: End) -> None:
        self.passed = end
        if end is End.FIN:
            self.sink.shutdown(socket.SHUT_WR)

    def _append(self, item: memoryview | End, now: float) -> None:
        self._held.append((now + self.faults.delay, item))  # earlier items go first even if they are due later
