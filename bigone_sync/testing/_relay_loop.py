"""The thread of the fault proxy: listens, relays, and carries out orders between two steps.

All state belongs to that thread. Callers hand it a function with :meth:`RelayLoop.order` and wait for its result, so
that a fault is never switched in the middle of a write.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from bigone_sync.testing._relay import Address, Link
from bigone_sync.testing._relay_pipe import Faults, abort

__all__ = ["RelayLoop"]

T = TypeVar("T")

_log = logging.getLogger("bigone_sync.testing.proxy")
_BACKLOG = 128
_OUT_OF_RESOURCES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_ACCEPT_PAUSE = 0.05


class RelayLoop:
    """Relays connections from one port to an upstream on a thread of its own.

    Args:
        host: Address to listen on.
        addresses: Where the upstream may be reached, tried in order.
        receive_buffer: Size in bytes of the kernel's receive buffers, or None for the default.

    Raises:
        OSError: No port, or no descriptors.
        RuntimeError: No thread.
    """

    def __init__(self, host: str, addresses: Sequence[Address], receive_buffer: int | None) -> None:
        self.up, self.down = Faults(), Faults()
        self.links: list[Link] = []
        self.accepted = self.bytes_up = self.bytes_down = 0
        self._host, self._addresses, self._receive_buffer = host, addresses, receive_buffer
        self._lock = threading.Lock()  # guards _jobs, _closed and the wake-up sockets
        self._jobs: deque[tuple[Callable[[], Any], Future[Any]]] = deque()
        self._stopping = self._closed = self._listening = False
        self._accept_again: float | None = None
        self._failure: BaseException | None = None
        with contextlib.ExitStack() as undo:
            self._listener = undo.enter_context(self._bind(0))
            self.port: int = self._listener.getsockname()[1]
            self._selector = undo.enter_context(selectors.DefaultSelector())
            self._wake_reader, self._wake_writer = map(undo.enter_context, socket.socketpair())
            for end in (self._wake_reader, self._wake_writer):
                end.setblocking(False)
            self._selector.register(self._wake_reader, selectors.EVENT_READ, self._on_wake)
            self.listen()
            self._thread = threading.Thread(target=self._run, name=f"fault-proxy-{self.port}", daemon=True)
            self._thread.start()
            undo.pop_all()

    def order(self, job: Callable[[], T]) -> T:
        """Run a function on the loop's thread, move what it set free, and return its result.

        Raises:
            RuntimeError: The proxy is closed, or its thread has failed (the cause is chained).
        """
        future: Future[T] = Future()
        with self._lock:
            if self._closed:
                raise RuntimeError("the fault proxy is closed") from self._failure
            self._jobs.append((job, future))
            self._wake()
        return future.result()

    def look(self, job: Callable[[], T]) -> T:
        """Read a value that agrees with everything already seen outside; also possible when the loop has ended."""
        try:
            return self.order(job)
        except RuntimeError:  # ended: nothing changes any more
            return job()

    def close(self) -> None:
        """Close all sockets and end the thread; raises what the thread had failed with."""
        with self._lock:
            self._stopping = True
            if not self._closed:
                self._wake()
        self._thread.join()
        failure, self._failure = self._failure, None
        if failure is not None:
            raise RuntimeError("the fault proxy had failed") from failure

    # From here on: called on the loop's thread, or in orders

    def live(self) -> list[Link]:
        """Give the connections that are relayed at present."""
        return [link for link in self.links if not (link.over or link.cutting)]

    def listen(self) -> None:
        """Accept connections; nothing to do if it already does."""
        if self._listening:
            return
        if self._listener.fileno() < 0:
            self._listener = self._bind(self.port)
        self._listener.listen(_BACKLOG)
        self._selector.register(self._listener, selectors.EVENT_READ, self._on_accept)
        self._listening = True

    def stop_listening(self) -> None:
        """Refuse connections, keeping the port: bound but not listening, so that nobody else gets it."""
        if not self._listening:
            return
        self._on_accept(selectors.EVENT_READ)  # those that the kernel has accepted are connected already
        if self._accept_again is None:
            self._selector.unregister(self._listener)
        self._listening, self._accept_again = False, None
        self._listener.close()
        self._listener = self._bind(self.port)

    def _run(self) -> None:
        try:
            while not self._stopping:
                timeout = self._turn()
                for key, mask in self._selector.select(timeout):
                    key.data(mask)
                self._do_jobs()
        except BaseException as error:  # noqa: BLE001 - logged, and raised by close() and every later order
            _log.exception("the fault proxy failed")
            self._failure = error
        finally:
            self._release()

    def _turn(self) -> float | None:
        """Move bytes on every connection; tell how long to wait for the sockets."""
        now = time.monotonic()
        times = [due for link in self.links if (due := link.turn(now)) is not None]
        self.links = [link for link in self.links if not link.over]
        if self._accept_again is not None:
            if self._accept_again <= now:
                self._accept_again = None
                self._selector.register(self._listener, selectors.EVENT_READ, self._on_accept)
            else:
                times.append(self._accept_again)
        return max(0.0, min(times) - now) if times else None

    def _do_jobs(self) -> None:
        while self._jobs:
            job, future = self._jobs.popleft()
            try:
                result = job()
                self._turn()
            except BaseException as error:  # noqa: BLE001 - belongs to the caller, who is waiting for it
                future.set_exception(error)
            else:
                future.set_result(result)

    def _on_wake(self, _mask: int) -> None:
        while True:
            try:
                self._wake_reader.recv(4096)
            except BlockingIOError:
                return

    def _on_accept(self, _mask: int) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in _OUT_OF_RESOURCES:
                    raise
                # The connection stays in the backlog and would wake the loop for ever.
                _log.warning("cannot accept: %s", error)
                if self._accept_again is None:
                    self._selector.unregister(self._listener)
                self._accept_again = time.monotonic() + _ACCEPT_PAUSE
                return
            self._relay(client)

    def _relay(self, client: socket.socket) -> None:
        counts = (self._count_up, self._count_down)
        try:
            link = Link(self._selector, client, self._addresses, (self.up, self.down), counts, self._receive_buffer)
        except OSError as error:
            _log.warning("cannot relay: %s", error)
            abort(client)
            return
        self.accepted += 1
        self.links.append(link)
        if not self.up.dead:
            link.dial()

    def _count_up(self, size: int) -> None:
        self.bytes_up += size

    def _count_down(self, size: int) -> None:
        self.bytes_down += size

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):  # full of earlier calls not answered yet: awake anyway
            self._wake_writer.send(b"\0")

    def _bind(self, port: int) -> socket.socket:
        sock = socket.socket(socket.AF_INET6 if ":" in self._host else socket.AF_INET)
        try:
            if os.name == "posix":  # elsewhere the option would let others take the port
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if self._receive_buffer is not None:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._receive_buffer)  # inherited by accept()
            sock.setblocking(False)
            sock.bind((self._host, port))
        except OSError:
            sock.close()
            raise
        return sock

    def _release(self) -> None:
        """Close everything and fail the orders that came too late."""
        with self._lock:
            self._closed = True
            late, self._jobs = self._jobs, deque()
            self._wake_writer.close()
        for link in self.links:
            link.close()
        self.links = []
        self._selector.close()
        self._listener.close()
        self._wake_reader.close()
        for _, future in late:
            future.set_exception(RuntimeError("the fault proxy is closed"))
