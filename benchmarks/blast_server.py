"""A WebSocket server that is never the bottleneck: every frame is encoded before the first client connects.

    python -m benchmarks.blast_server --mode spot --n 100000

``plain`` starts the stream right after the handshake. ``spot`` waits for the feed's subscribe request, answers it with
a snapshot that carries its ``requestId``, and then streams; ``spot-proto`` does so over protobuf. Frames go out in
large batches; pings and requests are answered between two batches and after the last one. ``--rate`` sends one frame at
a time instead and notes, with ``--stamps``, when. The first line of output is a JSON object: port, n, last_change_id,
bytes, and with ``--tls`` the path of the certificate. Each connection gets the whole stream.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import mmap
import os
import select
import signal
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.encodings import ENCODINGS, Encoding
from benchmarks.payloads import FEEDS, Feed
from benchmarks.wire import BINARY, CLOSE, PING, PONG, TEXT, Frames, frame, upgrade

__all__ = ["Stream", "main", "serve"]

_BATCH = 128 * 1024
_WORD = struct.Struct("<q")
# select() wakes late by more than this now and then; the rest is waited for in a busy loop.
_SPIN = 200_000


class Stream:
    """A feed as frames: one by one for a paced stream, in batches for a blast."""

    def __init__(self, feed: Feed, encoding: Encoding) -> None:
        self.feed = feed
        self.encoding = encoding
        self.frames = [encoding.frame(update) for update in feed.updates]
        self.batches: list[bytes] = []
        batch: list[bytes] = []
        size = 0
        for encoded in self.frames:
            batch.append(encoded)
            size += len(encoded)
            if size >= _BATCH:
                self.batches.append(b"".join(batch))
                batch, size = [], 0
        if batch:
            self.batches.append(b"".join(batch))


class Session:
    """One client, on one thread: TLS allows no second one on its object.

    Args:
        sock: Connected; the handshakes are still to come.
        stream: What to send.
        wait: For a subscribe request; otherwise the stream starts after the handshake.
        rate: Messages per second, or 0 to blast.
        stamps: Gets the time (monotonic, nanoseconds) at which each message of a paced stream was sent, 8 bytes each.
    """

    def __init__(self, sock: socket.socket, stream: Stream, wait: bool, rate: float, stamps: mmap.mmap | None) -> None:
        self._sock, self._stream, self._wait = sock, stream, wait
        self._gap, self._stamps = (int(1e9 / rate) if rate else 0), stamps
        self._replies: deque[bytes] = deque()
        self._source: Iterator[bytes] = iter(())
        self._sending = memoryview(b"")
        self._due = 0
        self._frames = Frames()
        self._ending = False

    def run(self) -> None:
        """Serve until the client goes away."""
        early = upgrade(self._sock)
        self._sock.setblocking(False)
        self._handle(early)
        if not self._wait:
            self._start()
        more = True
        while more:
            more = self._step()

    def _start(self) -> None:
        if self._gap:
            self._source, self._due = self._paced(), time.monotonic_ns() + 50_000_000
        else:
            self._source = iter(self._stream.batches)

    def _paced(self) -> Iterator[bytes]:
        for number, encoded in enumerate(self._stream.frames):
            while (now := time.monotonic_ns()) < self._due:
                pass
            if self._stamps is not None:
                _WORD.pack_into(self._stamps, 8 * number, now)
            self._due += self._gap
            yield encoded
        self._due = 0

    def _step(self) -> bool:
        """Wait for the socket, read requests, write what is next; False at the end."""
        if not self._sending:
            self._sending = self._next()
        timeout = None
        if not self._sending and self._due:
            timeout = max(0.0, (self._due - time.monotonic_ns() - _SPIN) / 1e9)
        # A TLS object may hold bytes that select() cannot see.
        readable = isinstance(self._sock, ssl.SSLSocket) and self._sock.pending() > 0
        if not readable:
            watched = [self._sock] if self._sending else []
            readable = bool(select.select([self._sock], watched, [], timeout)[0])
        if readable and not self._read():
            return False
        if self._sending:
            with contextlib.suppress(BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
                self._sending = self._sending[self._sock.send(self._sending) :]
        return bool(self._sending or self._replies or not self._ending)

    def _next(self) -> memoryview:
        if self._replies:
            return memoryview(self._replies.popleft())
        if self._ending or (self._due and time.monotonic_ns() < self._due - 2 * _SPIN):
            return memoryview(b"")
        return memoryview(next(self._source, b""))

    def _read(self) -> bool:
        try:
            data = self._sock.recv(65536)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return True
        self._handle(data)
        return bool(data)

    def _handle(self, data: bytes) -> None:
        for opcode, payload in self._frames.feed(data):
            if opcode == PING:
                self._replies.append(frame(payload, PONG))
            elif opcode == CLOSE:
                self._replies.append(frame(payload[:2], CLOSE))
                self._ending = True
            elif opcode in (TEXT, BINARY):
                self._answer(self._stream.encoding.request(payload))

    def _answer(self, request: dict[str, Any]) -> None:
        number = str(request.get("requestId", ""))
        if self._stream.feed.request in request:
            self._replies.append(self._stream.encoding.frame(self._stream.feed.snapshot(number)))
            self._start()
            return
        if any(name.startswith("subscribe") for name in request):
            outcome: dict[str, Any] = {"error": {"code": 45000, "message": "this server has another feed"}}
        else:
            outcome = {"success": {"ok": True}}
        self._replies.append(self._stream.encoding.frame(json.dumps({"requestId": number, **outcome}).encode()))


def serve(listener: socket.socket, stream: Stream, options: argparse.Namespace, context: ssl.SSLContext | None) -> None:
    """Accept clients for ever, each on a thread of its own."""
    stamps = _stamp_file(options.stamps, len(stream.frames)) if options.stamps else None

    def session(sock: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:  # a client that goes away is no news
            stack.enter_context(sock)
            if context is not None:
                sock = stack.enter_context(context.wrap_socket(sock, server_side=True))
            Session(sock, stream, options.mode != "plain", options.rate, stamps).run()

    while True:
        sock, _ = listener.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # A larger buffer overruns the receiver's on loopback, and each loss costs a retransmission timeout.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 256 * 1024)
        threading.Thread(target=session, args=(sock,), daemon=True).start()


def main(arguments: list[str] | None = None) -> None:
    """Run the server from the command line until it is interrupted or terminated."""
    options = _parser().parse_args(arguments)
    if options.cpu is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {options.cpu})
    with contextlib.suppress(KeyboardInterrupt), contextlib.ExitStack() as stack:
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the private key is removed then too
        stack.callback(signal.signal, signal.SIGTERM, signal.SIG_IGN)  # already on the way out
        if options.until_eof:
            threading.Thread(target=_end_with_stdin, daemon=True).start()
        stream = Stream(FEEDS[options.feed](options.n, options.seed), ENCODINGS[options.mode]())
        ready: dict[str, Any] = {"n": len(stream.frames), "last_change_id": stream.feed.last_id}
        ready["bytes"] = sum(map(len, stream.frames))
        context = None
        if options.tls:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            certificate, key = _self_signed(directory)
            context.load_cert_chain(certificate, key)
            ready["certificate"] = certificate
        listener = stack.enter_context(socket.create_server(("127.0.0.1", options.port), backlog=16))
        print(json.dumps({"port": listener.getsockname()[1], **ready}), flush=True)
        serve(listener, stream, options, context)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benchmarks.blast_server", description="Stream prepared spot messages.")
    parser.add_argument("--mode", choices=sorted(ENCODINGS), default="plain")
    parser.add_argument("--feed", choices=sorted(FEEDS), default="depth")
    parser.add_argument("--n", type=int, default=100_000, help="messages in the stream")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--rate", type=float, default=0.0, help="messages per second; 0 sends as fast as they are read")
    parser.add_argument("--stamps", help="file for the send times of a paced stream")
    parser.add_argument("--tls", action="store_true", help="wss:// with a certificate made for the occasion")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--cpu", type=int, help="core to stay on")
    parser.add_argument("--until-eof", action="store_true", help="end when standard input does, with the parent")
    return parser


def _stamp_file(path: str, n: int) -> mmap.mmap:
    with open(path, "w+b") as file:
        file.truncate(8 * n)
        return mmap.mmap(file.fileno(), 0)


def _self_signed(directory: Path) -> tuple[str, str]:
    certificate, key = str(directory / "certificate.pem"), str(directory / "key.pem")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return certificate, key


def _end_with_stdin() -> None:
    while os.read(0, 4096):  # not sys.stdin: its lock would still be held here when the interpreter ends
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
