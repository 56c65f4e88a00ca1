"""What decoding a depth update costs, from the frame to the event, over JSON and over protobuf.

    python -m benchmarks.decode [--n 50000] [--rounds 7]

The same updates in both encodings go through ``SpotProtocol.receive()`` in reads of 50 frames, without a socket, a
thread or a callback.  ``event`` is what a callback gets; ``event + levels`` also makes the levels' text, as a kept book
does; ``event + Decimal`` makes the numbers of both sides.  ``parser`` is protobuf without the short way: every frame
goes through the generated classes.  No update comes twice in a round, and each round starts with nothing remembered;
cases take turns, and medians over the rounds are shown.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.encodings import in_proto
from benchmarks.payloads import MARKET, depth_feed
from bigone_sync import Channel, DepthUpdate, SubscriptionKey
from bigone_sync.protocol.spot import Codec, SpotProtocol
from bigone_sync.protocol.spot_json import JsonCodec
from bigone_sync.protocol.spot_proto import ProtoCodec

__all__ = ["main"]

_READ = 50
Look = Callable[[DepthUpdate], object]


def _nothing(event: DepthUpdate) -> None:
    pass


def _text(event: DepthUpdate) -> None:
    event.bids.text()  # type: ignore[union-attr]
    event.asks.text()  # type: ignore[union-attr]


def _numbers(event: DepthUpdate) -> None:
    len(event.bids)
    len(event.asks)


def _parser_only() -> ProtoCodec:
    codec = ProtoCodec()

    def never(data: bytes) -> Any:
        raise codec.not_hot[0]

    codec.hot = never
    return codec


@dataclass(frozen=True)
class Way:
    """One column of the table."""

    name: str
    make: Callable[[], Codec]
    frames: Sequence[bytes]


def _measure(way: Way, look: Look) -> float:
    """Microseconds an update."""
    protocol = SpotProtocol(way.make(), connection="spot/depth")
    protocol.subscribe([protocol.add(SubscriptionKey(Channel.DEPTH, MARKET))])
    protocol.receive(way.frames[:1], 0.0)
    updates = way.frames[1:]
    seen = 0
    started = time.perf_counter()
    for at in range(0, len(updates), _READ):
        for _, events in protocol.receive(updates[at : at + _READ], 0.0):
            for event in events:  # type: ignore[union-attr]
                look(event)  # type: ignore[arg-type]
                seen += 1
    spent = time.perf_counter() - started
    if seen != len(updates) or protocol.decode_errors:
        raise ValueError(f"{way.name}: {seen} of {len(updates)} updates came")
    return spent / seen * 1e6


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.decode", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--n", type=int, default=50_000, help="updates a round (50000)")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args(arguments)
    feed = depth_feed(options.n)
    in_json = [feed.snapshot("1"), *feed.updates]
    as_proto = [in_proto(data) for data in in_json]
    ways = [
        Way("JSON", JsonCodec, in_json),
        Way("protobuf", ProtoCodec, as_proto),
        Way("parser", _parser_only, as_proto),
    ]
    sizes = [sum(map(len, frames)) / len(frames) for frames in (in_json, as_proto)]
    print(f"bytes a frame: JSON {sizes[0]:.0f}, protobuf {sizes[1]:.0f}: {sizes[1] / sizes[0]:.2f}\n")
    print("| µs an update | JSON | protobuf | protobuf ÷ JSON | parser | parser ÷ JSON |")
    print("|---|---:|---:|---:|---:|---:|")
    for name, look in (("event", _nothing), ("event + levels", _text), ("event + Decimal", _numbers)):
        spent: dict[str, list[float]] = {way.name: [] for way in ways}
        for _ in range(options.rounds):
            for way in ways:
                spent[way.name].append(_measure(way, look))
        json, proto, plain = (median(spent[way.name]) for way in ways)
        print(f"| {name} | {json:.2f} | {proto:.2f} | {proto / json:.2f} | {plain:.2f} | {plain / json:.2f} |")


if __name__ == "__main__":
    main()
