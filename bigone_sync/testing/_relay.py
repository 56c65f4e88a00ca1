"""One connection through the fault proxy: two sockets and a pipe for each direction.

Called on the proxy's thread only; nothing blocks.
"""

from __future__ import annotations

import errno
import selectors
import socket
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from bigone_sync.testing._relay_pipe import CHUNK, End, Faults, Pipe, abort

__all__ = ["Address", "Link"]

_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class Address(NamedTuple):
    """Where to connect to."""

    family: socket.AddressFamily
    where: Any
    """As the socket module takes it for this family."""


class Link:
    """One connection through the proxy.

    Args:
        selector: The proxy's; the link keeps its own entries in it.
        client: The accepted socket.
        addresses: Where the upstream may be reached, tried in order.
        faults: Those of the directions up and down.
        counts: Told the bytes written up and down.
        receive_buffer: Size in bytes of the kernel's receive buffer towards the upstream, or None for the default.

    Raises:
        OSError: No socket for the way to the upstream; ``client`` is left to the caller.
    """

    def __init__(
        self,
        selector: selectors.BaseSelector,
        client: socket.socket,
        addresses: Sequence[Address],
        faults: tuple[Faults, Faults],
        counts: tuple[Callable[[int], None], Callable[[int], None]],
        receive_buffer: int | None,
    ) -> None:
        self.over = False
        """Both sockets are closed."""
        self.cutting = False
        """Both sides were given an orderly end; only theirs is awaited."""
        self._selector, self._addresses = selector, list(addresses)
        self._receive_buffer = receive_buffer
        self._masks: dict[socket.socket, int] = {}
        self._dialled = self._connected = False
        self._client = client
        self._server = socket.socket(addresses[0].family)
        self.up = Pipe(client, self._server, faults[0], counts[0])
        self.down = Pipe(self._server, client, faults[1], counts[1])
        self.up.blocked = True  # until the way to the upstream stands
        _tune(client)

    def dial(self) -> None:
        """Start connecting to the upstream; a second call does nothing."""
        if not (self._dialled or self.over or self.cutting):
            self._dialled = True
            self._dial_next()

    def turn(self, now: float) -> float | None:
        """Move what can be moved.

        Returns:
            The time of the next turn if one is waited for; None if only the sockets are.
        """
        if not (self.over or self.cutting):
            self._flush(self.up, self.down, now)
            self._flush(self.down, self.up, now)
            if End.RST in (self.up.passed, self.down.passed):
                self.reset()
            elif self.up.passed and self.down.passed:
                self.close()
        if self.over:
            return None
        self._watch(now)
        return (
            None if self.cutting else min((d for d in (self.up.due(), self.down.due()) if d is not None), default=None)
        )

    def cut(self) -> None:
        """End both sides in order; what is held is lost. The sockets close when the peers have closed theirs."""
        self.cutting = True
        for sock in (self._client, self._server):
            try:
                sock.shutdown(socket.SHUT_WR)
            except OSError:  # not connected: there is nobody to tell and to wait for
                self._close(sock)
        self._check_over()

    def reset(self) -> None:
        """Close both sides with a reset."""
        for sock in (self._client, self._server):
            self._unwatch(sock)
            abort(sock)
        self.over = True

    def close(self) -> None:
        """Close both sides."""
        for sock in (self._client, self._server):
            self._close(sock)
        self.over = True

    def _flush(self, pipe: Pipe, reverse: Pipe, now: float) -> None:
        try:
            pipe.flush(now)
        except OSError:
            pipe.discard()
            reverse.finish(End.RST, now)  # tells the other side in its turn: behind the bytes still on their way

    def _on_event(self, sock: socket.socket, mask: int) -> None:
        if self.over or sock not in self._masks:
            return
        if self.cutting:
            self._drain(sock)
            return
        if sock is self._server and not self._connected:
            self._on_connected()
            return
        incoming, outgoing = (self.up, self.down) if sock is self._client else (self.down, self.up)
        if mask & _WRITE:
            outgoing.blocked = False
        if mask & _READ:
            incoming.read(time.monotonic())

    def _dial_next(self) -> None:
        address = self._addresses.pop(0)
        _tune(self._server)
        if self._receive_buffer is not None:
            self._server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._receive_buffer)
        code = self._server.connect_ex(address.where)
        if code not in (0, errno.EINPROGRESS, errno.EWOULDBLOCK):
            self._not_connected()

    def _on_connected(self) -> None:
        if self._server.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self._not_connected()
        else:
            self._connected = True
            self.up.blocked = False

    def _not_connected(self) -> None:
        if not self._addresses:
            self.reset()
            return
        self._close(self._server)
        try:
            self._server = self.up.sink = self.down.source = socket.socket(self._addresses[0].family)
        except OSError:  # out of descriptors
            self.reset()
        else:
            self._dial_next()

    def _drain(self, sock: socket.socket) -> None:
        try:
            more = sock.recv(CHUNK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            more = b""
        if not more:
            self._close(sock)
            self._check_over()

    def _check_over(self) -> None:
        self.over = self._client.fileno() < 0 and self._server.fileno() < 0

    def _watch(self, now: float) -> None:
        if self.cutting:
            wanted = {sock: _READ for sock in (self._client, self._server) if sock.fileno() >= 0}
        else:
            wanted = {
                self._client: _READ * self.up.wants_read(now) | _WRITE * self.down.wants_write(),
                self._server: _READ * (self._connected and self.down.wants_read(now))
                | _WRITE * (self._dialled and (self.up.wants_write() or not self._connected)),
            }
        for sock, mask in wanted.items():
            if mask == self._masks.get(sock, 0):
                continue
            if not mask:
                self._unwatch(sock)
            elif sock in self._masks:
                self._selector.modify(sock, mask, partial(self._on_event, sock))
            else:
                self._selector.register(sock, mask, partial(self._on_event, sock))
            if mask:
                self._masks[sock] = mask

    def _unwatch(self, sock: socket.socket) -> None:
        if self._masks.pop(sock, 0):
            self._selector.unregister(sock)

    def _close(self, sock: socket.socket) -> None:
        self._unwatch(sock)
        sock.close()


def _tune(sock: socket.socket) -> None:
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
