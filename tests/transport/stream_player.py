"""Plays one server stream to a WebSocketApp and writes down everything that comes of it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Sequence
from typing import Any

import websocket
from raw_server import Peer, answer_101, unmasked

from bigone_sync.transport.channel_socket import ChannelSocket
from bigone_sync.transport.framing import InvalidClose
from bigone_sync.transport.reader import ChannelApp
from bigone_sync.transport.waiting import Deadline

URL = "ws://played.test/"
Outcome = tuple[list[tuple[Any, ...]], list[tuple[int, bytes]]]


class CutSocket(socket.socket):
    """Delivers a stream that is cut at given places, counted from the end of the handshake's answer."""

    cuts: Sequence[int] = ()
    _past = 0
    _head: int | None = None

    def recv(self, size: int, flags: int = 0) -> bytes:
        data = super().recv(self._allowed(size), flags)
        self._past += len(data)
        return data

    def recv_into(self, buffer: memoryview, size: int = 0, flags: int = 0) -> int:  # type: ignore[override]
        got = super().recv_into(buffer[: self._allowed(size or len(buffer))], 0, flags)
        self._past += got
        return got

    def _allowed(self, size: int) -> int:
        if self._head is None:
            seen = super().recv(65536, socket.MSG_PEEK)
            end = seen.find(b"\r\n\r\n")
            self._head = end + 4 if end >= 0 else len(seen)
        for cut in self.cuts:
            if self._past < self._head + cut:
                return min(size, self._head + cut - self._past)
        return size


def play_untouched(stream: bytes) -> Outcome:
    """The library alone, on a plain socket."""
    return _play(stream, (), lambda sock, **options: websocket.WebSocketApp(URL, socket=sock, **options))


def play_ours(stream: bytes, cuts: Sequence[int] = (), *, fast: bool = True, limit: int = 1 << 20) -> Outcome:
    """Our reading, of a stream cut into pieces."""

    def make(sock: socket.socket, **options: Any) -> websocket.WebSocketApp:
        take = options.pop("on_data")
        channel = ChannelSocket(sock, url=URL, subprotocol=None, deadline=Deadline(10), send_timeout=10, buffered=fast)
        return ChannelApp(
            URL,
            channel,
            lambda frames: [take(None, payload, 0, True) for payload in frames],
            limit,
            on_open=lambda: None,
            fast=fast,
            **options,
        )

    return _play(stream, cuts, make)


def _play(stream: bytes, cuts: Sequence[int], make: Any) -> Outcome:
    events: list[tuple[Any, ...]] = []
    here, there = socket.socketpair()
    sock = CutSocket(fileno=here.detach())
    sock.cuts = sorted(cuts)
    answers: list[bytes] = []
    server = threading.Thread(target=_serve, args=(there, stream, answers))
    server.start()
    app = make(
        sock,
        on_data=lambda _, data, __, ___: events.append(("data", bytes(data))),
        on_ping=lambda _, payload: events.append(("ping", bytes(payload))),
        on_pong=lambda _, payload: events.append(("pong", bytes(payload))),
        on_error=lambda _, error: events.append(_described(error)),
        on_close=lambda _, code, reason: events.append(("close", code, reason)),
    )
    app.run_forever(skip_utf8_validation=True, suppress_origin=True)
    sock.close()
    server.join(10)
    assert not server.is_alive()
    return events, unmasked(answers[0])


def _described(error: BaseException) -> tuple[Any, ...]:
    kind: type = websocket.WebSocketProtocolException if isinstance(error, InvalidClose) else type(error)
    return "error", kind.__name__, getattr(error, "status_code", None), getattr(error, "reason", None)


def _serve(sock: socket.socket, stream: bytes, answers: list[bytes]) -> None:
    with sock:
        peer = Peer(sock)
        peer.head()
        try:
            peer.send(answer_101(peer.request), stream)
            sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the client has had enough
        answers.append(peer.rest())
