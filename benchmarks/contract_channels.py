"""What a hundred contract books cost in one process: threads, memory, processor time.

    python -m benchmarks.contract_channels [--channels 100] [--seconds 20] [--rate 2]

A local exchange with so many contracts runs in a process of its own; a ContractClient keeps the book of each, over a
socket and on a reader thread for each.  The same client with one channel tells what the process needs anyway.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

from bigone_sync import Backoff, ContractClient, Limits

__all__ = ["main"]

_CONNECT = 120.0


def _resident() -> float:
    """MiB that this process has in memory now."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def serve(channels: int, rate: float) -> None:
    """Be the exchange, until standard input ends."""
    from bigone_sync.testing import LocalExchange

    symbols = [f"C{number:03}USDT" for number in range(channels)]
    with LocalExchange(markets=(), contracts=symbols, rate=rate) as exchange:
        print(json.dumps({"url": exchange.contract_url, "symbols": symbols}), flush=True)
        sys.stdin.read()


def measure(url: str, symbols: Sequence[str], seconds: float) -> dict[str, Any]:
    """Keep the books for so long."""
    before = _resident()
    limits = Limits(max_connections=len(symbols), dial_interval=0.005)
    client = ContractClient(url=url, limits=limits, backoff=Backoff(initial=0.1))
    books = [client.order_book(symbol) for symbol in symbols]
    started = time.monotonic()
    with client:
        client.wait_ready(_CONNECT)
        began = time.monotonic()
        cpu, frames = time.process_time(), client.stats().frames
        client.wait(seconds)
        spent, stats = time.process_time() - cpu, client.stats()
        passed = time.monotonic() - began
        return {
            "threads": threading.active_count(),
            "memory": _resident() - before,
            "ready": began - started,
            "cpu": spent / passed * 100,
            "frames": (stats.frames - frames) / passed,
            "live": sum(book.is_live for book in books),
            "reconnects": stats.reconnects,
        }


def _run(channels: int, seconds: float, rate: float) -> dict[str, Any]:
    here = [sys.executable, "-m", "benchmarks.contract_channels"]
    command = [*here, "--serve", "--channels", str(channels), "--rate", str(rate)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        try:
            told = json.loads(server.stdout.readline())
            job = json.dumps({"seconds": seconds, **told})
            done = subprocess.run([*here, "--measure", job], stdout=subprocess.PIPE, text=True, check=True)
        finally:
            server.stdin.close()
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.contract_channels", description="Many contract books.")
    parser.add_argument("--channels", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rate", type=float, default=2.0, help="things that happen in each contract, per second")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.serve:
        serve(options.channels, options.rate)
        return
    if options.measure:
        print(json.dumps(measure(**json.loads(options.measure))))
        return
    print("| channels | books live | threads | MiB more | ready after s | frames/s | % of a core | reconnects |")
    print("|---:|---:|---:|---:|---:|---:|---:|---:|")
    for channels in (1, options.channels):
        found = _run(channels, options.seconds, options.rate)
        print(
            f"| {channels} | {found['live']} | {found['threads']} | {found['memory']:.1f} | {found['ready']:.2f}"
            f" | {found['frames']:.0f} | {found['cpu']:.1f} | {found['reconnects']} |"
        )


if __name__ == "__main__":
    main()
