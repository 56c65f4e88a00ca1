"""A listening socket that stops without losing a connection that it accepted in the same moment."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable

__all__ = ["Listener"]

_log = logging.getLogger("bigone_sync.testing")

_BACKLOG = 128
_HANDSHAKE_TIME = 1.0
_PAUSE = 1.0


class Listener:
    """Accepts connections on the running loop, which must be one that selects.

    asyncio's own server accepts a connection and connects it to a protocol in a later turn; one that was closed in
    between leaves the connection to nobody, open.

    Args:
        bound: the socket, bound; it is closed with the listener.
        factory: makes the protocol of a connection.
        ssl_context: for TLS; None: without.

    Raises:
        TypeError: ``ssl_context`` is something else.
    """

    def __init__(
        self,
        bound: socket.socket,
        factory: Callable[[], asyncio.BaseProtocol],
        *,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        if not isinstance(ssl_context, ssl.SSLContext | None):
            raise TypeError(f"ssl_context must be an ssl.SSLContext or None: {ssl_context!r}")
        self._socket, self._factory, self._ssl_context = bound, factory, ssl_context
        self._loop = asyncio.get_running_loop()
        self._joining: set[asyncio.Task[object]] = set()
        self._resuming: asyncio.TimerHandle | None = None

    def open(self) -> None:
        """Listen."""
        self._socket.setblocking(False)
        self._socket.listen(_BACKLOG)
        self._loop.add_reader(self._socket, self._accept)

    async def close(self) -> None:
        """Refuse connections from here on; those that were accepted have their protocol, or are closed."""
        self._loop.remove_reader(self._socket)
        if self._resuming is not None:
            self._resuming.cancel()
        self._socket.close()
        if self._joining:
            _, late = await asyncio.wait(self._joining, timeout=_HANDSHAKE_TIME)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _accept(self) -> None:
        try:
            accepted, _ = self._socket.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return  # it is gone again
        except OSError as error:  # no descriptors are left, for example
            _log.error("the exchange cannot accept a connection, and tries again in %g s: %s", _PAUSE, error)
            self._loop.remove_reader(self._socket)
            self._resuming = self._loop.call_later(_PAUSE, self._loop.add_reader, self._socket, self._accept)
            return
        accepted.setblocking(False)
        joining = self._loop.connect_accepted_socket(self._factory, accepted, ssl=self._ssl_context)
        task: asyncio.Task[object] = self._loop.create_task(joining)
        self._joining.add(task)
        task.add_done_callback(self._joined)

    def _joined(self, task: asyncio.Task[object]) -> None:
        self._joining.discard(task)
        error = None if task.cancelled() else task.exception()
        # A TLS handshake that fails, or a connection that is lost meanwhile, is for the other side to report.
        if error is not None and not isinstance(error, OSError):
            _log.error("a connection could not be joined to its protocol", exc_info=error)
