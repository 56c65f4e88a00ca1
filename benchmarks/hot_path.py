"""What a depth message costs from the socket to the callback: the ceilings, the usual way, and this package.

    python -m benchmarks.hot_path [--n 100000] [--rounds 5]

The message is a spot depth update of about 300 bytes, 1 to 5 levels a side. ``raw`` does nothing but receive and cut
frames; the cases after it add decoding, still without a thread, a callback or a check. The ``plain`` cases are what
most bots write: ``WebSocketApp.run_forever`` with a queue and a worker that decodes and calls back.
"""

from __future__ import annotations

import argparse
import json
import queue
import socket
import threading
from collections.abc import Callable
from typing import Any

import msgspec
import websocket

from benchmarks.harness import Case, compare, markdown
from benchmarks.payloads import MARKET
from benchmarks.stopwatch import stopwatch
from benchmarks.wire import handshake
from bigone_sync import DepthSnapshot, SpotClient
from bigone_sync import DepthUpdate as Update

__all__ = ["CASES", "main"]

_BUFFER = 64 * 1024
_PATIENCE = 120.0


class Level(msgspec.Struct, gc=False):
    """One price; the decimals stay the text that was sent."""

    price: str
    amount: str
    orderCount: str = "0"


class Depth(msgspec.Struct, gc=False):
    """The levels of one market."""

    market: str
    asks: list[Level] = []
    bids: list[Level] = []


class DepthUpdate(msgspec.Struct, gc=False):
    """The payload of an update."""

    depth: Depth
    changeId: str
    prevId: str


class Message(msgspec.Struct, gc=False):
    """The whole frame."""

    depthUpdate: DepthUpdate
    requestId: str = ""


def raw(port: int, n: int, _last_change_id: int) -> None:
    """Receive and cut frames, nothing else: the most that Python can do on one socket."""
    _read_frames(port, n, None)


def raw_msgspec(port: int, n: int, last_change_id: int) -> None:
    """Decode every frame into typed objects."""
    last = _read_frames(port, n, msgspec.json.Decoder(Message).decode)
    _require(last.depthUpdate.changeId, last_change_id)


def raw_json(port: int, n: int, last_change_id: int) -> None:
    """Decode every frame into dicts with the standard library."""
    last = _read_frames(port, n, json.loads)
    _require(last["depthUpdate"]["changeId"], last_change_id)


def plain(port: int, n: int, last_change_id: int) -> None:
    """Run WebSocketApp as it is shipped."""
    _run_app(port, n, last_change_id, skip_utf8_validation=False)


def plain_unchecked(port: int, n: int, last_change_id: int) -> None:
    """Run WebSocketApp without its own check of UTF-8."""
    _run_app(port, n, last_change_id, skip_utf8_validation=True)


def on_depth(port: int, n: int, last_change_id: int) -> None:
    """Run SpotClient with a typed callback, delivered by its worker."""
    _run_client(port, n, last_change_id, book=False)


def on_depth_and_book(port: int, n: int, last_change_id: int) -> None:
    """Run SpotClient with a typed callback and the kept book."""
    _run_client(port, n, last_change_id, book=True)


def on_depth_proto(port: int, n: int, last_change_id: int) -> None:
    """Run SpotClient over protobuf with a typed callback, delivered by its worker."""
    _run_client(port, n, last_change_id, book=False, protocol="proto")


def on_depth_and_book_proto(port: int, n: int, last_change_id: int) -> None:
    """Run SpotClient over protobuf with a typed callback and the kept book."""
    _run_client(port, n, last_change_id, book=True, protocol="proto")


def _run_client(port: int, n: int, last_change_id: int, *, book: bool, protocol: str = "json") -> None:
    seen = 0
    done = threading.Event()
    client = SpotClient(url=f"ws://127.0.0.1:{port}/ws/v2", protocol=protocol)

    @client.on_depth(MARKET)
    def handle(event: DepthSnapshot | Update) -> None:
        nonlocal seen
        seen += 1
        if seen == 2:  # the first is the snapshot
            stopwatch.start()
        if event.change_id == last_change_id:
            stopwatch.stop()
            done.set()

    kept = client.order_book(MARKET) if book else None
    with client:
        if not done.wait(_PATIENCE):
            raise TimeoutError(f"{seen} of {n} updates in {_PATIENCE} s")
        if kept is not None and (kept.change_id != last_change_id or not kept.is_live):
            raise ValueError(f"the book stands at {kept.change_id}, not at {last_change_id}")
    if seen != n + 1:
        raise ConnectionError(f"{seen - 1} of {n} updates came")


