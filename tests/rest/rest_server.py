"""An HTTP server that does exactly what a test says, on a thread of its own.

Each request takes the next step of the script: bytes are sent as they are, a function is called with the connection.
It is for what happens below the API: connections, TLS, broken HTTP, timing.  For answers of the API by path,
``scripted_http`` is shorter.
"""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

PATIENCE = 30.0


def answer(status: int = 200, body: bytes | object = b"{}", *headers: str, close: bool = False) -> bytes:
    """A whole answer; a body that is not bytes is written as JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(data)}", *headers]
    if close:
        lines.append("Connection: close")
    return "\r\n".join([*lines, "", ""]).encode() + data


@dataclass(frozen=True)
class Asked:
    """A request that came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    connection: int
    """Which connection it came by, from 0."""


class Peer:
    """The server's end of one connection."""

    def __init__(self, sock: socket.socket, number: int) -> None:
        self.sock, self.number = sock, number
        self.is_over = False
        self._data = b""

    def send(self, *parts: bytes) -> None:
        self.sock.sendall(b"".join(parts))

    def close(self) -> None:
        self.is_over = True
        self.sock.close()

    def reset(self) -> None:
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def wait_for_end(self) -> None:
        """Until the client ends the connection."""
        try:
            while self.sock.recv(65536):
                pass
        except OSError:
            pass
        self.is_over = True

    def secure(self, context: ssl.SSLContext) -> None:
        self.sock = context.wrap_socket(self.sock, server_side=True)

    def ask(self) -> Asked | None:
        """The next request; None at the end of the stream."""
        while b"\r\n\r\n" not in self._data:
            more = self.sock.recv(65536)
            if not more:
                return None
            self._data += more
        head, _, rest = self._data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        size = int(headers.get("content-length", 0))
        while len(rest) < size:
            rest += self.sock.recv(65536)
        self._data = rest[size:]
        method, target, _ = first.split(" ")
        return Asked(method, target, headers, rest[:size], self.number)


Step = bytes | Callable[[Peer], object]


class RestServer:
    """Listens on loopback. ``asked`` has what came, in order."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.context = context
        self.asked: list[Asked] = []
        self.routes: dict[str, Callable[[Asked], bytes]] = {}
        """By path: answered before the script is looked at."""
        self._steps: deque[Step] = deque()
        self._condition = threading.Condition()
        self._peers: list[Peer] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(64)
        self.port: int = self._listener.getsockname()[1]
        self._is_over = False
        self._threads.append(threading.Thread(target=self._accept, name="rest-server"))
        self._threads[0].start()

    @property
    def url(self) -> str:
        return f"{'https' if self.context else 'http'}://127.0.0.1:{self.port}"

    @property
    def connections(self) -> int:
        return len(self._peers)

    def script(self, *steps: Step) -> None:
        """What the next requests get; then: an empty object."""
        with self._condition:
            self._steps.extend(steps)

    def wait_for(self, count: int) -> None:
        """Until so many requests have come."""
        with self._condition:
            assert self._condition.wait_for(lambda: len(self.asked) >= count, PATIENCE), self.asked

    def close(self) -> None:
        self._is_over = True
        with socket.create_connection(("127.0.0.1", self.port)):  # wakes accept
            pass
        self._threads[0].join(PATIENCE)
        self._listener.close()
        for peer in self._peers:
            try:
                peer.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        for thread in self._threads:
            thread.join(PATIENCE)

    def __enter__(self) -> RestServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _accept(self) -> None:
        while True:
            sock, _ = self._listener.accept()
            if self._is_over:
                sock.close()
                return
            sock.settimeout(PATIENCE)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            peer = Peer(sock, len(self._peers))
            self._peers.append(peer)
            thread = threading.Thread(target=self._serve, args=(peer,), name=f"rest-server/{peer.number}")
            self._threads.append(thread)
            thread.start()

    def _serve(self, peer: Peer) -> None:
        try:
            if self.context is not None:
                peer.secure(self.context)
            while not peer.is_over:
                asked = peer.ask()
                if asked is None:
                    break
                self._answer(peer, asked)
        except OSError:
            pass  # the client went away, or refused our certificate
        finally:
            peer.close()

    def _answer(self, peer: Peer, asked: Asked) -> None:
        route = self.routes.get(asked.target.partition("?")[0])
        with self._condition:
            self.asked.append(asked)
            step: Any = b""
            if route is None:
                step = self._steps.popleft() if self._steps else answer()
            self._condition.notify_all()
        if route is not None:
            peer.send(route(asked))
        elif isinstance(step, bytes):
            peer.send(step)
        else:
            step(peer)
