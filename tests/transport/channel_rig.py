"""A ChannelSocket with the server's end of it, plain or TLS."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Any

from certificate_maker import Certificates
from raw_server import RawServer
from transport_rig import GUARD

from bigone_sync.testing.leaks import wait_until
from bigone_sync.transport.channel_socket import ChannelSocket
from bigone_sync.transport.waiting import Deadline

BIG = b"x" * 65536


class Pair:
    """Two connected ends; ``kind`` is ``tcp`` or ``tls``."""

    def __init__(
        self,
        kind: str,
        certificates: Certificates,
        *,
        send_timeout: float = 5.0,
        handshake: float = 5.0,
        buffered: bool = True,
        shaken: bool = True,
        subprotocol: str | None = None,
        receive_buffer: int | None = 4096,
    ) -> None:
        self.server = RawServer(certificates.server if kind == "tls" else None, receive_buffer=receive_buffer)
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        sock.connect(("127.0.0.1", self.server.port))
        if kind == "tls":
            sock.setblocking(True)
            answer = Task(self.server.accept)
            sock = certificates.client.wrap_socket(sock, server_hostname="127.0.0.1")
            self.peer = answer.result()
        else:
            self.peer = self.server.accept()
        sock.setblocking(False)
        self.sock = sock
        self.channel = ChannelSocket(
            sock,
            url="ws://shown.test",
            subprotocol=subprotocol,
            deadline=Deadline(handshake),
            send_timeout=send_timeout,
            buffered=buffered,
        )
        if shaken:
            self.channel.opened()

    def fill(self) -> int:
        """Send until nothing more is taken; the number of sends that were."""
        count = 0
        while self.channel.try_send(BIG):
            count += 1
        return count

    def __enter__(self) -> Pair:
        return self

    def __exit__(self, *_: object) -> None:
        self.channel.dispose()
        self.server.close()


class Task:
    """A call on a thread of its own."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._work = work
        self._value: Any = None
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._value = self._work()
        except BaseException as error:  # noqa: BLE001 - kept for who waits
            self.error = error

    def join(self) -> None:
        self._thread.join(GUARD)
        assert not self._thread.is_alive(), "it did not end"

    def gone(self, within: float) -> bool:
        """Whether it ended by then."""
        self._thread.join(within)
        return not self._thread.is_alive()

    def result(self) -> Any:
        self.join()
        if self.error is not None:
            raise self.error
        return self._value


def sending(channel: ChannelSocket) -> None:
    """Wait until a send has begun."""
    wait_until(lambda: channel.send_since is not None, message="no send has begun")


def drain(sock: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        more = sock.recv(size - len(data))
        assert more, f"the stream ended after {len(data)} bytes"
        data += more
    return bytes(data)


__all__ = ["BIG", "Pair", "Task", "drain", "sending"]