CASES = [
    Case("raw", raw),
    Case("raw + msgspec", raw_msgspec),
    Case("raw + json.loads", raw_json),
    Case("plain WebSocketApp + queue + json.loads", plain, share=0.2),
    Case("plain, UTF-8 check off", plain_unchecked, share=0.5),
    # SpotClient.on_depth: the callback gets DepthUpdate events on the worker.
    Case("bigone_sync on_depth", on_depth, mode="spot"),
    # The same with a kept book: order_book(market) beside on_depth(market).
    Case("bigone_sync on_depth + kept book", on_depth_and_book, mode="spot"),
    # Both again over protobuf.
    Case("on_depth, protobuf", on_depth_proto, mode="spot-proto"),
    Case("on_depth + kept book, protobuf", on_depth_and_book_proto, mode="spot-proto"),
]
"""Everything that can be measured, in the order of the table."""


def _read_frames(port: int, n: int, decode: Callable[[bytes], Any] | None) -> Any:
    """Receive ``n`` messages and decode each; give the last one.

    Knows only what the server sends: whole frames of up to 64 KiB.
    """
    sock, buffer = handshake(port)
    position, seen, value = 0, 0, None
    with sock:
        while True:
            end = len(buffer)
            while end - position >= 4:
                size, head = buffer[position + 1], position + 2
                if size == 126:
                    size, head = buffer[position + 2] << 8 | buffer[position + 3], position + 4
                stop = head + size
                if stop > end:
                    break
                payload = buffer[head:stop]
                position = stop
                if decode is not None:
                    value = decode(payload)
                seen += 1
                if seen == 1:
                    stopwatch.start()
            if seen >= n:
                break
            received = sock.recv(_BUFFER)
            if not received:
                raise ConnectionError(f"the stream ended after {seen} of {n} messages")
            buffer = buffer[position:] + received
            position = 0
        stopwatch.stop()
    return value


def _run_app(port: int, n: int, last_change_id: int, *, skip_utf8_validation: bool) -> None:
    """Do what the examples of the library and of most exchanges show, with a worker for the callback."""
    waiting: queue.Queue[Any] = queue.Queue()
    last = str(last_change_id)
    seen = 0

    def on_depth(message: dict[str, Any]) -> None:
        nonlocal seen
        seen += 1
        if seen == 1:
            stopwatch.start()
        if message["depthUpdate"]["changeId"] == last:
            stopwatch.stop()
            # The library's close() would wait for its reader, which does not wake for ten seconds.
            app.keep_running = False
            if app.sock is not None and app.sock.sock is not None:
                app.sock.sock.shutdown(socket.SHUT_RDWR)

    def work() -> None:
        while (message := waiting.get()) is not None:
            on_depth(json.loads(message))

    def on_message(_app: websocket.WebSocketApp, message: Any) -> None:
        waiting.put(message)

    app = websocket.WebSocketApp(f"ws://127.0.0.1:{port}/ws/v2", on_message=on_message, subprotocols=["json"])
    worker = threading.Thread(target=work)
    worker.start()
    app.run_forever(skip_utf8_validation=skip_utf8_validation)
    waiting.put(None)
    worker.join()
    if seen != n:
        raise ConnectionError(f"the stream ended after {seen} of {n} messages")


def _require(got: str, last_change_id: int) -> None:
    if int(got) != last_change_id:
        raise ValueError(f"the last message had change {got}, not {last_change_id}")


def main(arguments: list[str] | None = None) -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="benchmarks.hot_path", description="Cost of a depth message.")
    parser.add_argument("--n", type=int, default=100_000, help="messages of a full run; slow cases run a part of it")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--case", action="append", choices=[case.name for case in CASES], help="only this; repeatable")
    options = parser.parse_args(arguments)
    cases = [case for case in CASES if options.case is None or case.name in options.case]
    results = compare("benchmarks.hot_path", cases, options.n, options.rounds)
    print(markdown(results, ["raw + msgspec", "plain WebSocketApp + queue + json.loads"]))


if __name__ == "__main__":
    main()
