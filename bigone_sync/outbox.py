"""Frames on their way out: in order, whoever queued them, and never one of an earlier connection."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from .errors import TransportError
from .protocol.base import Frame

__all__ = ["Outbox"]


class Outbox:
    """A queue that its callers empty themselves.

    Args:
        send: sends one frame; with ``wait`` False it returns False rather than wait. Raises TransportError.
    """

    def __init__(self, send: Callable[[Frame, bool], bool]) -> None:
        self._send = send
        self._frames: deque[Frame] = deque()
        self._sending = threading.Lock()

    def append(self, frame: Frame) -> None:
        """Queue a frame; :meth:`flush` sends it."""
        self._frames.append(frame)

    def clear(self) -> None:
        """Forget what is queued: a new connection is asked for everything anew."""
        # Waits for a send under way, which a connection that ended has already woken.
        with self._sending:
            self._frames.clear()

    def flush(self, *, wait: bool = True) -> None:
        """Send what is queued. If another thread is at it, that one sends ours, too."""
        while self._frames:
            if not self._sending.acquire(blocking=False):
                return
            try:
                while self._frames:
                    frame = self._frames.popleft()
                    if not self._send(frame, wait):
                        self._frames.appendleft(frame)
                        return
            except TransportError:
                return  # the connection is being replaced; its successor asks for everything again
            finally:
                self._sending.release()

    def __bool__(self) -> bool:
        return bool(self._frames)
