"""Frames on their way out: in order, whoever queued them, and never one of an earlier connection."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

from .dispatch import Lane
from .errors import TransportError
from .events import RawFrame
from .ports import Hub
from .protocol.base import Frame
from .transport.connection import Connection

__all__ = ["Outbox", "Sender"]


class Sending(Protocol):
    """A session, as its sender sees it."""

    name: str
    lane: Lane
    connection: Connection


class Sender:
    """Sends on a session's connection, and shows what it sent to who wants to see it.

    Args:
        session: whose connection.
        hub: the client.
    """

    def __init__(self, session: Sending, hub: Hub) -> None:
        self._session, self._hub = session, hub

    def send(self, frame: Frame, wait: bool) -> bool:
        """Send one frame; with ``wait`` False it returns False rather than wait.

        Raises:
            TransportError: the connection is not up, or failed.
        """
        connection = self._session.connection
        if wait:
            connection.send(frame.data, binary=frame.binary)
        elif not connection.try_send(frame.data, binary=frame.binary):
            return False
        self.show(frame)
        return True

    def show(self, frame: Frame) -> None:
        """A frame went out."""
        if self._hub.wants_raw:
            shown = RawFrame("out", frame.shown, connection=self._session.name, received_at=time.time())
            self._hub.raw(self._session.lane, (shown,), wait=False)


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
