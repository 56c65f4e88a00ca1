"""Both ends of connections through a fault proxy, for its tests.

Where nothing may arrive, the proof is not a wait: each order to the proxy is a full turn of its thread, and a turn
handles all sockets that are ready, so after two of them whatever could pass has passed.
"""

from __future__ import annotations

import socket
from typing import NamedTuple

from bigone_sync.testing.proxy import FaultProxy

FOREVER = 3600.0


class Ends(NamedTuple):
    """One connection through the proxy."""

    client: socket.socket
    server: socket.socket


class Rig:
    """A listening server, a proxy in front of it, and every socket that has to be closed."""

    def __init__(self, receive_buffer: int | None = None) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(5)
        self._sockets: list[socket.socket] = [self.listener]
        port = self.listener.getsockname()[1]
        self.proxy = FaultProxy(f"ws://127.0.0.1:{port}/ws/v2?a=b", receive_buffer=receive_buffer).start()

    def dial(self) -> socket.socket:
        return self._kept(socket.create_connection(("127.0.0.1", self.proxy.port), timeout=20))

    def accept(self) -> socket.socket:
        server = self._kept(self.listener.accept()[0])
        server.settimeout(5)
        return server

    def connect(self) -> Ends:
        client = self.dial()
        return Ends(client, self.accept())

    def turns(self) -> None:
        """Let the proxy do everything it can do at present."""
        for _ in range(2):
            self.proxy.refuse(False)

    def __enter__(self) -> Rig:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.proxy.close()
        for sock in self._sockets:
            sock.close()

    def _kept(self, sock: socket.socket) -> socket.socket:
        self._sockets.append(sock)
        return sock


def receive(sock: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        more = sock.recv(size - len(data))
        assert more, f"the stream ended after {bytes(data)!r}"
        data += more
    return bytes(data)


def dial_and_read(port: int) -> bytes:
    """In one step: a quick reset may come while connecting already."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        return client.recv(1)


def is_silent(sock: socket.socket) -> bool:
    sock.setblocking(False)
    try:
        sock.recv(1)
    except BlockingIOError:
        return True
    finally:
        sock.settimeout(5)
    return False


def fill(rig: Rig, sock: socket.socket) -> int:
    """Send until TCP takes no more; give the number of bytes."""
    sock.setblocking(False)
    total, refused = 0, 0
    while refused < 50:  # room shows only when a good part of the buffer is free
        try:
            total += sock.send(b"z" * 65536)
            refused = 0
        except BlockingIOError:
            refused += 1
            rig.turns()
    sock.settimeout(5)
    return total
